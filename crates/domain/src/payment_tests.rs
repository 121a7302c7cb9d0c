//! Disorder is harmless: whatever the order and however often the same statements arrive, the facts end the same.
//!
//! `expected` computes them from the *set* of events, without `apply`; everything else is compared with it.

use std::collections::HashSet;

use ::time::macros::datetime;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::ids::PeriodId;
use crate::money::Currency;
use crate::subscription::Schedule;
use crate::time::Duration;

const AMOUNT: Money = Money::new(5_999, Currency::Eur);
const START: Instant = datetime!(2026-01-01 00:00 UTC);
const QUOTE_EXPIRES: Instant = datetime!(2026-01-01 00:00:03 UTC);
const NAME: &str = "psp_1";

fn second(n: i64) -> Instant {
    START + Duration::seconds(n)
}

fn fresh() -> Payment {
    Payment { amount: AMOUNT, mode: Mode::Live, facts: Facts::created() }
}

fn stated(at: i64, amount: Option<i64>, claim: Claim) -> Event {
    let amount = amount.map(|minor| Money::new(minor, Currency::Eur));
    Event::Stated(Statement::new(second(at), claim).of(amount).named(Some(NAME.to_owned())))
}

fn succeeded(at: i64) -> Event {
    stated(at, Some(AMOUNT.minor), Claim::Succeeded)
}

fn failed(at: i64, reason: &str) -> Event {
    stated(at, None, Claim::Failed { reason: reason.to_owned() })
}

fn expired(at: i64) -> Event {
    stated(at, None, Claim::Expired)
}

fn refunded(total: i64) -> Event {
    stated(9, Some(total), Claim::Refunded)
}

fn dispute(at: i64, state: DisputeState) -> Event {
    stated(at, None, Claim::Dispute(state))
}

/// The decision that `event` must lead to; the payment then has its facts.
fn grow(payment: &mut Payment, event: &Event) -> Decision {
    let Verdict::Grow(decision) = payment.apply(event) else { panic!("{event:?} must grow {payment:?}") };
    payment.facts = decision.facts.clone();
    *decision
}

/// Applies `event` as a caller does, and says what was decided.
fn deliver(payment: &mut Payment, event: &Event) -> Verdict {
    let verdict = payment.apply(event);
    if let Verdict::Grow(decision) = &verdict {
        payment.facts = decision.facts.clone();
    }
    verdict
}

fn after(events: &[Event]) -> Payment {
    let mut payment = fresh();
    for event in events {
        assert!(!matches!(deliver(&mut payment, event), Verdict::Contradicts(_)), "{event:?}");
    }
    payment
}

/// The facts that a set of events adds up to, whatever its order.
fn expected(events: &[Event]) -> Facts {
    let statements: Vec<&Statement> =
        events.iter().filter_map(|e| if let Event::Stated(s) = e { Some(s) } else { None }).collect();
    let opened = events.iter().any(|event| matches!(event, Event::Opened { .. }));
    let at_provider = opened || !statements.is_empty();
    let closed = statements.iter().filter_map(|s| match &s.claim {
        Claim::Failed { reason } => Some(Closure { at: s.at, reason: ClosureReason::Failed(reason.clone()) }),
        Claim::Expired => Some(Closure { at: s.at, reason: ClosureReason::Expired }),
        _ => None,
    });
    let disputes = statements.iter().filter_map(|s| match s.claim {
        Claim::Dispute(state) => Some((s.at, state)),
        _ => None,
    });
    let successes = statements.iter().filter(|s| s.claim == Claim::Succeeded);
    let refunds = statements.iter().filter(|s| s.claim == Claim::Refunded);
    Facts {
        phase: match (at_provider, events.is_empty()) {
            (true, _) => Phase::Awaiting,
            (false, false) => Phase::Sent,
            (false, true) => Phase::Created,
        },
        reference: at_provider.then(|| NAME.to_owned()),
        transaction: None,
        settled: successes.map(|s| s.at).min().map(|at| Settlement { at }),
        refunded_minor: refunds.filter_map(|s| s.amount).map(|amount| amount.minor).max().unwrap_or(0),
        dispute: disputes.max().map(|(at, state)| Dispute { at, state }),
        closed: closed.min(),
    }
}

