//! What leaves the house for a provider.

use application::Context;
use application::settings::Key;
use serde_json::json;

use super::{FEDAPAY, MTN_MOMO};
use crate::support::World;

#[tokio::test]
async fn a_provider_is_offered_from_the_moment_its_settings_are_kept_and_its_secrets_are_readable_nowhere() {
    let (world, _) = FEDAPAY.world().await;
    let offered = world.get("/api/billing/providers").await.expect(200);
    let fedapay = offered.body["items"].as_array().unwrap().iter().find(|item| item["provider"] == "fedapay");
    assert_eq!(fedapay.unwrap()["currencies"], json!(["XOF"]));
    assert_eq!(fedapay.unwrap()["mode"], "test");
    assert!(!offered.text.contains(crate::support::FEDAPAY_KEY));
    let rows = world.rows("SELECT * FROM admin_config").await;
    assert!(!format!("{rows:?}").contains(&crate::support::hex(crate::support::FEDAPAY_KEY.as_bytes())));
    world.finish().await;
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused_by_name_and_change_nothing() {
    let world = World::new().await;
    for broken in ["", "{}", r#"{"secret_key":"canary-key"}"#, "[]", r#"{"mode":"sometimes"}"#] {
        let refused = world.app.set_setting(&Context::operator(), Key::Fedapay, broken).await.unwrap_err();
        assert!(!refused.to_string().contains("canary"), "{refused}");
    }
    let offered = world.get("/api/billing/providers").await.expect(200);
    assert_eq!(offered.body["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_telephone_is_asked_for_where_the_provider_prompts_it_and_can_be_stored() {
    let (world, customer) = MTN_MOMO.world().await;
    let mut body = MTN_MOMO.order();
    body.as_object_mut().unwrap().remove("phone_number");
    assert_eq!(world.init_with(&customer, "k", &body).await.problem(), (422, "validation_failed"));
    let stored = json!({ "provider": "mtn_momo", "phone_number": "+22997808080" });
    let stored = world.by(&customer, "POST", "/api/billing/payment-methods", &stored).await.expect(201);
    assert_eq!(stored.text_of("display"), "+229 •• •• •• 80");
    body["payment_method_id"] = stored.body["id"].clone();
    let payment = world.init_with(&customer, "k", &body).await.expect(201).body;
    assert_eq!(payment["instructions"]["kind"], "phone_prompt", "{payment}");
    assert!(!payment.to_string().contains("97808080"), "{payment}");
    let other = world.made_customer("other").await;
    assert_eq!(world.init_with(&other, "k", &body).await.problem(), (422, "payment_method_unknown"));
    let path = format!("/api/billing/payment-methods/{}", stored.text_of("id"));
    world.call("DELETE", &path).by(&customer).send().await.expect(204);
    let left = world.get_by(&customer, "/api/billing/payment-methods").await.expect(200);
    assert_eq!(left.body["items"], json!([]));
    world.finish().await;
}
