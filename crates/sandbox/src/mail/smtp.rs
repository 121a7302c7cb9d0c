//! The mail server: RFC 5321 as far as a client of today needs it, with limits on everything.

use std::{io, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::mailbox::Arrival;
use crate::{
    faults::{Kind, Peer},
    world::World,
};

const CONNECTIONS: usize = 64;
const LONGEST_LINE: u64 = 4096;
const LARGEST_MAIL: usize = 1024 * 1024;
const RECIPIENTS: usize = 100;
/// Commands in one connection; a client with more to say connects again.
const COMMANDS: usize = 10_000;
/// RFC 5321 asks servers to wait five minutes for a command.
const PATIENCE: Duration = Duration::from_mins(5);

/// Serves until the sandbox stops.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = world.stop.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a mail connection could not be accepted");
                world.sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if is_down(&world) {
            continue;
        }
        let (world, room) = (world.clone(), room.clone());
        tokio::spawn(async move {
            let talk = async {
                let mut session = Session::new(&world, stream);
                match room.try_acquire() {
                    Ok(_permit) => session.talk().await,
                    Err(_) => session.say("421 too many connections").await,
                }
            };
            tokio::select! {
                ended = talk => if let Err(error) = ended {
                    tracing::debug!(%error, "a mail connection broke");
                },
                () = world.stop.cancelled() => {}
            }
        });
    }
}

/// `down`: connections are closed at once. Each refused one is a use.
fn is_down(world: &World) -> bool {
    let down = world.faults.take(Peer::Smtp, |order| order.kind == Kind::Down).is_some();
    if down {
        world.record("smtp.refused", json!({ "fault": Kind::Down }));
    }
    down
}

/// The envelope of the mail being handed over.
#[derive(Debug, Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

struct Session<'a> {
    world: &'a Arc<World>,
    stream: BufReader<TcpStream>,
    greeted: bool,
    envelope: Envelope,
}

enum Next {
    GoOn,
    Quit,
}

enum Line {
    Text(String),
    TooLong,
    End,
}

impl<'a> Session<'a> {
    fn new(world: &'a Arc<World>, stream: TcpStream) -> Self {
        Self { world, stream: BufReader::new(stream), greeted: false, envelope: Envelope::default() }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        // With pipelining the client waits only for the last reply; sending each at once is allowed too.
        self.stream.flush().await
    }

    async fn talk(&mut self) -> io::Result<()> {
        self.say("220 sandbox ESMTP").await?;
        for _ in 0..COMMANDS {
            let line = match tokio::time::timeout(PATIENCE, self.line()).await {
                Ok(line) => line?,
                Err(_) => return self.say("421 closing: nothing said for too long").await,
            };
            // An established connection breaks too when the server goes down.
            if self.world.faults.stands(Peer::Smtp, Kind::Down) && is_down(self.world) {
                return Ok(());
            }
            let next = match line {
                Line::End => return Ok(()),
                Line::TooLong => {
                    self.say("500 line too long").await?;
                    return Ok(());
                }
                Line::Text(line) => self.command(&line).await?,
            };
            if matches!(next, Next::Quit) {
                return Ok(());
            }
        }
        self.say("421 too many commands").await
    }

