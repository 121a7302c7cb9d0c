//! Money in: a request to pay, and how it stands.
//!
//! Some telephone numbers decide by themselves, as in MTN's own sandbox; every other one waits for its owner on the page.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, json};
use time::Duration;

use super::{Refusal, account, minor, operation, told};
use crate::{
    connection::Line,
    problem::{Problem, RawBody, parse},
    psp::{
        calls::{linger, with_faults},
        ledger::{self, Outcome},
        payment::{OnPay, Opening, Quote, Way},
        providers::Provider,
    },
    world::World,
};

/// How long a prompt stays on a telephone.
const PROMPT: Duration = Duration::minutes(5);

/// Numbers that are refused at once: those of MTN's sandbox.
const REFUSED: [(&str, &str); 6] = [
    ("46733123455", "PAYER_NOT_FOUND"),
    ("46733123456", "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
    ("46733123459", "INVALID_CALLBACK_URL_HOST"),
    ("46733123460", "INVALID_CURRENCY"),
    ("46733123461", "INTERNAL_PROCESSING_ERROR"),
    ("46733123462", "SERVICE_UNAVAILABLE"),
];

/// Numbers whose requests are taken and fail.
const FAILING: [(&str, &str); 4] = [
    ("46733123450", "INTERNAL_PROCESSING_ERROR"),
    ("46733123451", "APPROVAL_REJECTED"),
    ("46733123452", "EXPIRED"),
    ("46733123463", "COULD_NOT_PERFORM_TRANSACTION"),
];

fn reserved(table: &[(&str, &'static str)], msisdn: &str) -> Option<&'static str> {
    table.iter().find(|(number, _)| *number == msisdn).map(|(_, code)| *code)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestBody {
    amount: String,
    currency: String,
    external_id: String,
    payer: Party,
    payer_message: Option<String>,
    payee_note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Party {
    party_id_type: String,
    party_id: String,
}

/// `POST /mtn_momo/collection/v1_0/requesttopay`
pub(super) async fn request(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        account::check(&world, "collection", &headers)?;
        let environment = account::environment(&headers)?;
        let reference = account::reference_id(&headers)?;
        let body: RequestBody = parse(&body)?;
        if environment == "sandbox" && body.currency != "EUR" {
            return Err(Refusal::of("INVALID_CURRENCY"));
        }
        let msisdn = body.payer.party_id;
        let digits = (8..=15).contains(&msisdn.len()) && msisdn.bytes().all(|byte| byte.is_ascii_digit());
        if body.payer.party_id_type != "MSISDN" || !digits {
            return Err(Refusal::bad_request("payer is an MSISDN without plus"));
        }
        if let Some(code) = reserved(&REFUSED, &msisdn) {
            return Err(Refusal::of(code));
        }
        let amount = minor(&body.amount, &body.currency);
        linger(&world, operation("open")).await;
        let now = world.business_now().await?;
        let quote = Quote {
            payment_id: body.external_id,
            amount: amount.ok_or_else(|| Refusal::bad_request("amount is a positive decimal"))?,
            currency: body.currency,
            description: body.payer_message,
            return_url: world.config.product_url.clone(),
            webhook_url: account::single(&headers, "x-callback-url").map(str::to_owned),
            expires_at: now + PROMPT,
        };
        let (quote, payment_id) = (quote.clone().checked()?, quote.payment_id);
        let failing = reserved(&FAILING, &msisdn);
        let mut extra = Map::from_iter([
            ("msisdn".to_owned(), json!(msisdn)),
            ("note".to_owned(), json!(body.payee_note)),
        ]);
        extra.extend(failing.map(|reason| ("reason".to_owned(), json!(reason))));
        // A reference that is known is refused whatever the body says, also the same.
        if world.ledger.with(|ledger| ledger.named(Provider::MtnMomo, &reference).is_some()) {
            return Err(Refusal::of("RESOURCE_ALREADY_EXIST"));
        }
        let opening = Opening {
            provider: Provider::MtnMomo,
            quote,
            way: Way::Api,
            reference: Some(reference),
            on_pay: OnPay::Charge,
            extra,
        };
        ledger::open(&world, opening, now)?;
        if failing.is_some() {
            ledger::act(&world, &payment_id, Outcome::Refuse, None, now)?;
        }
        Ok(StatusCode::ACCEPTED.into_response())
    };
    with_faults(&world, &line, operation("open"), work).await
}

/// `GET /mtn_momo/collection/v1_0/requesttopay/{reference}`
pub(super) async fn status(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        account::check(&world, "collection", &headers)?;
        account::environment(&headers)?;
        ledger::expire_due(&world, world.business_now().await?);
        let payment = world.ledger.with(|ledger| {
            let named = ledger.named(Provider::MtnMomo, &reference.to_ascii_lowercase());
            named.filter(|payment| payment.reference.eq_ignore_ascii_case(&reference)).cloned()
        });
        let payment = payment.ok_or_else(|| Refusal::from(Problem::not_found("no such request")))?;
        Ok::<_, Refusal>(Json(told(&payment)).into_response())
    };
    with_faults(&world, &line, operation("ask"), work).await
}