/// The formula of the design, as a table over (dispute, how much was refunded).
fn formula(settled: bool, refunded: i64, dispute: Option<DisputeState>, closed: Option<&str>) -> Status {
    use Status::{ChargedBack, Disputed, Expired, Failed, PartiallyRefunded, Pending, Refunded, Succeeded};
    if !settled {
        return match closed {
            None => Pending,
            Some("failed") => Failed,
            Some(_) => Expired,
        };
    }
    let column = if refunded == 0 { 0 } else { 1 + usize::from(refunded == AMOUNT.minor) };
    let row = match dispute {
        None | Some(DisputeState::Won) => [Succeeded, PartiallyRefunded, Refunded],
        Some(DisputeState::Open) => [Disputed, Disputed, Refunded],
        Some(DisputeState::Lost) => [ChargedBack; 3],
    };
    row[column]
}

#[test]
fn the_status_is_the_formula_of_the_facts_for_every_combination_of_them() {
    let closures = [None, Some(ClosureReason::Failed("declined".to_owned())), Some(ClosureReason::Expired)];
    let disputes = [None, Some(DisputeState::Open), Some(DisputeState::Won), Some(DisputeState::Lost)];
    let mut seen = HashSet::new();
    for phase in [Phase::Created, Phase::Sent, Phase::Awaiting] {
        for settled in [false, true] {
            for refunded_minor in [0, 1, AMOUNT.minor - 1, AMOUNT.minor] {
                for state in disputes {
                    for reason in &closures {
                        let facts = Facts {
                            phase,
                            reference: None,
                            transaction: None,
                            settled: settled.then_some(Settlement { at: START }),
                            refunded_minor,
                            dispute: state.map(|state| Dispute { at: START, state }),
                            closed: reason.clone().map(|reason| Closure { at: START, reason }),
                        };
                        let closed = reason
                            .as_ref()
                            .map(|r| if matches!(r, ClosureReason::Expired) { "expired" } else { "failed" });
                        let status = formula(settled, refunded_minor, state, closed);
                        assert_eq!(facts.status(AMOUNT), status, "{facts:?}");
                        seen.insert(status.as_str());
                    }
                }
            }
        }
    }
    assert_eq!(seen.len(), 8, "every status can be reached");
}

#[test]
fn the_entitlement_follows_from_the_status_alone() {
    let cases = [
        (vec![], None),
        (vec![failed(1, "declined")], None),
        (vec![expired(1)], None),
        (vec![refunded(AMOUNT.minor), dispute(1, DisputeState::Open)], None),
        (vec![succeeded(1)], Some(PeriodState::Live)),
        (vec![succeeded(1), refunded(1)], Some(PeriodState::Live)),
        (vec![succeeded(1), dispute(2, DisputeState::Won)], Some(PeriodState::Live)),
        (vec![succeeded(1), dispute(2, DisputeState::Open)], Some(PeriodState::Withheld)),
        (vec![succeeded(1), dispute(2, DisputeState::Lost)], Some(PeriodState::Revoked)),
        (vec![succeeded(1), refunded(AMOUNT.minor)], Some(PeriodState::Revoked)),
    ];
    for (events, entitlement) in cases {
        assert_eq!(after(&events).facts.entitlement(AMOUNT), entitlement, "{events:?}");
    }
}

/// Calls `visit` with every order of `items` (Heap's algorithm).
fn permutations(items: &mut [Event], size: usize, visit: &mut impl FnMut(&[Event])) {
    if size <= 1 {
        return visit(items);
    }
    for i in 0..size {
        permutations(items, size - 1, visit);
        items.swap(if size.is_multiple_of(2) { i } else { 0 }, size - 1);
    }
}

