//! Who is wanted inside a channel. Wanted state is computed, and access is reconciled with it, never fired.

/// Where one Telegram account belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Entitled: its join requests are approved.
    In,
    /// Not entitled: it is removed if it was ever bound here, and its join requests are declined.
    Out,
}

/// What decides where an account belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account is bound to a user now.
    pub bound: bool,
    /// That user has a period of this channel running now.
    pub running: bool,
    /// An administrator withholds access.
    pub withheld: bool,
}

/// Where an account of this standing belongs.
pub const fn wanted(standing: Standing) -> Wanted {
    if standing.bound && standing.running && !standing.withheld { Wanted::In } else { Wanted::Out }
}

/// What was last observed about one account in one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Never seen, or seen outside.
    Outside,
    /// A plain member.
    Member,
    /// The channel's owner, an administrator or a bot: never removed, only listed.
    Untouchable,
}

/// What an account in a channel needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Let its waiting join request in.
    Approve,
    /// Refuse its waiting join request.
    Decline,
    /// Remove it, once, without banning it.
    Remove,
    /// Send it a way in.
    Invite,
    /// Nothing.
    Rest,
}

/// The next act that brings what is observed to what is wanted.
///
/// `ever_bound` guards strangers: an account that was never bound here is never removed.
pub const fn next_act(
    wanted: Wanted,
    observed: Observed,
    requests: bool,
    invited: bool,
    ever_bound: bool,
) -> Act {
    match (wanted, observed) {
        (Wanted::In, Observed::Outside) if requests => Act::Approve,
        (Wanted::In, Observed::Outside) if !invited => Act::Invite,
        // Before any request: a member has none at Telegram, so one that is still on our books is stale.
        (Wanted::Out, Observed::Member) if ever_bound => Act::Remove,
        (Wanted::Out, Observed::Outside | Observed::Member) if requests => Act::Decline,
        _ => Act::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bound_account_with_running_time_and_no_hold_is_wanted_in() {
        for bits in 0..8_u8 {
            let standing = Standing { bound: bits & 1 != 0, running: bits & 2 != 0, withheld: bits & 4 != 0 };
            let expected = if bits == 3 { Wanted::In } else { Wanted::Out };
            assert_eq!(wanted(standing), expected, "{standing:?}");
        }
    }

    #[test]
    fn strangers_and_administrators_are_never_removed() {
        for requests in [false, true] {
            for invited in [false, true] {
                let stranger = next_act(Wanted::Out, Observed::Member, requests, invited, false);
                assert_ne!(stranger, Act::Remove);
                let owner = next_act(Wanted::Out, Observed::Untouchable, requests, invited, true);
                assert_eq!(owner, Act::Rest);
            }
        }
    }

    #[test]
    fn a_member_without_time_is_removed_and_an_entitled_request_is_let_in() {
        assert_eq!(next_act(Wanted::Out, Observed::Member, false, true, true), Act::Remove);
        assert_eq!(next_act(Wanted::Out, Observed::Member, true, true, true), Act::Remove);
        assert_eq!(next_act(Wanted::In, Observed::Outside, true, true, true), Act::Approve);
        assert_eq!(next_act(Wanted::Out, Observed::Outside, true, false, false), Act::Decline);
        assert_eq!(next_act(Wanted::In, Observed::Outside, false, false, true), Act::Invite);
        assert_eq!(next_act(Wanted::In, Observed::Member, false, true, true), Act::Rest);
    }
}
