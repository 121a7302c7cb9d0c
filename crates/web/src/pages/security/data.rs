//! `/security/data`: one's own data, to take along or to leave behind (SEC-59).

use application::identity::{COOLING_TIME, Method};
use application::text::text;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;

use crate::pages::csrf::{Form, Pressed};
use crate::pages::proof::{self, ProofFields};
use crate::pages::session::{SignedIn, Visitor};
use crate::pages::views::{Complaint, DataView, Moment, Notice, ProofView};
use crate::pages::{redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/data";
pub(super) const ERASE: &str = "/security/data/erase";
/// What a browser calls the file.
const DOWNLOAD: HeaderValue = HeaderValue::from_static("attachment; filename=\"calmness-account.json\"");

pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let erased_on = erased_on(&visitor, user).await?;
    Ok(visitor.show(StatusCode::OK, &DataView { page: visitor.frame(), erased_on }))
}

/// Everything that is kept about the reader, as a file.
pub(super) async fn export(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let document = visitor.app().export(user).await?.ok_or(Problem::not_found())?;
    Ok(([(header::CONTENT_DISPOSITION, DOWNLOAD)], Json(document)).into_response())
}

/// Asks for the proof before the account is erased.
pub(super) async fn erase_page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let view = erase_view(&visitor, user, proof::wanted(&visitor)).await?;
    Ok(visitor.show(StatusCode::OK, &view))
}

/// Has the account erased once the cooling time is over.
pub(super) async fn erase(form: Form<SignedIn, ProofFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let proof = fields.proof();
    let work = visitor.app().request_erasure(&visitor.context, user, &proof);
    match tries::counting(&visitor, work).await {
        Ok(()) => Ok(redirect::see_other(&redirect::with_notice(PATH, Notice::ErasureAsked))),
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let view = erase_view(&visitor, user, fields.method()).await?;
            Ok(said.show(&visitor, |complaint| ProofView { complaint, ..view }))
        }
    }
}

/// Keeps the account after all.
pub(super) async fn keep(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = form.who;
    visitor.app().cancel_erasure(&visitor.context, user).await?;
    Ok(redirect::see_other(&redirect::with_notice(PATH, Notice::ErasureKept)))
}

/// When an account is erased, if its owner has asked for that.
pub(super) async fn erased_on(visitor: &Visitor, user: UserId) -> Result<Option<Moment>, Problem> {
    let profile = visitor.app().profile(user).await?;
    let asked_at = profile.and_then(|profile| profile.erasure_requested_at);
    Ok(asked_at.map(|asked_at| Moment::new(visitor.locale, asked_at + COOLING_TIME)))
}

async fn erase_view(visitor: &Visitor, user: UserId, wanted: Option<Method>) -> Result<ProofView, Problem> {
    let say = |key| text(visitor.locale, key, &[]);
    Ok(ProofView {
        page: visitor.frame(),
        title: say("data-erase-title"),
        lead: vec![say("data-erase-lead"), say("data-erase-after"), say("data-erase-stays")],
        button: say("data-erase"),
        grave: true,
        action: ERASE,
        code: proof::prompt(visitor, user, ERASE, wanted).await?,
        complaint: Complaint::default(),
        aside: None,
    })
}
