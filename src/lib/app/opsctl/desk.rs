//! The operator's tool: what is the state, why, and stop.

use std::ffi::OsString;
use std::sync::Arc;

use crate::adapters::store::{Access, SqliteStore};
use crate::adapters::system_clock::SystemClock;
use crate::app::cli::{self, Output};
use crate::app::config::{Config, Environ, Standby};
use crate::app::exit::Exit;
use crate::app::person::person;
use crate::app::{agent_run, demo, out, wire};
use crate::domain::approval::Verdict;
use crate::domain::incident::Resolution;
use crate::ports::clock::Clock;
use crate::ports::store::StoreError;
use crate::render::style::Style;

use super::args::{ConfigVerb, NotifyVerb, Opsctl, ScheduleVerb, Verb};
use super::db::DbVerb;
use super::people::HowLong;
use super::undo::Wanted;

/// The whole of `opsctl`.
pub(crate) fn run(arguments: Vec<OsString>) -> Exit {
    match cli::program::<Opsctl>(arguments) {
        Ok(args) => carry_out(&args, &Environ::read()),
        Err(exit) => exit,
    }
}

fn carry_out(args: &Opsctl, environ: &Environ) -> Exit {
    let option = args.config.as_deref();
    let written = match &args.verb {
        Verb::Config { verb } => {
            super::config::run(verb, option, environ, args.output, &mut std::io::stdout().lock())
        }
        Verb::Generate { verb } => {
            super::generate::run(verb, option, environ, args.output, &mut std::io::stdout().lock())
        }
        Verb::Notify { verb: NotifyVerb::Failed { unit } } => {
            return super::notify_failed::run(unit, option, environ, args.output);
        }
        Verb::Completions { shell, program } => {
            super::completions::run(*shell, program, &mut std::io::stdout().lock())
        }
        Verb::Manual { to } => super::manual::run(to, &mut std::io::stdout().lock()),
        Verb::Init(init) => return super::init::run(init, environ, args.output),
        Verb::Demo { seed } => return demo::run(environ, *seed, args.output),
        Verb::DemoService { verb } => return demo::service::run(verb),
        verb => return with_settings(verb, args, environ),
    };
    written.unwrap_or_else(|error| {
        out::complain(&format!("failed to write: {error}"));
        Exit::Incomplete
    })
}

fn with_settings(verb: &Verb, args: &Opsctl, environ: &Environ) -> Exit {
    let (config, mistake) = match settings(verb, args, environ) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    if let Err(exit) = agent_run::as_owner(&config, args.output) {
        return exit;
    }
    if let Some(mistake) = mistake {
        out::complain(&mistake);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return out::fail(args.output, &format!("failed to start: {error}"), Exit::Incomplete);
        }
    };
    let desk = Desk {
        config: &config,
        environ,
        form: args.output,
        style: out::style(environ),
        clock: Arc::new(SystemClock::new()),
    };
    let answer = runtime.block_on(desk.answer(verb));
    match answer {
        Ok(answer) => desk.say(&answer),
        Err(trouble) => out::fail(args.output, &trouble.message, trouble.exit),
    }
}

/// The settings. Who looks, or holds agents back, is not sent away because of a mistake in the file: that is the hour in which
/// it is needed. Then there are words about the mistake.
fn settings(
    verb: &Verb,
    args: &Opsctl,
    environ: &Environ,
) -> Result<(Config, Option<String>), Exit> {
    let option = args.config.as_deref();
    let errors = match Config::load(option, environ) {
        Ok(loaded) => return Ok((loaded.config, None)),
        Err(errors) => errors,
    };
    let standby = Standby::find(option, environ).filter(|_| needs_no_settings(verb));
    let Some(Standby { config, what }) = standby else {
        return Err(out::fail(args.output, &errors.to_string(), Exit::BadConfig));
    };
    Ok((config, Some(format!("{errors}\nno agent starts with this file; here {what} count"))))
}

/// Whether a verb only looks, holds back, or lifts what a person held back.
const fn needs_no_settings(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Status
            | Verb::Incidents { .. }
            | Verb::Explain { .. }
            | Verb::Runs { .. }
            | Verb::Remediations { .. }
            | Verb::Approvals
            | Verb::Deny { .. }
            | Verb::Pause { .. }
            | Verb::Resume { .. }
            | Verb::Ack { .. }
            | Verb::Silence { .. }
            | Verb::Runbook { .. }
            | Verb::Notify { verb: NotifyVerb::List { .. } | NotifyVerb::Why { .. } }
            | Verb::Schedule { verb: ScheduleVerb::Next { .. } | ScheduleVerb::Explain { .. } }
            | Verb::Db { .. }
            | Verb::Ledger { .. }
    )
}

