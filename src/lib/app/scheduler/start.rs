//! From the command line to the loop.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc::{Sender, channel};

use super::args::SchedulerArgs;
use super::beat::{Beat, Refused};
use super::jobs::jobs;
use super::ledger::Ledger;
use super::manager;
use super::pulse::Pulse;
use super::reporter::Audience;
use super::terminal::{self, Terminal};
use super::words::{Asked, Signals};
use crate::adapters::agent_lock::{AgentLock, LockError};
use crate::adapters::agent_process::AgentProcesses;
use crate::adapters::private_file;
use crate::adapters::system_clock::SystemClock;
use crate::app::agent_run::as_owner;
use crate::app::cli::{self, Output};
use crate::app::config::load::ACCEPTED_VARIABLE;
use crate::app::config::{Config, Environ};
use crate::app::exit::Exit;
use crate::app::paths::CONFIG_VARIABLE;
use crate::app::telemetry::{DEFAULT_FILTER, FILTER_VARIABLE, Telemetry};
use crate::app::telling::cry_of_unit;
use crate::app::{out, wire};
use crate::domain::subject::AgentName;
use crate::ports::clock::Clock;
use crate::scheduler::{Pass, Scheduler, Word};

/// What a service manager calls us.
const UNIT: &str = "opswarden.service";
/// An agent that is asked to stop has so long until it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Words that wait: a signal is never lost, and pulses may be.
const WORDS: usize = 8;
/// The line of the terminal counts in seconds.
const TICK: Duration = Duration::from_secs(1);

/// The whole of `scheduler`.
pub(in crate::app) fn run(arguments: Vec<OsString>) -> Exit {
    match cli::program::<SchedulerArgs>(arguments) {
        Ok(args) => start(&args, Environ::read()),
        Err(exit) => exit,
    }
}

