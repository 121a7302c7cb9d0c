//! What people see while purchases pause.

use application::Context;

use super::browser::Browser;
use crate::support::World;

#[tokio::test]
async fn i2_the_dashboard_says_in_both_languages_that_purchases_pause_and_has_no_form() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut browser = Browser::of(&world, &customer.email).await;
    let open = browser.open("/dashboard").await;
    assert!(open.text.contains("action=\"/dashboard/payments\""));
    world.app.pause_purchases(&Context::operator(), "a drill").await.unwrap();
    let paused = browser.open("/dashboard").await;
    assert!(paused.text.contains("Les nouveaux achats sont suspendus"), "{}", paused.text);
    assert!(!paused.text.contains("action=\"/dashboard/payments\""));
    // The form of a page from before leads to a page that says why.
    let offer = [("offer", "hmac_psp:EUR")];
    let refused = browser.submit(&open, "/dashboard/payments", &offer).await;
    assert_eq!(refused.status, 503);
    assert!(refused.text.contains("Achats suspendus"), "{}", refused.text);
    world.sql("UPDATE users SET locale = 'en'").await;
    let english = browser.open("/dashboard").await;
    assert!(english.text.contains("New purchases are paused for a moment."), "{}", english.text);
    world.app.resume_purchases(&Context::operator(), "over").await.unwrap();
    assert!(browser.open("/dashboard").await.text.contains("action=\"/dashboard/payments\""));
    assert_eq!(world.take_server_errors().len(), 1);
    world.finish().await;
}
