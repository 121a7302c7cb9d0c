//! Telegram's limits, kept on our side so that it need not enforce them: about 30 calls a second for a bot, one message a second into
//! one chat. When it does send us away, every call waits until then.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

use super::error::TelegramError;

/// How long a call waits for its turn before it gives way: owed work comes back by itself.
const MAX_WAIT: Duration = Duration::from_secs(10);

const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::new(25).expect("25 is not zero");
const CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(5).expect("5 is not zero");
const MESSAGES_PER_SECOND_AND_CHAT: NonZeroU32 = NonZeroU32::new(1).expect("1 is not zero");

/// Chats that are idle again are forgotten every so many messages, which bounds how many are remembered.
const MESSAGES_BETWEEN_SWEEPS: u32 = 1_000;

type BotLimiter<C, I> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<I>>;
type ChatLimiter<C, I> = RateLimiter<i64, DashMapStateStore<i64>, C, NoOpMiddleware<I>>;

pub(super) struct Pace<C: Clock = MonotonicClock> {
    bot: BotLimiter<C, C::Instant>,
    chats: ChatLimiter<C, C::Instant>,
    messages: AtomicU32,
    paused_until: Mutex<Option<C::Instant>>,
    clock: C,
}

impl Pace<MonotonicClock> {
    pub(super) fn new() -> Self {
        Self::with_clock(MonotonicClock)
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn with_clock(clock: C) -> Self {
        let bot = Quota::per_second(CALLS_PER_SECOND).allow_burst(CALLS_AT_ONCE);
        let chat = Quota::per_second(MESSAGES_PER_SECOND_AND_CHAT);
        Self {
            bot: RateLimiter::direct_with_clock(bot, clock.clone()),
            chats: RateLimiter::new(chat, DashMapStateStore::default(), clock.clone()),
            messages: AtomicU32::new(0),
            paused_until: Mutex::new(None),
            clock,
        }
    }

    /// Waits for a turn; `message_to` is the chat that a message goes to.
    pub(super) async fn turn(&self, message_to: Option<i64>) -> Result<(), TelegramError> {
        let mut waited = Duration::ZERO;
        let mut turn = Turn { message_to, chat_passed: false };
        while let Some(wait) = self.wait(&mut turn) {
            if waited + wait > MAX_WAIT {
                return Err(TelegramError::RetryAfter { after: wait });
            }
            tokio::time::sleep(wait).await;
            waited += wait;
        }
        Ok(())
    }

    /// Nobody calls for so long: Telegram said so.
    pub(super) fn pause(&self, after: Duration) {
        let until = self.clock.now() + after.into();
        let mut paused_until = self.paused();
        if paused_until.is_none_or(|known| known < until) {
            *paused_until = Some(until);
        }
    }

    /// How long the next step of this turn has to wait; `None` when it may go.
    fn wait(&self, turn: &mut Turn) -> Option<Duration> {
        let now = self.clock.now();
        let pause = self.paused().map(|until| Duration::from(until.duration_since(now)));
        if let Some(wait) = pause.filter(|wait| !wait.is_zero()) {
            return Some(wait);
        }
        if let (Some(chat), false) = (turn.message_to, turn.chat_passed) {
            self.sweep();
            if let Err(refused) = self.chats.check_key(&chat) {
                return Some(until(&refused, now));
            }
            turn.chat_passed = true;
        }
        self.bot.check().err().map(|refused| until(&refused, now))
    }

    fn sweep(&self) {
        let messages = self.messages.fetch_add(1, Ordering::Relaxed);
        if messages.is_multiple_of(MESSAGES_BETWEEN_SWEEPS) {
            self.chats.retain_recent();
            self.chats.shrink_to_fit();
        }
    }

    fn paused(&self) -> std::sync::MutexGuard<'_, Option<C::Instant>> {
        self.paused_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Turn {
    message_to: Option<i64>,
    chat_passed: bool,
}

fn until<I: Reference>(refused: &NotUntil<I>, now: I) -> Duration {
    refused.wait_time_from(now).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn pace() -> (Pace<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Pace::with_clock(clock.clone()), clock)
    }

    fn wait(pace: &Pace<FakeRelativeClock>, message_to: Option<i64>) -> Option<Duration> {
        pace.wait(&mut Turn { message_to, chat_passed: false })
    }

    #[test]
    fn a_bot_makes_at_most_thirty_calls_in_any_second() {
        let (pace, clock) = pace();
        let mut first_second = 0;
        for _ in 0..1_000 {
            while wait(&pace, None).is_none() {
                first_second += 1;
            }
            clock.advance(Duration::from_millis(1));
        }
        assert!((25..=30).contains(&first_second), "{first_second}");
        let mut second_second = 0;
        for _ in 0..1_000 {
            while wait(&pace, None).is_none() {
                second_second += 1;
            }
            clock.advance(Duration::from_millis(1));
        }
        assert!((24..=26).contains(&second_second), "{second_second}");
    }

    #[test]
    fn one_chat_gets_one_message_a_second_and_does_not_hold_up_another() {
        let (pace, clock) = pace();
        assert_eq!(wait(&pace, Some(7)), None);
        assert!(wait(&pace, Some(7)).is_some_and(|wait| wait <= Duration::from_secs(1)));
        assert_eq!(wait(&pace, Some(8)), None);
        assert_eq!(wait(&pace, None), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(wait(&pace, Some(7)), None);
    }

    #[test]
    fn a_turn_that_waits_for_the_bot_does_not_pay_the_chats_price_twice() {
        let (pace, clock) = pace();
        while wait(&pace, None).is_none() {}
        let mut turn = Turn { message_to: Some(7), chat_passed: false };
        assert!(pace.wait(&mut turn).is_some_and(|wait| wait <= Duration::from_millis(40)));
        clock.advance(Duration::from_millis(40));
        assert_eq!(pace.wait(&mut turn), None);
    }

    #[test]
    fn a_pause_holds_every_call_until_its_end_and_a_shorter_one_does_not_cut_it() {
        let (pace, clock) = pace();
        pace.pause(Duration::from_secs(30));
        pace.pause(Duration::from_secs(3));
        assert_eq!(wait(&pace, None), Some(Duration::from_secs(30)));
        clock.advance(Duration::from_secs(29));
        assert_eq!(wait(&pace, Some(7)), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(wait(&pace, None), None);
    }

    #[tokio::test]
    async fn a_turn_that_is_far_away_is_given_back_instead_of_waited_for() {
        let (pace, _clock) = pace();
        pace.pause(Duration::from_secs(30));
        let refused = pace.turn(None).await;
        assert_eq!(refused, Err(TelegramError::RetryAfter { after: Duration::from_secs(30) }));
    }

    #[test]
    fn chats_that_are_idle_again_are_forgotten() {
        let (pace, clock) = pace();
        for chat in 0..5_000 {
            wait(&pace, Some(chat));
            clock.advance(Duration::from_secs(2));
        }
        assert!(pace.chats.len() <= MESSAGES_BETWEEN_SWEEPS as usize + 2, "{}", pace.chats.len());
    }
}
