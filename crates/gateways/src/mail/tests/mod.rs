//! The mailer against a scripted server.

mod server;

use std::sync::Arc;

use domain::time::Instant;
use time::macros::datetime;

use self::server::{Script, Server};
use super::*;
use crate::test_peer::Log;

const WALL: Instant = datetime!(2026-11-23 10:30:05 UTC);

fn mailer(url: &str) -> Mailer {
    let url = SecretString::from(url.to_owned());
    Mailer::new(&url, "Calmness Signaux <no-reply@shop.example>", Arc::new(|| WALL)).unwrap()
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        message_id: "<019400c5.reminder@shop.example>".to_owned(),
        to: "ada@example.org".to_owned(),
        subject: "Votre accès se termine bientôt".to_owned(),
        text: "Bonjour Ada,\nil reste deux jours.\n.\nfin".to_owned(),
        html: "<p>Bonjour Ada, il reste <b>deux</b> jours.</p>".to_owned(),
        auto_submitted: true,
    }
}

#[tokio::test]
async fn a_mail_arrives_with_text_and_html_its_own_id_and_the_walls_date() {
    let server = Server::start(Script::default()).await;
    mailer(&server.url("")).send(&mail()).await.unwrap();
    let commands = server.commands();
    assert_eq!(commands[0], "EHLO shop.example");
    assert!(
        commands.iter().any(|line| line.starts_with("MAIL FROM:<no-reply@shop.example>")),
        "{commands:?}"
    );
    assert!(commands.iter().any(|line| line.starts_with("RCPT TO:<ada@example.org>")), "{commands:?}");
    let message = server.message();
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    for header in [
        "From: \"Calmness Signaux\" <no-reply@shop.example>",
        "To: ada@example.org",
        "Message-ID: <019400c5.reminder@shop.example>",
        "Date: Mon, 23 Nov 2026 10:30:05 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Subject: Votre =?utf-8?b?",
    ] {
        assert!(head.lines().any(|line| line.starts_with(header)), "{header} is missing in {head}");
    }
    assert!(head.contains("Content-Type: multipart/alternative;"), "{head}");
    let (text, html) = (body.find("text/plain").unwrap(), body.find("text/html").unwrap());
    assert!(text < html, "the last part is the one that is preferred");
    assert!(body.contains("il reste deux jours."), "{body}");
}

#[tokio::test]
async fn a_mail_that_a_person_answers_to_is_not_marked_as_a_programs() {
    let server = Server::start(Script::default()).await;
    mailer(&server.url("")).send(&OutgoingMail { auto_submitted: false, ..mail() }).await.unwrap();
    assert!(!server.message().contains("Auto-Submitted"));
}

#[tokio::test]
async fn mails_share_connections() {
    let server = Server::start(Script::default()).await;
    let mailer = mailer(&server.url(""));
    // A connection goes back to the pool in the background, so the very next mail may still open another.
    for sent in 1..=20 {
        mailer.clone().send(&mail()).await.unwrap();
        let greetings = server.commands().iter().filter(|line| line.starts_with("EHLO")).count();
        if greetings < sent {
            return;
        }
    }
    panic!("every one of twenty mails opened a connection");
}

