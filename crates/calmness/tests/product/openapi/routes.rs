//! No route of the router is missing from the document (SEC-21). The router itself is asked, not a list beside it.

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use super::document;
use crate::support::World;

/// The document and its page: they do not describe themselves.
const ABOUT_THE_DOCUMENT: [&str; 4] = ["/api/openapi.json", "/api/docs", "/api/docs/", "/api/docs/{*rest}"];

/// The addresses of a router, from what it says of itself: `RouteId(7): "/api/me"`.
fn addresses<S>(router: &Router<S>) -> BTreeSet<String> {
    let said = format!("{router:?}");
    let entries = said.split("RouteId(").skip(1);
    let found: BTreeSet<String> = entries
        .filter_map(|entry| Some(entry.split_once("): \"")?.1.split_once('"')?.0.to_owned()))
        .filter(|address| address.starts_with('/') && !address.contains("__private__"))
        .collect();
    assert!(found.len() > 10, "the router says nothing of its routes any more: {said}");
    found
}

/// The addresses that are neither documented nor pages.
fn undocumented<S>(router: &Router<S>, document: &Value) -> Vec<String> {
    let documented = document["paths"].as_object().unwrap();
    let pages = addresses(&web::pages::router());
    addresses(router)
        .into_iter()
        .filter(|address| !documented.contains_key(address))
        .filter(|address| !ABOUT_THE_DOCUMENT.contains(&address.as_str()))
        .filter(|address| address.starts_with("/api") || !pages.contains(address))
        .collect()
}

#[tokio::test]
async fn sec_21_every_route_of_the_router_is_documented() {
    let world = World::new().await;
    let document = document(&world).await;
    let router = web::router(world.app.clone(), web::WebOptions::default());
    assert_eq!(undocumented(&router, &document), Vec::<String>::new());
    let served = addresses(&router);
    let paths = document["paths"].as_object().unwrap();
    let missing: Vec<&String> = paths.keys().filter(|path| !served.contains(*path)).collect();
    assert!(missing.is_empty(), "documented and not served: {missing:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_route_that_nobody_documented_is_found() {
    let world = World::new().await;
    let document = document(&world).await;
    let router = web::router(world.app.clone(), web::WebOptions::default());
    let router = router.route("/api/admin/backdoor", get(|| async { "hello" }));
    let router = router.nest("/internal", Router::new().route("/state", get(|| async { "hello" })));
    assert_eq!(undocumented(&router, &document), ["/api/admin/backdoor", "/internal/state"]);
    world.finish().await;
}