#[test]
fn each_of_the_orders_of_seven_events_ends_in_the_same_facts() {
    use DisputeState::{Lost, Open, Won};
    let opened = Event::Opened { reference: Some(NAME.to_owned()) };
    let sets = [
        [
            Event::Asked,
            opened.clone(),
            failed(1, "declined"),
            succeeded(2),
            succeeded(1),
            refunded(5),
            expired(2),
        ],
        [Event::Asked, succeeded(3), refunded(5), refunded(7), dispute(4, Open), dispute(5, Won), expired(1)],
        [
            succeeded(3),
            dispute(4, Open),
            dispute(6, Lost),
            dispute(5, Won),
            refunded(5_999),
            refunded(1),
            opened,
        ],
        [
            expired(2),
            failed(2, "b"),
            failed(2, "a"),
            dispute(4, Open),
            dispute(4, Lost),
            refunded(2),
            Event::Asked,
        ],
    ];
    for mut set in sets {
        let end = expected(&set);
        let mut orders = HashSet::new();
        permutations(&mut set, 7, &mut |order| {
            assert_eq!(after(order).facts, end, "{order:?}");
            orders.insert(format!("{order:?}"));
        });
        assert_eq!(orders.len(), 5_040);
    }
}

#[test]
fn a_success_after_a_failure_or_an_expiry_settles_and_is_late() {
    for closure in [failed(1, "declined"), expired(1)] {
        let mut payment = after(std::slice::from_ref(&closure));
        assert!(!payment.facts.late(QUOTE_EXPIRES), "nothing is late before the money");
        let decision = grow(&mut payment, &succeeded(2));
        assert_eq!(decision.status, Status::Succeeded);
        assert!(decision.newly_settled);
        assert_eq!(decision.entitlement, Some(PeriodState::Live));
        assert!(payment.facts.late(QUOTE_EXPIRES));
        assert_eq!(payment.apply(&closure), Verdict::AlreadyApplied);
    }
}

#[test]
fn money_is_late_by_the_providers_own_time() {
    let cases = [
        (vec![succeeded(3)], false),
        (vec![succeeded(4)], true),
        (vec![succeeded(4), succeeded(3)], false),
        (vec![succeeded(1), failed(2, "a second attempt")], false),
        (vec![succeeded(2), failed(1, "declined")], true),
        (vec![succeeded(1), expired(1)], true),
        (vec![expired(9)], false),
    ];
    for (events, late) in cases {
        assert_eq!(after(&events).facts.late(QUOTE_EXPIRES), late, "{events:?}");
    }
}

#[test]
fn a_refund_before_the_money_is_kept_asks_the_provider_and_counts_once_settled() {
    let mut payment = fresh();
    let early = grow(&mut payment, &refunded(AMOUNT.minor));
    assert!(early.ask_provider);
    assert_eq!((early.status, early.entitlement, early.newly_settled), (Status::Pending, None, false));
    assert_eq!(payment.apply(&refunded(AMOUNT.minor)), Verdict::AlreadyApplied);
    let money = grow(&mut payment, &succeeded(1));
    assert!(money.newly_settled && !money.ask_provider);
    assert_eq!((money.status, money.entitlement), (Status::Refunded, Some(PeriodState::Revoked)));
}

#[test]
fn a_dispute_before_the_money_asks_the_provider_and_withholds_once_settled() {
    let mut payment = fresh();
    assert!(grow(&mut payment, &dispute(2, DisputeState::Open)).ask_provider);
    let money = grow(&mut payment, &succeeded(1));
    assert_eq!((money.status, money.entitlement), (Status::Disputed, Some(PeriodState::Withheld)));
    let won = grow(&mut payment, &dispute(3, DisputeState::Won));
    assert!(!won.ask_provider, "the money is known");
    assert_eq!((won.status, won.entitlement), (Status::Succeeded, Some(PeriodState::Live)));
    assert_eq!(payment.apply(&dispute(2, DisputeState::Open)), Verdict::AlreadyApplied, "old news");
}

