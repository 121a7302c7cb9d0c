//! `/security/app`: setting up an authenticator app, moving to another one, removing it.

use application::identity::{Enrolment, IdentityError, Method, RecoveryCodes};
use application::text::text;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::UserId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::pages::csrf::Form;
use crate::pages::proof::{self, ProofFields};
use crate::pages::session::{SignedIn, Visitor};
use crate::pages::views::{AppView, CodesView, Complaint, Notice, ProofView, Scan};
use crate::pages::{redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/app";
pub(super) const CONFIRM: &str = "/security/app/confirm";
pub(super) const REMOVE: &str = "/security/app/remove";

/// A code that confirms something new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmFields {
    pub(super) code: SecretString,
}

/// The first step: the proof. Where an app is set up, another one takes its place.
pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let wanted = proof::wanted(&visitor);
    let view = start_view(&visitor, user, wanted).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Makes the secret and shows it.
pub(super) async fn enrol(form: Form<SignedIn, ProofFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let proof = fields.proof();
    let work = visitor.app().enrol_totp(&visitor.context, user, &proof);
    match tries::counting(&visitor, work).await {
        Ok(enrolment) => {
            let scan = Some(scan(&enrolment));
            let view = AppView { page: visitor.frame(), scan, complaint: Complaint::default() };
            Ok(visitor.show(StatusCode::OK, &view))
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let view = start_view(&visitor, user, fields.method()).await?;
            Ok(said.show(&visitor, |complaint| ProofView { complaint, ..view }))
        }
    }
}

/// The second step again, for whoever has scanned already.
pub(super) async fn confirm_page(SignedIn { visitor, .. }: SignedIn) -> Response {
    let view = AppView { page: visitor.frame(), scan: None, complaint: Complaint::default() };
    visitor.show(StatusCode::OK, &view)
}

/// The first code of the app. Where no factor was set up before, recovery codes come along.
pub(super) async fn confirm(form: Form<SignedIn, ConfirmFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, session }, fields, .. } = form;
    let code = tries::typed(&fields.code);
    let work = visitor.app().confirm_totp(&visitor.context, user, session, &code);
    match tries::counting(&visitor, work).await {
        Ok(Some(codes)) => Ok(show_codes(&visitor, &codes, true)),
        Ok(None) => Ok(redirect::see_other(&redirect::with_notice("/security", Notice::AppMoved))),
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            Ok(said.show(&visitor, |complaint| AppView { page: visitor.frame(), scan: None, complaint }))
        }
    }
}

/// Asks for the proof before the app is removed.
pub(super) async fn remove_page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let view = remove_view(&visitor, user, proof::wanted(&visitor)).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Removes the app, and everything that needs one beside it.
pub(super) async fn remove(form: Form<SignedIn, ProofFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let proof = fields.proof();
    let work = visitor.app().remove_totp(&visitor.context, user, &proof);
    match tries::counting(&visitor, work).await {
        Ok(()) | Err(tries::Refused::Error(IdentityError::NothingToConfirm)) => {
            Ok(redirect::see_other(&redirect::with_notice("/security", Notice::AppRemoved)))
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let view = remove_view(&visitor, user, fields.method()).await?;
            Ok(said.show(&visitor, |complaint| ProofView { complaint, ..view }))
        }
    }
}

/// Recovery codes, this once.
pub(super) fn show_codes(visitor: &Visitor, codes: &RecoveryCodes, app_is_new: bool) -> Response {
    let codes = codes.reveal().iter().map(|code| code.expose_secret().to_owned()).collect();
    visitor.show(StatusCode::OK, &CodesView { page: visitor.frame(), codes, app_is_new })
}

async fn start_view(visitor: &Visitor, user: UserId, wanted: Option<Method>) -> Result<ProofView, Problem> {
    let say = |key| text(visitor.locale, key, &[]);
    let is_set_up = visitor.app().factors(user).await?.totp.is_some();
    let (title, lead, button) = if is_set_up {
        (say("app-move-title"), vec![say("app-move-lead")], say("app-continue"))
    } else {
        (say("app-title"), vec![say("app-lead"), say("app-which")], say("app-continue"))
    };
    Ok(ProofView {
        page: visitor.frame(),
        title,
        lead,
        button,
        grave: false,
        action: PATH,
        code: proof::prompt(visitor, user, PATH, wanted).await?,
        complaint: Complaint::default(),
        aside: is_set_up.then(|| (REMOVE, say("app-remove-title"))),
    })
}

async fn remove_view(visitor: &Visitor, user: UserId, wanted: Option<Method>) -> Result<ProofView, Problem> {
    let say = |key| text(visitor.locale, key, &[]);
    Ok(ProofView {
        page: visitor.frame(),
        title: say("app-remove-title"),
        lead: vec![say("app-remove-lead")],
        button: say("app-remove"),
        grave: true,
        action: REMOVE,
        code: proof::prompt(visitor, user, REMOVE, wanted).await?,
        complaint: Complaint::default(),
        aside: None,
    })
}

fn scan(enrolment: &Enrolment) -> Scan {
    Scan {
        secret: grouped(enrolment.secret.expose_secret()),
        otpauth: enrolment.otpauth.expose_secret().to_owned(),
        qr_svg: enrolment.qr_svg.expose_secret().to_owned(),
    }
}

/// In groups of four, as people copy it by hand.
fn grouped(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_groups() {
        assert_eq!(grouped("JBSWY3DPEHPK3PXPAB"), "JBSW Y3DP EHPK 3PXP AB");
        assert_eq!(grouped(""), "");
    }
}
