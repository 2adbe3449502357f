//! An agent's own binary: one run, by hand or by whatever triggers it.

use std::cell::Cell;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::cli::{self, AgentArgs, Output, StartedBy};
use super::config::{Config, Environ};
use super::exit::Exit;
use super::opsctl::absent;
use super::ordered::{self, Ordered};
use super::person::person;
use super::pulse::Pulse;
use super::registry::Entry;
use super::saved_plan::{self, Refusal, Wanted};
use super::signals::{Interrupt, hold_interrupts, stop_signal};
use super::telemetry::{DEFAULT_FILTER, FILTER_VARIABLE, Telemetry};
use super::telling;
use super::wire::{self, Wish};
use super::{due, out, replay};
use crate::adapters::agent_lock::{AgentLock, LockError};
use crate::adapters::owner;
use crate::adapters::store::{Access, SqliteStore};
use crate::adapters::system_clock::SystemClock;
use crate::domain::incident::RunId;
use crate::domain::report::Report;
use crate::domain::run::RunState;
use crate::domain::saved_plan::Place;
use crate::engine::{Engine, Mode};
use crate::ports::clock::Clock;
use crate::ports::store::{Store as _, StoreError};
use crate::render;

/// A fault of our own ends a program like anything else that kept it from its end; the log has its place.
pub(super) fn guarded(work: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::Incomplete)
}

/// The whole of an agent's program.
pub(super) fn run(entry: &'static Entry, arguments: Vec<OsString>) -> Exit {
    let environ = &Environ::read();
    ordered::join(environ);
    let args = match cli::agent(&(entry.spec)(), arguments) {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    if let Some(file) = &args.replay {
        return replay::replay(entry, file, args.output, environ);
    }
    let loaded = match Config::load(args.config.as_deref(), environ) {
        Ok(loaded) => loaded,
        Err(errors) => return out::fail(args.output, &errors.to_string(), Exit::BadConfig),
    };
    if let Err(exit) = as_owner(&loaded.config, args.output) {
        return exit;
    }
    if let Some(Err(why)) = args.out.as_deref().map(saved_plan::free) {
        return out::fail(args.output, &why, Exit::BadConfig);
    }
    for warning in &loaded.warnings {
        out::complain(&warning.to_string());
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return out::fail(args.output, &format!("failed to start: {error}"), Exit::Incomplete);
        }
    };
    let exit = runtime.block_on(
        Launch { lost: Cell::new(None), entry, config: &loaded.config, args: &args, environ }.go(),
    );
    // A thread that a file system holds is not waited for: the end of the process ends it.
    runtime.shutdown_timeout(LEFT_BEHIND);
    exit
}

/// So long may what a run gave up take to clear up behind itself.
const LEFT_BEHIND: Duration = Duration::from_secs(10);

/// Root works in the state folder of another user as that user, so that what it leaves can be used by the timer's runs.
///
/// # Errors
///
/// The code to end with: that user may not run this program. Where it may, this does not return.
pub(super) fn as_owner(config: &Config, form: Output) -> Result<(), Exit> {
    let state = &config.paths.state;
    let Some(owner) = owner::other_owner(state) else { return Ok(()) };
    let error = owner::start_anew_as(owner, config.by_files());
    let what = format!(
        "{} belongs to the user {}, and this program could not be started as that user: {error}; run it as that user",
        state.display(),
        owner.uid
    );
    Err(out::fail(form, &what, Exit::Incomplete))
}

/// One start of an agent's program.
pub(super) struct Launch<'a> {
    /// What kept the run from writing into the ledger, if anything did.
    lost: Cell<Option<String>>,
    pub(super) entry: &'static Entry,
    pub(super) config: &'a Config,
    pub(super) args: &'a AgentArgs,
    pub(super) environ: &'a Environ,
}

/// How a run ended.
enum Ended {
    Reported(Box<Report>),
    Stopped(RunState),
}

