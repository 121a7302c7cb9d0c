//! Becoming a user and coming back: sign up, confirm, log in.

use askama::Template;

use super::PageFrame;

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
}

/// "Check your mail": the one answer of sign-up and resend.
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
    /// Too many tries.
    TooMany {
        /// How long to wait, in words.
        wait: String,
    },
    /// The server can't check passwords right now.
    Busy,
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
