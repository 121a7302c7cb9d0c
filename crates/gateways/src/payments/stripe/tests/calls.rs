use super::*;
use crate::test_peer::{Log, nobody};

async fn opened(order: &Order) -> Recorded {
    let peer = Peer::start([Reply::json(200, &session(&json!({})).to_string())]).await;
    let checkout = stripe(&peer.base).create_checkout(order).await.unwrap();
    assert_eq!(checkout.reference.as_deref(), Some(SESSION));
    assert_eq!(checkout.way, CheckoutWay::Page("http://127.0.0.1:1/c/pay/cs_test_a1#frag".to_owned()));
    peer.request()
}

#[tokio::test]
async fn opening_sends_what_stripes_own_library_sends() {
    let request = opened(&order()).await;
    let example = &recorded()[0];
    assert_eq!(request.method, example["method"].as_str().unwrap());
    assert_eq!(request.target, example["path"].as_str().unwrap());
    for name in ["Content-Type", "Stripe-Version"] {
        assert_eq!(request.header(&name.to_lowercase()), example["headers"][name].as_str(), "{name}");
    }
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("idempotency-key"), Some(PAYMENT));
    assert!(request.header("x-signature").is_some());

    // The example's own names and values for ours, and what we send besides.
    let text = example["body"].as_str().unwrap().replace("order_id", "payment_id");
    let mut expected: BTreeMap<String, String> = fields(text.as_bytes()).into_iter().collect();
    for (key, value) in [
        ("client_reference_id", PAYMENT),
        ("metadata[payment_id]", PAYMENT),
        ("payment_intent_data[metadata][payment_id]", PAYMENT),
        ("success_url", "https://shop.example/back?a=1&b=c dé"),
        ("cancel_url", "https://shop.example/back?a=1&b=c dé"),
        ("expires_at", "1795432500"),
        ("customer_email", "a+b@b.co"),
        ("line_items[0][price_data][unit_amount]", "5999"),
    ] {
        assert!(expected.insert(key.to_owned(), value.to_owned()).is_some(), "{key} is in the example");
    }
    expected.insert("locale".to_owned(), "fr".to_owned());
    let sent = fields(&request.body);
    assert_eq!(sent.len(), expected.len(), "no field twice");
    assert_eq!(sent.into_iter().collect::<BTreeMap<_, _>>(), expected);

    // Brackets as they are, values escaped as the library does.
    let body = std::str::from_utf8(&request.body).unwrap();
    assert!(body.contains("&metadata[payment_id]="), "{body}");
    assert!(body.contains("&line_items[0][price_data][product_data][name]=Signaux+%E2%80%93+30+j"), "{body}");
    assert!(body.contains("&customer_email=a%2Bb%40b.co"), "{body}");
}

#[tokio::test]
async fn a_repetition_is_the_same_byte_for_byte() {
    let (first, second) = (opened(&order()).await, opened(&order()).await);
    assert_eq!((first.body, first.target), (second.body, second.target));
}

#[tokio::test]
async fn an_amount_without_decimals_is_sent_as_it_is() {
    let request = opened(&Order { amount: Money::new(15_000, Currency::Xof), ..order() }).await;
    let sent: BTreeMap<_, _> = fields(&request.body).into_iter().collect();
    assert_eq!(sent["line_items[0][price_data][currency]"], "xof");
    assert_eq!(sent["line_items[0][price_data][unit_amount]"], "15000");
}

#[tokio::test]
async fn a_checkout_stays_open_for_half_an_hour_after_its_quote_and_never_longer_than_a_day() {
    for (lifetime, closes) in
        [(Duration::ZERO, 1_800), (Duration::hours(1), 5_400), (Duration::days(3), 86_400)]
    {
        let request = opened(&Order { expires_at: WALL + lifetime, ..order() }).await;
        let sent: BTreeMap<_, _> = fields(&request.body).into_iter().collect();
        assert_eq!(sent["expires_at"], (WALL_UNIX + closes).to_string());
    }
}