#[test]
fn a_partial_refund_changes_the_status_and_leaves_the_period_alone() {
    let mut payment = after(&[succeeded(1)]);
    let part = grow(&mut payment, &refunded(1));
    assert_eq!((part.status, part.entitlement, part.ask_provider), (Status::PartiallyRefunded, None, false));
    let all = grow(&mut payment, &refunded(AMOUNT.minor));
    assert_eq!((all.status, all.entitlement), (Status::Refunded, Some(PeriodState::Revoked)));
}

fn wrong(claim: Claim, amount: Option<Money>, reference: &str) -> Event {
    Event::Stated(Statement::new(second(2), claim).of(amount).named(Some(reference.to_owned())))
}

/// What cannot be true of a payment of `AMOUNT`, with the word it is quarantined under.
fn contradictions() -> Vec<(Event, &'static str)> {
    let eur = |minor| Some(Money::new(minor, Currency::Eur));
    let usd = Some(Money::new(AMOUNT.minor, Currency::Usd));
    let refused = || Claim::Failed { reason: "declined".to_owned() };
    vec![
        (wrong(Claim::Succeeded, eur(5_998), NAME), "amount_mismatch"),
        (wrong(Claim::Succeeded, eur(6_000), NAME), "amount_mismatch"),
        (wrong(Claim::Succeeded, eur(0), NAME), "amount_mismatch"),
        (wrong(Claim::Succeeded, usd, NAME), "currency_mismatch"),
        (wrong(Claim::Succeeded, None, NAME), "amount_missing"),
        (wrong(Claim::Refunded, None, NAME), "amount_missing"),
        (wrong(Claim::Refunded, eur(6_000), NAME), "amount_mismatch"),
        (wrong(Claim::Refunded, eur(-1), NAME), "amount_mismatch"),
        (wrong(Claim::Refunded, eur(i64::MIN), NAME), "amount_mismatch"),
        (wrong(Claim::Refunded, usd, NAME), "currency_mismatch"),
        (wrong(refused(), eur(1), NAME), "amount_mismatch"),
        (wrong(Claim::Expired, usd, NAME), "currency_mismatch"),
        (wrong(Claim::Dispute(DisputeState::Lost), eur(1), NAME), "amount_mismatch"),
    ]
}

/// What cannot be true once the provider has named the payment `NAME`.
fn misnamed() -> Vec<(Event, &'static str)> {
    let events = [
        Event::Opened { reference: Some("psp_2".to_owned()) },
        wrong(Claim::Succeeded, Some(AMOUNT), "psp_2"),
        wrong(Claim::Failed { reason: "declined".to_owned() }, None, "psp_2"),
        wrong(Claim::Dispute(DisputeState::Lost), None, ""),
    ];
    events.into_iter().map(|event| (event, "reference_mismatch")).collect()
}

#[test]
fn what_contradicts_the_quote_is_handed_back_under_its_word() {
    let opened = Event::Opened { reference: Some(NAME.to_owned()) };
    for events in [vec![opened.clone()], vec![opened.clone(), succeeded(1)], vec![opened, expired(1)]] {
        let payment = after(&events);
        for (event, word) in contradictions().into_iter().chain(misnamed()) {
            let Verdict::Contradicts(contradiction) = payment.apply(&event) else { panic!("{event:?}") };
            assert_eq!(contradiction.code(), word, "{event:?}");
        }
    }
}

#[test]
fn the_first_name_that_the_provider_gives_stays_and_may_be_left_out_later() {
    let mut payment = fresh();
    grow(&mut payment, &Event::Opened { reference: None });
    assert_eq!(payment.facts.reference, None);
    grow(&mut payment, &Event::Opened { reference: Some(NAME.to_owned()) });
    assert_eq!(payment.apply(&Event::Opened { reference: None }), Verdict::AlreadyApplied);
    assert_eq!(payment.facts.reference.as_deref(), Some(NAME));
}

