//! `/dashboard/payments`, `/payments/{id}…`: opening a payment, the way to the provider and back, where the money is.

use application::billing::{InitAnswer, InitRequest, PaymentView as Payment, WayBack};
use application::text::{self, Locale};
use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payment::Status;
use domain::time::Instant;
use gateways::payments::{Instructions, PhoneNumber};
use serde::Deserialize;

use super::csrf::Form;
use super::session::{SignedIn, Visitor, is_nonce};
use super::views::{
    Badge, CheckoutView, Moment, Notice, PaymentRow, PaymentView, Progress, ReceiptView, ReturnOutcome,
    ReturnView, failure_in_words,
};
use super::{payment_steps, redirect, sale};
use crate::extract::IdPath;
use crate::middleware::limits::counted;
use crate::problem::Problem;

/// What to buy, through whom, once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenFields {
    plan_code: String,
    /// `<provider>:<currency>`.
    offer: String,
    /// The page's own.
    idempotency_key: String,
    /// For ways to pay that prompt the payer's telephone; spaces are for people.
    #[serde(default)]
    phone_number: String,
}

/// Opens a payment, and goes to the page that leads to the provider.
pub(super) async fn open(form: Form<SignedIn, OpenFields>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = &form.who;
    visitor.state.limits.init_user.take(user).await?;
    if let Some(address) = visitor.context.address {
        visitor.state.limits.init_address.take(counted(address)).await?;
    }
    let request = init_request(&form)?;
    let answer = visitor.app().init_payment(&visitor.context, &request).await?;
    Ok(redirect::see_other(&after_opening(&answer)))
}

fn init_request(form: &Form<SignedIn, OpenFields>) -> Result<InitRequest, Problem> {
    let OpenFields { plan_code, offer, idempotency_key, phone_number } = &form.fields;
    let (provider, currency) =
        offer.split_once(':').ok_or_else(|| Problem::field("/offer", "not_allowed"))?;
    let unknown_plan = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "plan_unknown");
    if !is_nonce(idempotency_key) {
        return Err(Problem::field("/idempotency_key", "not_allowed"));
    }
    let phone: String = phone_number.chars().filter(|character| !character.is_whitespace()).collect();
    let phone = Some(phone).filter(|phone| !phone.is_empty()).map(|phone| phone.parse::<PhoneNumber>());
    let phone = phone.transpose().map_err(|_| Problem::field("/phone_number", "phone_number"))?;
    // Going back to the same page and choosing another way to pay, or another telephone, is another request.
    let last_digits = phone.as_ref().map_or_else(String::new, |phone| {
        let number = phone.as_e164();
        format!(":{}", &number[number.len().saturating_sub(6)..])
    });
    let key = format!("page:{idempotency_key}:{provider}:{currency}{last_digits}");
    Ok(InitRequest {
        user: form.who.user,
        key: key.parse().map_err(|_| Problem::field("/offer", "too_long"))?,
        plan_code: plan_code.parse().map_err(|_| unknown_plan)?,
        provider: provider.to_owned(),
        currency: Some(currency.parse::<Currency>().map_err(|_| Problem::field("/offer", "not_allowed"))?),
        phone,
        method: None,
        remember: false,
    })
}

fn after_opening(answer: &InitAnswer) -> String {
    let payment = &answer.payment;
    let href = href(payment.id);
    if payment.status == Status::Failed {
        redirect::with_notice(redirect::HOME_OF_USERS, Notice::PaymentRefused)
    } else if answer.code == StatusCode::OK.as_u16() {
        redirect::with_notice(&href, Notice::PaymentOpen)
    } else if payment.checkout_url.is_some() {
        checkout_href(payment.id)
    } else {
        href
    }
}

/// Where the money is.
pub(super) async fn detail(
    SignedIn { visitor, user, .. }: SignedIn,
    IdPath(id): IdPath<PaymentId>,
) -> Result<Response, Problem> {
    let app = visitor.app();
    let payment = app.payment(user, id).await?.ok_or(Problem::not_found())?;
    let reached = app.payment_steps(user, id).await?;
    let now = app.now().await?.business;
    let view = PaymentView {
        page: visitor.frame(),
        reference: payment.id.to_string(),
        plan: sale::plan_name(&visitor, &payment.plan_code),
        amount: visitor.locale.money(payment.amount),
        provider: text::provider_name(visitor.locale, &payment.provider),
        created_at: Moment::new(visitor.locale, payment.created_at),
        badge: badge(&visitor, &payment),
        steps: payment_steps::steps(visitor.locale, &payment, &reached),
        checkout_href: payable_at(&payment, now).map(|_| checkout_href(id)),
        instructions: instructions(visitor.locale, &payment, now),
        receipt_href: payment.settled_at.map(|_| format!("/payments/{id}/receipt")),
        try_again: matches!(payment.status, Status::Failed | Status::Expired),
        progress: progress(&payment),
    };
    Ok(visitor.show(StatusCode::OK, &view))
}

