//! Who acts, and on which request: what every transaction, audit entry and log line knows.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use domain::ids::{SessionId, UserId};

/// What a user may do. Roles grant scopes; routes name the scope they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A customer.
    User,
    /// Reads, for helping customers.
    Support,
    /// Runs the place.
    Admin,
}

impl Role {
    /// The word in the database, in tokens and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

/// A role that does not exist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a role is user, support or admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::User, Self::Support, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody that we know.
    Anonymous,
    /// A logged-in user.
    User {
        /// Who.
        id: UserId,
        /// On which device.
        session: SessionId,
        /// What they may do.
        role: Role,
    },
    /// A payment provider, by a verified callback or its own answer.
    Provider(String),
    /// Telegram, by an update of our bot.
    Telegram,
    /// The product itself: a sweep or owed work, by name.
    System(&'static str),
    /// Whoever runs the command line on the machine.
    Operator,
}

impl Actor {
    /// The word in the audit log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User { .. } => "user",
            Self::Provider(_) => "provider",
            Self::Telegram => "telegram",
            Self::System(_) => "system",
            Self::Operator => "operator",
        }
    }

    /// Which one, in the audit log.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User { id, .. } => Some(id.to_string()),
            Self::Provider(code) => Some(code.clone()),
            Self::System(name) => Some((*name).to_owned()),
            Self::Anonymous | Self::Telegram | Self::Operator => None,
        }
    }
}

/// Who acts, from where, on which request.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who.
    pub actor: Actor,
    /// The request that this happens on.
    pub request_id: Option<Arc<str>>,
    /// The client's real address.
    pub address: Option<IpAddr>,
}

impl Context {
    /// The product acting by itself.
    pub const fn system(name: &'static str) -> Self {
        Self { actor: Actor::System(name), request_id: None, address: None }
    }

    /// Somebody at the machine's command line.
    pub const fn operator() -> Self {
        Self { actor: Actor::Operator, request_id: None, address: None }
    }

    /// The same request, with another actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { actor, request_id: self.request_id.clone(), address: self.address }
    }
}
