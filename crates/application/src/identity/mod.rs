//! Who somebody is: sign-up, login, sessions.
//!
//! A registration is not a user yet: the mailed link together with *that* registration's password makes the user, so
//! nobody activates somebody else's. Answers are uniform: whether an address is known shows nowhere. A login is a
//! password and, where one is set up, a second factor ([`login`], [`second_factor`]); each try is counted before it is
//! made ([`guesses`]). Passwords are hashed behind a bounded queue ([`passwords`]); a session lives in refresh tokens
//! that rotate ([`refresh`]); an access token is believed without asking the database, unless its session was revoked
//! ([`revocations`]). What guards an account changes only for a fresh proof ([`proof`]), and what an admin does with
//! money or people only for a permission of its own ([`step_up`]).

mod api_keys;
mod cutoff;
mod devices;
mod email;
mod erasure;
mod export;
mod freeze;
mod guesses;
mod hashing_threads;
mod login;
mod notices;
mod password_change;
pub mod passwords;
mod proof;
mod refresh;
mod registration;
pub mod revocations;
pub mod scope;
mod second_factor;
mod sessions;
mod staff;
mod standing;
mod step_up;
mod store;
mod terms;
mod users;

use crypto::password::PasswordError;
use domain::ids::UserId;
use thiserror::Error;

pub use self::api_keys::{ApiKeyView, IssuedApiKey, MAX_KEY_LIFE, MAX_KEYS, NewApiKey};
pub use self::cutoff::EverybodyOut;
pub(crate) use self::cutoff::end_everybody;
pub use self::devices::{DEVICE_LIFE, Device};
pub use self::email::{Email, InvalidEmail};
pub use self::erasure::COOLING_TIME;
pub(crate) use self::freeze::{by_admin as freeze_by_admin, by_rule as freeze_by_rule};
pub(crate) use self::guesses::Turns;
pub use self::login::{Asked, Client, Entered, LoggedIn, Pass};
pub use self::proof::Proof;
pub(crate) use self::registration::tell_already_registered;
pub use self::second_factor::texts::{SmsCallback, SmsService};
pub use self::second_factor::{Enrolment, Factors, Method, RecoveryCodes, UnknownMethod};
pub use self::sessions::{PageSession, SESSION_LIFE, SessionView, TokenPair};
pub use self::staff::UserDetail;
pub(crate) use self::standing::{change_role, describe_freeze, describe_role, lock as lock_standing, object};
pub use self::step_up::{Action, STEP_UP_LIFE};
pub(crate) use self::terms::{admins as every_admin, is_acting_admin, several_admins};
pub use self::users::{NewUser, Profile, UserCursor, UserFilter, UserView};
use crate::tx::{StoreError, Tx, tx_error};