/// The receipt, to read and to print.
pub(super) async fn receipt(
    SignedIn { visitor, user, .. }: SignedIn,
    IdPath(id): IdPath<PaymentId>,
) -> Result<Response, Problem> {
    let found = visitor.app().receipt(user, id).await?.ok_or(Problem::not_found())?;
    let Ok(signed) = found else { return Ok(redirect::see_other(&href(id))) };
    let (payment, receipt) = (&signed.payment, signed.receipt);
    let refunded = Money::new(receipt.refunded_amount, payment.amount.currency);
    let view = ReceiptView {
        page: visitor.frame(),
        payment_href: href(id),
        plan: sale::plan_name(&visitor, &payment.plan_code),
        amount: visitor.locale.money(payment.amount),
        refunded: (refunded.minor > 0).then(|| visitor.locale.money(refunded)),
        provider: text::provider_name(visitor.locale, &payment.provider),
        paid_at: Moment::new(visitor.locale, payment.settled_at.unwrap_or(payment.created_at)),
        test: receipt.mode == "test",
        key_address: format!("{}/api/billing/receipt-key", receipt.issuer),
        receipt,
        jws: signed.jws,
    };
    Ok(visitor.show(StatusCode::OK, &view))
}

/// On to the provider's own page.
pub(super) async fn checkout(
    SignedIn { visitor, user, .. }: SignedIn,
    IdPath(id): IdPath<PaymentId>,
) -> Result<Response, Problem> {
    let payment = visitor.app().payment(user, id).await?.ok_or(Problem::not_found())?;
    let now = visitor.app().now().await?.business;
    let Some(checkout_url) = payable_at(&payment, now) else {
        return Ok(redirect::see_other(&href(id)));
    };
    let (amount, checkout_url) = (visitor.locale.money(payment.amount), checkout_url.to_owned());
    Ok(visitor.show(StatusCode::OK, &CheckoutView { page: visitor.frame(), amount, checkout_url }))
}

/// What a way back carries.
#[derive(Default, Deserialize)]
pub(super) struct ReturnQuery {
    #[serde(default)]
    nonce: String,
}

