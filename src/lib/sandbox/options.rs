//! What a sandbox is started with.

use std::time::Duration;

use jiff::Timestamp;

/// The wording of the routes and fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The live platform's.
    #[default]
    Vizora,
    /// The design document's.
    Reference,
}

/// What the tenants hold at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// Every kind of fault, and every kind of thing that only looks like one.
    #[default]
    Broken,
    /// Nothing to find.
    Healthy,
    /// Accounts, and one playlist to fall back on.
    Empty,
}

/// Where the sandbox's time begins and whether it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The given clock's own time.
    #[default]
    Real,
    /// A time of its own that runs at the clock's pace.
    From(Timestamp),
    /// A time that stands still until it is moved on.
    Fixed(Timestamp),
}

/// Which limits the throttles keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    /// 10 a second, 100 a minute, 1000 an hour and handler; 5 logins a minute.
    #[default]
    Production,
    /// A hundred times as much.
    Development,
    /// None, and no header speaks of any.
    Off,
}

/// How much a refusal says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// The name of the field and what is wrong with it.
    Development,
    /// `Bad Request`, no more.
    #[default]
    Production,
}

/// How many rows each tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Displays.
    pub displays: usize,
    /// Content items.
    pub content: usize,
    /// Playlists.
    pub playlists: usize,
    /// Schedules.
    pub schedules: usize,
    /// Tenants, each with rows of its own.
    pub tenants: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { displays: 300, content: 800, playlists: 60, schedules: 120, tenants: 1 }
    }
}

/// Everything that makes one sandbox differ from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The port of the platform's own address; 0 takes a free one.
    pub port: u16,
    /// The port of the realtime service; 0 takes a free one.
    pub realtime_port: u16,
    /// The wording.
    pub dialect: Dialect,
    /// What is there.
    pub scenario: Scenario,
    /// From which everything random follows.
    pub seed: u64,
    /// How much is there.
    pub sizes: Sizes,
    /// When it is.
    pub start: Start,
    /// The limits.
    pub throttle: Throttle,
    /// The words of a refusal.
    pub validation: Validation,
    /// Whether `GET /schedules/:id` exists, which the platform does not promise.
    pub schedule_detail: bool,
    /// Whether the platform's own hourly expiry runs.
    pub expiry_job: bool,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// How long an access token lives.
    pub token_life: Duration,
    /// How full each tenant's storage is, in percent; none leaves it to the scenario.
    pub storage_percent: Option<u8>,
    /// Whether no silent display comes back when it is pinged.
    pub all_deaf: bool,
}

/// How long an access token lives where nothing else is said.
const TOKEN_LIFE: Duration = Duration::from_mins(30);

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            realtime_port: 0,
            dialect: Dialect::default(),
            scenario: Scenario::default(),
            seed: 1,
            sizes: Sizes::default(),
            start: Start::default(),
            throttle: Throttle::default(),
            validation: Validation::default(),
            schedule_detail: false,
            expiry_job: true,
            latency: Duration::ZERO,
            token_life: TOKEN_LIFE,
            storage_percent: None,
            all_deaf: false,
        }
    }
}
