//! A sandbox that runs: its addresses, its truth, its knobs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::effects::Effect;
use super::options::Options;
use super::serve::faults::Fault;
use super::serve::listen;
use super::serve::shared::Shared;
use super::time::WorldClock;
use super::truth::{Found, Score, TruthEntry};
use crate::ports::clock::Clock;

/// Starts sandboxes.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

/// An account of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The tenant's name in subjects.
    pub tenant: String,
    /// The address to log in with.
    pub email: String,
    /// `admin`, `manager` or `viewer`.
    pub role: String,
    /// The id of the playlist that this tenant falls back on.
    pub fallback_playlist: String,
}

/// A sandbox that answers until it is stopped or dropped.
pub struct Running {
    shared: Arc<Shared>,
    close: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    port: u16,
    realtime_port: u16,
}

impl Sandbox {
    /// Starts one on loopback, inside the runtime of the caller.
    ///
    /// # Errors
    ///
    /// A port cannot be bound.
    pub fn start(options: Options, clock: Arc<dyn Clock>) -> io::Result<Running> {
        let bound = |port: u16| -> io::Result<(TcpListener, u16)> {
            let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((TcpListener::from_std(listener)?, port))
        };
        let (platform, port) = bound(options.port)?;
        let (realtime, realtime_port) = bound(options.realtime_port)?;
        let (close, closing) = watch::channel(false);
        let clock = WorldClock::new(clock, options.start);
        let shared = Arc::new(Shared::new(options, clock, closing));
        let servers = vec![
            tokio::spawn(listen::platform(platform, Arc::clone(&shared))),
            tokio::spawn(listen::realtime(realtime, Arc::clone(&shared))),
        ];
        Ok(Running { shared, close, servers, port, realtime_port })
    }
}

impl Running {
    /// The platform's address, without a path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The realtime service's address, without a path.
    #[must_use]
    pub fn realtime_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.realtime_port)
    }

    /// The address of the design document's web socket as settings take it: the socket itself is at `/realtime` below.
    #[must_use]
    pub fn socket_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.realtime_port)
    }

    /// Every account; all have the same [`super::PASSWORD`].
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let inner = self.shared.lock();
        let of = |tenant: &super::model::tenant::Tenant| {
            let account = |user: &super::model::tenant::User| Account {
                tenant: tenant.name.clone(),
                email: user.email.clone(),
                role: user.role.name().to_owned(),
                fallback_playlist: tenant.fallback.clone(),
            };
            tenant.users.iter().map(account).collect::<Vec<_>>()
        };
        inner.world.tenants.iter().flat_map(of).collect()
    }

    /// What was wrong at the start, by agent, check and subject.
    #[must_use]
    pub fn truth(&self) -> Vec<TruthEntry> {
        self.shared.planted()
    }

    /// What is wrong now.
    #[must_use]
    pub fn truth_now(&self) -> Vec<TruthEntry> {
        self.shared.truth_now()
    }

    /// Every effect that arrived.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.shared.lock().world.effects.all().to_vec()
    }

    /// The effects that nobody has taken yet; [`Running::finish`] does not complain about them any more.
    #[must_use]
    pub fn take_effects(&self) -> Vec<Effect> {
        self.shared.lock().world.effects.take()
    }

    /// Compares claims with the truth, and every effect with what would repair something.
    #[must_use]
    pub fn score(&self, found: &[Found]) -> Score {
        self.shared.score(found)
    }

    /// Replaces the faults that are set.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.lock().faults.set(faults);
    }

    /// Moves the sandbox's time on.
    pub fn advance(&self, by: Duration) {
        self.shared.advance(by);
    }

    /// The sandbox's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now().timestamp()
    }

    /// How many logins nobody has ended.
    #[must_use]
    pub fn sessions_open(&self) -> usize {
        self.shared.sessions_open()
    }

    /// Says that a request to `METHOD /path` is meant, though there is no such route.
    pub fn expect_unknown_route(&self, named: &str) {
        let mut inner = self.shared.lock();
        inner.world.effects.expected_unknown.insert(named.to_owned());
    }

    /// Changes the subscription of a tenant, as `active` or `canceled`.
    pub fn set_subscription(&self, tenant: &str, status: &str) {
        let mut inner = self.shared.lock();
        for row in inner.world.tenants.iter_mut().filter(|row| row.name == tenant) {
            status.clone_into(&mut row.organisation.subscription);
        }
    }

    /// Asserts that nothing is left: every effect taken, nothing deleted, every session ended, no unknown route.
    ///
    /// # Errors
    ///
    /// What is left, one line each.
    pub fn finish(&self) -> Result<(), Vec<String>> {
        let left = self.shared.leftovers();
        if left.is_empty() { Ok(()) } else { Err(left) }
    }

    /// Closes every connection and waits until all tasks have ended.
    pub async fn stop(mut self) {
        let _nobody_listens = self.close.send(true);
        for server in std::mem::take(&mut self.servers) {
            // A server that ended already has nothing to say.
            let _ended = server.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _nobody_listens = self.close.send(true);
    }
}
