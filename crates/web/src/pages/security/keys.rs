//! `/security/keys`: keys with which programs act for somebody.

use std::collections::BTreeMap;

use application::Actor;
use application::identity::scope::{Scope, Scopes};
use application::identity::{ApiKeyView, MAX_KEYS, Method, NewApiKey};
use application::text::{Locale, text};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{ApiKeyId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::pages::csrf::Form;
use crate::pages::session::{SignedIn, Visitor};
use crate::pages::views::{Choice, Complaint, KeyMadeView, KeyNewView, KeyRow, KeysView, Moment, Notice};
use crate::pages::{proof, redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/keys";
pub(super) const NEW: &str = "/security/keys/new";
/// What stands before a scope in the name of its box.
const BOX: &str = "scope:";
/// The lives to choose from, in days, and the one that is chosen first.
const LIVES: [u16; 4] = [30, 90, 180, 365];
const USUAL_LIFE: u16 = 90;

/// A key to be made, with the proof. Every ticked box is a field of its own.
#[derive(Deserialize)]
pub(super) struct NewFields {
    name: String,
    days: String,
    password: SecretString,
    #[serde(default)]
    method: String,
    #[serde(default)]
    code: SecretString,
    #[serde(flatten)]
    boxes: BTreeMap<String, String>,
}

/// One of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFields {
    key: String,
}

pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let keys = visitor.app().api_keys(user).await?;
    let room = i64::try_from(keys.len()).is_ok_and(|count| count < MAX_KEYS);
    let keys = keys.iter().map(|key| row(visitor.locale, key)).collect();
    Ok(visitor.show(StatusCode::OK, &KeysView { page: visitor.frame(), keys, room }))
}

pub(super) async fn new_page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let wanted = proof::wanted(&visitor);
    let view = new_view(&visitor, user, String::new(), Scopes::NONE, USUAL_LIFE, wanted).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Makes a key and shows it, this once.
pub(super) async fn create(form: Form<SignedIn, NewFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let scopes = ticked(&fields.boxes).ok_or_else(tries::unaccepted)?;
    let days = fields.days.parse().map_err(|_| tries::unaccepted())?;
    let shown = proof::proof(&fields.password, &fields.method, &fields.code);
    let new = NewApiKey { name: fields.name.clone(), scopes, days };
    let work = visitor.app().create_api_key(&visitor.context, user, &shown, new);
    match tries::counting(&visitor, work).await {
        Ok(made) => {
            let view = KeyMadeView {
                page: visitor.frame(),
                name: made.view.name,
                key: made.key.expose_secret().to_owned(),
                ends_at: Moment::day(visitor.locale, made.view.expires_at),
            };
            Ok(visitor.show(StatusCode::OK, &view))
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let wanted = proof::method(&fields.method);
            let view = new_view(&visitor, user, fields.name, scopes, days, wanted).await?;
            Ok(said.show(&visitor, |complaint| KeyNewView { complaint, ..view }))
        }
    }
}

/// Ends a key.
pub(super) async fn end(form: Form<SignedIn, KeyFields>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = form.who;
    let key: ApiKeyId = form.fields.key.parse().map_err(|_| Problem::not_found())?;
    visitor.app().revoke_api_key(&visitor.context, user, key).await?;
    Ok(redirect::see_other(&redirect::with_notice(PATH, Notice::KeyEnded)))
}

async fn new_view(
    visitor: &Visitor,
    user: UserId,
    name: String,
    chosen: Scopes,
    days: u16,
    wanted: Option<Method>,
) -> Result<KeyNewView, Problem> {
    let locale = visitor.locale;
    Ok(KeyNewView {
        page: visitor.frame(),
        name,
        scopes: grantable(&visitor.context.actor)
            .map(|scope| Choice {
                value: format!("{BOX}{scope}"),
                label: in_words(locale, scope),
                chosen: chosen.contains(scope),
            })
            .collect(),
        lives: LIVES
            .iter()
            .map(|life| Choice {
                value: life.to_string(),
                label: text(locale, "duration-days", &[("count", (*life).into())]),
                chosen: *life == days,
            })
            .collect(),
        code: proof::prompt(visitor, user, NEW, wanted).await?,
        complaint: Complaint::default(),
    })
}