#[tokio::test]
async fn a_payer_is_remembered_only_on_request_and_then_recognised() {
    let method = Some(MethodToken(SecretString::from("cus_42")));
    for (method, remember, expected) in [
        (None, false, vec![("customer_email", "a+b@b.co")]),
        (
            None,
            true,
            vec![
                ("customer_creation", "always"),
                ("customer_email", "a+b@b.co"),
                ("payment_intent_data[setup_future_usage]", "on_session"),
            ],
        ),
        (method.clone(), false, vec![("customer", "cus_42")]),
        (
            method,
            true,
            vec![("customer", "cus_42"), ("payment_intent_data[setup_future_usage]", "on_session")],
        ),
    ] {
        let mut order = order();
        order.payer.method = method;
        order.payer.remember = remember;
        let sent: BTreeMap<_, _> = fields(&opened(&order).await.body).into_iter().collect();
        let about_payer = |key: &str| key.starts_with("customer") || key.contains("setup_future_usage");
        let sent: Vec<(&str, &str)> = sent
            .iter()
            .filter(|(key, _)| about_payer(key))
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(sent, expected);
    }
}

async fn fetched(changes: &Value) -> Result<View, ProviderError> {
    let peer = Peer::start([Reply::json(200, &session(changes).to_string())]).await;
    stripe(&peer.base).fetch(&inquiry()).await
}

#[tokio::test]
async fn asking_reads_the_session_with_its_charge_as_stripes_own_library_does() {
    let peer = Peer::start([Reply::json(200, &session(&json!({})).to_string())]).await;
    stripe(&peer.base).fetch(&inquiry()).await.unwrap();
    let (request, example) = (peer.request(), &recorded()[2]);
    assert_eq!(request.method, example["method"].as_str().unwrap());
    assert_eq!(request.target, example["path"].as_str().unwrap().replace("cs_test_1", SESSION));
    assert_eq!(request.header("stripe-version"), example["headers"]["Stripe-Version"].as_str());
    assert_eq!(request.header("idempotency-key"), None);
}

#[tokio::test]
async fn without_a_name_nothing_is_asked_and_the_core_opens_it_again() {
    let peer = Peer::start([]).await;
    let unnamed = Inquiry { reference: None, ..inquiry() };
    assert_eq!(stripe(&peer.base).fetch(&unnamed).await.unwrap(), View::NeverOpened);
    assert_eq!(stripe(&peer.base).cancel(&unnamed).await.unwrap(), Cancelled::Closed);
    assert!(peer.requests().is_empty());
}

fn stated(at: Instant, claim: Claim, amount: Option<Money>, transaction: Option<&str>) -> Statement {
    Statement::new(at, claim)
        .of(amount)
        .named(Some(SESSION.to_owned()))
        .moved_by(transaction.map(str::to_owned))
        .in_mode(Some(Mode::Test))
}

fn paid(charge: &Value) -> Value {
    let mut whole = json!({"id": "ch_1", "created": WALL_UNIX - 60, "currency": "eur", "amount_refunded": 0});
    whole.as_object_mut().unwrap().extend(charge.as_object().unwrap().clone());
    json!({
        "status": "complete", "payment_status": "paid", "url": null,
        "payment_intent": {"id": "pi_1", "status": "succeeded", "latest_charge": whole},
    })
}

