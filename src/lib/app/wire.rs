//! Wiring: from settings to a ready engine. The one place that knows every adapter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::config::platform::TenantSettings;
use super::config::{AgentSettings, Config, Pm2Read as Pm2Setting};
use super::registry::{self, Entry};
use super::telling::telling;
use crate::adapters::command::Commands;
use crate::adapters::discreet::Discreet;
use crate::adapters::evidence::EvidenceFiles;
use crate::adapters::host::Host;
use crate::adapters::own_usage::own_usage;
use crate::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use crate::adapters::pm2::{Pm2, Pm2Read};
use crate::adapters::probe::HttpProber;
use crate::adapters::recorder::Tapes;
use crate::adapters::redact::Redactor;
use crate::adapters::store::{Access, RosterEntry, SqliteStore, StoreOptions};
use crate::adapters::systemd::Systemd;
use crate::agent::{DeclaredProcess, Need};
use crate::domain::incident::RunId;
use crate::domain::notice::Rules;
use crate::domain::process::ManagerKind;
use crate::domain::run::Trigger;
use crate::domain::sight::{Blind, Sight};
use crate::engine::tape::Recording;
use crate::engine::{Engine, Mode, Setting};
use crate::ports::actuators::{Actuators, Manager};
use crate::ports::clock::Clock;
use crate::ports::host::HostReader;
use crate::ports::platform::{Platform, PlatformControl};
use crate::ports::probe::Prober;
use crate::ports::processes::{ProcessControl, Processes};
use crate::ports::sensors::Sensors;
use crate::ports::store::{Store, StoreError};

mod buckets;
mod redis;
mod stores;

/// The file that remembers what the platform said: it can be lost at any time.
pub const PLATFORM_CACHE: &str = "platform.db";
/// The platform itself ends a request after 30 seconds; one that takes ten is given up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What a person asked of this one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Really run, or only plan.
    pub mode: Mode,
    /// Look and record, and act on nothing.
    pub observe_only: bool,
}

/// A new run's id: sorts by time.
#[must_use]
pub fn new_run_id() -> RunId {
    RunId(Uuid::now_v7().to_string())
}

/// Host and pid, as people are told who runs something.
#[must_use]
pub fn owner(config: &Config) -> String {
    format!("{}, pid {}", config.host, std::process::id())
}

/// How the ledger of these settings is opened.
#[must_use]
pub fn store_options(config: &Config, access: Access, clock: Arc<dyn Clock>) -> StoreOptions {
    let roster = registry::ALL.iter().map(|entry| {
        let name = (entry.spec)().name;
        let enabled = off(config, entry).is_none();
        RosterEntry { schedule: config.of(&name).schedule.clone(), agent: name, enabled }
    });
    StoreOptions {
        state_dir: config.paths.state.clone(),
        environment: config.environment,
        host: config.host.clone(),
        roster: roster.collect(),
        notices: Some(Arc::new(rules(config))),
        access,
        clock,
    }
}

/// What decisions about telling rest on.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    config.notify.rules(config.environment, &config.host, config.platform.is_some())
}

/// Why an agent is off by these settings, if it is.
#[must_use]
pub fn off(config: &Config, entry: &Entry) -> Option<String> {
    let spec = (entry.spec)();
    let needs = (entry.needs)(&config.of(&spec.name).stanza);
    let homeless = config.platform.is_none() && needs.contains(&Need::Platform);
    homeless.then(|| {
        format!(
            "{} tends the platform, and there is none in {}: write a [platform] section to switch it on.",
            spec.name,
            config.file.display()
        )
    })
}

