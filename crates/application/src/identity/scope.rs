//! What somebody may do over the API, in words that routes, keys and the documentation share (SEC-21).
//!
//! A route names the one scope that it needs. A role grants scopes; a key of a machine has some of its owner's, and
//! never those that guard money, people or keys themselves.

use std::fmt;
use std::str::FromStr;

use crate::actor::Role;

/// One thing that may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See one's own account.
    ProfileRead,
    /// Change one's own language.
    ProfileWrite,
    /// See one's own payments.
    PaymentsRead,
    /// Open payments.
    PaymentsWrite,
    /// See one's own subscriptions.
    SubscriptionsRead,
    /// See one's own Telegram binding and the way into channels.
    TelegramRead,
    /// Bind and unbind a Telegram account.
    TelegramWrite,
    /// Change what guards one's own account: passwords, factors, devices, keys; take one's data along; leave.
    Security,
    /// See everybody's account.
    UsersRead,
    /// Freeze, unfreeze and log out others.
    UsersWrite,
    /// See everybody's payments, what callbacks told, and what waits for a decision.
    PaymentsInspect,
    /// Confirm transfers, and decide what becomes of contradictions.
    PaymentsConfirm,
    /// Send money back.
    PaymentsRefund,
    /// See everybody's subscriptions.
    SubscriptionsInspect,
    /// Grant, extend and revoke subscriptions.
    SubscriptionsManage,
    /// Change what is sold, and for how much.
    PlansWrite,
    /// See which settings there are and whether they are set; their secrets are never shown.
    SettingsRead,
    /// Change settings.
    SettingsWrite,
    /// See what waits for a second confirmation.
    ApprovalsRead,
    /// Confirm or reject what waits for a second confirmation.
    ApprovalsConfirm,
    /// See what the product found wrong.
    AlertsRead,
    /// Say that somebody looks after it.
    AlertsAcknowledge,
    /// Read and verify the audit log.
    AuditRead,
    /// See the inventory of keys.
    KeysRead,
    /// Rotate, rewrap and revoke keys.
    KeysRotate,
    /// Act in an emergency: end all sessions, stop purchases, gather evidence.
    IncidentsManage,
    /// See how the business goes.
    StatsRead,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 27] = [
        Self::ProfileRead,
        Self::ProfileWrite,
        Self::PaymentsRead,
        Self::PaymentsWrite,
        Self::SubscriptionsRead,
        Self::TelegramRead,
        Self::TelegramWrite,
        Self::Security,
        Self::UsersRead,
        Self::UsersWrite,
        Self::PaymentsInspect,
        Self::PaymentsConfirm,
        Self::PaymentsRefund,
        Self::SubscriptionsInspect,
        Self::SubscriptionsManage,
        Self::PlansWrite,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::ApprovalsRead,
        Self::ApprovalsConfirm,
        Self::AlertsRead,
        Self::AlertsAcknowledge,
        Self::AuditRead,
        Self::KeysRead,
        Self::KeysRotate,
        Self::IncidentsManage,
        Self::StatsRead,
    ];

    /// The word in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProfileRead => "profile:read",
            Self::ProfileWrite => "profile:write",
            Self::PaymentsRead => "payments:read",
            Self::PaymentsWrite => "payments:write",
            Self::SubscriptionsRead => "subscriptions:read",
            Self::TelegramRead => "telegram:read",
            Self::TelegramWrite => "telegram:write",
            Self::Security => "security",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::PaymentsInspect => "payments:inspect",
            Self::PaymentsConfirm => "payments:confirm",
            Self::PaymentsRefund => "payments:refund",
            Self::SubscriptionsInspect => "subscriptions:inspect",
            Self::SubscriptionsManage => "subscriptions:manage",
            Self::PlansWrite => "plans:write",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::ApprovalsRead => "approvals:read",
            Self::ApprovalsConfirm => "approvals:confirm",
            Self::AlertsRead => "alerts:read",
            Self::AlertsAcknowledge => "alerts:acknowledge",
            Self::AuditRead => "audit:read",
            Self::KeysRead => "keys:read",
            Self::KeysRotate => "keys:rotate",
            Self::IncidentsManage => "incidents:manage",
            Self::StatsRead => "stats:read",
        }
    }

    /// Whether a key of a machine may ever have it. What guards money, people and keys needs a person.
    pub const fn may_be_a_keys(self) -> bool {
        match self {
            Self::ProfileRead
            | Self::ProfileWrite
            | Self::PaymentsRead
            | Self::PaymentsWrite
            | Self::SubscriptionsRead
            | Self::TelegramRead
            | Self::TelegramWrite
            | Self::UsersRead
            | Self::PaymentsInspect
            | Self::SubscriptionsInspect
            | Self::AlertsRead
            | Self::AuditRead
            | Self::StatsRead => true,
            Self::Security
            | Self::UsersWrite
            | Self::PaymentsConfirm
            | Self::PaymentsRefund
            | Self::SubscriptionsManage
            | Self::PlansWrite
            | Self::SettingsRead
            | Self::SettingsWrite
            | Self::ApprovalsRead
            | Self::ApprovalsConfirm
            | Self::AlertsAcknowledge
            | Self::KeysRead
            | Self::KeysRotate
            | Self::IncidentsManage => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A scope that does not exist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no such scope")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Every one.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// What a role grants.
    pub const fn of_role(role: Role) -> Self {
        let own = Self::NONE
            .with(Scope::ProfileRead)
            .with(Scope::ProfileWrite)
            .with(Scope::PaymentsRead)
            .with(Scope::PaymentsWrite)
            .with(Scope::SubscriptionsRead)
            .with(Scope::TelegramRead)
            .with(Scope::TelegramWrite)
            .with(Scope::Security);
        match role {
            Role::User => own,
            Role::Support => own
                .with(Scope::UsersRead)
                .with(Scope::PaymentsInspect)
                .with(Scope::SubscriptionsInspect)
                .with(Scope::AlertsRead)
                .with(Scope::StatsRead),
            Role::Admin => Self::ALL,
        }
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u16)
    }

    /// Whether it is one of them.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u16 != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every one of these is in the other set too.
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_from_its_word() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(Scopes::NONE.with(scope).iter().collect::<Vec<_>>(), [scope]);
        }
        assert_eq!("payments".parse::<Scope>(), Err(UnknownScope));
    }

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may_and_more() {
        let [user, support, admin] = [Role::User, Role::Support, Role::Admin].map(Scopes::of_role);
        assert!(user.within(support) && support.within(admin));
        assert!(!admin.within(support) && !support.within(user));
    }

    #[test]
    fn no_key_may_change_people_or_what_guards_an_account() {
        let grantable: Scopes = Scope::ALL.into_iter().filter(|scope| scope.may_be_a_keys()).collect();
        for guarded in [
            Scope::Security,
            Scope::UsersWrite,
            Scope::PaymentsConfirm,
            Scope::PaymentsRefund,
            Scope::SettingsRead,
            Scope::SettingsWrite,
            Scope::ApprovalsConfirm,
            Scope::KeysRotate,
        ] {
            assert!(!grantable.contains(guarded));
        }
    }
}
