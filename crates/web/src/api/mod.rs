//! The JSON API: one file per part of the address tree. Routes, what they need and their documentation come from one
//! source.

mod admin;
pub(crate) mod auth;
mod billing;
pub(crate) mod guard;
mod health;
mod me;
mod payment_methods;
mod payments;
mod receipts;
mod subscriptions;
mod telegram;
mod webhooks;

use application::actor::Scope;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::guard::{needs, open};
use crate::middleware::{MAX_AUTH_BODY_BYTES, MAX_TELEGRAM_BODY_BYTES};
use crate::openapi;
use crate::state::WebState;

/// Every route of the API with its documentation.
pub fn router() -> OpenApiRouter<WebState> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(before_login().layer(DefaultBodyLimit::max(MAX_AUTH_BODY_BYTES)))
        .merge(account().layer(DefaultBodyLimit::max(MAX_AUTH_BODY_BYTES)))
        .merge(sales())
        .merge(admin())
        .merge(callbacks())
        .routes(open(routes!(health::healthz)))
        .routes(open(routes!(health::readyz)))
}

/// Who has no session yet.
fn before_login() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(open(routes!(auth::register)))
        .routes(open(routes!(auth::verify_email)))
        .routes(open(routes!(auth::resend_verification)))
        .routes(open(routes!(auth::login::login)))
        .routes(open(routes!(auth::login::verify_code)))
        .routes(open(routes!(auth::login::send_code)))
        .routes(open(routes!(auth::login::refresh)))
        .routes(open(routes!(auth::password::forgot)))
        .routes(open(routes!(auth::password::reset)))
}

/// One's own account and what guards it.
fn account() -> OpenApiRouter<WebState> {
    let security = needs(Scope::Security);
    OpenApiRouter::new()
        .routes(security.guard(routes!(auth::sessions::logout)))
        .routes(security.guard(routes!(auth::sessions::logout_all)))
        .routes(security.guard(routes!(auth::sessions::list, auth::sessions::end_all)))
        .routes(security.guard(routes!(auth::sessions::end)))
        .routes(security.guard(routes!(auth::password::change)))
        .routes(security.guard(routes!(auth::second_factor::factors)))
        .routes(security.guard(routes!(auth::second_factor::enrol_totp)))
        .routes(security.guard(routes!(auth::second_factor::confirm_totp)))
        .routes(security.guard(routes!(auth::second_factor::remove_totp)))
        .routes(security.guard(routes!(auth::second_factor::replace_recovery_codes)))
        .routes(security.guard(routes!(auth::sms::enrol)))
        .routes(security.guard(routes!(auth::sms::confirm)))
        .routes(security.guard(routes!(auth::sms::send)))
        .routes(security.guard(routes!(auth::sms::remove)))
        .routes(security.guard(routes!(auth::step_up::step_up)))
        .routes(security.guard(routes!(auth::api_keys::list, auth::api_keys::create)))
        .routes(security.guard(routes!(auth::api_keys::revoke)))
        .routes(needs(Scope::ProfileRead).guard(routes!(me::me)))
        .routes(needs(Scope::ProfileWrite).guard(routes!(me::change)))
        .routes(security.guard(routes!(me::erase)))
        .routes(security.guard(routes!(me::keep)))
        .routes(security.guard(routes!(me::export)))
}