/// Back from the provider, whose word is asked for at once: what the browser brings along proves nothing. Again, the
/// page asks nobody; with a nonce that is not ours it is the payment's ordinary one (Q3).
pub(super) async fn back(
    SignedIn { visitor, user, .. }: SignedIn,
    IdPath(id): IdPath<PaymentId>,
    query: Result<Query<ReturnQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let payment = visitor.app().payment(user, id).await?.ok_or(Problem::not_found())?;
    let nonce = query.map(|Query(query)| query.nonce).unwrap_or_default();
    if visitor.app().come_back(&visitor.context, user, id, &nonce).await? == WayBack::Unknown {
        return Ok(redirect::see_other(&href(id)));
    }
    let outcome = match payment.status {
        Status::Pending if payment.under_review => Some(ReturnOutcome::UnderReview),
        Status::Pending => Some(ReturnOutcome::Checking),
        Status::Failed => Some(ReturnOutcome::Failed {
            reason: failure_in_words(visitor.locale, payment.failure_reason.as_deref()),
        }),
        Status::Expired => Some(ReturnOutcome::Expired),
        Status::Succeeded => paid(&visitor, &payment).await?,
        Status::Refunded | Status::PartiallyRefunded | Status::Disputed | Status::ChargedBack => None,
    };
    let Some(outcome) = outcome else { return Ok(redirect::see_other(&href(id))) };
    let progress = progress(&payment);
    let view = ReturnView { page: visitor.frame(), outcome, payment_href: href(id), progress };
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Until when the access runs; nothing where the money has not become time (yet).
async fn paid(visitor: &Visitor, payment: &Payment) -> Result<Option<ReturnOutcome>, Problem> {
    let Some(session) = &visitor.session else { return Ok(None) };
    let app = visitor.app();
    let sold = app.catalogue().plan(&payment.plan_code).map(|plan| plan.channel);
    let channel = sold.unwrap_or_else(|| app.options().default_channel.clone());
    let subscription = app.subscription(session.user, &channel).await?;
    Ok(subscription.map(|subscription| ReturnOutcome::Paid {
        ends_at: Moment::new(visitor.locale, subscription.ends_at),
    }))
}

/// What the script of a page asks while the outcome is open.
pub(super) async fn watch(
    visitor: Visitor,
    IdPath(id): IdPath<PaymentId>,
) -> Result<Json<Progress>, Problem> {
    let session = visitor.session.as_ref().ok_or(Problem::unauthorized())?;
    let payment = visitor.app().payment(session.user, id).await?.ok_or(Problem::not_found())?;
    Ok(Json(Progress { href: progress_href(id), state: state(&payment) }))
}

/// A line of the history.
pub(super) fn row(visitor: &Visitor, payment: &Payment) -> PaymentRow {
    PaymentRow {
        href: href(payment.id),
        created_at: Moment::day(visitor.locale, payment.created_at),
        plan: sale::plan_name(visitor, &payment.plan_code),
        amount: visitor.locale.money(payment.amount),
        provider: text::provider_name(visitor.locale, &payment.provider),
        badge: badge(visitor, payment),
    }
}

fn badge(visitor: &Visitor, payment: &Payment) -> Badge {
    let examined = payment.under_review && payment.status == Status::Pending;
    Badge::payment(visitor.locale, if examined { "under_review" } else { payment.status.as_str() })
}

/// What a page shows of a payment, in one word.
pub(super) fn state(payment: &Payment) -> String {
    let review = if payment.under_review { ".review" } else { "" };
    format!("{}.{}{review}", payment.status.as_str(), payment.phase.as_str())
}

fn progress(payment: &Payment) -> Option<Progress> {
    let open = payment.status == Status::Pending;
    open.then(|| Progress { href: progress_href(payment.id), state: state(payment) })
}

/// The provider's page, while the quote holds and nothing odd was paid there.
fn payable_at(payment: &Payment, now: Instant) -> Option<&str> {
    let payable = !payment.under_review && now < payment.expires_at;
    payment.checkout_url.as_deref().filter(|_| payable)
}

/// What to do instead of visiting a page, while the quote holds: a line each, with its name.
fn instructions(locale: Locale, payment: &Payment, now: Instant) -> Vec<(String, String)> {
    let open = !payment.under_review && now < payment.expires_at;
    let Some(told) = payment.instructions.as_ref().filter(|_| open) else { return Vec::new() };
    let line = |key: &str, value: &str| (text::text(locale, key, &[]), value.to_owned());
    match told {
        Instructions::BankTransfer { account_holder, iban, bic, bank, reference } => {
            let mut lines = vec![
                line("instructions-account-holder", account_holder),
                line("instructions-iban", &in_fours(iban)),
            ];
            lines.extend(bic.as_deref().map(|bic| line("instructions-bic", bic)));
            lines.extend(bank.as_deref().map(|bank| line("instructions-bank", bank)));
            lines.push(line("instructions-exact-amount", &locale.money(payment.amount)));
            lines.push(line("instructions-transfer-reference", reference));
            lines
        }
        Instructions::CryptoAddress { network, address, amount } => vec![
            line("instructions-network", network),
            line("instructions-address", address),
            line("instructions-exact-amount", &format!("{amount} {}", payment.amount.currency)),
        ],
        Instructions::PhonePrompt { phone } => vec![line("instructions-phone", phone)],
    }
}

/// As an IBAN is printed (ISO 13616): groups of four.
fn in_fours(iban: &str) -> String {
    let characters: Vec<char> = iban.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

fn href(id: PaymentId) -> String {
    format!("/payments/{id}")
}

fn checkout_href(id: PaymentId) -> String {
    format!("/payments/{id}/checkout")
}

fn progress_href(id: PaymentId) -> String {
    format!("/payments/{id}/progress")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::payment_steps::tests::payment;
    use domain::payment::Phase;

    fn next(status: Status, code: u16, checkout_url: Option<&str>) -> String {
        let checkout_url = checkout_url.map(ToOwned::to_owned);
        let payment = Payment { checkout_url, ..payment(status, Phase::Awaiting) };
        after_opening(&InitAnswer { payment, code, replayed: false, retry_after_seconds: None })
    }

    #[test]
    fn after_opening_it_goes_on_to_the_provider_or_says_why_not() {
        let here = "/payments/00000000-0000-0000-0000-000000000007";
        let url = Some("https://pay.example/1");
        assert_eq!(next(Status::Pending, 201, url), format!("{here}/checkout"));
        assert_eq!(next(Status::Pending, 200, url), format!("{here}?notice=payment-open"));
        assert_eq!(next(Status::Pending, 201, None), here);
        assert_eq!(next(Status::Failed, 201, None), "/dashboard?notice=payment-refused");
    }

    #[test]
    fn a_quote_that_has_run_out_or_was_paid_oddly_leads_nowhere() {
        let url = Some("https://pay.example/1".to_owned());
        let payment = Payment { checkout_url: url, ..payment(Status::Pending, Phase::Awaiting) };
        let end = payment.expires_at;
        assert_eq!(
            payable_at(&payment, end - domain::time::Duration::SECOND),
            payment.checkout_url.as_deref()
        );
        assert_eq!(payable_at(&payment, end), None);
        let examined = Payment { under_review: true, ..payment };
        assert_eq!(payable_at(&examined, end - domain::time::Duration::SECOND), None);
    }
}
