//! What the client is told before it asks anything.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::platform::Dialect;
use crate::ports::clock::Clock;

/// Requests to one route by all processes that share a cache. 0: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In any second. The platform allows 10.
    pub per_second: u32,
    /// In any minute. The platform allows 100.
    pub per_minute: u32,
    /// In any hour. The platform allows 1000.
    pub per_hour: u32,
    /// Sign-ins in any minute. The platform allows 5.
    pub logins_per_minute: u32,
    /// To all routes together, in any second.
    pub total_per_second: u32,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        per_second: 0,
        per_minute: 0,
        per_hour: 0,
        logins_per_minute: 0,
        total_per_second: 0,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: 8,
            per_minute: 80,
            per_hour: 800,
            logins_per_minute: 4,
            total_per_second: 10,
        }
    }
}

/// A tenant and its account.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantOptions {
    /// Its name in the settings.
    pub name: String,
    /// The account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// Why there is no account, if so; the other tenants are looked at all the same.
    pub missing: Option<String>,
}

impl fmt::Debug for TenantOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Everything that a client is told.
#[derive(Clone)]
pub struct PlatformOptions {
    /// How the platform is spoken to.
    pub dialect: Dialect,
    /// The address of the API, without the path that all routes begin with.
    pub url: String,
    /// The address of the realtime gateway, `ws://…`; empty where displays cannot be pinged.
    pub realtime: String,
    /// What addresses of thumbnails without a host are relative to; empty for `url`.
    pub thumbnails: String,
    /// Whom else absolute addresses of thumbnails may be asked of, beside `url` and `thumbnails`.
    pub thumbnail_origins: Vec<String>,
    /// The tenants.
    pub tenants: Vec<TenantOptions>,
    /// How fast requests may follow each other.
    pub limits: Limits,
    /// The database that all processes of this host share.
    pub cache: PathBuf,
    /// How long a detail is believed while its list says that nothing was written since.
    pub evidence_age: Duration,
    /// The id of this run.
    pub run: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// On [`Clock::elapsed`]: nothing is sent after it, the end of sessions apart.
    pub deadline: Duration,
    /// How long a whole answer may take.
    pub request_timeout: Duration,
    /// How often such a run happens, to tell in how many runs a sweep is whole.
    pub interval: Duration,
}

impl fmt::Debug for PlatformOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformOptions")
            .field("dialect", &self.dialect)
            .field("tenants", &self.tenants)
            .field("limits", &self.limits)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
