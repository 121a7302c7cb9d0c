//! A database of one environment opens nothing in another (SEC-26, Q4).

use calmness::config::Environment;

use super::{beside, try_beside};
use crate::support::World;

#[tokio::test]
async fn sec_26_a_database_of_another_environment_is_refused_in_a_sentence() {
    let world = World::new().await;
    let refused = try_beside(&world, |config| config.environment = Environment::Staging).await;
    let refused = refused.err().expect("staging").to_string();
    assert!(
        refused.starts_with("this database belongs to development, and this process runs as staging"),
        "{refused}"
    );
    // Not by the word alone: without it the ciphertexts themselves refuse.
    world.sql("UPDATE data_keys SET environment = 'staging'").await;
    let refused = try_beside(&world, |config| config.environment = Environment::Staging).await;
    let refused = refused.err().expect("staging").to_string();
    assert!(refused.contains("belongs to another row or environment"), "{refused}");
    // A database from before the word was kept learns it from the first process that opens it.
    world.sql("UPDATE data_keys SET environment = NULL").await;
    beside(&world, |_| {}).await;
    assert_eq!(world.count("SELECT count(*) FROM data_keys WHERE environment = 'development'").await, 1);
    world.finish().await;
}
