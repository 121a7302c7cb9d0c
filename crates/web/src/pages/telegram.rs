//! `/telegram/link` and `/telegram/unlink`: binding an account, and what the dashboard shows of it.
//!
//! The answer to the button is a redirect, so that the dashboard can be loaded again; the fresh link waits in a cookie
//! that only the dashboard gets. It is signed for this session: a link that somebody else had planted there would bind
//! the reader's Telegram to the planter's account.

use application::access::{AccessView, BindingView, DeepLink};
use axum::response::Response;
use crypto::key::Key;
use domain::ids::SessionId;
use domain::time::Instant;
use secrecy::ExposeSecret;

use super::csrf::{Form, Pressed};
use super::session::{SignedIn, Visitor};
use super::views::{Membership, Moment, Notice, TelegramCard};
use super::{cookies, redirect};
use crate::problem::Problem;

const PURPOSE: &[u8] = b"telegram-link";
/// What every link into Telegram starts with.
const TELEGRAM: &str = "https://t.me";

/// Makes a deep link, which the dashboard then shows.
pub(super) async fn link(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, session } = form.who;
    let app = visitor.app();
    let link = app.create_telegram_link(&visitor.context, user).await?;
    let mut response = redirect::see_other("/dashboard#telegram");
    if let Some(waiting) = WaitingLink::of(&link) {
        visitor.give(&mut response, &cookies::LINK, &waiting.write(app.keys().csrf(), session));
    }
    Ok(response)
}

/// Lets the bound account go.
pub(super) async fn unlink(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = form.who;
    visitor.app().unlink_telegram(&visitor.context, user).await?;
    let mut response = redirect::see_other(&redirect::with_notice("/dashboard", Notice::Unlinked));
    visitor.take_away(&mut response, &cookies::LINK);
    Ok(response)
}

/// What the dashboard shows of a user's Telegram account.
pub(super) fn card(
    visitor: &Visitor,
    binding: Option<&BindingView>,
    membership: Membership,
    waiting: Option<&WaitingLink>,
) -> TelegramCard {
    let (app, locale) = (visitor.app(), visitor.locale);
    if let Some(binding) = binding {
        let since = Moment::day(locale, binding.bound_at);
        let membership = match membership {
            Membership::Invited { invite_link } => {
                Membership::Invited { invite_link: followed_at(visitor, &invite_link) }
            }
            other => other,
        };
        return TelegramCard::Linked { account: binding.display_name.clone(), since, membership };
    }
    let Some(bot) = app.bot_username().filter(|_| app.settings().telegram_channel_id().is_some()) else {
        return TelegramCard::Off;
    };
    match waiting.and_then(|link| Some((link, Instant::from_unix_timestamp(link.expires_at).ok()?))) {
        Some((link, expires_at)) => TelegramCard::LinkReady {
            deep_link: followed_at(visitor, &format!("{TELEGRAM}/{bot}?start={}", link.token)),
            expires_at: Moment::new(locale, expires_at),
        },
        None => TelegramCard::Unlinked,
    }
}

fn followed_at(visitor: &Visitor, link: &str) -> String {
    stand_in(link, visitor.state.options.telegram_link_url.as_deref())
}

/// A link into Telegram as this page's reader should follow it: in a sandbox it leads to the stand-in for `t.me`.
fn stand_in(link: &str, base: Option<&str>) -> String {
    match (base, link.strip_prefix(TELEGRAM)) {
        (Some(base), Some(rest)) if rest.starts_with('/') => format!("{base}{rest}"),
        _ => link.to_owned(),
    }
}

/// How a bound account stands with the channel.
pub(super) fn membership(running: bool, access: Option<&AccessView>) -> Membership {
    match access {
        Some(access) if running && access.member => Membership::Inside,
        Some(AccessView { invite_link: Some(link), .. }) if running => {
            Membership::Invited { invite_link: link.clone() }
        }
        _ if running => Membership::Preparing,
        _ => Membership::NoAccess,
    }
}

/// A deep link that waits to be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WaitingLink {
    token: String,
    /// Unix seconds, wall time.
    expires_at: i64,
}

impl WaitingLink {
    fn of(link: &DeepLink) -> Option<Self> {
        let (_, token) = link.url.expose_secret().split_once("?start=")?;
        Some(Self { token: token.to_owned(), expires_at: link.expires_at.unix_timestamp() })
    }

