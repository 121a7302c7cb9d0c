//! Becoming a user and coming back: sign up, confirm, log in.

use askama::Template;

use super::{CodePrompt, Complaint, PageFrame};

/// The sign-up form; posts `email`, `password`.
#[derive(Template)]
#[template(path = "signup.html")]
pub struct SignUpView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was typed before, for a second try.
    pub email: String,
    /// Why the address was refused, in words.
    pub email_error: Option<String>,
    /// Why the password was refused, in words.
    pub password_error: Option<String>,
    /// The fewest characters of a password.
    pub minimum: u16,
}

/// Why a mail is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSentReason {
    /// Somebody signed up: an answer that is the same for a known address.
    SignUp,
    /// A new link was asked for: the same whether anything waits for one.
    Resend,
    /// A new password is wanted: the same whether anybody has the address.
    Forgot,
}

/// "Check your mail": the one answer of sign-up, resend and a forgotten password.
#[derive(Template)]
#[template(path = "mail_sent.html")]
pub struct MailSentView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The address that was given.
    pub email: String,
    /// What was asked for.
    pub reason: MailSentReason,
}

/// The mailed link's page: reading it consumes nothing; its form posts `token`, `password`.
#[derive(Template)]
#[template(path = "verify.html")]
pub struct VerifyView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The token of the link.
    pub token: String,
    /// Whether the last try was refused; the page doesn't say which of the two was wrong.
    pub failed: bool,
}

/// Asks for a new confirmation link; posts `email`.
#[derive(Template)]
#[template(path = "resend.html")]
pub struct ResendView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was typed before.
    pub email: String,
    /// Why the address was refused, in words.
    pub email_error: Option<String>,
}

/// Why a log-in did not succeed, as far as a page may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogInAlert {
    /// Unknown, wrong, frozen or unconfirmed: one and the same words.
    Refused,
    /// Too many tries, or too many people at once.
    Later {
        /// What to do, in words.
        words: String,
    },
}

/// The log-in form; posts `email`, `password`, `next`.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LogInView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was typed before.
    pub email: String,
    /// Where to go afterwards: a path of this site.
    pub next: String,
    /// What went wrong.
    pub alert: Option<LogInAlert>,
}

/// The second step of the log-in; posts `code`, `method`, `next`.
#[derive(Template)]
#[template(path = "login_code.html")]
pub struct LogInCodeView {
    /// What surrounds it.
    pub page: PageFrame,
    /// Where to go afterwards: a path of this site.
    pub next: String,
    /// How the code is asked for.
    pub code: CodePrompt,
    /// What was refused.
    pub complaint: Complaint,
}

/// Asks for a link to choose a new password; posts `email`.
#[derive(Template)]
#[template(path = "password_forgot.html")]
pub struct ForgotView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was typed before.
    pub email: String,
    /// Why the address was refused, in words.
    pub email_error: Option<String>,
}

/// The page of such a link: reading it consumes nothing; its form posts `token`, `password`.
#[derive(Template)]
#[template(path = "password_reset.html")]
pub struct ResetView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The token of the link.
    pub token: String,
    /// The fewest characters of a password.
    pub minimum: u16,
    /// The fewest characters where a second factor is set up.
    pub minimum_with_factor: u16,
    /// Whether the link does not work any more.
    pub ended: bool,
    /// What was refused.
    pub complaint: Complaint,
}
