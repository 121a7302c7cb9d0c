//! The fresh proof that pages ask for before what guards an account changes (SEC-7): the password again, and a code
//! where a second factor is set up.

use application::identity::{Factors, IdentityError, Method, Proof};
use application::text::text;
use axum::response::Response;
use domain::ids::UserId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::csrf::Form;
use super::redirect;
use super::session::{SignedIn, Visitor};
use super::tries::typed;
use super::views::{CodePrompt, Notice, OtherWay, SendCode, way};
use crate::problem::Problem;

/// Where a signed-in person has a code sent to their telephone.
pub(super) const SEND: &str = "/security/code";

/// A form that asks for nothing but the proof.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofFields {
    password: SecretString,
    #[serde(default)]
    method: String,
    #[serde(default)]
    code: SecretString,
}

/// Where a code is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendFields {
    back: String,
}

impl SendFields {
    /// The page that asks for the code.
    pub(super) fn back(&self) -> &str {
        &self.back
    }
}

impl ProofFields {
    pub(super) fn proof(&self) -> Proof {
        proof(&self.password, &self.method, &self.code)
    }

    pub(super) fn method(&self) -> Option<Method> {
        method(&self.method)
    }
}

/// What the fields of a form prove. A code that was left empty, or that no form asked for, was not given.
pub(super) fn proof(password: &SecretString, by: &str, code: &SecretString) -> Proof {
    let code = Some(typed(code)).filter(|code| !code.expose_secret().is_empty());
    Proof { password: password.clone(), code: method(by).zip(code) }
}

/// The way of showing a second factor that a field names.
pub(super) fn method(word: &str) -> Option<Method> {
    word.parse().ok()
}

/// The way of showing a second factor that the address of this page names.
pub(super) fn wanted(visitor: &Visitor) -> Option<Method> {
    redirect::query_word(&visitor.path, "method").and_then(method)
}

/// How this page asks its reader for a code, if they have set up a second factor.
pub(super) async fn prompt(
    visitor: &Visitor,
    user: UserId,
    page: &str,
    wanted: Option<Method>,
) -> Result<Option<CodePrompt>, Problem> {
    let factors = visitor.app().factors(user).await?;
    let methods = methods(&factors, visitor.app().sms().is_some());
    Ok(ask(visitor, &methods, wanted, SEND, page))
}

/// How somebody can show a second factor now.
pub(super) fn methods(factors: &Factors, sms_offered: bool) -> Vec<Method> {
    let has_app = factors.totp.is_some();
    let has_phone = factors.sms.is_some() && sms_offered;
    let has_codes = (has_app || has_phone) && factors.recovery_codes_left > 0;
    let all = [(Method::Totp, has_app), (Method::Sms, has_phone), (Method::RecoveryCode, has_codes)];
    all.into_iter().filter_map(|(method, usable)| usable.then_some(method)).collect()
}

/// Asks for a code in one way and leads to the others: the page itself, with the way in its query.
pub(super) fn ask(
    visitor: &Visitor,
    methods: &[Method],
    wanted: Option<Method>,
    send: &'static str,
    page: &str,
) -> Option<CodePrompt> {
    let method = wanted.filter(|method| methods.contains(method)).or_else(|| methods.first().copied())?;
    let others = methods.iter().filter(|other| **other != method).map(|other| OtherWay {
        href: redirect::with_word(page, "method", other.as_str()),
        label: text(visitor.locale, way(*other), &[]),
    });
    let send = (method == Method::Sms)
        .then(|| SendCode { action: send, back: redirect::with_word(page, "method", method.as_str()) });
    Some(CodePrompt { method, others: others.collect(), send })
}

/// Sends a code to the telephone of somebody who is logged in, and goes back to where it is asked for.
pub(super) async fn send(form: Form<SignedIn, SendFields>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, .. } = form.who;
    let notice = match visitor.app().send_proof_code(&visitor.context, user).await {
        Ok(()) => Notice::CodeSent,
        Err(IdentityError::SmsUnavailable) => Notice::CodeUnsent,
        Err(other) => return Err(other.into()),
    };
    Ok(redirect::see_other(&redirect::with_notice(redirect::wanted(form.fields.back()), notice)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn factors(app: bool, phone: bool, recovery_codes_left: i64) -> Factors {
        let at = datetime!(2026-11-23 14:00 UTC);
        Factors {
            totp: app.then_some((at, at)),
            sms: phone.then(|| ("+229 ·· ·· 12".to_owned(), at, at)),
            recovery_codes_left,
        }
    }

    #[test]
    fn a_code_is_asked_for_in_the_ways_that_work_now() {
        use Method::{RecoveryCode, Sms, Totp};
        assert_eq!(methods(&factors(false, false, 10), true), []);
        assert_eq!(methods(&factors(true, true, 3), true), [Totp, Sms, RecoveryCode]);
        assert_eq!(methods(&factors(true, true, 0), false), [Totp]);
        assert_eq!(methods(&factors(false, true, 3), true), [Sms, RecoveryCode]);
    }

    #[test]
    fn an_empty_code_was_not_given() {
        let password = SecretString::from("a calm sea");
        for (by, code, given) in [
            ("totp", "123 456", Some((Method::Totp, "123456"))),
            ("totp", " ", None),
            ("stars", "123456", None),
            ("", "123456", None),
            ("sms", "", None),
        ] {
            let proof = proof(&password, by, &code.into());
            let shown = proof.code.as_ref().map(|(method, code)| (*method, code.expose_secret()));
            assert_eq!(shown, given, "{by} {code}");
        }
    }
}