#[test]
fn asking_again_never_takes_a_payment_back_from_the_provider() {
    let mut payment = fresh();
    assert_eq!(grow(&mut payment, &Event::Asked).facts.phase, Phase::Sent);
    assert_eq!(payment.apply(&Event::Asked), Verdict::AlreadyApplied);
    assert_eq!(payment.facts.status(AMOUNT), Status::Pending, "unknown is not failed");
    grow(&mut payment, &Event::Opened { reference: None });
    assert_eq!(payment.apply(&Event::Asked), Verdict::AlreadyApplied);
}

#[test]
fn words_of_a_provider_are_kept_as_far_as_they_can_be_stored() {
    let long = format!("{}é{}", "x".repeat(MAX_REFERENCE_LENGTH - 1), "y".repeat(9));
    let mut payment = fresh();
    grow(&mut payment, &Event::Opened { reference: Some(long.clone()) });
    assert_eq!(payment.facts.reference, Some("x".repeat(MAX_REFERENCE_LENGTH - 1)));
    assert_eq!(payment.apply(&Event::Opened { reference: Some(long) }), Verdict::AlreadyApplied);
    let payment = after(&[failed(1, "de\0clined\0")]);
    let reason = payment.facts.closed.map(|closed| closed.reason);
    assert_eq!(reason, Some(ClosureReason::Failed("declined".to_owned())));
}

#[test]
fn a_statement_is_recognised_after_its_instant_was_stored_in_microseconds() {
    let claims = [
        Claim::Succeeded,
        Claim::Failed { reason: "declined".to_owned() },
        Claim::Expired,
        Claim::Dispute(DisputeState::Open),
    ];
    for claim in claims {
        let at = START + Duration::nanoseconds(1_999);
        let event = Event::Stated(Statement::new(at, claim).of(Some(AMOUNT)));
        let mut payment = fresh();
        grow(&mut payment, &event);
        let stored = &payment.facts;
        let instants = [
            stored.settled.as_ref().map(|settled| settled.at),
            stored.closed.as_ref().map(|closed| closed.at),
            stored.dispute.map(|dispute| dispute.at),
        ];
        let instants: Vec<Instant> = instants.into_iter().flatten().collect();
        assert_eq!(instants, [START + Duration::microseconds(1)]);
        assert_eq!(payment.apply(&event), Verdict::AlreadyApplied);
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let at = 0..5_i64;
    let state = prop::sample::select(vec![DisputeState::Open, DisputeState::Won, DisputeState::Lost]);
    let total = prop_oneof![Just(0), Just(AMOUNT.minor), 1..AMOUNT.minor];
    prop_oneof![
        1 => Just(Event::Asked),
        1 => Just(Event::Opened { reference: Some(NAME.to_owned()) }),
        3 => at.clone().prop_map(succeeded),
        1 => (at.clone(), "[a-c]{0,2}").prop_map(|(at, reason)| failed(at, &reason)),
        1 => at.clone().prop_map(expired),
        2 => total.prop_map(refunded),
        3 => (at, state).prop_map(|(at, state)| dispute(at, state)),
    ]
}

/// Any events, then the same ones in any order with any of them repeated anywhere.
fn events_and_disorder() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    let repeats = prop::collection::vec((any::<Index>(), any::<Index>()), 0..8);
    prop::collection::vec(any_event(), 0..10)
        .prop_flat_map(move |events| (Just(events.clone()), Just(events).prop_shuffle(), repeats.clone()))
        .prop_map(|(events, mut order, repeats)| {
            for (which, to) in repeats.into_iter().filter(|_| !events.is_empty()) {
                let again = events[which.index(events.len())].clone();
                order.insert(to.index(order.len() + 1), again);
            }
            (events, order)
        })
}