/// What this actor may give to a key.
fn grantable(actor: &Actor) -> impl Iterator<Item = Scope> + use<> {
    actor.scopes().iter().filter(|scope| scope.may_be_a_keys())
}

/// The scopes whose boxes are ticked; none where a field is no box of ours.
fn ticked(boxes: &BTreeMap<String, String>) -> Option<Scopes> {
    boxes.keys().map(|name| name.strip_prefix(BOX)?.parse::<Scope>().ok()).collect()
}

fn row(locale: Locale, key: &ApiKeyView) -> KeyRow {
    KeyRow {
        id: key.id.to_string(),
        name: key.name.clone(),
        starts: key.shown_prefix.clone(),
        scopes: key.scopes.iter().map(|scope| in_words(locale, scope)).collect(),
        last_used_at: key.last_used_at.map(|at| Moment::new(locale, at)),
        ends_at: Moment::day(locale, key.expires_at),
    }
}

fn in_words(locale: Locale, scope: Scope) -> String {
    let key = match scope {
        Scope::ProfileRead => "key-scope-profile-read",
        Scope::ProfileWrite => "key-scope-profile-write",
        Scope::PaymentsRead => "key-scope-payments-read",
        Scope::PaymentsWrite => "key-scope-payments-write",
        Scope::SubscriptionsRead => "key-scope-subscriptions-read",
        Scope::TelegramRead => "key-scope-telegram-read",
        Scope::TelegramWrite => "key-scope-telegram-write",
        Scope::UsersRead => "key-scope-users-read",
        Scope::PaymentsInspect => "key-scope-payments-inspect",
        Scope::SubscriptionsInspect => "key-scope-subscriptions-inspect",
        Scope::AlertsRead => "key-scope-alerts-read",
        Scope::AuditRead => "key-scope-audit-read",
        Scope::StatsRead => "key-scope-stats-read",
        // No key ever has it, so nobody meets the bare word.
        persons_only => return persons_only.to_string(),
    };
    text(locale, key, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::Role;
    use domain::ids::SessionId;

    fn boxes(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "on".to_owned())).collect()
    }

    #[test]
    fn boxes_are_scopes_and_nothing_else_is() {
        let both = Scopes::NONE.with(Scope::ProfileRead).with(Scope::PaymentsWrite);
        assert_eq!(ticked(&boxes(&["scope:profile:read", "scope:payments:write"])), Some(both));
        assert_eq!(ticked(&boxes(&[])), Some(Scopes::NONE));
        for strange in ["profile:read", "scope:everything", "extra"] {
            assert_eq!(ticked(&boxes(&[strange])), None, "{strange}");
        }
    }

    #[test]
    fn nobody_is_offered_what_a_key_may_not_have_or_what_they_may_not_do() {
        let actor = |role| Actor::User {
            id: UserId::from_uuid(uuid::Uuid::nil()),
            session: SessionId::from_uuid(uuid::Uuid::nil()),
            role,
        };
        for role in [Role::User, Role::Support, Role::Admin] {
            let offered: Vec<Scope> = grantable(&actor(role)).collect();
            assert!(!offered.contains(&Scope::Security) && !offered.contains(&Scope::UsersWrite), "{role:?}");
            assert_eq!(offered.contains(&Scope::UsersRead), role != Role::User, "{role:?}");
        }
    }

    #[test]
    fn every_scope_has_words_of_its_own() {
        for locale in Locale::ALL {
            let mut words: Vec<String> = Scope::ALL.map(|scope| in_words(locale, scope)).to_vec();
            assert!(words.iter().all(|said| !said.starts_with("key-scope-")), "{words:?}");
            words.sort();
            words.dedup();
            assert_eq!(words.len(), Scope::ALL.len());
        }
    }
}