/// What a verb works with.
pub(super) struct Desk<'a> {
    pub(super) config: &'a Config,
    pub(super) environ: &'a Environ,
    pub(super) form: Output,
    pub(super) style: Style,
    pub(super) clock: Arc<dyn Clock>,
}

/// What a verb answers, in both forms.
pub(super) struct Told {
    pub(super) text: String,
    pub(super) json: serde_json::Value,
    pub(super) exit: Exit,
}

/// A verb that could not answer.
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) exit: Exit,
}

impl Trouble {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::BadConfig }
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: Exit::Incomplete }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::incomplete(error.to_string())
    }
}

impl Desk<'_> {
    async fn answer(&self, verb: &Verb) -> Result<Told, Trouble> {
        match verb {
            Verb::Status => self.status().await,
            Verb::Incidents { verb } => self.incidents(verb.as_ref()).await,
            Verb::Explain { id, why_not } => self.explain(id, *why_not).await,
            Verb::Runs { last } => self.runs(*last).await,
            Verb::Remediations { last } => self.remediations(*last).await,
            Verb::Approvals => self.approvals().await,
            Verb::Approve { id, reason } => self.answer_request(id, Verdict::Granted, reason).await,
            Verb::Deny { id, reason } => self.answer_request(id, Verdict::Denied, reason).await,
            Verb::Pause { agent, duration, reason } => {
                self.pause(agent, duration.get(), reason).await
            }
            Verb::Resume { what, reason } => self.resume(what, reason).await,
            Verb::Resolve { id, reason, false_alarm } => {
                let resolution =
                    if *false_alarm { Resolution::FalseAlarm } else { Resolution::Manual };
                self.resolve(id, reason, resolution).await
            }
            Verb::Ack { id, reason } => self.acknowledge(id, reason).await,
            Verb::Silence { what, duration, until_resolved, until_worse, off, reason } => {
                let how_long = match (duration, until_resolved, until_worse, off) {
                    (Some(duration), ..) => HowLong::For(duration.get()),
                    (None, true, ..) => HowLong::UntilResolved,
                    (None, _, true, _) => HowLong::UntilWorse,
                    (None, ..) => HowLong::NoLonger,
                };
                self.silence(what, how_long, reason).await
            }
            Verb::Notify { verb } => self.notify(verb).await,
            Verb::Runbook { check } => self.runbook(check.as_deref()).await,
            Verb::Schedule { verb } => self.schedule(verb).await,
            Verb::Undo { remediation: Some(id), reason, .. } => {
                self.undo(Wanted::One(id), reason).await
            }
            Verb::Undo { run: Some(run), reason, .. } => self.undo(Wanted::Run(run), reason).await,
            Verb::Undo { remediation: None, run: None, .. } => {
                Err(Trouble::usage("name a remediation, or a run with --run"))
            }
            Verb::Doctor => self.doctor().await,
            Verb::Db { verb: DbVerb::Advice } => self.advice().await,
            Verb::Db { verb: DbVerb::Usage } => self.usage().await,
            Verb::Ledger { verb: super::args::LedgerVerb::Verify } => self.verify().await,
            Verb::State { verb: super::args::StateVerb::Import { file } } => {
                self.import(file).await
            }
            Verb::Config { verb: ConfigVerb::Check | ConfigVerb::Show { .. } }
            | Verb::Generate { .. }
            | Verb::Completions { .. }
            | Verb::Manual { .. }
            | Verb::Init(_)
            | Verb::Demo { .. }
            | Verb::DemoService { .. } => Err(Trouble::usage("this needs no settings")),
        }
    }

    fn say(&self, told: &Told) -> Exit {
        let said = match self.form {
            Output::Text => out::say(&told.text),
            Output::Json => out::say(&format!("{:#}", told.json)),
        };
        match said {
            Ok(()) => told.exit,
            Err(error) => {
                out::complain(&format!("failed to write: {error}"));
                Exit::Incomplete
            }
        }
    }

    /// Whether no agent has run here yet.
    pub(super) fn nothing_is_recorded(&self) -> bool {
        let paths = &self.config.paths;
        absent(&paths.ledger()) && absent(&paths.view())
    }

    pub(super) async fn store(&self, access: Access) -> Result<SqliteStore, Trouble> {
        if access == Access::ReadOnly && self.nothing_is_recorded() {
            return Err(Trouble::incomplete(
                "nothing is recorded yet; run an agent once, for example health-guardian",
            ));
        }
        let options = wire::store_options(self.config, access, Arc::clone(&self.clock));
        Ok(SqliteStore::open(options).await?)
    }

    /// Who asks, for the ledger.
    pub(super) fn person(&self) -> String {
        person(self.environ)
    }
}

/// Whether nothing is there; a place that cannot be looked at is something else.
pub(in crate::app) fn absent(file: &std::path::Path) -> bool {
    std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