/// A schedule in which one period runs, one waits and one is withheld.
fn busy_schedule() -> (Schedule, Instant) {
    let id = |n| PeriodId::new(START, &[n; 10]);
    let mut schedule = Schedule::default();
    schedule.append(id(1), Duration::days(7), PeriodState::Live, START);
    schedule.append(id(2), Duration::days(7), PeriodState::Withheld, START);
    schedule.append(id(3), Duration::days(7), PeriodState::Live, START);
    (schedule, START + Duration::days(1))
}

/// What the caller does to the payer's schedule for each decision about one payment.
fn replay(events: &[Event], mut schedule: Schedule, now: Instant) -> Schedule {
    let id = PeriodId::new(START, &[9; 10]);
    let mut payment = fresh();
    for event in events {
        let Verdict::Grow(decision) = deliver(&mut payment, event) else { continue };
        match decision.entitlement {
            Some(state) if decision.newly_settled => schedule.append(id, Duration::days(30), state, now),
            Some(state) => assert!(schedule.change(id, state, now), "{event:?}"),
            None => {}
        }
        schedule.verify().unwrap();
    }
    schedule
}

proptest! {
    #[test]
    fn any_order_and_any_repeats_end_in_the_same_facts((events, order) in events_and_disorder()) {
        let end = expected(&events);
        let payment = after(&order);
        prop_assert_eq!(&payment.facts, &end);
        let closed = end.closed.as_ref().map(|closed| match closed.reason {
            ClosureReason::Failed(_) => "failed",
            ClosureReason::Expired => "expired",
        });
        let state = end.dispute.map(|dispute| dispute.state);
        let status = formula(end.settled.is_some(), end.refunded_minor, state, closed);
        prop_assert_eq!(payment.facts.status(AMOUNT), status);
        for event in &order {
            prop_assert_eq!(payment.apply(event), Verdict::AlreadyApplied, "all of it is known now");
        }
    }

    #[test]
    fn each_decision_says_what_the_facts_say_and_money_is_new_once((_, order) in events_and_disorder()) {
        let mut payment = fresh();
        let mut times_settled = 0;
        let mut entitlement = None;
        for event in &order {
            let before = payment.facts.clone();
            match deliver(&mut payment, event) {
                Verdict::Grow(decision) => {
                    prop_assert_ne!(&before, &decision.facts);
                    prop_assert_eq!(decision.status, decision.facts.status(AMOUNT));
                    times_settled += u32::from(decision.newly_settled);
                    entitlement = decision.entitlement.or(entitlement);
                    let news = before.refunded_minor != decision.facts.refunded_minor
                        || before.dispute != decision.facts.dispute;
                    prop_assert_eq!(decision.ask_provider, news && decision.facts.settled.is_none());
                }
                Verdict::AlreadyApplied => prop_assert_eq!(&before, &payment.facts),
                Verdict::Contradicts(why) => prop_assert!(false, "{:?}: {}", event, why),
            }
            prop_assert_eq!(payment.apply(event), Verdict::AlreadyApplied, "twice is once");
            prop_assert_eq!(entitlement, payment.facts.entitlement(AMOUNT), "the changes add up");
            prop_assert_eq!(times_settled, u32::from(payment.facts.settled.is_some()));
            prop_assert!(before.settled.is_none() || payment.facts.settled.is_some());
            prop_assert!(before.phase <= payment.facts.phase);
            prop_assert!(before.refunded_minor <= payment.facts.refunded_minor);
            prop_assert!(before.dispute <= payment.facts.dispute);
            prop_assert!(before.closed.is_none() || payment.facts.closed <= before.closed);
        }
    }

    #[test]
    fn any_two_events_commute_from_any_state((events, _) in events_and_disorder(), a in any_event(), b in any_event()) {
        let start = after(&events);
        let (mut ab, mut ba) = (start.clone(), start);
        for (payment, pair) in [(&mut ab, [&a, &b]), (&mut ba, [&b, &a])] {
            for event in pair {
                deliver(payment, event);
            }
        }
        prop_assert_eq!(ab, ba);
    }

    #[test]
    fn contradictions_change_nothing_and_disturb_no_other_event(
        (events, order) in events_and_disorder(),
        which in prop::collection::vec((any::<Index>(), any::<Index>()), 1..6),
    ) {
        let (untrue, misnamed) = (contradictions(), misnamed());
        let all: Vec<&Event> = untrue.iter().chain(&misnamed).map(|(event, _)| event).collect();
        let mut stream: Vec<(&Event, bool)> = order.iter().map(|event| (event, true)).collect();
        for (event, to) in which {
            stream.insert(to.index(stream.len() + 1), (*event.get(&all), false));
        }
        // The provider gave its name when it opened the payment: from then on another name contradicts.
        let opened = Event::Opened { reference: Some(NAME.to_owned()) };
        let mut payment = after(std::slice::from_ref(&opened));
        for (event, true_of_it) in stream {
            let before = payment.clone();
            let contradicts = matches!(deliver(&mut payment, event), Verdict::Contradicts(_));
            prop_assert_eq!(contradicts, !true_of_it, "{:?}", event);
            if contradicts {
                prop_assert_eq!(before, payment.clone());
            }
        }
        let all_true: Vec<Event> = events.into_iter().chain([opened]).collect();
        prop_assert_eq!(payment.facts, expected(&all_true));
    }

    #[test]
    fn the_schedule_ends_the_same_whatever_the_order_of_one_payments_events((events, order) in events_and_disorder()) {
        let (busy, now) = busy_schedule();
        for (schedule, now) in [(Schedule::default(), START), (busy, now)] {
            let straight = replay(&events, schedule.clone(), now);
            let disordered = replay(&order, schedule, now);
            prop_assert_eq!(straight, disordered);
        }
    }
}

