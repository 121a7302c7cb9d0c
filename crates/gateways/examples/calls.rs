//! Plays every call of a connector against an address, so that somebody else can judge what is sent: an official specification, for one.
//! What comes back does not matter here.
//!
//! `cargo run -p gateways --example calls -- stripe http://127.0.0.1:4010`
#![expect(clippy::print_stdout, reason = "it says what it plays")]

use std::sync::Arc;
use std::time::Duration;

use crypto::signature::SigningSecret;
use domain::ids::{PaymentId, RefundId};
use domain::money::{Currency, Money};
use gateways::http::HttpClient;
use gateways::payments::registry::connect;
use gateways::payments::{Callback, Inquiry, Line, MethodToken, Order, Payer, PaymentProvider, Refund};
use gateways::sms::{Checked, Sender, Sending, Twilio, TwilioSettings, VerificationSid};
use gateways::telegram::BotClient;
use secrecy::SecretString;
use time::OffsetDateTime;

type Failure = Box<dyn std::error::Error>;

const PAYMENT: &str = "019400c5-9c00-7000-8000-000000000001";
const OTHER: &str = "019400c5-9c00-7000-8000-000000000002";
const REFUND: &str = "019400c5-9c00-7000-8000-00000000000f";

/// A provider's settings but for its address, and the names that its own objects have there.
struct Peer {
    code: &'static str,
    document: &'static str,
    reference: &'static str,
    transaction: &'static str,
    refund: &'static str,
    /// What it remembers a way to pay by, if it can.
    method: Option<&'static str>,
}

