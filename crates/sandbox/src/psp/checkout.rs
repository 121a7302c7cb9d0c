//! The checkout page that payers see, in French or English, and the buttons that decide how the payment ends.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    drive::act_on,
    ledger::{self, Outcome},
    opening,
    payment::Payment,
};
use crate::{
    config::web_address,
    pages::{moment, money, render},
    problem::Problem,
    world::World,
};

/// The page's sentences in one language.
struct Words {
    lang: &'static str,
    title: &'static str,
    badge: &'static str,
    to_pay: &'static str,
    reference: &'static str,
    until: &'static str,
    pay: &'static str,
    refuse: &'static str,
    more: &'static str,
    pay_late: &'static str,
    walk_away: &'static str,
    wrong_amount: &'static str,
    back: &'static str,
}

const FRENCH: Words = Words {
    lang: "fr",
    title: "Paiement",
    badge: "Bac à sable : aucun argent réel",
    to_pay: "À payer",
    reference: "Référence",
    until: "Valable jusqu’au",
    pay: "Payer",
    refuse: "Refuser le paiement",
    more: "Ce qui peut mal se passer",
    pay_late: "Payer trop tard (expire, puis réussit)",
    walk_away: "Partir sans payer",
    wrong_amount: "Payer un mauvais montant",
    back: "Retour à Calmness",
};

const ENGLISH: Words = Words {
    lang: "en",
    title: "Payment",
    badge: "Sandbox: no real money",
    to_pay: "To pay",
    reference: "Reference",
    until: "Valid until",
    pay: "Pay",
    refuse: "Refuse the payment",
    more: "What can go wrong",
    pay_late: "Pay too late (expires, then succeeds)",
    walk_away: "Walk away without paying",
    wrong_amount: "Pay a wrong amount",
    back: "Back to Calmness",
};

/// The address of a payment's page, under the name that the caller knows the sandbox by.
pub(crate) fn address(headers: &HeaderMap, payment_id: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}/psp/checkout/{payment_id}")
}

/// Whether the first language the browser names is French.
fn prefers_french(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let languages = accepted.split(',').map(|language| language.trim().to_ascii_lowercase());
    languages
        .map(|language| language.get(..2).unwrap_or_default().to_owned())
        .find(|code| code == "fr" || code == "en")
        == Some("fr".to_owned())
}

impl Words {
    fn spoken(headers: &HeaderMap) -> (&'static Self, bool) {
        let french = prefers_french(headers);
        (if french { &FRENCH } else { &ENGLISH }, french)
    }

    /// What to say when nothing can be paid (any more).
    fn ended(&self, status: &str) -> (&'static str, &'static str) {
        match (self.lang, status) {
            ("fr", "succeeded") => ("Payé", "Ce paiement est fait. Il ne sera jamais débité deux fois."),
            ("fr", "failed") => ("Refusé", "Ce paiement a été refusé."),
            ("fr", "expired") => ("Expiré", "Ce paiement a expiré."),
            ("fr", "canceled") => ("Annulé", "Le vendeur a annulé ce paiement."),
            ("fr", "approved") => ("Approuvé", "Le vendeur n’a pas encore débité ce paiement."),
            (_, "succeeded") => ("Paid", "This payment is done. It is never charged twice."),
            (_, "failed") => ("Refused", "This payment was refused."),
            (_, "expired") => ("Expired", "This payment has expired."),
            (_, "canceled") => ("Cancelled", "The seller has cancelled this payment."),
            (_, "approved") => ("Approved", "The seller hasn't taken the money yet."),
            _ => ("", ""),
        }
    }
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page<'a> {
    words: &'a Words,
    provider: &'static str,
    payment_id: String,
    reference: String,
    description: String,
    amount: String,
    until: String,
    open: bool,
    may_pay_late: bool,
    good: bool,
    heading: &'static str,
    text: String,
    return_url: String,
}

/// `GET /psp/checkout?…&sig=`: the first visit of a link opens the payment.
pub(crate) async fn follow(
    State(world): State<Arc<World>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let opened = async {
        let now = world.business_now().await?;
        opening::open_link(&world, query.as_deref().unwrap_or_default(), now)
    };
    match opened.await {
        Ok(payment_id) => Redirect::to(&format!("/psp/checkout/{payment_id}")).into_response(),
        Err(problem) => refused(&headers, &problem),
    }
}

