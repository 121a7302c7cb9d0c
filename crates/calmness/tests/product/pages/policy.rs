//! The strict content policy, and pages that can live with it.

use super::browser::{Browser, links_of};
use crate::support::{Answer, World};

#[track_caller]
fn is_strict(path: &str, page: &Answer) {
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    for part in ["script-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"),
        "{path}: {policy}"
    );
    let html = page.text.to_lowercase();
    assert!(html.starts_with("<!doctype html>"), "{path}");
    let scripts = html.split("<script").skip(1);
    assert!(
        scripts.clone().all(|script| script.trim_start().starts_with("src=\"/assets/")),
        "{path}: a script in the page"
    );
    for inline in [" style=", "<style", " onclick=", " onload=", " onsubmit=", "javascript:"] {
        assert!(!html.contains(inline), "{path}: {inline}");
    }
}

#[tokio::test]
async fn every_page_has_a_strict_policy_and_keeps_to_it() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k1", "signaux-weekly").await;
    let id = payment["id"].as_str().unwrap();
    let mut stranger = Browser::new(&world);
    for path in [
        "/",
        "/signup",
        "/login",
        "/verify?token=x",
        "/verify/resend",
        "/password/forgot",
        "/password/reset?token=x",
    ] {
        is_strict(path, &stranger.open(path).await);
    }
    is_strict("/nothing", &stranger.get("/nothing").await.expect(404));
    let mut browser = Browser::of(&world, &customer.email).await;
    let open = world.open(&customer, "k2", "signaux-monthly").await;
    let way_back = world.way_back(&payment).await;
    let pages = [
        "/dashboard".to_owned(),
        "/".to_owned(),
        "/security".to_owned(),
        "/security/password".to_owned(),
        "/security/app".to_owned(),
        "/security/app/confirm".to_owned(),
        "/security/devices".to_owned(),
        "/security/keys".to_owned(),
        "/security/keys/new".to_owned(),
        "/security/data".to_owned(),
        "/security/data/erase".to_owned(),
        format!("/payments/{id}"),
        way_back,
        format!("/payments/{}", open["id"].as_str().unwrap()),
        format!("/payments/{}/checkout", open["id"].as_str().unwrap()),
    ];
    for path in pages {
        is_strict(&path, &browser.open(&path).await);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_pages_need_nothing_from_elsewhere_and_their_parts_are_kept_for_ever() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let home = browser.open("/").await;
    let assets: Vec<String> = home
        .text
        .split(['"', '\''])
        .filter(|word| word.starts_with("/assets/"))
        .map(ToOwned::to_owned)
        .collect();
    assert!(assets.len() >= 3, "{assets:?}");
    for asset in assets {
        let answer = world.get(&asset).await.expect(200);
        assert!(answer.header("cache-control").unwrap().contains("immutable"), "{asset}");
    }
    let foreign: Vec<String> = links_of(&home).into_iter().filter(|link| link.starts_with("http")).collect();
    assert_eq!(foreign, Vec::<String>::new());
    world.get("/assets/style-0000000000000000.css").await.expect(404);
    world.finish().await;
}