#[tokio::test]
async fn a_session_becomes_everything_that_it_claims() {
    let intent = |status: &str, error: Value| {
        json!({"status": "complete", "payment_status": "unpaid",
            "payment_intent": {"id": "pi_1", "status": status, "last_payment_error": error, "latest_charge": "ch_1"}})
    };
    let failed = |reason: &str| Claim::Failed { reason: reason.to_owned() };
    let moved = Some("pi_1");
    let charged = WALL - Duration::minutes(1);
    let success = || stated(charged, Claim::Succeeded, Some(eur(5_999)), moved);
    let foreign =
        json!({"status": "complete", "payment_status": "paid", "currency": "zzz", "payment_intent": "pi_1"});
    let cases = [
        (json!({}), vec![]),
        (json!({"status": "a_new_word"}), vec![]),
        (paid(&json!({})), vec![success()]),
        (
            json!({"status": "complete", "payment_status": "paid", "amount_total": 1, "payment_intent": "pi_1"}),
            vec![stated(WALL, Claim::Succeeded, Some(eur(1)), moved)],
        ),
        (foreign, vec![stated(WALL, Claim::Succeeded, None, moved)]),
        (
            paid(&json!({"amount_refunded": 1000})),
            vec![success(), stated(WALL, Claim::Refunded, Some(eur(1_000)), moved)],
        ),
        (
            json!({"status": "expired", "expires_at": WALL_UNIX - 60}),
            vec![stated(charged, Claim::Expired, None, None)],
        ),
        // Closed before its time: true as of now.
        (json!({"status": "expired"}), vec![stated(WALL, Claim::Expired, None, None)]),
        (intent("processing", json!(null)), vec![]),
        (
            intent(
                "requires_payment_method",
                json!({"code": "card_declined", "decline_code": "insufficient_funds"}),
            ),
            vec![stated(WALL, failed("insufficient_funds"), None, moved)],
        ),
        (
            intent("canceled", json!({"code": "two words", "message": "x"})),
            vec![stated(WALL, failed("failed"), None, moved)],
        ),
        (intent("canceled", json!(null)), vec![stated(WALL, failed("payment_failed"), None, moved)]),
    ];
    for (changes, statements) in cases {
        let expected = View::known(Some(SESSION.to_owned()), statements);
        assert_eq!(fetched(&changes).await.unwrap(), expected, "{changes}");
    }
}