fn start(args: &SchedulerArgs, environ: Environ) -> Exit {
    let loaded = match Config::load(args.config.as_deref(), &environ) {
        Ok(loaded) => loaded,
        Err(errors) => return out::fail(Output::Text, &errors.to_string(), Exit::BadConfig),
    };
    if let Err(exit) = as_owner(&loaded.config, Output::Text) {
        return exit;
    }
    for warning in &loaded.warnings {
        out::complain(&warning.to_string());
    }
    let programs = match programs(args) {
        Ok(programs) => programs,
        Err(why) => return out::fail(Output::Text, &why, Exit::Incomplete),
    };
    let (config, name) = (loaded.config, AgentName::of("scheduler"));
    let lock = AgentLock::take(&config.paths.locks(), &name, &wire::owner(&config));
    let _alone = match lock {
        Ok(lock) => lock,
        Err(busy @ LockError::Busy { .. }) => {
            return out::fail(Output::Text, &busy.to_string(), Exit::NotNow);
        }
        Err(error) => {
            tell_of_no_start(&config, &error.to_string());
            return out::fail(Output::Text, &error.to_string(), Exit::Incomplete);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let why = format!("failed to start: {error}");
            return out::fail(Output::Text, &why, Exit::Incomplete);
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    log(&config, &environ, &clock);
    let config = Arc::new(RwLock::new(Arc::new(config)));
    runtime.block_on(Serving { args, environ, programs, config, clock }.go())
}

/// Tells people that no scheduler can begin, where it can be remembered that they were told: it is started again every other
/// second.
fn tell_of_no_start(config: &Config, why: &str) {
    let remembers = rustix::fs::access(&config.paths.logs, rustix::fs::Access::WRITE_OK).is_ok();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    if let (Ok(runtime), true) = (runtime, remembers) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let why = format!("no agent is started: {why}");
        let cried = runtime.block_on(cry_of_unit(config, UNIT, &why, &clock));
        tracing::debug!("of a scheduler that cannot begin: {cried:?}");
    }
}

/// Where the agents' programs are.
fn programs(args: &SchedulerArgs) -> Result<PathBuf, String> {
    if let Some(folder) = &args.programs {
        return std::path::absolute(folder).map_err(|error| error.to_string());
    }
    let own = std::env::current_exe()
        .map_err(|error| format!("the place of this program is not known: {error}"))?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

fn log(config: &Config, environ: &Environ, clock: &Arc<dyn Clock>) {
    let telemetry = Telemetry {
        file: Some(config.paths.log("scheduler")),
        agent: "scheduler".to_owned(),
        run: wire::new_run_id().0,
        filter: environ.get(FILTER_VARIABLE).map_or_else(default_filter, str::to_owned),
        // People are told by the reporter.
        human: None,
        secrets: config.secrets(),
        clock: Arc::clone(clock),
    };
    if let Err(error) = telemetry.start() {
        out::complain(&format!("agents are scheduled without a log: {error}"));
    }
}

/// The pulse's library tells its own steps, which are nobody's here.
fn default_filter() -> String {
    format!("{DEFAULT_FILTER},tokio_cron_scheduler=warn")
}

/// One start of the scheduler.
struct Serving<'a> {
    args: &'a SchedulerArgs,
    environ: Environ,
    programs: PathBuf,
    config: Arc<RwLock<Arc<Config>>>,
    clock: Arc<dyn Clock>,
}

impl Serving<'_> {
    async fn go(self) -> Exit {
        let config = self.config();
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => {
                let why = format!("signals cannot be heard: {error}");
                return out::fail(Output::Text, &why, Exit::Incomplete);
            }
        };
        let (say, words) = channel(WORDS);
        let refused = Arc::new(Mutex::new(None));
        let style = out::error_style(&self.environ);
        let terminal = style.map(|style| Arc::new(Terminal::new(style)));
        let scheduler = self.scheduler(&config, &refused, terminal.clone());
        let pulse = self.pulse(&say).await;
        let crash = self.tell_of_crash(&config);
        self.first_beat(&config);
        manager::ready();
        let work = scheduler.run(jobs(&config), words);
        let words = self.hear(&mut signals, &say, &refused);
        let line = draw(terminal.clone(), &*self.clock);
        let well = tokio::select! {
            well = work => well,
            () = words => false,
            () = line => false,
            () = crash => false,
        };
        drop(pulse);
        if terminal.is_some() {
            terminal::clear();
        }
        // Nothing is expected of a scheduler that was ended in order.
        let _none_was_written = std::fs::remove_file(config.paths.beat());
        if well || !self.args.once { Exit::Clean } else { Exit::Incomplete }
    }

    /// Tells people of a scheduler before this one that did not end in order: nothing else could, as it is started again at once.
    /// Does not end, as its neighbours do not.
    fn tell_of_crash(&self, config: &Arc<Config>) -> impl Future<Output = ()> + use<> {
        let (config, clock) = (Arc::clone(config), Arc::clone(&self.clock));
        let before = Beat::read(&config.paths.beat()).ok().flatten();
        async move {
            if let Some(beat) = before {
                let what = format!(
                    "the scheduler (pid {}) ended without notice after {}; another one runs now",
                    beat.pid,
                    crate::domain::moment::full(beat.at)
                );
                tracing::warn!("{what}");
                cry_of_unit(&config, UNIT, &what, &clock).await;
            }
            std::future::pending::<()>().await;
        }
    }

    /// The sign of life from the first moment on: whoever is killed before the first look has left it as well.
    fn first_beat(&self, config: &Config) {
        let at = self.clock.now();
        let pass = Pass { at, blind: None, draining: false, due: Vec::new(), working: Vec::new() };
        if let Err(error) = Beat::new(&config.file, at, &pass, None).write(&config.paths.beat()) {
            tracing::warn!("{} could not be written: {error}", config.paths.beat().display());
        }
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn scheduler(
        &self,
        config: &Arc<Config>,
        refused: &Arc<Mutex<Option<Refused>>>,
        terminal: Option<Arc<Terminal>>,
    ) -> Scheduler {
        let (shared, clock) = (Arc::clone(&self.config), Arc::clone(&self.clock));
        let options = move |access| {
            let config = Arc::clone(&shared.read().unwrap_or_else(PoisonError::into_inner));
            wire::store_options(&config, access, Arc::clone(&clock))
        };
        let given = Self::given(config);
        let clock = Arc::clone(&self.clock);
        Scheduler {
            slots: Arc::new(Ledger::new(config.paths.ledger(), options)),
            runner: Arc::new(AgentProcesses::new(&self.programs, GRACE, given, clock)),
            clock: Arc::clone(&self.clock),
            reporter: Arc::new(Audience {
                beat: config.paths.beat(),
                config: config.file.clone(),
                since: self.clock.now(),
                refused: Arc::clone(refused),
                terminal,
                clock: Arc::clone(&self.clock),
            }),
            owner: wire::owner(config),
            new_run: wire::new_run_id,
            drain: self.args.drain.get(),
            once: self.args.once,
        }
    }

    /// What every agent is told: which settings are in effect. They are kept beside the ledger, so that a mistake in the file
    /// stops no agent before somebody asks for the changed settings, and then neither.
    fn given(config: &Config) -> BTreeMap<String, String> {
        let file = std::path::absolute(&config.file).unwrap_or_else(|_| config.file.clone());
        let mut given =
            BTreeMap::from([(CONFIG_VARIABLE.to_owned(), file.to_string_lossy().into_owned())]);
        let accepted = config.paths.accepted();
        match keep(config) {
            Ok(()) => {
                let accepted = accepted.to_string_lossy().into_owned();
                given.insert(ACCEPTED_VARIABLE.to_owned(), accepted);
            }
            Err(error) => out::complain(&format!(
                "{} could not be written, so agents read the settings file itself: {error}",
                accepted.display()
            )),
        }
        given
    }

    async fn pulse(&self, words: &Sender<Word>) -> Option<Pulse> {
        if self.args.no_pulse || self.args.once {
            return None;
        }
        match Pulse::start(words.clone()).await {
            Ok(pulse) => Some(pulse),
            Err(error) => {
                out::complain(&format!("there is no pulse, which costs nothing: {error}"));
                None
            }
        }
    }

    /// Turns signals into words until nobody listens.
    async fn hear(
        &self,
        signals: &mut Signals,
        words: &Sender<Word>,
        refused: &Mutex<Option<Refused>>,
    ) {
        let at_terminal = out::error_style(&self.environ).is_some();
        loop {
            let word = match signals.next().await {
                Asked::Stop => Word::Stop,
                // The terminal was closed: who looked on has gone, and nobody asks for other settings.
                Asked::Reload if at_terminal && out::error_style(&self.environ).is_none() => {
                    Word::Stop
                }
                Asked::Reload => {
                    manager::reloading();
                    match self.reload() {
                        Ok(word) => {
                            *refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
                            word
                        }
                        Err(why) => {
                            self.refuse(why, refused);
                            Word::Look
                        }
                    }
                }
            };
            if words.send(word).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The jobs of the settings as they are now, which are in effect from now on.
    fn reload(&self) -> Result<Word, String> {
        let old = self.config();
        let loaded =
            Config::load(Some(&old.file), &self.environ).map_err(|errors| errors.to_string())?;
        let new = loaded.config;
        if (&new.paths, &new.host) != (&old.paths, &old.host) {
            return Err(
                "the folders or the host's name are others; start the scheduler anew".to_owned()
            );
        }
        for warning in &loaded.warnings {
            out::complain(&warning.to_string());
        }
        keep(&new).map_err(|error| format!("{}: {error}", new.paths.accepted().display()))?;
        let word = Word::Reload(jobs(&new));
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(word)
    }

    fn refuse(&self, why: String, refused: &Mutex<Option<Refused>>) {
        let told = format!("the settings were not taken, the old ones stay in effect: {why}");
        tracing::error!("{told}");
        out::complain(&told);
        let refusal = Refused { at: self.clock.now(), why };
        *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        manager::ready();
    }
}

/// Keeps the text of these settings as the accepted one.
fn keep(config: &Config) -> std::io::Result<()> {
    private_file::folder(&config.paths.state)?;
    private_file::replace(&config.paths.accepted(), config.text.as_bytes())
}

async fn draw(terminal: Option<Arc<Terminal>>, clock: &dyn Clock) {
    let Some(terminal) = terminal else { return std::future::pending().await };
    loop {
        clock.sleep(TICK).await;
        terminal.draw(clock.now());
    }
}
