//! Every page in every state and both languages, held to what all pages promise.

#[path = "tests/security.rs"]
mod security;

use super::*;
use ::time::macros::datetime;
use ::time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-11-23 14:05:27 UTC);
const HOSTILE: &str = "\"><script>alert(1)</script>'";

fn frame(locale: Locale) -> PageFrame {
    PageFrame {
        locale,
        path: "/dashboard?a=b&c=d".to_owned(),
        user: Some(UserMenu { email: "amina.diallo@example.test".to_owned() }),
        csrf: "csrf-of-this-page".to_owned(),
        sandbox: true,
        notice: None,
        company: Company { name: "Calmness".to_owned(), contact: Some("bonjour@calmness.test".to_owned()) },
    }
}

fn stranger(locale: Locale) -> PageFrame {
    PageFrame { user: None, ..frame(locale) }
}

fn offer(price: &str, provider: &str, value: &str) -> Offer {
    Offer { value: value.to_owned(), price: price.to_owned(), provider: provider.to_owned() }
}

fn plans(locale: Locale) -> Vec<PlanCard> {
    let (card, mobile) = match locale {
        Locale::Fr => ("Paiement en ligne", "MTN Mobile Money"),
        Locale::En => ("Online payment", "MTN Mobile Money"),
    };
    let price = |minor, currency| locale.money(domain::money::Money::new(minor, currency));
    let plan = |code: &str, days, euros, francs| PlanCard {
        code: code.to_owned(),
        name: application::text::plan_name(locale, &code.parse().unwrap(), days),
        days,
        offers: vec![
            offer(&price(euros, domain::money::Currency::Eur), card, "hmac_psp:EUR"),
            offer(&price(francs, domain::money::Currency::Xof), mobile, "mtn_momo:XOF"),
        ],
        asks_phone: true,
        idempotency_key: "key-of-this-page".to_owned(),
    };
    vec![
        plan("signaux-weekly", 7, 1_999, 13_000),
        plan("signaux-monthly", 30, 5_999, 39_000),
        plan("signaux-quarterly", 90, 14_999, 98_000),
    ]
}

fn rows(locale: Locale) -> Vec<PaymentRow> {
    let row = |days, amount: &str, status: &str| PaymentRow {
        href: "/payments/0199f3a2".to_owned(),
        created_at: Moment::day(locale, NOW - Duration::days(days)),
        plan: application::text::plan_name(locale, &"signaux-monthly".parse().unwrap(), 30),
        amount: amount.to_owned(),
        provider: application::text::provider_name(locale, "hmac_psp"),
        badge: Badge::payment(locale, status),
    };
    vec![
        row(0, "59,99 €", "pending"),
        row(4, "59,99 €", "succeeded"),
        row(5, "39 000 F CFA", "failed"),
        row(61, "59,99 €", "partially_refunded"),
        row(90, "59,99 €", "charged_back"),
    ]
}

fn dashboard(locale: Locale, subscription: SubscriptionCard, telegram: TelegramCard) -> DashboardView {
    DashboardView {
        page: frame(locale),
        subscription,
        plans: plans(locale),
        paused: false,
        payments: rows(locale),
        more_payments: Some("/payments?cursor=abc".to_owned()),
        telegram,
        progress: Progress { href: "/dashboard/progress".to_owned(), state: "a.b".to_owned() },
        watched: true,
    }
}

fn active(locale: Locale, left: Duration) -> SubscriptionCard {
    let ends_at = NOW + left;
    SubscriptionCard::Active {
        channel: "Signaux".to_owned(),
        plan: application::text::plan_name(locale, &"signaux-monthly".parse().unwrap(), 30),
        countdown: Box::new(Countdown::new(locale, ends_at - Duration::days(30), ends_at, NOW)),
    }
}

fn linked(locale: Locale, membership: Membership) -> TelegramCard {
    TelegramCard::Linked {
        account: "@amina_d".to_owned(),
        since: Moment::day(locale, NOW - Duration::days(3)),
        membership,
    }
}

fn payment(locale: Locale, status: &str, steps: Vec<(StepKind, StepState)>) -> PaymentView {
    let at = |state| (state != StepState::Ahead).then(|| Moment::new(locale, NOW));
    let open = status == "pending";
    PaymentView {
        page: frame(locale),
        reference: "0199f3a2-71c4-7e6b-9d11-5a0c2f4b8e90".to_owned(),
        plan: application::text::plan_name(locale, &"signaux-monthly".parse().unwrap(), 30),
        amount: "59,99 €".to_owned(),
        provider: application::text::provider_name(locale, "hmac_psp"),
        created_at: Moment::new(locale, NOW),
        badge: Badge::payment(locale, status),
        steps: steps
            .into_iter()
            .map(|(kind, state)| PaymentStep::new(locale, kind, state, at(state)))
            .collect(),
        checkout_href: open.then(|| "/payments/0199f3a2/checkout".to_owned()),
        instructions: if open {
            vec![("IBAN".to_owned(), "FR76 3000 6000 0112 3456 7890 189".to_owned())]
        } else {
            Vec::new()
        },
        receipt_href: None,
        try_again: status == "failed",
        progress: open
            .then(|| Progress { href: "/payments/0199f3a2/progress".to_owned(), state: status.to_owned() }),
    }
}

