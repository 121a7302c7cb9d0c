//! Everything moves under the newest key while people read and write (SEC-31).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use application::Context;
use application::keys::COLUMNS;
use crypto::envelope::Label;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::{age, audited, key_of};
use crate::support::World;

const DETAILS: Label = Label::new("payment_methods", "details_encrypted");
/// A full run: `CALMNESS_REWRAP_ROWS=100000 cargo nextest run -p calmness -E 'test(sec_31_values_move)'`.
const ROWS: u64 = 10_000;

fn rows_to_try() -> u64 {
    let variables = calmness::config::environment::variables();
    let asked = variables.into_iter().find(|(name, _)| name == "CALMNESS_REWRAP_ROWS");
    asked.map_or(ROWS, |(_, rows)| rows.parse().unwrap())
}

fn text_of(row: Uuid) -> String {
    format!("details of {row}")
}

/// Stored payment methods, sealed one by one as the product does.
async fn fill(world: &World, user: &Uuid, rows: u64) -> Vec<Uuid> {
    let random = Arc::clone(world.app.random());
    let ids: Vec<Uuid> = (0..rows).map(|row| Uuid::from_u128(0x0193_0000 + u128::from(row))).collect();
    for ids in ids.chunks(1_000) {
        let seal =
            |id: &Uuid| world.app.keys().seal(&*random, &DETAILS, *id, text_of(*id).as_bytes()).unwrap();
        let sealed: Vec<Vec<u8>> = ids.iter().map(seal).collect();
        let insert = sqlx::query(
            "INSERT INTO payment_methods (id, user_id, provider, details_encrypted, created_at)
             SELECT method.id, $3, 'stripe', method.sealed, now() FROM unnest($1::uuid[], $2::bytea[]) AS method (id, sealed)",
        );
        let insert = insert.bind(ids).bind(sealed).bind(user);
        insert.execute(&world.owner).await.unwrap();
    }
    ids
}

async fn read(world: &World, id: Uuid) -> Result<String, String> {
    let query = sqlx::query_scalar("SELECT details_encrypted FROM payment_methods WHERE id = $1").bind(id);
    let sealed: Vec<u8> = query.fetch_one(world.app.db()).await.map_err(|error| error.to_string())?;
    let text = world.app.keys().open_text(&DETAILS, id, &sealed).map_err(|error| error.to_string())?;
    Ok(text.expose_secret().to_owned())
}

