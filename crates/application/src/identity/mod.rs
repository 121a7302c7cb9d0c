//! Who somebody is: sign-up, login, sessions.
//!
//! A registration is not a user yet: the mailed link together with *that* registration's password makes the user, so
//! nobody activates somebody else's. Answers are uniform: whether an address is known shows nowhere. Passwords are
//! hashed behind a bounded queue ([`passwords`]); a session lives in refresh tokens that rotate ([`sessions`]); an
//! access token is believed without asking the database, unless its session was revoked ([`revocations`]).

mod email;
pub mod passwords;
mod registration;
pub mod revocations;
mod sessions;
mod store;
mod users;

use crypto::password::PasswordError;
use domain::ids::UserId;
use thiserror::Error;

pub use self::email::{Email, InvalidEmail};
pub use self::sessions::{Device, LoggedIn, PageSession, SESSION_LIFE, TokenPair};
pub use self::users::{NewUser, Profile};
use crate::tx::{StoreError, Tx, tx_error};

/// The shortest password without a second factor, in characters (SEC-1).
pub const MIN_PASSWORD_CHARS: usize = 15;
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
    /// Too short.
    #[error("a password has at least {MIN_PASSWORD_CHARS} characters")]
    PasswordTooShort,
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

/// Whether an account is frozen: it may not pay, and what it paid waits.
pub(crate) async fn is_frozen(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    store::is_frozen(tx, user).await
}
