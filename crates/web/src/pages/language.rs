//! `/language/{fr|en}`: choosing a language, kept in this browser and in the account.

use application::text::Locale;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use serde::Deserialize;

use super::session::Visitor;
use super::{cookies, redirect};
use crate::extract::IdPath;
use crate::problem::Problem;

/// Where to go on.
#[derive(Default, Deserialize)]
pub(super) struct NextQuery {
    #[serde(default)]
    pub(super) next: String,
}

impl NextQuery {
    /// The `next` of a query; an unreadable one is none.
    pub(super) fn of(query: Result<Query<Self>, QueryRejection>) -> String {
        query.map(|Query(query)| query.next).unwrap_or_default()
    }
}

pub(super) async fn choose(
    visitor: Visitor,
    IdPath(locale): IdPath<Locale>,
    query: Result<Query<NextQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    if let Some(session) = &visitor.session {
        visitor.app().set_locale(&visitor.context, session.user, locale).await?;
    }
    let next = NextQuery::of(query);
    let mut response = redirect::see_other(if next.is_empty() { "/" } else { redirect::wanted(&next) });
    visitor.give(&mut response, &cookies::LANGUAGE, locale.code());
    Ok(response)
}
