//! `/security/sms`: a telephone that gets codes, beside the authenticator app.

use application::identity::{IdentityError, Method};
use application::text::text;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::UserId;
use secrecy::SecretString;
use serde::Deserialize;

use super::app::ConfirmFields;
use crate::pages::csrf::Form;
use crate::pages::proof::{self, ProofFields};
use crate::pages::session::{SignedIn, Visitor};
use crate::pages::views::{Complaint, Moment, Notice, PhoneConfirmView, PhoneState, PhoneView, ProofView};
use crate::pages::{redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/sms";
pub(super) const CONFIRM: &str = "/security/sms/confirm";
pub(super) const REMOVE: &str = "/security/sms/remove";

/// A number, with the proof.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneFields {
    phone: String,
    password: SecretString,
    #[serde(default)]
    method: String,
    #[serde(default)]
    code: SecretString,
}

pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let wanted = proof::wanted(&visitor);
    let view = view(&visitor, user, String::new(), wanted).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Has a code sent to a new telephone.
pub(super) async fn enrol(form: Form<SignedIn, PhoneFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let shown = proof::proof(&fields.password, &fields.method, &fields.code);
    let phone = fields.phone.trim();
    let work = visitor.app().enrol_sms(&visitor.context, user, &shown, phone);
    match tries::counting(&visitor, work).await {
        Ok(()) => Ok(redirect::see_other(&redirect::with_notice(CONFIRM, Notice::CodeSent))),
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let wanted = proof::method(&fields.method);
            let view = view(&visitor, user, fields.phone, wanted).await?;
            Ok(said.show(&visitor, |complaint| PhoneView { complaint, ..view }))
        }
    }
}

/// Asks for the code that was sent.
pub(super) async fn confirm_page(SignedIn { visitor, .. }: SignedIn) -> Response {
    let view = PhoneConfirmView { page: visitor.frame(), complaint: Complaint::default() };
    visitor.show(StatusCode::OK, &view)
}

/// The code that was sent to the new telephone.
pub(super) async fn confirm(form: Form<SignedIn, ConfirmFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, session }, fields, .. } = form;
    let code = tries::typed(&fields.code);
    let work = visitor.app().confirm_sms(&visitor.context, user, session, &code);
    match tries::counting(&visitor, work).await {
        Ok(()) => Ok(redirect::see_other(&redirect::with_notice("/security", Notice::PhoneAdded))),
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            Ok(said.show(&visitor, |complaint| PhoneConfirmView { page: visitor.frame(), complaint }))
        }
    }
}

/// Asks for the proof before the telephone is removed.
pub(super) async fn remove_page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let view = remove_view(&visitor, user, proof::wanted(&visitor)).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Removes the telephone.
pub(super) async fn remove(form: Form<SignedIn, ProofFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let proof = fields.proof();
    let work = visitor.app().remove_sms(&visitor.context, user, &proof);
    match tries::counting(&visitor, work).await {
        Ok(()) | Err(tries::Refused::Error(IdentityError::NothingToConfirm)) => {
            Ok(redirect::see_other(&redirect::with_notice("/security", Notice::PhoneRemoved)))
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let view = remove_view(&visitor, user, fields.method()).await?;
            Ok(said.show(&visitor, |complaint| ProofView { complaint, ..view }))
        }
    }
}

async fn view(
    visitor: &Visitor,
    user: UserId,
    phone: String,
    wanted: Option<Method>,
) -> Result<PhoneView, Problem> {
    let (app, locale) = (visitor.app(), visitor.locale);
    let factors = app.factors(user).await?;
    let offered = app.sms().is_some();
    let state = match (factors.sms, factors.totp) {
        (Some((number, since, _)), _) => {
            PhoneState::On { number, since: Moment::day(locale, since), replaceable: offered }
        }
        // Not offered here: the same as an address that does not exist.
        (None, _) if !offered => return Err(Problem::not_found()),
        (None, None) => PhoneState::NeedsApp,
        (None, Some(_)) => PhoneState::Off,
    };
    let code = proof::prompt(visitor, user, PATH, wanted).await?;
    Ok(PhoneView { page: visitor.frame(), state, phone, code, complaint: Complaint::default() })
}

async fn remove_view(visitor: &Visitor, user: UserId, wanted: Option<Method>) -> Result<ProofView, Problem> {
    let say = |key| text(visitor.locale, key, &[]);
    Ok(ProofView {
        page: visitor.frame(),
        title: say("phone-remove-title"),
        lead: vec![say("phone-remove-lead")],
        button: say("phone-remove"),
        grave: true,
        action: REMOVE,
        code: proof::prompt(visitor, user, REMOVE, wanted).await?,
        complaint: Complaint::default(),
        aside: None,
    })
}
