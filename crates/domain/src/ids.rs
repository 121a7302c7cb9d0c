//! Typed identifiers: UUIDv7 (RFC 9562 §5.7), so that keys sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Instant;

/// Random bytes that make an identifier unique within its millisecond.
pub type IdEntropy = [u8; 10];

fn uuid_v7(at: Instant, entropy: &IdEntropy) -> Uuid {
    let millis = at.unix_timestamp_nanos() / 1_000_000;
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), entropy).into_uuid()
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier made at `at`.
            pub fn new(at: Instant, entropy: &IdEntropy) -> Self {
                Self(uuid_v7(at, entropy))
            }

            /// An identifier that was stored or sent before.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The identifier as the database keeps it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

typed_id!(
    /// A person with an account.
    UserId
);
typed_id!(
    /// A sign-up that is not a user yet.
    RegistrationId
);
typed_id!(
    /// One login on one device.
    SessionId
);
typed_id!(
    /// One attempt of one user to buy one plan through one provider.
    PaymentId
);
typed_id!(
    /// A user's right to one channel.
    SubscriptionId
);
typed_id!(
    /// What one payment or one grant added to a subscription.
    PeriodId
);
typed_id!(
    /// One message owed to a user.
    NotificationId
);
typed_id!(
    /// Which Telegram account was whose, from when to when.
    BindingId
);
typed_id!(
    /// One signed statement of a provider.
    WebhookEventId
);
typed_id!(
    /// Money on its way back to a payer.
    RefundId
);
typed_id!(
    /// A way to pay that a user has stored.
    PaymentMethodId
);
typed_id!(
    /// Something that contradicts a quote and waits for an admin.
    QuarantineId
);
typed_id!(
    /// One inconsistency that the operator must see.
    AlertId
);
typed_id!(
    /// A device from which somebody has logged in.
    DeviceId
);
typed_id!(
    /// An authenticator app or a telephone of a user.
    FactorId
);
typed_id!(
    /// A question that waits for a code.
    ChallengeId
);
typed_id!(
    /// A key of a machine.
    ApiKeyId
);
typed_id!(
    /// A list of removals that wait for an admin.
    RemovalHoldId
);
typed_id!(
    /// A sensitive change that waits for a second confirmation.
    ApprovalId
);
typed_id!(
    /// Who holds a piece of owed work.
    LeaseToken
);

#[cfg(test)]
mod tests {
    use super::*;
    use ::time::macros::datetime;

    #[test]
    fn identifiers_sort_by_the_time_they_were_made() {
        let early = PaymentId::new(datetime!(2026-01-01 00:00 UTC), &[255; 10]);
        let late = PaymentId::new(datetime!(2026-01-01 00:00:00.001 UTC), &[0; 10]);
        assert!(early < late);
        assert_eq!(early.uuid().get_version_num(), 7);
        assert_eq!(early.to_string().parse::<PaymentId>().unwrap(), early);
    }

    #[test]
    fn an_instant_before_1970_still_makes_an_identifier() {
        let id = UserId::new(datetime!(1950-01-01 00:00 UTC), &[1; 10]);
        assert_eq!(id.uuid().get_version_num(), 7);
    }
}