/// The engine of one run of `entry`'s agent. `cache` is the folder of what is remembered of the platform.
#[must_use]
pub fn engine(
    config: &Config,
    entry: &Entry,
    wish: Wish,
    store: Result<Arc<SqliteStore>, StoreError>,
    clock: Arc<dyn Clock>,
    run: RunId,
    cache: &Path,
) -> Engine {
    let spec = (entry.spec)();
    let settings = config.of(&spec.name);
    let needs = (entry.needs)(&settings.stanza);
    let redactor = Redactor::new(config.secrets());
    let managers = managers(config, &needs, &redactor);
    let platform = platform(config, &needs, settings, &run, Arc::clone(&clock), cache);
    let state = &config.paths.state;
    let stores = stores::stores(config, &needs, &clock, &redactor, cache);
    Engine {
        telling: store.as_ref().ok().map(|store| telling(config, store, &run, &clock)),
        store: store.map(|store| store as Arc<dyn Store>),
        recorder: Arc::new(Tapes::new(state.clone())),
        sensors: Sensors {
            prober: prober(&needs, &redactor),
            host: host(&needs),
            managers: eyes(&managers),
            platform: platform.clone().map(|client| client as Arc<dyn Platform>),
            stores: stores.eyes,
            host_name: config.host.clone(),
            clock: Arc::clone(&clock),
            deadline: looking(settings.timeout),
        },
        hands: Actuators {
            managers,
            platform: platform.map(|client| client as Arc<dyn PlatformControl>),
            stores: stores.hands,
            evidence: Arc::new(EvidenceFiles::new(state.clone(), redactor.clone())),
        },
        setting: Setting {
            policy: settings.policy.clone(),
            budgets: config.budgets,
            environment: config.environment,
            host: config.host.clone(),
            seed: seed(&config.host),
            only_looks: wish.observe_only.then(|| "this run was asked to observe only".to_owned()),
            dialect: config.platform.as_ref().map(|platform| platform.dialect),
            applying: None,
        },
        run,
        trigger: Trigger::Manual,
        claim: None,
        owner: owner(config),
        mode: wish.mode,
        deadline: settings.timeout,
        discreet: {
            let redactor = redactor.clone();
            Arc::new(move |settings| redactor.settings(settings))
        },
        usage: own_usage,
        recording: Recording::default(),
        clock,
    }
}

/// The client of the platform, for an agent that needs it.
fn platform(
    config: &Config,
    needs: &[Need],
    settings: &AgentSettings,
    run: &RunId,
    clock: Arc<dyn Clock>,
    cache: &Path,
) -> Sight<Arc<PlatformClient>> {
    if !needs.contains(&Need::Platform) {
        return Err(Blind::because("no platform is set up"));
    }
    let times = (looking(settings.timeout), settings.interval);
    client(config, times, run, clock, cache)
}

/// A client of the platform beside that of a run.
///
/// # Errors
///
/// Why there is none.
pub fn platform_client(
    config: &Config,
    run: &RunId,
    clock: Arc<dyn Clock>,
    cache: &Path,
) -> Sight<Arc<PlatformClient>> {
    // It asks one question at the end of whatever run.
    client(config, (Duration::MAX, Duration::from_mins(30)), run, clock, cache)
}

/// The client of the platform, where there is one. An account that is not given is an unmet need, and named.
fn client(
    config: &Config,
    (deadline, interval): (Duration, Duration),
    run: &RunId,
    clock: Arc<dyn Clock>,
    cache: &Path,
) -> Sight<Arc<PlatformClient>> {
    let declared = config.platform.as_ref();
    let Some(declared) = declared else { return Err(Blind::because("no platform is set up")) };
    let account = |tenant: &TenantSettings| {
        let missing = |name: String| {
            format!("the account of tenant {} is not given: set {name} or {name}_FILE", tenant.name)
        };
        let (given, missing) = match config.account(&tenant.name) {
            Ok(given) => (given, None),
            Err(name) => (Default::default(), Some(missing(name))),
        };
        let [email, password] = given;
        TenantOptions { name: tenant.name.clone(), email, password, missing }
    };
    let tenants: Vec<TenantOptions> = declared.tenants.iter().map(account).collect();
    // Without any account there is nothing to ask; one that is missing keeps nobody from looking at the others.
    if let Some(why) =
        tenants.iter().map(|tenant| tenant.missing.clone()).collect::<Option<Vec<_>>>()
    {
        return Err(Blind::because(why.join("; ")));
    }
    let limits = &declared.limits;
    Ok(Arc::new(PlatformClient::new(PlatformOptions {
        dialect: declared.dialect,
        url: declared.url.clone(),
        realtime: declared.realtime.clone(),
        thumbnails: declared.thumbnails.clone(),
        thumbnail_origins: declared.thumbnail_origins.clone(),
        tenants,
        limits: Limits {
            per_second: limits.per_second,
            per_minute: limits.per_minute,
            per_hour: limits.per_hour,
            logins_per_minute: limits.sign_ins_per_minute,
            total_per_second: limits.total_per_second,
        },
        cache: cache.join(PLATFORM_CACHE),
        evidence_age: declared.evidence_age.get(),
        run: run.to_string(),
        clock,
        deadline,
        request_timeout: REQUEST_TIMEOUT,
        interval,
    })))
}