impl Launch<'_> {
    async fn go(&self) -> Exit {
        if self.interrupt() == Interrupt::StopsTheSecondTime {
            hold_interrupts();
        }
        let spec = (self.entry.spec)();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let order = Ordered::of(&spec.name, self.args, self.environ);
        let run = order.as_ref().map_or_else(wire::new_run_id, |order| order.run.clone());
        let named = self.args.apply.as_deref();
        let wanted = match named.map(|named| saved_plan::read(named, &spec.name)).transpose() {
            Ok(wanted) => wanted,
            Err((why, exit)) => return out::fail(self.args.output, &why, exit),
        };
        if let Some(why) = wire::off(self.config, self.entry) {
            if wanted.is_some() || self.args.out.is_some() {
                return out::fail(self.args.output, &why, Exit::BadConfig);
            }
            return self.tell(&Report::off(spec.name, run, clock.now(), why));
        }
        if self.args.plan {
            return self.plan(&clock, run).await;
        }
        let lock =
            AgentLock::take(&self.config.paths.locks(), &spec.name, &wire::owner(self.config));
        let lock = match lock {
            Err(busy @ LockError::Busy { .. }) if self.args.if_due => {
                due::meet(self.config, self.entry, self.args, &clock, busy).await
            }
            lock => lock,
        };
        // Held until the end of the run. A folder that cannot hold a lock cannot hold a ledger either: the run
        // goes on without acting, and says so.
        let (_lock, unlocked) = match lock {
            Ok(lock) => (Some(lock), None),
            Err(busy @ LockError::Busy { .. }) => {
                return out::fail(self.args.output, &busy.to_string(), Exit::NotNow);
            }
            Err(error @ LockError::Unusable { .. }) => (None, Some(error.to_string())),
        };
        self.at_work(wanted, unlocked, clock, (run, order)).await
    }

    /// What an interrupt means to this run.
    fn interrupt(&self) -> Interrupt {
        match self.args.trigger {
            Some(StartedBy::Pm2) => Interrupt::StopsTheSecondTime,
            Some(StartedBy::Scheduler | StartedBy::Systemd) | None => Interrupt::Stops,
        }
    }

    /// The run itself, by whoever holds the agent's lock, or could not take it for the reason given.
    async fn at_work(
        &self,
        wanted: Option<Wanted>,
        unlocked: Option<String>,
        clock: Arc<dyn Clock>,
        (run, order): (RunId, Option<Ordered>),
    ) -> Exit {
        let logged = self.start_log(&run, &clock);
        let fresh = absent(&self.config.paths.ledger());
        let store = if let Some(why) = unlocked {
            Err(StoreError::Open(why))
        } else {
            let options = wire::store_options(self.config, Access::ReadWrite, Arc::clone(&clock));
            SqliteStore::open(options).await.map(Arc::new)
        };
        let wish = Wish { mode: Mode::Act, observe_only: self.args.observe };
        let mut engine = wire::engine(
            self.config,
            self.entry,
            wish,
            store.clone(),
            Arc::clone(&clock),
            run,
            &self.config.paths.state,
        );
        let bound = match wanted {
            Some(wanted) => self.bind(wanted, &mut engine, store.as_ref(), fresh).await,
            None => Ok(()),
        };
        let asks = (self.args, order.as_ref());
        let admitted = due::admit(self.config, self.entry, asks, store.as_ref().ok(), &mut engine);
        let admitted = match admitted.await {
            Ok(admitted) => admitted,
            Err(exit) => {
                if let Ok(store) = store {
                    close(&store).await;
                }
                return exit;
            }
        };
        let exit = match bound {
            Ok(()) => {
                let name = (self.entry.spec)().name;
                let pulse = Pulse::of(self.config, &name, &engine.run, &clock);
                let store = store.as_ref().map(|store| &**store);
                pulse.around(self.run(&engine, &*clock, None), store, &*clock).await
            }
            Err((why, exit)) => out::fail(self.args.output, &why, exit),
        };
        drop(admitted);
        self.tell_of_the_ledger(store.as_ref(), &clock).await;
        if let Ok(store) = store {
            close(&store).await;
        }
        // A run whose steps could not be written down did not complete.
        Exit::first_match([exit, logged])
    }

    /// People are told past the ledger that it cannot be used, and when it can be again.
    async fn tell_of_the_ledger(
        &self,
        store: Result<&Arc<SqliteStore>, &StoreError>,
        clock: &Arc<dyn Clock>,
    ) {
        let lost = store.err().map(ToString::to_string).or_else(|| self.lost.take());
        match (lost, store) {
            (Some(why), _) => telling::cry(self.config, &why, clock).await,
            (None, Ok(store)) => {
                let status = async || Some(store.ops_state(clock.now()).await.ok()?.system_status);
                let agent = (self.entry.spec)().name;
                telling::calm(self.config, agent.as_str(), status, clock).await;
            }
            (None, Err(_)) => {}
        }
    }

    /// Binds the run to what a person has carried out.
    async fn bind(
        &self,
        wanted: Wanted,
        engine: &mut Engine,
        store: Result<&Arc<SqliteStore>, &StoreError>,
        fresh: bool,
    ) -> Result<(), Refusal> {
        let store = store.map_err(|error| (error.to_string(), Exit::Incomplete))?;
        let place = self.place((!fresh).then(|| store.ledger_id().to_owned()));
        if let Wanted::Plan(plan) = &wanted
            && plan.settings != saved_plan::settings(engine, &self.config.of(&place.agent).stanza)
        {
            out::complain(
                "the settings are not those that the plan was made with; those of now count",
            );
        }
        let by = person(self.environ);
        engine.setting.applying = Some(saved_plan::bind(wanted, &place, by, store).await?);
        Ok(())
    }

    pub(super) fn place(&self, ledger: Option<String>) -> Place {
        Place { agent: (self.entry.spec)().name, host: self.config.host.clone(), ledger }
    }

    /// Runs until the report, a signal or the deadline, whichever is first. A dry run knows where it planned.
    pub(super) async fn run(
        &self,
        engine: &Engine,
        clock: &dyn Clock,
        planned: Option<Place>,
    ) -> Exit {
        let spec = (self.entry.spec)();
        let started = clock.now();
        let stanza = &self.config.of(&spec.name).stanza;
        let ended = tokio::select! {
            report = (self.entry.run)(engine, stanza) => Ended::Reported(Box::new(report)),
            () = stop_signal(self.interrupt()) => Ended::Stopped(RunState::Interrupted),
            () = clock.sleep(engine.deadline) => Ended::Stopped(RunState::TimedOut),
        };
        match ended {
            Ended::Reported(report) => {
                let of_ledger = |trouble: &&String| trouble.contains("the ledger");
                self.lost.set(report.troubles.iter().find(of_ledger).cloned());
                let kept = match (&self.args.out, planned) {
                    (Some(file), Some(place)) => Some(self.keep(engine, &report, place, file)),
                    _ => None,
                };
                let told = self.tell(&report);
                match kept {
                    Some(Ok(text)) if self.args.output == Output::Text => {
                        out::say(&text).map_or(Exit::Incomplete, |()| told)
                    }
                    Some(Err(why)) => {
                        out::complain(&why);
                        Exit::first_match([told, Exit::Incomplete])
                    }
                    Some(Ok(_)) | None => told,
                }
            }
            Ended::Stopped(state) => {
                let exit = Exit::of_run(state);
                let what = format!(
                    "{} was stopped before its end ({}); the next run settles what it left",
                    spec.name,
                    state.as_str()
                );
                let exit = out::fail(self.args.output, &what, exit);
                let recorded = engine.abandon(&spec, started, state, i32::from(exit.code())).await;
                if let Err(error) = recorded {
                    out::complain(&error.to_string());
                }
                exit
            }
        }
    }

    fn start_log(&self, run: &RunId, clock: &Arc<dyn Clock>) -> Exit {
        let agent = (self.entry.spec)().name.to_string();
        let telemetry = Telemetry {
            file: Some(self.config.paths.log(&agent)),
            agent,
            run: run.to_string(),
            filter: self.environ.get(FILTER_VARIABLE).unwrap_or(DEFAULT_FILTER).to_owned(),
            human: out::error_style(self.environ),
            secrets: self.config.secrets(),
            clock: Arc::clone(clock),
        };
        match telemetry.start() {
            Ok(()) => Exit::Clean,
            Err(error) => {
                out::complain(&with_sources(&error));
                Exit::Incomplete
            }
        }
    }

    fn tell(&self, report: &Report) -> Exit {
        let exit = Exit::of_report(report);
        let style = out::style(self.environ);
        let text = match (self.args.output, self.args.plan) {
            (Output::Json, _) => format!("{:#}", serde_json::json!(report)),
            (Output::Text, true) => render::report::plan(report, style),
            (Output::Text, false) => render::report::report(report, style),
        };
        match out::say(&text) {
            Ok(()) => exit,
            Err(error) => {
                out::complain(&format!("failed to write the report: {error}"));
                Exit::first_match([exit, Exit::Incomplete])
            }
        }
    }
}

/// An error with everything below it, on one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        text = format!("{text}: {source}");
        below = source.source();
    }
    text
}

pub(super) async fn close(store: &SqliteStore) {
    if let Err(error) = store.close().await {
        out::complain(&error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_our_own_is_an_incomplete_run() {
        assert_eq!(guarded(|| panic!("a fault of our own")), Exit::Incomplete);
        assert_eq!(guarded(|| Exit::Clean), Exit::Clean);
    }
}