/// Each page by a name, drawn.
pub(super) fn every_page(locale: Locale) -> Vec<(String, String)> {
    use StepKind::{Access, Created, Failed as Refused, Opened, Review, Settled};
    use StepState::{Ahead, Current, Done, Failed};
    let mut pages = Vec::new();
    let mut add = |name: &str, page: askama::Result<String>| pages.push((name.to_owned(), page.unwrap()));
    add("home", HomeView { page: stranger(locale), plans: plans(locale) }.render());
    add("home-empty", HomeView { page: frame(locale), plans: Vec::new() }.render());
    add("signup", signup(stranger(locale), None, None).render());
    let refusal = |code| Some(application::text::invalid(locale, code));
    add("signup-refused", signup(stranger(locale), refusal("email"), refusal("password_too_short")).render());
    for (name, reason) in [
        ("mail-sent", MailSentReason::SignUp),
        ("mail-resent", MailSentReason::Resend),
        ("mail-forgot", MailSentReason::Forgot),
    ] {
        let email = "amina.diallo@example.test".to_owned();
        add(name, MailSentView { page: stranger(locale), email, reason }.render());
    }
    for (name, failed) in [("verify", false), ("verify-failed", true)] {
        add(name, VerifyView { page: stranger(locale), token: "token".to_owned(), failed }.render());
    }
    let email = String::new();
    add("resend", ResendView { page: stranger(locale), email, email_error: None }.render());
    let wait = locale.duration(Duration::minutes(2));
    security::add_pages(locale, &mut add);
    for (name, alert) in [
        ("login", None),
        ("login-refused", Some(LogInAlert::Refused)),
        ("login-later", Some(LogInAlert::Later { words: wait })),
    ] {
        let page = PageFrame { notice: alert.is_none().then_some(Notice::Verified), ..stranger(locale) };
        let email = "amina.diallo@example.test".to_owned();
        add(name, LogInView { page, email, next: "/dashboard".to_owned(), alert }.render());
    }
    let ended = SubscriptionCard::Ended {
        channel: "Signaux".to_owned(),
        ended_at: Moment::new(locale, NOW - Duration::days(2)),
    };
    let suspended = SubscriptionCard::Suspended {
        channel: "Signaux".to_owned(),
        kept: locale.duration(Duration::hours(300)),
    };
    let ready = TelegramCard::LinkReady {
        deep_link: "https://t.me/calmness_bot?start=abc".to_owned(),
        expires_at: Moment::new(locale, NOW + Duration::minutes(15)),
    };
    let invited = Membership::Invited { invite_link: "https://t.me/+abcdef".to_owned() };
    let (long, short) = (Duration::seconds(1_943_584), Duration::seconds(97_384));
    for (name, subscription, telegram) in [
        ("dashboard-new", SubscriptionCard::None, TelegramCard::Off),
        ("dashboard-active", active(locale, long), linked(locale, invited)),
        ("dashboard-closing", active(locale, short), linked(locale, Membership::Inside)),
        ("dashboard-unlinked", active(locale, long), TelegramCard::Unlinked),
        ("dashboard-ready", active(locale, Duration::days(400)), ready),
        ("dashboard-preparing", active(locale, long), linked(locale, Membership::Preparing)),
        ("dashboard-suspended", suspended, linked(locale, Membership::Withheld)),
        ("dashboard-ended", ended, linked(locale, Membership::NoAccess)),
    ] {
        add(name, dashboard(locale, subscription, telegram).render());
    }
    let pending = vec![(Created, Done), (Opened, Current), (Settled, Ahead), (Access, Ahead)];
    let paid = vec![(Created, Done), (Opened, Done), (Settled, Done), (Access, Done)];
    let refused = vec![(Created, Done), (Opened, Done), (Refused, Failed)];
    let examined = vec![(Created, Done), (Opened, Done), (Review, Current)];
    add("payment-examined", payment(locale, "under_review", examined).render());
    add("payment-pending", payment(locale, "pending", pending).render());
    add("payment-paid", payment(locale, "succeeded", paid).render());
    add("payment-failed", payment(locale, "failed", refused).render());
    let checkout_url = "https://pay.test/checkout?payment_id=1&amount=5999".to_owned();
    let checkout = CheckoutView { page: frame(locale), amount: "59,99 €".to_owned(), checkout_url };
    add("checkout", checkout.render());
    for (name, outcome) in [
        ("return-checking", ReturnOutcome::Checking),
        ("return-paid", ReturnOutcome::Paid { ends_at: Moment::new(locale, NOW + Duration::days(30)) }),
        ("return-examined", ReturnOutcome::UnderReview),
        ("return-failed", ReturnOutcome::Failed { reason: failure_in_words(locale, Some("card_declined")) }),
        ("return-expired", ReturnOutcome::Expired),
    ] {
        let progress = (outcome == ReturnOutcome::Checking)
            .then(|| Progress { href: "/payments/1/progress".to_owned(), state: "pending".to_owned() });
        let payment_href = "/payments/1".to_owned();
        add(name, ReturnView { page: frame(locale), outcome, payment_href, progress }.render());
    }
    for (status, code) in [(403, "csrf_failed"), (404, "not_found"), (429, "rate_limited"), (500, "internal")]
    {
        let request_id = "0199f3a2-71c4-7e6b-9d11-5a0c2f4b8e90".to_owned();
        let view = ProblemView::new(stranger(locale), status, code, request_id);
        add(&format!("problem-{status}"), view.render());
    }
    pages
}