#[tokio::test]
async fn a_remembered_card_is_told_by_its_brand_and_last_digits() {
    for (card, display) in [
        (json!({"brand": "visa", "last4": "4242"}), Some("Visa •••• 4242")),
        (json!({"brand": "a_new_brand", "last4": "0005"}), Some("Card •••• 0005")),
        (json!({"brand": "visa", "last4": "4242424242424242"}), None),
        (json!({"brand": "visa"}), None),
    ] {
        let mut changes = paid(&json!({"payment_method_details": {"type": "card", "card": card}}));
        assert!(
            matches!(fetched(&changes).await.unwrap(), View::Known { method: None, .. }),
            "nobody asked to be remembered"
        );
        changes["customer"] = json!("cus_42");
        let View::Known { method, .. } = fetched(&changes).await.unwrap() else { panic!("it is known") };
        assert_eq!(method.as_ref().map(|method| method.display.as_str()), display);
        let token = MethodToken(SecretString::from("cus_42"));
        assert!(method.is_none_or(|method| method.token == token));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_believed_leaves_the_payment_unknown() {
    let other = "019400c5-9c00-7000-8000-000000000002";
    for changes in [
        json!({"client_reference_id": other, "metadata": {"payment_id": other}}),
        json!({"client_reference_id": null, "metadata": null}),
        json!({"id": "../../v1/accounts"}),
        json!({"amount_total": 59.99}),
        json!({"status": 7}),
    ] {
        let error = fetched(&changes).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{changes}: {error:?}");
    }
    for url in [json!(null), json!("javascript:alert(1)"), json!("/relative")] {
        let peer = Peer::start([Reply::json(200, &session(&json!({"url": url})).to_string())]).await;
        let error = stripe(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_reference_that_is_no_name_of_stripes_goes_into_no_path() {
    let peer = Peer::start([]).await;
    for reference in ["../refunds", "cs_1?x=1", "cs 1", ""] {
        let strange = Inquiry { reference: Some(reference.to_owned()), ..inquiry() };
        assert_eq!(kind(&stripe(&peer.base).fetch(&strange).await.unwrap_err()), "refused");
        assert_eq!(kind(&stripe(&peer.base).cancel(&strange).await.unwrap_err()), "refused");
    }
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn closing_says_whether_the_payer_can_still_pay() {
    let closed = || error_reply(400, "invalid_request_error", "resource_invalid_state");
    let shown = |changes: Value| Reply::json(200, &session(&changes).to_string());
    let cases = [
        (vec![shown(json!({"status": "expired"}))], Cancelled::Closed),
        (vec![closed(), shown(json!({"status": "expired"}))], Cancelled::Closed),
        (vec![closed(), shown(paid(&json!({})))], Cancelled::StillPayable),
        (vec![closed(), shown(json!({"status": "open"}))], Cancelled::StillPayable),
    ];
    for (replies, expected) in cases {
        let peer = Peer::start(replies).await;
        assert_eq!(stripe(&peer.base).cancel(&inquiry()).await.unwrap(), expected);
        let first = &peer.requests()[0];
        assert_eq!(
            (first.method.as_str(), first.target.as_str()),
            ("POST", "/v1/checkout/sessions/cs_test_a1/expire")
        );
        assert_eq!(first.header("stripe-version"), Some(API_VERSION));
        assert!(first.body.is_empty());
    }
    for reply in [
        Reply::page(400),
        Reply::page(404),
        error_reply(404, "invalid_request_error", "resource_missing"),
        Reply::Cut,
    ] {
        let peer = Peer::start([reply]).await;
        assert_eq!(kind(&stripe(&peer.base).cancel(&inquiry()).await.unwrap_err()), "unknown");
    }
}

#[tokio::test]
async fn every_refusal_says_whether_the_same_key_may_be_sent_again() {
    let cases = [
        (error_reply(400, "invalid_request_error", "amount_too_small"), "refused", "amount_too_small"),
        (error_reply(402, "card_error", "two words"), "refused", "card_error"),
        (error_reply(400, "idempotency_error", ""), "unknown", "idempotency_error"),
        (error_reply(401, "invalid_request_error", "api_key_expired"), "unavailable", "api_key_expired"),
        (error_reply(403, "invalid_request_error", ""), "unavailable", "invalid_request_error"),
        (
            error_reply(409, "idempotency_error", "idempotency_key_in_use"),
            "unavailable",
            "idempotency_key_in_use",
        ),
        (error_reply(429, "invalid_request_error", "rate_limit"), "unavailable", "rate_limit"),
        (error_reply(500, "api_error", ""), "unknown", "api_error"),
        (Reply::json(400, "{}"), "unknown", "status 400"),
        (Reply::page(404), "unknown", "status 404"),
        (Reply::page(502), "unknown", "status 502"),
        (Reply::page(302), "unknown", "status 302"),
        (Reply::json(200, "not json"), "unknown", "cannot be read"),
        (Reply::Cut, "unknown", "the provider's answer is unknown"),
    ];
    for (reply, expected, said) in cases {
        let peer = Peer::start([reply]).await;
        let error = stripe(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{error:?}");
        let shown = error.to_string();
        assert!(shown.contains(said) && !shown.contains("canary"), "{shown}");
        assert_eq!(peer.requests().len(), 1, "repeating is the caller's decision");
    }
    let error = stripe(&nobody().await).create_checkout(&order()).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable", "{error:?}");
}

#[tokio::test]
async fn a_session_that_this_key_does_not_see_says_nothing_about_the_payment() {
    let peer = Peer::start([error_reply(404, "invalid_request_error", "resource_missing")]).await;
    assert_eq!(kind(&stripe(&peer.base).fetch(&inquiry()).await.unwrap_err()), "unknown");
}

#[tokio::test]
async fn nothing_secret_is_logged_and_a_refused_key_is_told_to_the_operator() {
    let (log, _guard) = Log::start();
    let opened = Reply::json(200, &session(&json!({})).to_string());
    let peer = Peer::start([error_reply(401, "invalid_request_error", ""), opened]).await;
    let stripe = stripe(&peer.base);
    stripe.create_checkout(&order()).await.unwrap_err();
    stripe.create_checkout(&order()).await.unwrap();
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("Stripe refuses our key"), "{text}");
    for secret in ["canary", "whsec", "v1=", "#frag", "shop.example", "b.co"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