/// SEC-31: readers and writers at work all the time, then the old key is revoked.
#[tokio::test]
async fn sec_31_values_move_under_load_without_one_read_error_and_the_old_key_is_revoked() {
    let world = Arc::new(World::new().await);
    let customer = world.made_customer("awa").await;
    let ids = Arc::new(fill(&world, &customer.id, rows_to_try()).await);
    let old = key_of(&world, "payment_methods", "details_encrypted").await;
    let new = world.app.rotate_data_key(&Context::operator()).await.unwrap();
    age(&world, 15).await;
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..2_usize)
        .map(|reader| {
            let (world, ids, stop, reads) =
                (Arc::clone(&world), Arc::clone(&ids), Arc::clone(&stop), Arc::clone(&reads));
            tokio::spawn(async move {
                let mut place = reader * 7_919;
                while !stop.load(Ordering::Relaxed) {
                    place = (place + 6_007) % ids.len();
                    assert_eq!(read(&world, ids[place]).await, Ok(text_of(ids[place])));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let writer = {
        let (world, stop) = (Arc::clone(&world), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let (key, value) =
                    (application::settings::Key::CompanyEmail, format!("c{round}@example.com"));
                world.app.set_setting(&Context::operator(), key, &value).await.unwrap();
                assert!(world.app.settings().holds(key, &value));
            }
        })
    };
    let mut told = Vec::new();
    let outcome =
        world.app.rewrap_values(&Context::operator(), &mut |progress| told.push(progress)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for task in readers.into_iter().chain([writer]) {
        task.await.expect("0 errors");
    }
    assert!(reads.load(Ordering::Relaxed) > 50, "readers were at work: {reads:?}");
    assert_eq!((outcome.data_key, outcome.damaged.len(), outcome.left), (new, 0, 0));
    assert!(outcome.moved >= ids.len() as u64 && told.len() as u64 >= outcome.moved / 200);
    assert_eq!(audited(&world, "values.rewrapped").await[0]["details"]["moved"], json!(outcome.moved));
    age(&world, 2 * 3_600).await;
    world.app.revoke_data_key(&Context::operator(), old).await.unwrap();
    for id in ids.iter().step_by(ids.len() / 100) {
        assert_eq!(read(&world, *id).await, Ok(text_of(*id)));
    }
    Arc::into_inner(world).unwrap().finish().await;
}

#[tokio::test]
async fn sec_31_an_interrupted_run_goes_on_where_it_was() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let ids = fill(&world, &customer.id, 1_000).await;
    let new = world.app.rotate_data_key(&Context::operator()).await.unwrap();
    age(&world, 15).await;
    let under = format!(
        "SELECT count(*) FROM payment_methods WHERE substring(details_encrypted FROM 2 FOR 16) = uuid_send('{new}')"
    );
    // The run is dropped in the middle of whatever it does, as by Ctrl-C.
    let (half, met) = tokio::sync::oneshot::channel();
    let mut half = Some(half);
    let mut told = move |progress: application::keys::RewrapProgress| {
        if progress.done >= 500
            && let Some(half) = half.take()
        {
            half.send(()).unwrap();
        }
    };
    let operator = Context::operator();
    tokio::select! {
        biased;
        _ = met => {}
        _ = world.app.rewrap_values(&operator, &mut told) => panic!("it was interrupted"),
    }
    let done = world.count(&under).await;
    assert!((200..1_000).contains(&done), "{done}");
    let outcome = world.app.rewrap_values(&operator, &mut |_| {}).await.unwrap();
    assert!(outcome.moved <= 1_000 - done.unsigned_abs() + 10, "{outcome:?}");
    assert_eq!(world.count(&under).await, 1_000);
    for id in ids {
        assert_eq!(read(&world, id).await, Ok(text_of(id)));
    }
    let again = world.app.rewrap_values(&operator, &mut |_| {}).await.unwrap();
    assert_eq!((again.moved, again.left), (0, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_damaged_value_is_named_and_left_and_stops_nothing() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let ids = fill(&world, &customer.id, 300).await;
    let broken = "UPDATE payment_methods SET details_encrypted = set_byte(details_encrypted, 40, get_byte(details_encrypted, 40) # 1)";
    assert_eq!(world.sql(&format!("{broken} WHERE id = '{}'", ids[7])).await, 1);
    world.app.rotate_data_key(&Context::operator()).await.unwrap();
    age(&world, 15).await;
    let outcome = world.app.rewrap_values(&Context::operator(), &mut |_| {}).await.unwrap();
    assert_eq!(outcome.damaged, [format!("payment_methods.details_encrypted of {}", ids[7])]);
    assert!(outcome.left == 0 && outcome.moved >= 299, "{outcome:?}");
    assert_eq!(read(&world, ids[8]).await, Ok(text_of(ids[8])));
    world.finish().await;
}

/// SEC-32. Whoever adds an encrypted column adds it to the inventory, or a rewrap would leave it behind.
#[tokio::test]
async fn sec_32_the_inventory_names_every_encrypted_column_with_the_id_of_its_row() {
    let world = World::new().await;
    let columns = world
        .rows(
            "SELECT table_name || '.' || column_name AS name FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name LIKE '%\\_encrypted' AND data_type = 'bytea' ORDER BY 1",
        )
        .await;
    let columns: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect();
    let listed: Vec<_> = COLUMNS.iter().map(|column| column.label.to_string()).collect();
    assert_eq!(listed, columns);
    for column in COLUMNS {
        let query = format!(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = '{}' AND column_name = '{}' AND data_type = 'uuid'",
            column.label.table(),
            column.row_id
        );
        assert_eq!(world.count(&query).await, 1, "{}", column.label);
    }
    world.finish().await;
}
