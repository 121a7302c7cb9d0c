//! The world around Calmness, simulated: payment providers, Telegram, a mail server with a mailbox, Twilio with an inbox of SMS, and
//! the handle of the business clock.
//!
//! Every peer speaks its wire contract over loopback, so the product talks to it with the same clients it uses against the real
//! ones. The crate uses none of the product's crates: signatures and the reading of each contract are its own, so one mistake can't
//! both sign and verify. People drive it through pages, programs through JSON, and both can order faults.

mod clock;
mod config;
mod connection;
mod faults;
mod guard;
mod log;
mod mail;
mod pages;
mod problem;
mod psp;
mod random;
mod routes;
mod shared;
mod sms;
mod snapshot;
mod telegram;
mod world;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use crate::{
    clock::{Advanced, BusinessClock, ClockError},
    config::{
        BtcPayConfig, ChatConfig, Config, Error, FedaPayConfig, MtnMomoConfig, PaypalConfig, ProvidersConfig,
        PspConfig, SmsConfig, StripeConfig, TelegramConfig, default_event_retry,
    },
};
use crate::{connection::CuttableListener, world::World};

/// How long answers under way may take once the sandbox was asked to stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// The bound, not yet serving, simulated world.
#[derive(Debug)]
pub struct Sandbox {
    world: Arc<World>,
    http: TcpListener,
    smtp: TcpListener,
    http_addr: SocketAddr,
    smtp_addr: SocketAddr,
}

impl Sandbox {
    /// Takes both ports and loads the world that an earlier run left in `state_file`.
    pub async fn bind(config: Config, clock: Arc<dyn BusinessClock>) -> Result<Self, Error> {
        config.check()?;
        let http =
            TcpListener::bind(config.http).await.map_err(|source| Error::Bind { what: "HTTP", source })?;
        let smtp =
            TcpListener::bind(config.smtp).await.map_err(|source| Error::Bind { what: "SMTP", source })?;
        let http_addr = http.local_addr().map_err(|source| Error::Bind { what: "HTTP", source })?;
        let smtp_addr = smtp.local_addr().map_err(|source| Error::Bind { what: "SMTP", source })?;
        let world = World::open(config, clock, http_addr, smtp_addr).await?;
        Ok(Self { world, http, smtp, http_addr, smtp_addr })
    }

    /// Where pages and APIs are; the payment service's base is `http://{this}/psp`.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where mail is taken.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp_addr
    }

    /// Serves until `shutdown`, then lets answers under way finish for a moment and writes the world down.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), Error> {
        let world = self.world;
        let stop = world.stop.clone();
        let background = async {
            tokio::join!(
                mail::smtp::serve(world.clone(), self.smtp),
                telegram::updates::deliver(world.clone()),
                snapshot::keep(world.clone()),
            )
        };
        psp::webhooks::resume(&world);
        sms::delivery::resume(&world);
        let app = routes::router(world.clone()).into_make_service_with_connect_info::<connection::Line>();
        let listener = CuttableListener::new(self.http);
        let http = axum::serve(listener, app).with_graceful_shutdown({
            let stop = stop.clone();
            async move { stop.cancelled().await }
        });
        let stopper = {
            let stop = stop.clone();
            async move {
                tokio::select! {
                    () = shutdown.cancelled() => stop.cancel(),
                    () = stop.cancelled() => {}
                }
                tokio::time::sleep(FAREWELL).await;
            }
        };
        let http = async {
            tokio::select! {
                served = http => served,
                () = stopper => Ok(()),
            }
        };
        let (served, _) = tokio::join!(
            async {
                let served = http.await;
                stop.cancel();
                served
            },
            background
        );
        world.couriers.close();
        world.couriers.wait().await;
        snapshot::write(&world).await?;
        served.map_err(Error::Serve)
    }
}