const PEERS: [Peer; 3] = [
    Peer {
        code: "stripe",
        document: r#""secret_key":"sk_test_0123456789","webhook_secrets":["whsec_0123456789abcdef"]"#,
        reference: "cs_test_1",
        transaction: "pi_1",
        refund: "re_1",
        method: Some("cus_1"),
    },
    Peer {
        code: "paypal",
        document: r#""client_id":"client","client_secret":"secret","webhook_id":"8PT597110X687430LKGECATA","saves_methods":true"#,
        reference: "5O190127TN364715T",
        transaction: "3C679366HH908993F",
        refund: "1JU08902781691411",
        method: Some("8kk8451t"),
    },
    Peer {
        code: "btcpay",
        document: r#""store_id":"store","api_key":"key","webhook_secrets":["0123456789abcdef0123456789abcdef"]"#,
        reference: "INV1",
        transaction: "INV1",
        refund: "INV1",
        method: None,
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(peer), Some(base)) = (arguments.next(), arguments.next()) else {
        return Err("usage: calls <stripe|paypal|btcpay|telegram|twilio> <address>".into());
    };
    match peer.as_str() {
        "telegram" => telegram(&base).await,
        "twilio" => twilio(&base).await,
        code => {
            let peer = PEERS.iter().find(|peer| peer.code == code).ok_or("there is no such peer")?;
            payments(peer, &base).await
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this example is the one who gives the time")]
fn wall() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn say(call: &str, outcome: &impl std::fmt::Debug) {
    println!("{call}: {outcome:?}");
}

fn order(payment: &str, method: Option<&str>, remember: bool) -> Result<Order, Failure> {
    Ok(Order {
        payment_id: payment.parse()?,
        amount: Money::new(5_999, Currency::Eur),
        description: "Calmness: signaux – 30 j".to_owned(),
        return_url: format!("https://calmness.example/payments/{payment}/return"),
        webhook_url: "https://calmness.example/api/webhooks/x".to_owned(),
        created_at: wall(),
        expires_at: wall() + Duration::from_mins(30),
        nonce: "0".repeat(32),
        payer: Payer {
            email: "awa@example.com".to_owned(),
            phone: Some("+22997808080".parse()?),
            locale: "fr",
            method: method.map(|token| MethodToken(SecretString::from(token))),
            remember,
        },
    })
}

async fn payments(peer: &Peer, base: &str) -> Result<(), Failure> {
    let document = format!(r#"{{"base_url":"{base}",{},"mode":"test","currencies":["EUR"]}}"#, peer.document);
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation"))?;
    let line = Line { http: HttpClient::new()?, wall: Arc::new(wall), request_key };
    let provider = connect(peer.code, &document, line)?;
    say("open", &provider.create_checkout(&order(OTHER, None, false)?).await);
    if peer.method.is_some() {
        say("open and remember", &provider.create_checkout(&order(OTHER, None, true)?).await);
        say("open as remembered", &provider.create_checkout(&order(OTHER, peer.method, true)?).await);
    }
    let inquiry = Inquiry {
        payment_id: PAYMENT.parse::<PaymentId>()?,
        reference: Some(peer.reference.to_owned()),
        transaction: Some(peer.transaction.to_owned()),
        amount: Money::new(5_999, Currency::Eur),
        created_at: wall(),
    };
    say("fetch", &provider.fetch(&inquiry).await);
    say("capture", &provider.capture(&inquiry).await);
    say("cancel", &provider.cancel(&inquiry).await);
    refunds(peer, &*provider, &inquiry).await?;
    verify(&*provider).await;
    Ok(())
}

async fn refunds(peer: &Peer, provider: &dyn PaymentProvider, inquiry: &Inquiry) -> Result<(), Failure> {
    let refund = |reference: Option<&str>, again| {
        let id = REFUND.parse::<RefundId>()?;
        let reference = reference.map(str::to_owned);
        Ok::<_, Failure>(Refund { id, amount: Money::new(400, Currency::Eur), reference, again })
    };
    say("refund", &provider.refund(inquiry, &refund(None, false)?).await);
    say("refund again", &provider.refund(inquiry, &refund(None, true)?).await);
    say("refund asked about", &provider.refund(inquiry, &refund(Some(peer.refund), false)?).await);
    Ok(())
}

/// PayPal is asked whether a callback is its own.
async fn verify(provider: &dyn PaymentProvider) {
    let header = |name: &str| {
        let value = match name {
            "paypal-transmission-id" => "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
            "paypal-transmission-time" => "2026-11-23T10:30:00Z",
            "paypal-cert-url" => {
                "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
            }
            "paypal-auth-algo" => "SHA256withRSA",
            "paypal-transmission-sig" => {
                "lmI95Jx3Y9nhR5SJWlHVIWpg4AgFk7n9bCHSRxbrd8A9zrhdu2rMyFrmz+Zjh3s3boXB07VXCXUZy/UFzUlnGJn0wDugt7FlSvdKeIJenLRemUxYCPVoEZzg9VFNqOa48gMkvF+XTpxBeUx/kWy6B5cp7GkT2+pOowfRK7OaynuxUoKW3JcMWw272VKjLTtTAShncla7tGF+55rxyt2KNZIIqxNMJ48RDZheGU5w1npu9dZHnPgTXB9iomeVRoD8O/jhRpnKsGrDschyNdkeh81BJJMH4Ctc6lnCCquoP/GzCzz33MMsNdid7vL/NIWaCsekQpW26FpWPi/tfj8nLA=="
            }
            _ => return None,
        };
        Some(value.to_owned())
    };
    let body = br#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"CAP1"}}"#;
    say("verify", &provider.verify_notification(&Callback { header: &header, body }, wall()).await);
}

async fn telegram(base: &str) -> Result<(), Failure> {
    let (channel, person) = (-1_001_234_567_890, 4_503_599);
    let bot = BotClient::new(base, SecretString::from("42:abcDEF_123"), HttpClient::new()?)?;
    let secret = SecretString::from("a-secret-of-ours");
    say("getMe", &bot.get_me().await.is_ok());
    say("sendMessage", &bot.send_message(person, "Bonjour").await);
    say("createChatInviteLink", &bot.create_chat_invite_link(channel, "awa", true).await.is_ok());
    say("revokeChatInviteLink", &bot.revoke_chat_invite_link(channel, "https://t.me/+x").await);
    say("approveChatJoinRequest", &bot.approve_chat_join_request(channel, person).await);
    say("declineChatJoinRequest", &bot.decline_chat_join_request(channel, person).await);
    say("unbanChatMember", &bot.unban_chat_member(channel, person).await);
    say("getChatMember", &bot.get_chat_member(channel, person).await.is_ok());
    say("getChatMemberCount", &bot.get_chat_member_count(channel).await);
    say("setWebhook", &bot.set_webhook("https://calmness.example/api/webhooks/telegram", &secret).await);
    say("deleteWebhook", &bot.delete_webhook().await);
    say("getUpdates", &bot.get_updates(Some(7), Duration::from_secs(0)).await.is_ok());
    Ok(())
}

fn twilio_account(sending: Sending) -> Result<Twilio, Failure> {
    let settings = TwilioSettings {
        account_sid: "AC000000000000000000000000000000e1".to_owned(),
        auth_tokens: vec![SecretString::from("an-auth-token-0123456789abcdef")],
        api_key: None,
        sending,
    };
    Ok(Twilio::new(settings, HttpClient::new()?)?)
}

async fn twilio(base: &str) -> Result<(), Failure> {
    let phone = "+22997808080".parse()?;
    for sender in [
        Sender::From("+15005550006".to_owned()),
        Sender::Service("MG0123456789abcdef0123456789abcdef".to_owned()),
    ] {
        let status_callback_url = "https://calmness.example/api/webhooks/twilio".to_owned();
        let messages = Sending::Messages { api_url: base.to_owned(), sender, status_callback_url };
        if let Twilio::Messages(messages) = twilio_account(messages)? {
            say("send", &messages.send(&phone, "123456 est votre code").await);
        }
    }
    let service_sid = "VA000000000000000000000000000000e1".to_owned();
    let verify = twilio_account(Sending::Verify { verify_url: base.to_owned(), service_sid })?;
    if let Twilio::Verify(verify) = verify {
        say("start", &verify.start(&phone, Some("fr")).await);
        let verification = VerificationSid::parse("VE000000000000000000000000000000e1")?;
        let checked: Result<Checked, _> = verify.check(&verification, "123456").await;
        say("check", &checked);
        say("cancel", &verify.cancel(&verification).await);
    }
    Ok(())
}