/// `GET /psp/checkout/{payment_id}`
pub(crate) async fn page(
    State(world): State<Arc<World>>,
    Path(payment_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let now = match world.business_now().await {
        Ok(now) => now,
        Err(problem) => return refused(&headers, &problem),
    };
    ledger::expire_due(&world, now);
    show(&world, &payment_id, &headers, None)
}

fn show(world: &World, payment_id: &str, headers: &HeaderMap, happened: Option<&str>) -> Response {
    let payment = world.ledger.with(|ledger| ledger.payment(payment_id).cloned());
    let Some(payment) = payment else {
        return refused(headers, &Problem::not_found("no such payment was opened"));
    };
    let (words, french) = Words::spoken(headers);
    let status = if payment.awaits_capture() { "approved" } else { payment.status() };
    let (heading, text) = words.ended(status);
    let facade = payment.provider.facade();
    let good = matches!(status, "succeeded" | "approved");
    let answer = render(&Page {
        words,
        provider: facade.name(),
        payment_id: payment.quote.payment_id.clone(),
        reference: payment.reference.clone(),
        description: payment.quote.description.clone().unwrap_or_default(),
        amount: money::display(payment.quote.amount, &payment.quote.currency, french),
        until: format!("{} UTC", moment(payment.quote.expires_at)),
        open: status == "pending" && happened.is_none(),
        may_pay_late: matches!(status, "failed" | "expired" | "canceled"),
        good,
        heading: if heading.is_empty() { words.title } else { heading },
        text: happened.unwrap_or(text).to_owned(),
        return_url: facade.return_url(&payment, if good { Outcome::Pay } else { Outcome::WalkAway }),
    });
    with_policy(answer, &payment)
}

/// The browser also checks where a form's answer leads: back to the product.
fn with_policy(mut response: Response, payment: &Payment) -> Response {
    let back = web_address(&payment.quote.return_url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {back}; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[derive(Debug, Deserialize)]
pub(crate) struct Press {
    outcome: Outcome,
}

/// `POST /psp/checkout/{payment_id}`: one of the page's buttons.
pub(crate) async fn press(
    State(world): State<Arc<World>>,
    Path(payment_id): Path<String>,
    headers: HeaderMap,
    Form(press): Form<Press>,
) -> Response {
    let offered = matches!(
        press.outcome,
        Outcome::Pay | Outcome::Refuse | Outcome::PayLate | Outcome::WalkAway | Outcome::WrongAmount
    );
    if !offered {
        return refused(&headers, &Problem::invalid("payers can't do that"));
    }
    if let Err(problem) = act_on(&world, &payment_id, press.outcome, None).await {
        // Pressed twice: the page shows how it ended.
        if problem.status == StatusCode::CONFLICT {
            return show(&world, &payment_id, &headers, None);
        }
        return refused(&headers, &problem);
    }
    let french = prefers_french(&headers);
    let happened = match (press.outcome, french) {
        (Outcome::Pay | Outcome::Refuse, _) => {
            let return_url = world.ledger.with(|ledger| {
                ledger
                    .payment(&payment_id)
                    .map(|payment| payment.provider.facade().return_url(payment, press.outcome))
            });
            return Redirect::to(&return_url.unwrap_or_else(|| "/".to_owned())).into_response();
        }
        (Outcome::PayLate, true) => "Le paiement a expiré, puis l’argent est arrivé quand même.",
        (Outcome::PayLate, false) => "The payment expired, and then the money came after all.",
        (Outcome::WrongAmount, true) => "Un autre montant que celui demandé a été payé.",
        (Outcome::WrongAmount, false) => "Another amount than the one asked for was paid.",
        (_, true) => "Vous êtes parti sans payer. Le lien reste valable jusqu’à son expiration.",
        (_, false) => "You walked away without paying. The link stays valid until it expires.",
    };
    show(&world, &payment_id, &headers, Some(happened))
}

#[derive(Template)]
#[template(path = "checkout_refused.html")]
struct RefusedPage<'a> {
    words: &'a Words,
    heading: &'static str,
    text: &'static str,
}

fn refused(headers: &HeaderMap, problem: &Problem) -> Response {
    let (words, french) = Words::spoken(headers);
    let (heading, text) = match (problem.code, french) {
        ("link_changed", true) => (
            "Lien de paiement modifié",
            "Ce lien ne correspond pas à sa signature : il a été modifié ou coupé. Rien n’a été payé. Retournez sur Calmness et recommencez.",
        ),
        ("link_changed", false) => (
            "Payment link was changed",
            "This link doesn't match its signature: it was changed or cut off. Nothing was paid. Go back to Calmness and start again.",
        ),
        ("not_found", true) => ("Paiement inconnu", "Aucun paiement n’a été ouvert sous cette adresse."),
        ("not_found", false) => ("Unknown payment", "No payment was opened under this address."),
        (_, true) => ("Paiement impossible", "Ce paiement ne peut pas être ouvert. Rien n’a été payé."),
        (_, false) => ("This can't be paid", "This payment can't be opened. Nothing was paid."),
    };
    (problem.status, render(&RefusedPage { words, heading, text })).into_response()
}
