//! The way between an instance and its database, which can swallow packets without a word.
//!
//! A closed socket is noticed at once; a network that drops packets is not. [`Manner::Held`] is what TCP makes of a
//! network that comes back: what was sent meanwhile arrives late. [`Manner::Lost`] is a firewall that forgot its
//! connections: those of before stay mute for ever, and new ones work. [`Manner::HungUp`] is a database that is stopping, or a
//! balancer without one behind it: connections are taken, and closed at the first word.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of what is sent while nothing gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Held,
    Lost,
    HungUp,
}

/// A way to a database.
pub(crate) struct Wire {
    /// The address of the database by this way.
    pub(crate) url: SecretString,
    silence: watch::Sender<Option<Manner>>,
    asked: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    _listening: JoinSet<()>,
}

impl Wire {
    pub(crate) async fn to(database: &SecretString) -> Self {
        let mut url: Url = database.expose_secret().parse().unwrap();
        let target = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own: SocketAddr = listener.local_addr().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(own.port())).unwrap();
        let (silence, _) = watch::channel(None);
        let (asked, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut listening = JoinSet::new();
        let (hearing, watch) = (silence.clone(), Watch { asked: Arc::clone(&asked), cut: Arc::clone(&cut) });
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let (target, hearing) = (target.clone(), hearing.subscribe());
                connections.spawn(connection(near, target, hearing, watch.clone()));
            }
        });
        Self { url: String::from(url).into(), silence, asked, cut, _listening: listening }
    }

    /// From now on nothing gets through.
    pub(crate) fn silence(&self, manner: Manner) {
        self.silence.send_replace(Some(manner));
    }

    /// From now on everything does.
    pub(crate) fn restore(&self) {
        self.silence.send_replace(None);
    }

    /// The next COMMIT reaches the database, and its answer nobody.
    pub(crate) fn lose_the_answer_to_commit(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// How often the instance has sent something to its database.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// What is known of what an instance sends.
#[derive(Clone)]
struct Watch {
    asked: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
}

impl Watch {
    /// Counts, and says whether nothing may come back any more.
    fn see(&self, sent: &[u8]) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        sent.windows(6).any(|word| word == b"COMMIT") && self.cut.swap(false, Ordering::SeqCst)
    }
}

async fn connection(
    near: TcpStream,
    target: (String, u16),
    silence: watch::Receiver<Option<Manner>>,
    watch: Watch,
) {
    let far = TcpStream::connect(target).await.unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_read, far_write, silence.clone(), Some(&watch)) => {}
        () = carry(far_read, near_write, silence, None) => {}
    }
}

/// Ends when one of the ends does.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut silence: watch::Receiver<Option<Manner>>,
    watch: Option<&Watch>,
) {
    let (mut buffer, mut mute) = (vec![0; 16_384], false);
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let last = watch.is_some_and(|watch| watch.see(&buffer[..count]));
        let manner = *silence.borrow();
        if manner == Some(Manner::HungUp) {
            return;
        }
        mute |= manner == Some(Manner::Lost);
        if manner == Some(Manner::Held) && silence.wait_for(Option::is_none).await.is_err() {
            return;
        }
        if !mute && to.write_all(&buffer[..count]).await.is_err() || last {
            return;
        }
    }
}
