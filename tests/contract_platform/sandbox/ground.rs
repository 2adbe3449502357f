//! A sandbox, a client of it, and what both are told.

use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::platform::Dialect;
use opswarden::ports::clock::Clock;
use opswarden::ports::platform::Platform as _;
use opswarden::sandbox::{self, Options, PASSWORD, Running, Sandbox, Sizes, Start, Throttle};

use super::raw::Raw;

pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::Vizora, Dialect::Reference];
/// The tenant by its name in both settings.
pub(crate) const TENANT: &str = "default";
pub(crate) const EMAIL: &str = "ops@example.test";

/// A broken tenant of a size that pages, at a moment that stands still.
pub(crate) fn options(dialect: Dialect) -> Options {
    Options {
        dialect: match dialect {
            Dialect::Vizora => sandbox::Dialect::Vizora,
            Dialect::Reference => sandbox::Dialect::Reference,
        },
        start: Start::Fixed("2026-11-20T12:10:00Z".parse().unwrap()),
        throttle: Throttle::Off,
        sizes: Sizes { displays: 130, content: 170, playlists: 20, schedules: 60, tenants: 1 },
        ..Options::default()
    }
}

/// Both ends.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
    dialect: Dialect,
    pub(crate) running: Running,
    pub(crate) client: PlatformClient,
}

impl Ground {
    pub(crate) fn of(dialect: Dialect) -> Self {
        Self::with(options(dialect), dialect, |_| {})
    }

    pub(crate) fn with(
        options: Options,
        dialect: Dialect,
        change: impl FnOnce(&mut PlatformOptions),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let running = Sandbox::start(options, clock).unwrap();
        let client = client(&running, folder.path(), dialect, change);
        Self { folder, dialect, running, client }
    }

    /// Another client of the same database, as a later run has it.
    pub(crate) fn again(&self, change: impl FnOnce(&mut PlatformOptions)) -> PlatformClient {
        client(&self.running, self.folder.path(), self.dialect, change)
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::of(&self.running, EMAIL).await
    }

    /// Ends the client's sessions; nothing may be left of them, and nothing that nobody expected may have arrived.
    pub(crate) async fn end(self) {
        assert_eq!(self.client.release().await, []);
        assert_eq!(self.running.sessions_open(), 0);
        assert_eq!(self.running.finish(), Ok(()));
        self.running.stop().await;
    }
}

fn client(
    running: &Running,
    folder: &std::path::Path,
    dialect: Dialect,
    change: impl FnOnce(&mut PlatformOptions),
) -> PlatformClient {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut options = PlatformOptions {
        dialect,
        url: running.base_url(),
        realtime: running.socket_url(),
        thumbnails: String::new(),
        thumbnail_origins: Vec::new(),
        tenants: vec![account(TENANT, EMAIL)],
        limits: Limits::NONE,
        cache: folder.join("platform.db"),
        evidence_age: Duration::from_hours(24),
        run: "run-1".to_owned(),
        deadline: Duration::from_mins(1),
        clock,
        request_timeout: Duration::from_secs(5),
        interval: Duration::from_mins(15),
    };
    change(&mut options);
    PlatformClient::new(options)
}

pub(crate) fn account(name: &str, email: &str) -> TenantOptions {
    TenantOptions {
        name: name.to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        missing: None,
    }
}