/// Looking may use half of a run: acting, waiting and proving need the rest.
fn looking(timeout: Duration) -> Duration {
    timeout / 2
}

/// What the back-off's jitter is derived from: differs between hosts, and is the same in every run of one.
fn seed(host: &str) -> u64 {
    host.bytes().fold(0, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

fn prober(needs: &[Need], redactor: &Redactor) -> Sight<Arc<dyn Prober>> {
    let tls = needs.iter().find_map(|need| match need {
        Need::Prober { tls } => Some(*tls),
        Need::Host | Need::Manager { .. } | Need::Platform | Need::Store(_) => None,
    });
    match tls {
        None => Err(Blind::because("no address is declared")),
        Some(tls) => Ok(Arc::new(Discreet::new(HttpProber::new(tls), redactor.clone()))),
    }
}

fn host(needs: &[Need]) -> Sight<Arc<dyn HostReader>> {
    if needs.contains(&Need::Host) {
        return Ok(Arc::new(Host::new()));
    }
    Err(Blind::because("the agent does not look at the machine"))
}

fn eyes(
    managers: &BTreeMap<ManagerKind, Sight<Manager>>,
) -> BTreeMap<ManagerKind, Sight<Arc<dyn Processes>>> {
    let eye = |sight: &Sight<Manager>| {
        sight.as_ref().map(|one| Arc::clone(&one.eyes)).map_err(Clone::clone)
    };
    managers.iter().map(|(kind, sight)| (*kind, eye(sight))).collect()
}

fn managers(
    config: &Config,
    needs: &[Need],
    redactor: &Redactor,
) -> BTreeMap<ManagerKind, Sight<Manager>> {
    let mut managers = BTreeMap::new();
    for need in needs {
        if let Need::Manager { kind, declared } = need {
            managers.insert(*kind, Ok(manager(config, *kind, declared, redactor)));
        }
    }
    managers
}

fn manager(
    config: &Config,
    kind: ManagerKind,
    declared: &[DeclaredProcess],
    redactor: &Redactor,
) -> Manager {
    match kind {
        ManagerKind::Pm2 => {
            let settings = &config.managers.pm2;
            let read = match settings.read {
                Pm2Setting::Socket => Pm2Read::Socket,
                Pm2Setting::Cli => Pm2Read::Cli,
            };
            both(Pm2::new(PathBuf::from(&settings.home), read, settings.cli.clone()), redactor)
        }
        ManagerKind::Systemd => {
            let settings = &config.managers.systemd;
            let units = declared.iter().map(|process| process.name.clone()).collect();
            both(
                Systemd::new(settings.systemctl.clone(), settings.journalctl.clone(), units),
                redactor,
            )
        }
        ManagerKind::Command => both(Commands::new(declared.to_vec()), redactor),
    }
}

/// Eyes and hands of one adapter.
fn both<M: Processes + ProcessControl + 'static>(manager: M, redactor: &Redactor) -> Manager {
    let shared = Arc::new(Discreet::new(manager, redactor.clone()));
    let eyes: Arc<dyn Processes> = Arc::<Discreet<M>>::clone(&shared);
    let hands: Arc<dyn ProcessControl> = shared;
    Manager { eyes, hands }
}
