//! `/security/devices`: where somebody is logged in, and ending it there.

use application::identity::SessionView;
use application::text::{Locale, text};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::SessionId;
use serde::Deserialize;

use crate::pages::csrf::{Form, Pressed};
use crate::pages::session::SignedIn;
use crate::pages::views::{DeviceRow, DevicesView, Moment, Notice};
use crate::pages::{cookies, redirect, user_agent};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/devices";

/// One of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceFields {
    session: String,
}

pub(super) async fn page(SignedIn { visitor, user, session }: SignedIn) -> Result<Response, Problem> {
    let mut sessions = visitor.app().sessions(user).await?;
    // A stable sort: the others stay in the order of their last use.
    sessions.sort_by_key(|open| open.id != session);
    let devices = sessions.iter().map(|open| row(visitor.locale, open, session)).collect();
    Ok(visitor.show(StatusCode::OK, &DevicesView { page: visitor.frame(), devices }))
}

/// Ends one. Ending this one logs out.
pub(super) async fn end(form: Form<SignedIn, DeviceFields>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, session: here } = form.who;
    let session: SessionId = form.fields.session.parse().map_err(|_| Problem::not_found())?;
    visitor.app().revoke_session(&visitor.context, user, session).await?;
    if session == here {
        let mut response = redirect::see_other(&redirect::with_notice("/", Notice::LoggedOut));
        visitor.take_away(&mut response, &cookies::SESSION);
        return Ok(response);
    }
    Ok(redirect::see_other(&redirect::with_notice(PATH, Notice::DeviceEnded)))
}

/// Ends all but this one.
pub(super) async fn end_others(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, session: here } = form.who;
    let app = visitor.app();
    for open in app.sessions(user).await?.iter().filter(|open| open.id != here) {
        app.revoke_session(&visitor.context, user, open.id).await?;
    }
    Ok(redirect::see_other(&redirect::with_notice(PATH, Notice::OthersEnded)))
}

/// Ends all.
pub(super) async fn end_all(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = form.who;
    visitor.app().logout_all(&visitor.context, user).await?;
    let mut response = redirect::see_other(&redirect::with_notice("/login", Notice::AllEnded));
    visitor.take_away(&mut response, &cookies::SESSION);
    visitor.take_away(&mut response, &cookies::LINK);
    Ok(response)
}

fn row(locale: Locale, open: &SessionView, here: SessionId) -> DeviceRow {
    DeviceRow {
        id: open.id.to_string(),
        name: user_agent::in_words(locale, &open.user_agent, open.browser),
        network: network_in_words(locale, &open.network),
        last_used_at: Moment::new(locale, open.last_used_at),
        since: Moment::day(locale, open.created_at),
        second_factor: open.second_factor,
        here: open.id == here,
    }
}

/// The network without its mask: what is unknown of it is left open.
fn network_in_words(locale: Locale, network: &str) -> String {
    let open = |start: &str, end: &str, rest: &str| Some(format!("{}{rest}", start.strip_suffix(end)?));
    let Some((start, _)) = network.split_once('/') else { return String::new() };
    let shown = if start.contains(':') { open(start, "::", ":…") } else { open(start, ".0", ".x") };
    let shown = shown.unwrap_or_else(|| start.to_owned());
    text(locale, "device-network", &[("network", shown.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_said_as_far_as_it_is_known() {
        for (network, said) in [
            ("203.0.113.0/24", "Network 203.0.113.x"),
            ("10.0.0.0/24", "Network 10.0.0.x"),
            ("2001:db8:aaaa::/48", "Network 2001:db8:aaaa:…"),
            ("::/48", "Network :…"),
            ("", ""),
        ] {
            assert_eq!(network_in_words(Locale::En, network), said);
        }
    }
}