    fn write(&self, key: &Key, session: SessionId) -> String {
        let tag = self.with_parts(session, |parts| key.mac(parts));
        format!("{}.{}.{}", self.expires_at, self.token, hex::encode(tag))
    }

    /// The link of a cookie, if we wrote it for this session and it still works at `wall`.
    pub(super) fn read(cookie: &str, key: &Key, session: SessionId, wall: Instant) -> Option<Self> {
        let (expires_at, rest) = cookie.split_once('.')?;
        let (token, tag) = rest.split_once('.')?;
        let link = Self { token: token.to_owned(), expires_at: expires_at.parse().ok()? };
        let tag = hex::decode(tag).ok()?;
        let ours = link.with_parts(session, |parts| key.verify_mac(parts, &tag));
        (ours && wall.unix_timestamp() < link.expires_at).then_some(link)
    }

    fn with_parts<T>(&self, session: SessionId, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        let expires_at = self.expires_at.to_be_bytes();
        act(&[PURPOSE, session.uuid().as_bytes(), &expires_at, self.token.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::random::SeededRandom;
    use domain::time::Duration;
    use time::macros::datetime;

    const WALL: Instant = datetime!(2026-11-23 14:00 UTC);

    fn session(number: u128) -> SessionId {
        SessionId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn fresh() -> WaitingLink {
        let url = format!("https://t.me/calmness_bot?start={}", "t".repeat(43));
        WaitingLink::of(&DeepLink { url: url.into(), expires_at: WALL + Duration::minutes(15) }).unwrap()
    }

    #[test]
    fn a_link_waits_for_its_session_until_it_ends() {
        let key = Key::random(&SeededRandom::new(1));
        let cookie = fresh().write(&key, session(1));
        assert_eq!(WaitingLink::read(&cookie, &key, session(1), WALL), Some(fresh()));
        assert_eq!(WaitingLink::read(&cookie, &key, session(2), WALL), None);
        let end = WALL + Duration::minutes(15);
        assert_eq!(WaitingLink::read(&cookie, &key, session(1), end), None);
    }

    #[test]
    fn a_planted_or_changed_link_is_none() {
        let key = Key::random(&SeededRandom::new(1));
        let cookie = fresh().write(&key, session(1));
        let other_token = cookie.replacen('t', "u", 1);
        let later = cookie.replacen('1', "2", 1);
        let unsigned = cookie.rsplit_once('.').unwrap().0.to_owned();
        let other_key = fresh().write(&Key::random(&SeededRandom::new(2)), session(1));
        for planted in [other_token, later, unsigned, other_key, String::new(), "..".to_owned()] {
            assert_eq!(WaitingLink::read(&planted, &key, session(1), WALL), None, "{planted}");
        }
    }

    #[test]
    fn in_a_sandbox_links_lead_to_the_stand_in_and_no_others_do() {
        let base = Some("http://127.0.0.1:8025/t.me");
        assert_eq!(stand_in("https://t.me/bot?start=a", base), "http://127.0.0.1:8025/t.me/bot?start=a");
        assert_eq!(stand_in("https://t.me/+abc", base), "http://127.0.0.1:8025/t.me/+abc");
        assert_eq!(stand_in("https://t.me/+abc", None), "https://t.me/+abc");
        for other in ["https://t.me.evil.example/+abc", "https://telegram.example/+abc", "https://t.me"] {
            assert_eq!(stand_in(other, base), other);
        }
    }

    #[test]
    fn the_channel_is_open_only_while_time_runs() {
        let access = |invite_link: Option<&str>, member| AccessView {
            channel: "signaux".parse().unwrap(),
            invite_link: invite_link.map(ToOwned::to_owned),
            member,
            requested: false,
        };
        let invited = Membership::Invited { invite_link: "https://t.me/+a".to_owned() };
        assert_eq!(membership(true, Some(&access(Some("https://t.me/+a"), false))), invited);
        assert_eq!(membership(true, Some(&access(Some("https://t.me/+a"), true))), Membership::Inside);
        assert_eq!(membership(true, Some(&access(None, false))), Membership::Preparing);
        assert_eq!(membership(true, None), Membership::Preparing);
        assert_eq!(membership(false, Some(&access(None, true))), Membership::NoAccess);
    }
}
