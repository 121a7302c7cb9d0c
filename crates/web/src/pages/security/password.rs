//! `/security/password`: a new password for the old one. Every session ends; this browser gets a new one.

use application::identity::{Client, MIN_PASSWORD_CHARS, MIN_PASSWORD_CHARS_WITH_FACTOR};
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;

use crate::pages::csrf::Form;
use crate::pages::login::give_session;
use crate::pages::session::SignedIn;
use crate::pages::views::{CodePrompt, Complaint, Notice, PasswordView};
use crate::pages::{proof, redirect, tries};
use crate::problem::Problem;

pub(super) const PATH: &str = "/security/password";

/// The old password with the new one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeFields {
    password: SecretString,
    new_password: SecretString,
    #[serde(default)]
    method: String,
    #[serde(default)]
    code: SecretString,
}

pub(super) async fn page(who: SignedIn) -> Result<Response, Problem> {
    let wanted = proof::wanted(&who.visitor);
    let code = proof::prompt(&who.visitor, who.user, PATH, wanted).await?;
    Ok(who.visitor.show(StatusCode::OK, &view(&who, code, Complaint::default())))
}

pub(super) async fn change(form: Form<SignedIn, ChangeFields>) -> Result<Response, Problem> {
    let Form { who, fields, device } = form;
    let (visitor, user) = (&who.visitor, who.user);
    let shown = proof::proof(&fields.password, &fields.method, &fields.code);
    let work = visitor.app().change_password(
        &visitor.context,
        user,
        &shown,
        &fields.new_password,
        Client::Browser,
        &device,
    );
    match tries::counting(visitor, work).await {
        Ok(entered) => {
            let to = redirect::with_notice("/security", Notice::PasswordChanged);
            let mut response = redirect::see_other(&to);
            give_session(visitor, &mut response, &entered)?;
            Ok(response)
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            let wanted = proof::method(&fields.method);
            let code = proof::prompt(visitor, user, PATH, wanted).await?;
            Ok(said.show(visitor, |complaint| view(&who, code, complaint)))
        }
    }
}

fn view(who: &SignedIn, code: Option<CodePrompt>, complaint: Complaint) -> PasswordView {
    let minimum = if code.is_some() { MIN_PASSWORD_CHARS_WITH_FACTOR } else { MIN_PASSWORD_CHARS };
    let minimum = u16::try_from(minimum).unwrap_or(u16::MAX);
    PasswordView { page: who.visitor.frame(), minimum, code, complaint }
}
