//! `/security/recovery-codes`: new ones, which end the old ones.

use application::identity::Method;
use application::text::text;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::UserId;

use super::app::show_codes;
use crate::pages::csrf::Form;
use crate::pages::proof::{self, ProofFields};
use crate::pages::session::{SignedIn, Visitor};
use crate::pages::views::{Complaint, ProofView};
use crate::pages::{redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/recovery-codes";

pub(super) async fn page(SignedIn { visitor, user, .. }: SignedIn) -> Result<Response, Problem> {
    let wanted = proof::wanted(&visitor);
    Ok(match view(&visitor, user, wanted).await? {
        Some(view) => visitor.show(StatusCode::OK, &view),
        // They recover a factor, so one comes first.
        None => redirect::see_other(super::app::PATH),
    })
}

pub(super) async fn replace(form: Form<SignedIn, ProofFields>) -> Result<Response, Problem> {
    let Form { who: SignedIn { visitor, user, .. }, fields, .. } = form;
    let proof = fields.proof();
    let work = visitor.app().replace_recovery_codes(&visitor.context, user, &proof);
    match tries::counting(&visitor, work).await {
        Ok(codes) => Ok(show_codes(&visitor, &codes, false)),
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            Ok(match view(&visitor, user, fields.method()).await? {
                Some(view) => said.show(&visitor, |complaint| ProofView { complaint, ..view }),
                None => redirect::see_other(super::app::PATH),
            })
        }
    }
}

async fn view(visitor: &Visitor, user: UserId, wanted: Option<Method>) -> Result<Option<ProofView>, Problem> {
    let factors = visitor.app().factors(user).await?;
    if factors.totp.is_none() && factors.sms.is_none() {
        return Ok(None);
    }
    let say = |key| text(visitor.locale, key, &[]);
    let left = text(visitor.locale, "codes-left", &[("count", factors.recovery_codes_left.into())]);
    Ok(Some(ProofView {
        page: visitor.frame(),
        title: say("codes-title"),
        lead: vec![say("codes-lead"), left, say("codes-renew-lead")],
        button: say("codes-renew"),
        grave: false,
        action: PATH,
        code: proof::prompt(visitor, user, PATH, wanted).await?,
        complaint: Complaint::default(),
        aside: None,
    }))
}