    async fn line(&mut self) -> io::Result<Line> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(Line::End);
        }
        if line.pop() != Some(b'\n') {
            return Ok(if read as u64 == LONGEST_LINE { Line::TooLong } else { Line::End });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Line::Text(String::from_utf8_lossy(&line).into_owned()))
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !rest.trim().is_empty() => {
                self.greet();
                self.say(&format!(
                    "250-sandbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {LARGEST_MAIL}"
                ))
                .await?;
            }
            "HELO" if !rest.trim().is_empty() => {
                self.greet();
                self.say("250 sandbox").await?;
            }
            "EHLO" | "HELO" => self.say("501 say who you are").await?,
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.recipient(rest).await?,
            "DATA" => return self.data().await,
            "RSET" => {
                self.envelope = Envelope::default();
                self.say("250 forgotten").await?;
            }
            "NOOP" => self.say("250 fine").await?,
            "VRFY" => self.say("252 try it").await?,
            "QUIT" => {
                self.say("221 goodbye").await?;
                return Ok(Next::Quit);
            }
            "STARTTLS" | "AUTH" | "HELP" | "EXPN" | "TURN" => self.say("502 not offered here").await?,
            _ => self.say("500 unknown command").await?,
        }
        Ok(Next::GoOn)
    }

    fn greet(&mut self) {
        self.greeted = true;
        self.envelope = Envelope::default();
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        if !self.greeted {
            return self.say("503 say EHLO first").await;
        }
        if self.envelope.from.is_some() {
            return self.say("503 one mail after the other").await;
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return self.say("501 say MAIL FROM:<address>").await;
        };
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if value.parse::<usize>().is_ok_and(|size| size > LARGEST_MAIL) => {
                    return self.say("552 too large").await;
                }
                "SIZE" | "BODY" | "SMTPUTF8" => {}
                _ => return self.say("555 unknown parameter").await,
            }
        }
        self.envelope.from = Some(from);
        self.say("250 ok").await
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        if self.envelope.from.is_none() {
            return self.say("503 say MAIL first").await;
        }
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| to.contains('@')) else {
            return self.say("501 say RCPT TO:<address>").await;
        };
        if self.envelope.to.len() >= RECIPIENTS {
            return self.say("452 too many recipients").await;
        }
        let refuses = |kind| matches!(kind, Kind::Temporary451 | Kind::Permanent550);
        if let Some(fault) = self.world.faults.take(Peer::Smtp, |order| refuses(order.kind)) {
            self.world.record("smtp.refused", json!({ "to": to, "fault": fault.order.kind }));
            let temporary = fault.order.kind == Kind::Temporary451;
            return self.say(if temporary { "451 try again later" } else { "550 no such mailbox" }).await;
        }
        self.envelope.to.push(to);
        self.say("250 ok").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        if self.envelope.to.is_empty() {
            self.say("503 say RCPT first").await?;
            return Ok(Next::GoOn);
        }
        self.say("354 go on, end with a dot on its own line").await?;
        let raw = match tokio::time::timeout(PATIENCE, self.body()).await {
            Ok(body) => body?,
            Err(_) => return Ok(Next::Quit),
        };
        let envelope = std::mem::take(&mut self.envelope);
        match raw {
            Body::CutOff => return Ok(Next::Quit),
            Body::TooLarge => {
                self.say("552 too large").await?;
                return Ok(Next::GoOn);
            }
            Body::Whole(raw) => self.receive(envelope, &raw).await,
        }
        if self.world.faults.take(Peer::Smtp, |order| order.kind == Kind::DropAfterData).is_some() {
            self.world.record("smtp.dropped_after_data", json!({ "fault": Kind::DropAfterData }));
            return Ok(Next::Quit);
        }
        self.say("250 kept").await?;
        Ok(Next::GoOn)
    }

    /// The mail up to the line with only a dot; dots that were doubled on the way lose one. Only CRLF ends a line.
    async fn body(&mut self) -> io::Result<Body> {
        let mut raw = Vec::new();
        let mut line = Vec::new();
        let mut too_large = false;
        loop {
            line.clear();
            let read = (&mut self.stream).take(LARGEST_MAIL as u64).read_until(b'\n', &mut line).await?;
            if read == 0 {
                return Ok(Body::CutOff);
            }
            let fresh = raw.is_empty() || raw.ends_with(b"\r\n");
            if fresh && line == b".\r\n" {
                return Ok(if too_large { Body::TooLarge } else { Body::Whole(raw) });
            }
            let stuffed = fresh && line.starts_with(b".");
            raw.extend_from_slice(&line[usize::from(stuffed)..]);
            if raw.len() > LARGEST_MAIL {
                too_large = true;
                // Only whether the last line ended is still of interest.
                let kept = raw.split_off(raw.len() - 2);
                raw = kept;
            }
        }
    }

    async fn receive(&self, envelope: Envelope, raw: &[u8]) {
        let arrival = Arrival { business: self.world.business_now().await.ok(), wall: self.world.wall() };
        let from = envelope.from.unwrap_or_default();
        let data = self.world.mailbox.with(|mailbox| {
            let letter = mailbox.receive(from, envelope.to, raw, arrival);
            json!({
                "mail_id": letter.id, "to": letter.to, "subject": letter.subject, "message_id": letter.message_id,
            })
        });
        self.world.changed();
        self.world.record("mail.received", data);
        self.world.bell.ring();
    }
}

enum Body {
    Whole(Vec<u8>),
    TooLarge,
    CutOff,
}

/// The address of `FROM:<a@b> PARAMETERS` and what follows it.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let head = rest.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword))?;
    let rest = rest[head.len()..].trim_start().strip_prefix('<')?;
    let (address, parameters) = rest.split_once('>')?;
    let clean =
        address.len() <= 320 && !address.chars().any(|c| c.is_control() || c.is_whitespace() || c == '<');
    clean.then(|| (address.to_owned(), parameters))
}