#[test]
fn play_money_never_pays_a_real_quote_nor_the_other_way_round() {
    let claim = || Statement::new(second(1), Claim::Succeeded).of(Some(AMOUNT));
    let played = Event::Stated(claim().in_mode(Some(Mode::Test)));
    let contradiction = Contradiction::Mode { quoted: Mode::Live, stated: Mode::Test };
    assert_eq!(fresh().apply(&played), Verdict::Contradicts(contradiction));
    let sandbox = Payment { mode: Mode::Test, ..fresh() };
    assert!(matches!(sandbox.apply(&played), Verdict::Grow(_)));
    let real = Event::Stated(claim().in_mode(Some(Mode::Live)));
    assert!(matches!(sandbox.apply(&real), Verdict::Contradicts(Contradiction::Mode { .. })));
}

#[test]
fn money_that_comes_by_a_second_transaction_is_a_double_payment() {
    let paid = |transaction: &str| {
        let statement = Statement::new(second(1), Claim::Succeeded).of(Some(AMOUNT));
        Event::Stated(statement.moved_by(Some(transaction.to_owned())))
    };
    let mut payment = fresh();
    grow(&mut payment, &paid("ch_1"));
    assert_eq!(payment.apply(&paid("ch_1")), Verdict::AlreadyApplied);
    assert_eq!(payment.apply(&paid("ch_2")), Verdict::Contradicts(Contradiction::SecondTransaction));
}

#[test]
fn an_admin_can_accept_money_that_differs_from_the_quote_once() {
    let accepted = |at| Event::Accepted { at: second(at), transaction: Some("transfer 7".to_owned()) };
    let mut payment = fresh();
    let decision = grow(&mut payment, &accepted(4));
    assert!(decision.newly_settled);
    assert_eq!(decision.status, Status::Succeeded);
    assert_eq!(payment.facts.transaction.as_deref(), Some("transfer 7"));
    assert_eq!(payment.apply(&accepted(5)), Verdict::AlreadyApplied);
}
