//! `/api/billing/payments`: one's own payments, and where the money is.

use serde_json::{Value, json};

use crate::support::{World, masked};

#[tokio::test]
async fn a_payment_tells_each_step_of_its_money() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    let steps = async || {
        let shown = world.payment(&customer, &payment).await;
        let steps = shown["steps"].as_array().unwrap().clone();
        steps
            .into_iter()
            .map(|step| (step["name"].as_str().unwrap().to_owned(), step["at"].is_string()))
            .collect::<Vec<_>>()
    };
    let reached = |names: [bool; 5]| {
        let steps = ["created", "accepted", "settled", "extended", "access"];
        steps.into_iter().map(ToOwned::to_owned).zip(names).collect::<Vec<_>>()
    };
    assert_eq!(steps().await, reached([true, true, false, false, false]));
    world.pay(&payment).await;
    world.drain().await;
    assert_eq!(steps().await, reached([true, true, true, true, false]));
    world.link_telegram(&customer, 7_001).await;
    assert_eq!(steps().await, reached([true; 5]));
    insta::assert_snapshot!(masked(&world.payment(&customer, &payment).await), @r#"
    {
      amount: 1999
      checkout_url: null
      created_at: [instant]
      currency: "EUR"
      expires_at: [instant]
      failure_reason: null
      id: [id]
      instructions: null
      late: false
      mode: "test"
      phase: "awaiting"
      plan_code: "signaux-weekly"
      provider: "hmac_psp"
      refunded_amount: 0
      settled_at: [instant]
      status: "succeeded"
      steps: [
        {
          at: [instant]
          name: "created"
        }
        {
          at: [instant]
          name: "accepted"
        }
        {
          at: [instant]
          name: "settled"
        }
        {
          at: [instant]
          name: "extended"
        }
        {
          at: [instant]
          name: "access"
        }
      ]
      under_review: false
    }
    "#);
    world.finish().await;
}

#[tokio::test]
async fn the_list_is_paged_newest_first_without_gaps() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut bought = Vec::new();
    for number in 0..7 {
        let plan = if number % 2 == 0 { "signaux-weekly" } else { "signaux-monthly" };
        bought.insert(0, world.buy(&customer, &format!("k{number}"), plan).await["id"].clone());
    }
    let (mut seen, mut pages, mut path): (Vec<Value>, _, _) =
        (Vec::new(), 0, "/api/billing/payments?limit=3".to_owned());
    loop {
        let page = world.get_by(&customer, &path).await.expect(200).body;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/billing/payments?limit=3&cursor={cursor}");
    }
    assert_eq!((pages, seen), (3, bought));
    let all = world.get_by(&customer, "/api/billing/payments").await.expect(200).body;
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next_cursor"]), (7, &json!(null)));
    world.finish().await;
}

#[tokio::test]
async fn a_page_has_1_to_100_rows() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    for (query, status) in [
        ("limit=1", 200),
        ("limit=100", 200),
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=-1", 422),
        ("limit=x", 422),
        ("limit=99999999999999999999", 422),
        ("cursor=x", 422),
        ("cursor=018f2b7e-0000-7000-8000-000000000000", 200),
        ("page=2", 422),
    ] {
        let answer = world.get_by(&customer, &format!("/api/billing/payments?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn somebody_elses_payment_is_the_same_as_none() {
    let world = World::new().await;
    let (awa, moussa) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let payment = world.open(&awa, "k1", "signaux-weekly").await;
    let id = payment["id"].as_str().unwrap();
    let mut answers = Vec::new();
    for path in [id, "018f2b7e-0000-7000-8000-000000000000", "x", "../payments"] {
        answers.push(world.get_by(&moussa, &format!("/api/billing/payments/{path}")).await);
    }
    let shown: Vec<String> = answers[..3].iter().map(crate::support::Answer::shown).collect();
    assert!(shown.iter().all(|answer| *answer == shown[0] && answer.contains("not_found")), "{shown:#?}");
    assert_eq!(world.get_by(&moussa, "/api/billing/payments").await.body["items"], json!([]));
    world.get(&format!("/api/billing/payments/{id}")).await.expect(401);
    world.finish().await;
}

#[tokio::test]
async fn the_payer_who_comes_back_makes_us_ask_at_once() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.fault(json!({ "peer": "psp_webhooks", "fault": "drop", "times": 1 })).await;
    world.pay(&payment).await;
    assert_eq!(world.drain_once().await, 0, "nothing is due");
    let id = payment["id"].as_str().unwrap().parse().unwrap();
    world.app.check_payment_soon(domain::ids::UserId::from_uuid(customer.id), id).await.unwrap();
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    world.finish().await;
}

#[tokio::test]
async fn a_receipt_verifies_offline_with_the_published_key_and_not_when_changed() {
    let world = World::new().await;
    let customer = world.customer().await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    let path = format!("/api/billing/payments/{}/receipt", payment["id"].as_str().unwrap());
    assert_eq!(world.get_by(&customer, &path).await.problem(), (409, "not_paid"));
    world.pay(&payment).await;
    world.drain().await;
    let answer = world.get_by(&customer, &path).await.expect(200);
    let receipt = &answer.body["receipt"];
    assert_eq!(
        (receipt["number"].as_str(), receipt["amount_decimal"].as_str()),
        (payment["id"].as_str(), Some("59.99"))
    );
    let keys = world.get("/api/billing/receipt-key").await.expect(200);
    let folder = tempfile::tempdir().unwrap();
    let verify = |receipt: &str| {
        let (file, published) = (folder.path().join("receipt"), folder.path().join("keys"));
        std::fs::write(&file, receipt).unwrap();
        std::fs::write(&published, &keys.text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_calmness"));
        command
            .arg("receipt")
            .arg("verify")
            .arg(&file)
            .arg("--keys")
            .arg(&published)
            .env_clear()
            .output()
            .unwrap()
    };
    let genuine = verify(&answer.text);
    assert!(genuine.status.success(), "{genuine:?}");
    assert!(String::from_utf8_lossy(&genuine.stdout).contains("59.99"), "{genuine:?}");
    let jws = answer.text_of("jws");
    let mut parts: Vec<String> = jws.split('.').map(str::to_owned).collect();
    let other_letter = if &parts[1][20..21] == "A" { "B" } else { "A" };
    parts[1].replace_range(20..21, other_letter);
    assert!(!verify(&parts.join(".")).status.success());
    let other = world.made_customer("other").await;
    assert_eq!(world.get_by(&other, &path).await.status, 404);
    world.finish().await;
}
