//! An SMTP server on loopback that says what it was told to say and keeps what it was told.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server answers at each step; an empty answer hangs up.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) greeting: &'static str,
    pub(super) login: &'static str,
    pub(super) sender: &'static str,
    pub(super) recipient: &'static str,
    pub(super) accepted: &'static str,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            greeting: "220 test ready",
            login: "235 2.7.0 welcome",
            sender: "250 2.1.0 ok",
            recipient: "250 2.1.5 ok",
            accepted: "250 2.0.0 queued",
        }
    }
}

#[derive(Default)]
struct Heard {
    commands: Vec<String>,
    messages: Vec<String>,
}

pub(super) struct Server {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let ears = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, script, ears.clone()));
            }
        });
        Self { port, heard }
    }

    /// The address, with `login` (`user:password@`) in it.
    pub(super) fn url(&self, login: &str) -> String {
        format!("smtp://{login}127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.heard.lock().unwrap().commands.clone()
    }

    pub(super) fn messages(&self) -> Vec<String> {
        self.heard.lock().unwrap().messages.clone()
    }

    /// The only message so far.
    pub(super) fn message(&self) -> String {
        let messages = self.messages();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }
}

async fn converse(stream: TcpStream, script: Script, heard: Arc<Mutex<Heard>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, script.greeting).await?;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        heard.lock().unwrap().commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => say(&mut stream, "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN").await?,
            "AUTH" => say(&mut stream, script.login).await?,
            "MAIL" => say(&mut stream, script.sender).await?,
            "RCPT" => say(&mut stream, script.recipient).await?,
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let message = read_message(&mut stream).await?;
                heard.lock().unwrap().messages.push(message);
                say(&mut stream, script.accepted).await?;
            }
            "QUIT" => return say(&mut stream, "221 2.0.0 bye").await,
            _ => say(&mut stream, "250 2.0.0 ok").await?,
        }
    }
}

/// Up to the lone dot, with the doubled dots undone.
async fn read_message(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

async fn say(stream: &mut BufReader<TcpStream>, answer: &str) -> io::Result<()> {
    if answer.is_empty() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(b"\r\n").await
}