#[tokio::test]
async fn only_a_refusal_of_this_mail_is_final() {
    let temporary = |said: &str| Err(MailError::Temporary(format!("the server answered {said}")));
    let permanent = |said: &str| Err(MailError::Permanent(format!("the server answered {said}")));
    let cases = [
        (
            Script { recipient: "451 4.7.1 greylisted canary-recipient", ..Script::default() },
            temporary("451"),
        ),
        (Script { recipient: "550 5.1.1 <canary-recipient> unknown", ..Script::default() }, permanent("550")),
        (Script { recipient: "553 5.1.3 bad address", ..Script::default() }, permanent("553")),
        (Script { accepted: "552 5.3.4 too big", ..Script::default() }, permanent("552")),
        (Script { accepted: "452 4.3.1 disk full", ..Script::default() }, temporary("452")),
        (Script { sender: "530 5.7.0 log in first", ..Script::default() }, temporary("530")),
        (Script { sender: "421 4.3.2 closing", ..Script::default() }, temporary("421")),
        (Script { sender: "553 5.7.1 not your address", ..Script::default() }, temporary("553")),
        (Script { sender: "550 5.1.8 sender's domain unknown", ..Script::default() }, temporary("550")),
        (Script { greeting: "554 nobody gets in", ..Script::default() }, temporary("554")),
    ];
    for (script, expected) in cases {
        let server = Server::start(script).await;
        let sent = mailer(&server.url("")).send(&mail()).await;
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn a_cut_after_the_data_leaves_it_open_and_the_next_attempt_has_the_same_id() {
    let server = Server::start(Script { accepted: "", ..Script::default() }).await;
    let mailer = mailer(&server.url(""));
    for _ in 0..2 {
        let cut = mailer.send(&mail()).await;
        assert!(matches!(cut, Err(MailError::Temporary(_))), "{cut:?}");
    }
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert!(message.contains("Message-ID: <019400c5.reminder@shop.example>\r\n"), "{message}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_temporary() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let sent = mailer(&url).send(&mail()).await;
    assert_eq!(sent, Err(MailError::Temporary("the connection failed or broke".to_owned())));
}

#[tokio::test]
async fn a_refused_password_is_the_operators_matter_and_never_shown() {
    let (log, _guard) = Log::start();
    let server = Server::start(Script { login: "535 5.7.8 canary-answer", ..Script::default() }).await;
    let mailer = mailer(&server.url("canary-user:canary%2Dpassword@"));
    let sent = mailer.send(&mail()).await;
    assert_eq!(sent, Err(MailError::Temporary("the server answered 535".to_owned())));
    let shown = format!("{mailer:?} {sent:?} {}", log.text());
    assert!(shown.contains("the mail server refuses us"), "{shown}");
    for secret in ["canary", "Y2FuYXJ5"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    let login = server.commands().into_iter().find(|line| line.starts_with("AUTH PLAIN")).unwrap();
    // base64 of "\0canary-user\0canary-password"
    assert_eq!(login, "AUTH PLAIN AGNhbmFyeS11c2VyAGNhbmFyeS1wYXNzd29yZA==");
}

#[tokio::test]
async fn beyond_loopback_nothing_is_said_in_the_clear() {
    let server = Server::start(Script::default()).await;
    // 0.0.0.0 reaches this machine without being called loopback.
    let (user, port) = ("user:canary@", server.port());
    for url in [format!("smtp://{user}0.0.0.0:{port}"), format!("smtps://{user}127.0.0.1:{port}")] {
        let sent = mailer(&url).send(&mail()).await;
        assert!(matches!(sent, Err(MailError::Temporary(_))), "{url}: {sent:?}");
    }
    let said = server.commands();
    assert!(said.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{said:?}");
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn nothing_that_a_person_typed_can_begin_a_header_or_add_a_recipient() {
    let server = Server::start(Script::default()).await;
    let mailer = mailer(&server.url(""));
    let addresses = [
        "",
        "ada",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nBcc: eve@example.org",
        "\"a\r\nBcc: eve\"@example.org",
        "ada@example.org, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org> SIZE=1\r\nRCPT TO:<eve@example.org",
        "ada@exa\u{0}mple.org",
    ];
    for to in addresses {
        let sent = mailer.send(&OutgoingMail { to: to.to_owned(), ..mail() }).await;
        assert!(matches!(sent, Err(MailError::Permanent(_))), "{to:?}: {sent:?}");
    }
    for message_id in
        ["", "<a@b>\r\nBcc: eve@example.org", "<a b@c>", "a@b", "<@b>", "<a@b@c>", "<a@b> <c@d>"]
    {
        let sent = mailer.send(&OutgoingMail { message_id: message_id.to_owned(), ..mail() }).await;
        assert!(matches!(sent, Err(MailError::Permanent(_))), "{message_id:?}: {sent:?}");
    }
    assert!(server.messages().is_empty());

    let subject = "Bonjour\r\nBcc: eve@example.org\r\n\r\nbody\u{1b}[31m";
    mailer.send(&OutgoingMail { subject: subject.to_owned(), ..mail() }).await.unwrap();
    let message = server.message();
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");
    assert!(head.contains("Subject: Bonjour  Bcc: eve@example.org"), "{head}");
    assert!(!head.contains('\u{1b}'));
    let recipients = server.commands().into_iter().filter(|line| line.starts_with("RCPT"));
    assert_eq!(recipients.collect::<Vec<_>>(), ["RCPT TO:<ada@example.org>"]);
}

#[test]
fn a_sender_that_is_not_one_address_is_refused() {
    let url = SecretString::from("smtp://127.0.0.1:2525");
    for from in ["", "Calmness", "a@b.example, c@d.example", "Calmness <no-reply>"] {
        let made = Mailer::new(&url, from, Arc::new(|| WALL));
        assert_eq!(made.err(), Some(MailSetupError::From), "{from}");
    }
}
