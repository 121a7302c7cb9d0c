//! `/security`: how things stand.

use axum::http::StatusCode;
use axum::response::Response;

use super::data;
use crate::pages::session::SignedIn;
use crate::pages::views::{Moment, SecurityView};
use crate::problem::Problem;

pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let (app, locale) = (visitor.app(), visitor.locale);
    let factors = app.factors(user).await?;
    let (devices, keys) = (app.sessions(user).await?.len(), app.api_keys(user).await?.len());
    let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let phone = factors.sms.map(|(number, ..)| number);
    let view = SecurityView {
        page: visitor.frame(),
        app_since: factors.totp.map(|(since, _)| Moment::day(locale, since)),
        phone_offered: app.sms().is_some() || phone.is_some(),
        phone,
        codes_left: u16::try_from(factors.recovery_codes_left).unwrap_or_default(),
        devices: count(devices),
        keys: count(keys),
        erased_on: data::erased_on(&visitor, user).await?,
    };
    Ok(visitor.show(StatusCode::OK, &view))
}
