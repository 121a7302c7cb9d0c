//! The mail server by hand, and the mailbox.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::stage::Stage;

/// A mail client that says what it is told to.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) async fn greet(stage: &Stage) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(stage.smtp).await.unwrap()));
        assert_eq!(client.reply().await, "220");
        assert_eq!(client.say("EHLO test").await, "250");
        client
    }

    /// The code of the next reply, or nothing when the server hung up.
    pub(crate) async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read =
                tokio::time::timeout(Duration::from_secs(5), self.0.read_line(&mut line)).await.unwrap();
            if read.unwrap_or(0) == 0 {
                return String::new();
            }
            if line.as_bytes()[3] != b'-' {
                return line[..3].to_owned();
            }
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn say(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    pub(crate) async fn envelope(&mut self) {
        assert_eq!(self.say("MAIL FROM:<from@calmness.example>").await, "250");
        assert_eq!(self.say("RCPT TO:<awa@example.org>").await, "250");
    }

    pub(crate) async fn send(&mut self, mail: &str) -> String {
        self.envelope().await;
        assert_eq!(self.say("DATA").await, "354");
        self.say(&format!("{mail}\r\n.")).await
    }
}

#[tokio::test]
async fn a_mail_is_kept_decoded_with_its_links() {
    let stage = Stage::new().await;
    stage.post("/clock", json!({ "advance_seconds": 86_400 })).await;
    let mut client = Client::greet(&stage).await;
    let mail = "Subject: =?utf-8?Q?V=C3=A9rifiez?=\r\nMessage-ID: <m1@calmness.example>\r\nX-A: b\r\n\
                Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
                Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                w6l0w6kgaHR0cDovL2xvY2FsaG9zdC92P3Q9MQ==\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n..dot";
    assert_eq!(client.send(mail).await, "250");
    assert_eq!(client.send("Subject: second\r\n\r\nplain\r\n..dot").await, "250");
    assert_eq!(client.say("QUIT").await, "221");
    let (_, mails) = stage.get("/mailbox?to=AWA@example.org").await;
    let first = &mails["items"][0];
    assert_eq!(
        (&first["subject"], &first["message_id"]),
        (&json!("Vérifiez"), &json!("<m1@calmness.example>"))
    );
    assert_eq!(
        (&first["from"], &first["to"]),
        (&json!("from@calmness.example"), &json!(["awa@example.org"]))
    );
    assert_eq!((&first["text"], &first["html"]), (&json!("été http://localhost/v?t=1"), &json!("<p>x</p>")));
    assert_eq!(
        (&first["links"], &first["headers"]["x-a"]),
        (&json!(["http://localhost/v?t=1"]), &json!("b"))
    );
    assert_ne!(first["received_at"], first["received_at_wall"]);
    assert_eq!(mails["items"][1]["text"], "plain\n.dot\n", "the doubled dot is one again");
    assert_eq!(stage.get("/mailbox?to=else@example.org").await.1, json!({ "items": [] }));
    let log = stage.get("/log?kind=mail.received").await.1;
    assert_eq!(log["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let stage = Stage::new().await;
    let mut client = Client(BufReader::new(TcpStream::connect(stage.smtp).await.unwrap()));
    assert_eq!(client.reply().await, "220");
    for (line, code) in [
        ("MAIL FROM:<a@b>", "503"),
        ("EHLO", "501"),
        ("NOPE", "500"),
        ("EHLO me", "250"),
        ("DATA", "503"),
        ("RCPT TO:<a@b>", "503"),
        ("MAIL FROM:a@b", "501"),
        ("MAIL FROM:<a@b> SIZE=99999999", "552"),
        ("MAIL FROM:<a@b> EVIL=1", "555"),
        ("MAIL FROM:<> BODY=8BITMIME SIZE=5", "250"),
        ("MAIL FROM:<a@b>", "503"),
        ("RCPT TO:<nobody>", "501"),
        ("RCPT TO:<a@b>", "250"),
        ("NOOP", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("STARTTLS", "502"),
        ("QUIT", "221"),
    ] {
        assert_eq!(client.say(line).await, code, "{line}");
    }
    assert_eq!(client.reply().await, "", "the server hung up");
    assert_eq!(stage.get("/mailbox").await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let stage = Stage::new().await;
    let mut client = Client::greet(&stage).await;
    client.write(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: p\r\n\r\nx\r\n.\r\nNOOP\r\n").await;
    for code in ["250", "250", "354", "250", "250"] {
        assert_eq!(client.reply().await, code);
    }
}

#[tokio::test]
async fn a_bare_line_feed_does_not_end_a_mail() {
    let stage = Stage::new().await;
    let mut client = Client::greet(&stage).await;
    client.envelope().await;
    assert_eq!(client.say("DATA").await, "354");
    client.write(b"Subject: x\r\n\r\nsafe\n.\nMAIL FROM:<evil@x>\n.\r\nend\r\n.\r\n").await;
    assert_eq!(client.reply().await, "250");
    let mails = stage.get("/mailbox").await.1;
    assert_eq!(mails["items"].as_array().unwrap().len(), 1);
    assert!(mails["items"][0]["text"].as_str().unwrap().contains("MAIL FROM:<evil@x>"));
}

#[tokio::test]
async fn too_much_is_refused_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let mut client = Client::greet(&stage).await;
    client.envelope().await;
    assert_eq!(client.say("DATA").await, "354");
    let line = format!("{}\r\n", "x".repeat(998));
    client.write(line.repeat(1100).as_bytes()).await;
    assert_eq!(client.say(".").await, "552");
    assert_eq!(client.send("Subject: small\r\n\r\nx").await, "250");
    client.write(&[b'A'; 5000]).await;
    assert_eq!(client.reply().await, "500");
    assert_eq!(stage.get("/mailbox").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn garbage_and_hang_ups_leave_the_server_alive() {
    let stage = Stage::new().await;
    for garbage in [
        &b"\xff\xfe\x00\r\n"[..],
        b"EHLO \xf0\x28\r\nMAIL FROM:<\xff>\r\n",
        b"\r\n\r\n",
        b"MAIL",
        b"DATA\r\n.\r\n",
    ] {
        let mut client = Client(BufReader::new(TcpStream::connect(stage.smtp).await.unwrap()));
        client.write(garbage).await;
    }
    assert_eq!(Client::greet(&stage).await.send("Subject: x\r\n\r\ny").await, "250");
}

#[tokio::test]
async fn the_mailbox_has_pages_and_can_be_emptied() {
    let stage = Stage::new().await;
    let mail = "Subject: <script>\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><a href=\"http://x\">y</a>";
    Client::greet(&stage).await.send(mail).await;
    let page = async |path: &str| {
        let answer = stage.request(Method::GET, path).header("Accept", "text/html,*/*").send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), policy, answer.text().await.unwrap())
    };
    let (status, policy, list) = page("/mailbox").await;
    assert!(status == 200 && list.contains("&#60;script&#62;") && !list.contains("<script>alert"), "{list}");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-"), "{policy}");
    let (_, _, one) = page("/mailbox/1").await;
    assert!(one.contains("sandbox=\"allow-popups"), "{one}");
    let (_, policy, html) = page("/mailbox/1/html").await;
    assert!(html.contains("<script>"), "as it came");
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("sandbox ")
            && !policy.contains("allow-scripts")
    );
    assert_eq!(page("/mailbox/2").await.0, 404);
    assert_eq!(stage.delete("/mailbox").await.0, 204);
    assert_eq!(stage.get("/mailbox").await.1, json!({ "items": [] }));
}