fn signup(page: PageFrame, email_error: Option<String>, password_error: Option<String>) -> SignUpView {
    SignUpView { page, email: "amina@example.test".to_owned(), email_error, password_error, minimum: 15 }
}

#[test]
fn no_page_has_inline_script_or_style() {
    for locale in Locale::ALL {
        for (name, page) in every_page(locale) {
            for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:", "<script>"] {
                assert!(!page.contains(forbidden), "{forbidden} in {name}");
            }
            assert_eq!(
                page.matches("<script").count(),
                page.matches("<script src=\"/assets/").count(),
                "{name}"
            );
        }
    }
}

#[test]
fn every_form_that_posts_carries_the_csrf_field() {
    let mut forms = 0;
    for (name, page) in every_page(Locale::En) {
        for form in page.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\""), "{name}: {form}");
            assert!(form.contains("name=\"csrf\" value=\"csrf-of-this-page\""), "{name}: {form}");
            forms += 1;
        }
    }
    assert!(forms > 20);
}

#[test]
fn every_page_says_its_language_and_every_sentence_exists() {
    for locale in Locale::ALL {
        for (name, page) in every_page(locale) {
            assert!(page.starts_with(&format!("<!doctype html>\n<html lang=\"{locale}\">")), "{name}");
            assert!(
                page.contains(&format!("/language/{}?next=%2Fdashboard%3Fa%3Db%26c%3Dd", locale.other()))
            );
            for family in [
                "frame-",
                "access-",
                "telegram-",
                "payment-step-",
                "flash-",
                "error-",
                "login-",
                "code-",
                "proof-",
                "forgot-",
                "reset-",
                "security-",
                "password-",
                "app-",
                "codes-",
                "phone-",
                "devices-",
                "device-",
                "keys-",
                "key-",
                "data-",
                "copy",
                "print",
                "strength-",
            ] {
                let said = page.split(['>', '<']).any(|words| words.starts_with(family));
                assert!(!said, "a sentence is missing in {name}");
            }
            for id in ids(&page) {
                let times = page.matches(&format!(" id=\"{id}\"")).count();
                assert_eq!(times, 1, "{id} stands {times} times in {name}");
            }
        }
    }
}

fn ids(page: &str) -> Vec<&str> {
    page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn what_strangers_typed_is_shown_and_never_becomes_markup() {
    let hostile = || HOSTILE.to_owned();
    let mut page = frame(Locale::En);
    page.path = hostile();
    page.csrf = hostile();
    page.user = Some(UserMenu { email: hostile() });
    page.company = Company { name: hostile(), contact: Some(hostile()) };
    let login = LogInView { page: page.clone(), email: hostile(), next: hostile(), alert: None };
    let sent = MailSentView { page: page.clone(), email: hostile(), reason: MailSentReason::SignUp };
    let checkout = CheckoutView { page: page.clone(), amount: hostile(), checkout_url: hostile() };
    let account = TelegramCard::Linked {
        account: hostile(),
        since: Moment::day(Locale::En, NOW),
        membership: Membership::Inside,
    };
    let mut dashboard = dashboard(Locale::En, SubscriptionCard::None, account);
    dashboard.page = page;
    for drawn in [login.render(), sent.render(), checkout.render(), dashboard.render()] {
        let drawn = drawn.unwrap();
        assert!(!drawn.contains("<script>"), "{drawn}");
        assert!(drawn.contains("alert(1)"), "the words themselves are shown");
    }
}

#[test]
fn next_leads_only_to_this_site() {
    for good in ["/", "/dashboard", "/payments/1?x=//y"] {
        assert_eq!(local_path(good), good);
    }
    for bad in
        ["", "dashboard", "//evil.test", "/\\evil.test", "https://evil.test", "/\t/evil.test", "/a\r\nb"]
    {
        assert_eq!(local_path(bad), "/", "{bad}");
    }
}

#[test]
fn a_notice_travels_by_its_code_alone() {
    for notice in Notice::ALL {
        assert_eq!(Notice::from_code(notice.code()), Some(notice));
    }
    assert_eq!(Notice::from_code(HOSTILE), None);
}

#[test]
fn a_price_that_two_providers_take_is_shown_once() {
    let mut plan = plans(Locale::En).swap_remove(0);
    plan.offers.push(offer("€19.99", "PayPal", "paypal:EUR"));
    assert_eq!(plan.prices(), ["€19.99", "F\u{202f}CFA\u{a0}13,000"]);
}