/// The shortest password without a second factor, in characters (SEC-1).
pub const MIN_PASSWORD_CHARS: usize = 15;
/// The shortest password of an account with a second factor, in characters (SEC-1).
pub const MIN_PASSWORD_CHARS_WITH_FACTOR: usize = 8;
/// The longest password, in bytes: far above any real one, so nothing is ever cut off.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// Why somebody was not let in or not signed up.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Unknown address, wrong password, frozen, not verified: one and the same.
    #[error("the address or the password is wrong, or the address is not verified yet")]
    InvalidCredentials,
    /// The mailed link is unknown, used or too old, or the password is not the one of this registration.
    #[error("the link is not valid any more, or the password is not the one you signed up with")]
    InvalidToken,
    /// The access or refresh token or the cookie is not believed.
    #[error("the session has ended")]
    SessionEnded,
    /// Too many failures in a row.
    #[error("too many failures; wait {retry_after_seconds} seconds")]
    TooManyTries {
        /// When the next try is let through.
        retry_after_seconds: u64,
    },
    /// The code of the second factor is wrong, used or too old.
    #[error("the code is wrong")]
    WrongCode,
    /// The challenge was answered, has ended or had too many wrong answers.
    #[error("log in again: this code is not waited for any more")]
    ChallengeEnded,
    /// The password that was asked again is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// A second factor is set up, so its code is needed too.
    #[error("a code of the second factor is needed")]
    CodeRequired,
    /// The factor is too young to approve this, or cannot.
    #[error("this factor cannot approve actions yet")]
    FactorNotTrusted,
    /// The action needs a permission of its own, and there is none that fits.
    #[error("this action needs a step-up")]
    StepUpRequired,
    /// Nothing waits to be confirmed, or nothing is set up.
    #[error("there is nothing to confirm or to remove")]
    NothingToConfirm,
    /// An authenticator app must be set up first.
    #[error("set up an authenticator app first")]
    AppRequired,
    /// No messages to telephones are sent here, or not to this one, or not so many.
    #[error("no message can be sent to this telephone now")]
    SmsUnavailable,
    /// Not a telephone number.
    #[error("a telephone number starts with + and its country")]
    InvalidPhone,
    /// A scope that the owner does not have, or that no key may have.
    #[error("a key cannot have this scope")]
    ScopeNotAllowed,
    /// The name, the life or the number of keys is out of range.
    #[error("this key cannot be made: {0}")]
    KeyNotAllowed(&'static str),
    /// A freeze and its end have a reason.
    #[error("give a reason of at most 500 characters")]
    ReasonRequired,
    /// Nobody freezes themselves.
    #[error("nobody can do this to their own account")]
    NotYourself,
    /// To freeze an admin somebody else has to agree.
    #[error("freezing an admin needs a second confirmation")]
    ApprovalNeeded,
    /// The last admin who can act stays.
    #[error("the last admin cannot be frozen, demoted or erased")]
    LastAdmin,
    /// Too short.
    #[error(
        "a password has at least {MIN_PASSWORD_CHARS} characters, or {MIN_PASSWORD_CHARS_WITH_FACTOR} beside a second factor"
    )]
    PasswordTooShort,
    /// Long enough beside a second factor, and not without one.
    #[error("first choose a password of at least {MIN_PASSWORD_CHARS} characters")]
    PasswordTooShortAlone,
    /// Among the first that a guesser would try.
    #[error("the password is too easy to guess")]
    PasswordTooCommon,
    /// Made of the address or of the company's name.
    #[error("the password is made of the address or the name of this place")]
    PasswordOfContext,
    /// Too long.
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes")]
    PasswordTooLong,
    /// Not an address.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// The address belongs to a user already (told to operators only).
    #[error("a user with this address exists")]
    EmailTaken,
    /// Too many passwords wait to be hashed.
    #[error("too many logins at once")]
    Busy,
    /// A password could not be hashed.
    #[error("a password could not be hashed")]
    Hashing(#[from] PasswordError),
    /// No such user.
    #[error("no user has this address")]
    UnknownUser,
}
tx_error!(IdentityError);

impl IdentityError {
    /// Whether somebody may have been guessing: such a failure counts against the address that it came from (SEC-48).
    pub const fn is_guess(&self) -> bool {
        matches!(
            self,
            Self::InvalidCredentials
                | Self::InvalidToken
                | Self::WrongCode
                | Self::WrongPassword
                | Self::ChallengeEnded
        )
    }
}

/// Whether an address is a user's, and in which language they read.
pub(crate) async fn owner_of_address(
    db: &sqlx::PgPool,
    address: &str,
) -> Result<Option<(UserId, crate::text::Locale)>, StoreError> {
    let Ok(email) = Email::parse(address) else { return Ok(None) };
    store::locale_of_address(db, email.key()).await
}

/// Whether an admin's freeze withholds what an account has paid for.
pub(crate) async fn is_withheld(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    store::is_withheld(tx, user).await
}

/// Every admin who may act.
pub(crate) async fn admins(tx: &mut Tx) -> Result<Vec<UserId>, StoreError> {
    let admins = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND frozen_at IS NULL AND erased_at IS NULL ORDER BY id"
    );
    Ok(admins.fetch_all(tx.db()).await?.into_iter().map(UserId::from_uuid).collect())
}

/// Whether an account is frozen: it may not log in or pay.
pub(crate) async fn is_frozen(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    store::is_frozen(tx, user).await
}

/// Whether there is such a user who was not erased.
pub(crate) async fn exists(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    store::exists(tx, user).await
}
