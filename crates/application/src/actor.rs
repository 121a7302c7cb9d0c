//! Who acts, and on which request: what every transaction, audit entry and log line knows.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use domain::ids::{ApiKeyId, SessionId, UserId};
use serde::{Deserialize, Serialize};

pub use crate::identity::scope::{Scope, Scopes, UnknownScope};

/// What a user may do. Roles grant scopes; routes name the scope they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// A machine, by one of its owner's keys.
    ApiKey {
        /// Which key.
        id: ApiKeyId,
        /// Whose.
        user: UserId,
        /// What it may do now: what it was given, as far as its owner still may.
        scopes: Scopes,
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
            Self::ApiKey { .. } => "api_key",
            Self::Provider(_) => "provider",
            Self::Telegram => "telegram",
            Self::System(_) => "system",
            Self::Operator => "operator",
        }
    }

    /// What they may do over the API.
    pub const fn scopes(&self) -> Scopes {
        match self {
            Self::User { role, .. } => Scopes::of_role(*role),
            Self::ApiKey { scopes, .. } => *scopes,
            _ => Scopes::NONE,
        }
    }

    /// Which one, in the audit log.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User { id, .. } => Some(id.to_string()),
            Self::ApiKey { id, .. } => Some(id.to_string()),
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

    /// The client's network, short of its address: what may be kept of where somebody was.
    pub fn network(&self) -> String {
        self.address.map(network).unwrap_or_default()
    }

    /// The same request, with another actor.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { actor, request_id: self.request_id.clone(), address: self.address }
    }
}

/// The network of an address, as wide as one household or town: /24 of IPv4, /48 of IPv6.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_as_wide_as_a_household_and_names_nobody() {
        for (address, expected) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ] {
            assert_eq!(network(address.parse().unwrap()), expected);
        }
    }
}
