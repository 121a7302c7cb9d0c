//! "Where is my money": the steps of a payment in the words of its page.

use application::billing::{PaymentView as Payment, Step};
use application::text::Locale;
use domain::payment::{Phase, Status};
use domain::time::Instant;

use super::views::{Moment, PaymentStep, StepKind, StepState, failure_in_words};

/// The steps of a payment, oldest first, up to the last one that may still come.
pub(super) fn steps(locale: Locale, payment: &Payment, reached: &[Step]) -> Vec<PaymentStep> {
    let told = told(payment, reached);
    let step = |(kind, state, at): Told| {
        let mut step = PaymentStep::new(locale, kind, state, at.map(|at| Moment::new(locale, at)));
        if kind == StepKind::Failed {
            let reason = failure_in_words(locale, payment.failure_reason.as_deref());
            step.explanation = format!("{reason} {}", step.explanation);
        }
        step
    };
    told.into_iter().map(step).collect()
}

type Told = (StepKind, StepState, Option<Instant>);

fn told(payment: &Payment, reached: &[Step]) -> Vec<Told> {
    use StepState::{Ahead, Current, Done, Failed};
    let at = |name: &str| reached.iter().find(|step| step.name == name).and_then(|step| step.at);
    let mut told = vec![(StepKind::Created, Done, Some(payment.created_at))];
    let opened = at("accepted");
    match payment.status {
        Status::Pending if payment.under_review => {
            told.extend(opened.map(|at| (StepKind::Opened, Done, Some(at))));
        }
        Status::Pending => {
            let now = if payment.phase == Phase::Awaiting { StepKind::Opened } else { StepKind::Asking };
            told.push((now, Current, opened));
            told.push((StepKind::Settled, Ahead, None));
            told.push((StepKind::Access, Ahead, None));
        }
        Status::Failed | Status::Expired => {
            told.extend(opened.map(|at| (StepKind::Opened, Done, Some(at))));
            let end = if payment.status == Status::Failed { StepKind::Failed } else { StepKind::Expired };
            told.push((end, Failed, None));
        }
        settled => {
            told.extend(opened.map(|at| (StepKind::Opened, Done, Some(at))));
            told.push((StepKind::Settled, Done, at("settled").or(payment.settled_at)));
            let extended = at("extended");
            told.push((StepKind::Access, if extended.is_some() { Done } else { Ahead }, extended));
            if payment.refunded_minor > 0 {
                told.push((StepKind::Refunded, Done, None));
            }
            match settled {
                Status::Disputed => told.push((StepKind::Disputed, Current, None)),
                Status::ChargedBack => told.push((StepKind::ChargedBack, Failed, None)),
                _ => {}
            }
        }
    }
    if payment.under_review {
        told.push((StepKind::Review, Current, None));
    }
    told
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use StepState::{Ahead, Current, Done, Failed};
    use domain::ids::PaymentId;
    use domain::money::{Currency, Money};
    use time::macros::datetime;

    const CREATED: Instant = datetime!(2026-11-23 14:00 UTC);
    const LATER: Instant = datetime!(2026-11-23 14:05 UTC);

    pub(in super::super) fn payment(status: Status, phase: Phase) -> Payment {
        Payment {
            id: PaymentId::from_uuid(uuid::Uuid::from_u128(7)),
            status,
            phase,
            plan_code: "signaux-monthly".parse().unwrap(),
            provider: "hmac_psp".to_owned(),
            amount: Money::new(5_999, Currency::Eur),
            checkout_url: None,
            instructions: None,
            mode: domain::payment::Mode::Live,
            expires_at: datetime!(2026-11-23 15:00 UTC),
            created_at: CREATED,
            settled_at: None,
            refunded_minor: 0,
            late: false,
            under_review: false,
            failure_reason: None,
        }
    }

    fn kinds(payment: &Payment, names: &[&'static str]) -> Vec<(StepKind, StepState)> {
        let reached: Vec<Step> = names.iter().map(|name| Step { name, at: Some(LATER) }).collect();
        told(payment, &reached).into_iter().map(|(kind, state, _)| (kind, state)).collect()
    }

    #[test]
    fn a_pending_payment_says_what_it_waits_for() {
        let asked = kinds(&payment(Status::Pending, Phase::Sent), &["created"]);
        assert_eq!(asked[..2], [(StepKind::Created, Done), (StepKind::Asking, Current)]);
        let opened = kinds(&payment(Status::Pending, Phase::Awaiting), &["created", "accepted"]);
        assert_eq!(
            opened[1..],
            [(StepKind::Opened, Current), (StepKind::Settled, Ahead), (StepKind::Access, Ahead)]
        );
    }

    #[test]
    fn a_payment_that_ended_without_money_shows_no_steps_ahead() {
        let refused = kinds(&payment(Status::Failed, Phase::Sent), &["created"]);
        assert_eq!(refused, [(StepKind::Created, Done), (StepKind::Failed, Failed)]);
        let expired = kinds(&payment(Status::Expired, Phase::Awaiting), &["created", "accepted"]);
        assert_eq!(expired[1..], [(StepKind::Opened, Done), (StepKind::Expired, Failed)]);
    }

    #[test]
    fn money_that_came_shows_what_became_of_it() {
        let reached = ["created", "accepted", "settled", "extended"];
        let paid = kinds(&payment(Status::Succeeded, Phase::Awaiting), &reached);
        assert_eq!(paid.last(), Some(&(StepKind::Access, Done)));
        let waiting = kinds(&payment(Status::Succeeded, Phase::Awaiting), &reached[..3]);
        assert_eq!(waiting.last(), Some(&(StepKind::Access, Ahead)), "a freeze holds the time back");
        let refunded = Payment { refunded_minor: 100, ..payment(Status::PartiallyRefunded, Phase::Awaiting) };
        assert_eq!(kinds(&refunded, &reached).last(), Some(&(StepKind::Refunded, Done)));
        let disputed = payment(Status::Disputed, Phase::Awaiting);
        assert_eq!(kinds(&disputed, &reached).last(), Some(&(StepKind::Disputed, Current)));
        let lost = payment(Status::ChargedBack, Phase::Awaiting);
        assert_eq!(kinds(&lost, &reached).last(), Some(&(StepKind::ChargedBack, Failed)));
    }

    #[test]
    fn a_payment_under_review_says_so_last_and_promises_nothing() {
        let reached = ["created", "accepted"];
        let pending = Payment { under_review: true, ..payment(Status::Pending, Phase::Awaiting) };
        let review = (StepKind::Review, Current);
        assert_eq!(kinds(&pending, &reached), [(StepKind::Created, Done), (StepKind::Opened, Done), review]);
        let expired = Payment { under_review: true, ..payment(Status::Expired, Phase::Awaiting) };
        assert_eq!(kinds(&expired, &reached).last(), Some(&review));
    }

    #[test]
    fn a_failure_tells_its_reason_in_words() {
        let failed = |reason: &str| Payment {
            failure_reason: Some(reason.to_owned()),
            ..payment(Status::Failed, Phase::Awaiting)
        };
        let said = |reason| steps(Locale::En, &failed(reason), &[]).pop().unwrap().explanation;
        assert_eq!(
            said("card_declined"),
            "The card was declined. Nothing was charged. You can choose another way to pay."
        );
        assert!(said("E-4711: <b>").starts_with("The payment service refused this payment. Nothing"));
    }

    #[test]
    fn each_step_tells_when_it_was_reached() {
        let reached = [Step { name: "settled", at: Some(LATER) }];
        let told = told(&payment(Status::Succeeded, Phase::Awaiting), &reached);
        assert_eq!(told[0].2, Some(CREATED));
        assert_eq!(told[1].2, Some(LATER));
        assert_eq!(
            steps(Locale::En, &payment(Status::Succeeded, Phase::Awaiting), &reached).len(),
            told.len()
        );
    }
}