/// What is sold, what was paid, and the way in.
fn sales() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(open(routes!(billing::plans)))
        .routes(open(routes!(billing::providers)))
        .routes(needs(Scope::PaymentsWrite).guard(routes!(payments::init)))
        .routes(needs(Scope::PaymentsRead).guard(routes!(payments::list)))
        .routes(needs(Scope::PaymentsRead).guard(routes!(payments::get)))
        .routes(needs(Scope::PaymentsRead).guard(routes!(receipts::receipt)))
        .routes(open(routes!(receipts::key)))
        .routes(needs(Scope::PaymentsRead).guard(routes!(payment_methods::list)))
        .routes(needs(Scope::PaymentsWrite).guard(routes!(payment_methods::store)))
        .routes(needs(Scope::PaymentsWrite).guard(routes!(payment_methods::forget)))
        .routes(needs(Scope::SubscriptionsRead).guard(routes!(subscriptions::subscription)))
        .routes(needs(Scope::SubscriptionsRead).guard(routes!(subscriptions::subscriptions)))
        .routes(needs(Scope::TelegramRead).guard(routes!(telegram::binding)))
        .routes(needs(Scope::TelegramWrite).guard(routes!(telegram::create_link, telegram::unlink)))
        .routes(needs(Scope::TelegramRead).guard(routes!(telegram::access)))
}

/// What the operator's people do.
fn admin() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(needs(Scope::UsersRead).guard(routes!(admin::users::list)))
        .routes(needs(Scope::UsersRead).guard(routes!(admin::users::get)))
        .routes(needs(Scope::UsersWrite).and_a_step_up().guard(routes!(admin::users::freeze)))
        .routes(needs(Scope::UsersWrite).and_a_step_up().guard(routes!(admin::users::unfreeze)))
        .routes(needs(Scope::PaymentsInspect).guard(routes!(admin::payments::list)))
        .routes(needs(Scope::PaymentsInspect).guard(routes!(admin::payments::get)))
        .routes(needs(Scope::PaymentsRefund).and_a_step_up().guard(routes!(admin::payments::refund)))
        .routes(needs(Scope::PaymentsConfirm).and_a_step_up().guard(routes!(admin::payments::confirm)))
        .routes(needs(Scope::PaymentsInspect).guard(routes!(admin::review::cases)))
        .routes(needs(Scope::PaymentsConfirm).and_a_step_up().guard(routes!(admin::review::accept)))
        .routes(needs(Scope::PaymentsConfirm).and_a_step_up().guard(routes!(admin::review::reject)))
        .routes(needs(Scope::PaymentsInspect).guard(routes!(admin::review::events)))
        .routes(needs(Scope::PaymentsConfirm).and_a_step_up().guard(routes!(admin::review::replay)))
        .routes(needs(Scope::ApprovalsRead).guard(routes!(admin::approvals::list)))
        .routes(needs(Scope::ApprovalsRead).guard(routes!(admin::approvals::get)))
        .routes(needs(Scope::ApprovalsConfirm).and_a_step_up().guard(routes!(admin::approvals::confirm)))
        .routes(needs(Scope::ApprovalsConfirm).and_a_step_up().guard(routes!(admin::approvals::reject)))
        .routes(needs(Scope::UsersWrite).and_a_step_up().guard(routes!(admin::roles::change)))
        .merge(emergencies())
}

/// What is done on a bad day.
fn emergencies() -> OpenApiRouter<WebState> {
    let act = needs(Scope::IncidentsManage).and_a_step_up();
    OpenApiRouter::new()
        .routes(needs(Scope::IncidentsManage).guard(routes!(admin::incident::status)))
        .routes(act.guard(routes!(admin::incident::revoke_sessions)))
        .routes(act.guard(routes!(admin::incident::rotate_keys)))
        .routes(act.guard(routes!(admin::incident::pause_purchases)))
        .routes(act.guard(routes!(admin::incident::resume_purchases)))
        .routes(act.guard(routes!(admin::incident::replay)))
        .routes(act.guard(routes!(admin::incident::evidence)))
}

/// What others call, each with its own proof.
fn callbacks() -> OpenApiRouter<WebState> {
    let telegram = OpenApiRouter::new()
        .routes(open(routes!(webhooks::telegram)))
        .layer(DefaultBodyLimit::max(MAX_TELEGRAM_BODY_BYTES));
    OpenApiRouter::new()
        .merge(telegram)
        .routes(open(routes!(webhooks::twilio)))
        .routes(open(routes!(webhooks::payment_provider)))
        .routes(open(routes!(webhooks::payment_provider_put)))
}
