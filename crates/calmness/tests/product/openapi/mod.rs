//! `/api/openapi.json`: the document says what the router does.

mod bodies;
mod foreign;
mod matrix;
mod routes;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::World;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(world: &World) -> Value {
    world.get("/api/openapi.json").await.expect(200).body
}

/// Every documented operation: method, address with examples for its parameters, and what the document says of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = path
            .replace("{id}", "018f2b7e-0000-7000-8000-000000000000")
            .replace("{provider}", "hmac_psp")
            .replace("{code}", "signaux-weekly")
            .replace("{key}", "company_name");
        assert!(!address.contains('{'), "an example is missing for {path}");
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((method.to_uppercase(), address.clone(), operation.clone()));
            }
        }
    }
    operations
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the list is as long as the API")]
async fn the_document_lists_these_operations() {
    let world = World::new().await;
    let document = document(&world).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut lines: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            METHODS
                .iter()
                .filter(|method| item.get(**method).is_some())
                .map(move |method| format!("{path} {method}"))
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    /api/admin/alerts get
    /api/admin/alerts/{id}/acknowledge post
    /api/admin/approvals get
    /api/admin/approvals/{id} get
    /api/admin/approvals/{id}/confirm post
    /api/admin/approvals/{id}/reject post
    /api/admin/audit get
    /api/admin/audit/export get
    /api/admin/audit/head get
    /api/admin/audit/verify post
    /api/admin/channels get
    /api/admin/channels post
    /api/admin/incident get
    /api/admin/incident/evidence post
    /api/admin/incident/pause-purchases post
    /api/admin/incident/replay post
    /api/admin/incident/resume-purchases post
    /api/admin/incident/revoke-sessions post
    /api/admin/incident/rotate-keys post
    /api/admin/journal get
    /api/admin/keys get
    /api/admin/keys/rotate post
    /api/admin/payments get
    /api/admin/payments/export get
    /api/admin/payments/{id} get
    /api/admin/payments/{id}/confirm post
    /api/admin/payments/{id}/refund post
    /api/admin/plans get
    /api/admin/plans post
    /api/admin/plans/{code} patch
    /api/admin/quarantine get
    /api/admin/quarantine/{id}/accept post
    /api/admin/quarantine/{id}/reject post
    /api/admin/refunds get
    /api/admin/refunds/export get
    /api/admin/settings get
    /api/admin/settings/{key} delete
    /api/admin/settings/{key} get
    /api/admin/settings/{key} put
    /api/admin/settings/{key}/cancel post
    /api/admin/settings/{key}/history get
    /api/admin/settings/{key}/restore post
    /api/admin/stats get
    /api/admin/subscriptions get
    /api/admin/subscriptions/export get
    /api/admin/subscriptions/grant post
    /api/admin/subscriptions/{id} get
    /api/admin/subscriptions/{id}/extend post
    /api/admin/subscriptions/{id}/revoke post
    /api/admin/users get
    /api/admin/users/{id} get
    /api/admin/users/{id}/freeze post
    /api/admin/users/{id}/role post
    /api/admin/users/{id}/sessions/revoke post
    /api/admin/users/{id}/unfreeze post
    /api/admin/webhook-events get
    /api/admin/webhook-events/{id}/replay post
    /api/auth/api-keys get
    /api/auth/api-keys post
    /api/auth/api-keys/{id} delete
    /api/auth/email/resend post
    /api/auth/email/verify post
    /api/auth/factors get
    /api/auth/login post
    /api/auth/logout post
    /api/auth/logout-all post
    /api/auth/mfa/sms post
    /api/auth/mfa/verify post
    /api/auth/password/change post
    /api/auth/password/forgot post
    /api/auth/password/reset post
    /api/auth/recovery-codes post
    /api/auth/refresh post
    /api/auth/register post
    /api/auth/sessions delete
    /api/auth/sessions get
    /api/auth/sessions/{id} delete
    /api/auth/sms delete
    /api/auth/sms/confirm post
    /api/auth/sms/enroll post
    /api/auth/sms/send post
    /api/auth/step-up post
    /api/auth/totp delete
    /api/auth/totp/confirm post
    /api/auth/totp/enroll post
    /api/billing/payment-methods get
    /api/billing/payment-methods post
    /api/billing/payment-methods/{id} delete
    /api/billing/payments get
    /api/billing/payments/init post
    /api/billing/payments/{id} get
    /api/billing/payments/{id}/receipt get
    /api/billing/plans get
    /api/billing/providers get
    /api/billing/receipt-key get
    /api/billing/subscription get
    /api/billing/subscriptions get
    /api/me delete
    /api/me get
    /api/me patch
    /api/me/erasure delete
    /api/me/export get
    /api/telegram/access get
    /api/telegram/link delete
    /api/telegram/link get
    /api/telegram/link post
    /api/webhooks/telegram post
    /api/webhooks/twilio post
    /api/webhooks/{provider} post
    /api/webhooks/{provider} put
    /healthz get
    /readyz get
    ");
    world.finish().await;
}

#[tokio::test]
async fn every_documented_operation_is_served_and_no_other_method_is() {
    let world = World::new().await;
    let document = document(&world).await;
    let documented = operations(&document);
    let pairs: BTreeSet<(String, String)> =
        documented.iter().map(|(method, path, _)| (method.clone(), path.clone())).collect();
    let addresses: BTreeSet<&String> = documented.iter().map(|(_, path, _)| path).collect();
    for address in addresses {
        for method in METHODS.map(str::to_uppercase) {
            let status = world.call(&method, address).send().await.status;
            if pairs.contains(&(method.clone(), address.clone())) {
                assert!(
                    ![404, 405].contains(&status),
                    "{method} {address} is documented and answers {status}"
                );
            } else {
                assert_eq!(status, 405, "{method} {address} is not documented");
            }
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_documented_as_protected_refuses_strangers_and_nothing_else_does() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut protected = 0;
    for (method, address, operation) in operations(&document) {
        let answer = world.call(&method, &address).send().await;
        let refused = answer.problem() == (401, "unauthorized");
        assert_eq!(refused, operation.get("security").is_some(), "{method} {address}: {}", answer.text);
        protected += usize::from(refused);
    }
    assert!(protected > 8, "{protected}");
    world.finish().await;
}

#[tokio::test]
async fn answers_have_a_documented_status() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let document = document(&world).await;
    for (method, address, operation) in operations(&document) {
        let documented: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
        let stranger = world.call(&method, &address).send().await;
        let customer = world.call(&method, &address).by(&customer).json(&serde_json::json!({})).send().await;
        for answer in [stranger, customer] {
            // Said once for all operations: bodies that are no JSON, too long, or of another type.
            let general = [400, 413, 415].contains(&answer.status);
            let told = documented.iter().any(|status| **status == answer.status.to_string());
            assert!(general || told, "{method} {address} answered {}: {documented:?}", answer.status);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let world = World::new().await;
    let document = document(&world).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    world.finish().await;
}

#[tokio::test]
async fn there_is_a_page_for_people() {
    let world = World::new().await;
    let page = world.get("/api/docs/").await.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("script-src 'self' 'unsafe") && !policy.contains('*'), "{policy}");
    world.finish().await;
}
