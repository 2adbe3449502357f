//! The second part of the demo: a broken tenant of a signage platform is tended until nothing is left to do, and an
//! account is given against what was truly wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::inbox::Inbox;
use super::stage::Stage;
use crate::adapters::child::{Outcome, Program};
use crate::app::config::Environ;
use crate::app::documents::{DemoAccount, DemoCheck, DemoRun};
use crate::domain::report::Report;
use crate::ports::clock::Clock;
use crate::sandbox::{Found, Options, PASSWORD, Running, Sandbox, Score, Throttle};

/// One run of an agent may take so long here.
const RUN: Duration = Duration::from_mins(1);
/// More rounds than this are not quiet by themselves.
const MOST_ROUNDS: usize = 8;
/// A report of a tenant with thousands of faults.
const LARGEST_REPORT: usize = 64 * 1024 * 1024;
/// Everybody of the house, in the order of a round.
const AGENTS: [&str; 5] =
    ["health-guardian", "content-lifecycle", "fleet-manager", "schedule-doctor", "ops-reporter"];
/// Those whose findings the platform's truth tells of.
const TENDING: [&str; 3] = ["content-lifecycle", "fleet-manager", "schedule-doctor"];
/// What names a channel to people, so that they are told for real.
const REAL: [&str; 6] =
    ["SLACK_WEBHOOK_URL", "SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASS", "OPS_ALERT_EMAIL"];

/// The tenant, and what is known of how it was tended.
pub(super) struct Tended {
    pub(super) sandbox: Running,
    programs: PathBuf,
    settings: PathBuf,
    found: BTreeSet<Found>,
    pub(super) runs: Vec<DemoRun>,
    inbox: Inbox,
    /// Channels that the environment names, each variable with its value.
    real: Vec<(String, String)>,
}

/// What `opsctl undo` says that it took back.
#[derive(Deserialize)]
struct Taken {
    remediation: String,
    operation: String,
}

impl Tended {
    /// Starts the platform and tells the settings about it.
    pub(super) async fn begin(
        stage: &Stage,
        opsctl: &std::path::Path,
        seed: u64,
        clock: Arc<dyn Clock>,
        environ: &Environ,
    ) -> Result<Self, String> {
        let options = Options { seed, throttle: Throttle::Off, ..Options::default() };
        let sandbox = Sandbox::start(options, clock)
            .map_err(|error| format!("failed to start the sandbox: {error}"))?;
        let fallback = sandbox.accounts().first().map(|found| found.fallback_playlist.clone());
        let settings = stage.settings();
        let text = fs::read_to_string(&settings).map_err(|error| error.to_string())?;
        let text = with_platform(&text, &sandbox.base_url(), &fallback.unwrap_or_default());
        fs::write(&settings, text).map_err(|error| format!("failed to write settings: {error}"))?;
        let programs = opsctl.parent().map(PathBuf::from).unwrap_or_default();
        let inbox = Inbox::open().await?;
        let names = REAL.iter().flat_map(|name| [(*name).to_owned(), format!("{name}_FILE")]);
        let real = names.filter_map(|name| Some((name.clone(), environ.get(&name)?.to_owned())));
        let (real, found, runs) = (real.collect(), BTreeSet::new(), Vec::new());
        Ok(Self { sandbox, programs, settings, found, runs, inbox, real })
    }

    /// A program with the account that it needs on the platform.
    pub(super) fn program(&self, name: &str, words: &[&str]) -> Program {
        let path = self.programs.join(name).display().to_string();
        let mut argv = vec![path, "--config".to_owned(), self.settings.display().to_string()];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        let program = self
            .real
            .iter()
            .fold(Program::new(argv), |program, (name, value)| program.env(name, value));
        program
            .env("WEBHOOK_URL_INBOX", self.inbox.url())
            .env("VALIDATOR_EMAIL", "ops@example.test")
            .env("VALIDATOR_PASSWORD", PASSWORD)
            .deadline(RUN)
            .limit_bytes(LARGEST_REPORT)
    }

    /// Runs every agent once. Whether anything was sent.
    pub(super) async fn round(&mut self) -> Result<bool, String> {
        let round = self.runs.last().map_or(1, |run| run.round + 1);
        let mut acted = false;
        for agent in AGENTS {
            let report = self.report(agent).await?;
            let keys = report.plan.actions.iter().map(|action| &action.key);
            let left = report.plan.deferrals.iter().map(|deferral| &deferral.key);
            self.found.extend(
                keys.chain(left).filter(|key| TENDING.contains(&key.agent.as_str())).map(|key| {
                    Found {
                        agent: key.agent.to_string(),
                        check: key.check.to_string(),
                        subject: key.subject.to_string(),
                    }
                }),
            );
            let count = |name: &str| report.counts.get(name).copied().unwrap_or_default();
            acted |= count("acted") > 0;
            self.runs.push(DemoRun {
                round,
                agent: agent.to_owned(),
                found: count("detected"),
                acted: count("acted"),
                proved: count("verified"),
                left: report.plan.deferrals.len() as u64,
            });
        }
        Ok(acted)
    }

    /// Rounds until nothing more is sent.
    pub(super) async fn until_quiet(&mut self) -> Result<(), String> {
        for _ in 0..MOST_ROUNDS {
            if !self.round().await? {
                return Ok(());
            }
        }
        Err(format!("after {MOST_ROUNDS} rounds something was still sent"))
    }

    async fn report(&self, agent: &str) -> Result<Report, String> {
        match self.program(agent, &["-o", "json"]).run().await {
            Outcome::Exited { code: 0 | 1, stdout, .. } => serde_json::from_slice(&stdout.bytes)
                .map_err(|error| format!("the report of {agent} cannot be read: {error}")),
            Outcome::Exited { code, stderr, .. } => {
                Err(format!("{agent} ended with {code}: {}", stderr.text()))
            }
            Outcome::Signalled { signal } => Err(format!("{agent} was ended by signal {signal}")),
            Outcome::TimedOut { after } => Err(format!("{agent} took longer than {after:?}")),
            Outcome::CouldNotStart { why } => Err(format!("{agent} could not be started: {why}")),
        }
    }

    /// Remediations in the ledger, newest first, as id and operation.
    pub(super) async fn remediations(&self) -> Result<Vec<(String, String)>, String> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            operation: serde_json::Value,
            state: String,
        }
        let words = ["remediations", "-n", "1000", "-o", "json"];
        match self.program("opsctl", &words).run().await {
            Outcome::Exited { code: 0, stdout, .. } => {
                let rows: Vec<Row> = serde_json::from_slice(&stdout.bytes)
                    .map_err(|error| format!("opsctl remediations cannot be read: {error}"))?;
                let verified = rows.into_iter().filter(|row| row.state == "verified");
                Ok(verified.map(|row| (row.id, row.operation.to_string())).collect())
            }
            _ => Err("opsctl remediations failed".to_owned()),
        }
    }

    /// Takes one archived piece of content back. Its remediation's id.
    pub(super) async fn undo(&self) -> Result<String, String> {
        let archived = self.remediations().await?;
        let archived = archived.into_iter().find(|(_, what)| what.contains("archive_content"));
        let (id, _) = archived.ok_or("nothing was archived that could be taken back")?;
        let words = ["undo", &id, "--reason", "the demo wants to see it again", "-o", "json"];
        match self.program("opsctl", &words).run().await {
            Outcome::Exited { code: 0, stdout, .. } => {
                let taken: Vec<Taken> = serde_json::from_slice(&stdout.bytes)
                    .map_err(|error| format!("opsctl undo cannot be read: {error}"))?;
                let what =
                    taken.first().map(|one| format!("{}: {}", one.remediation, one.operation));
                Ok(what.unwrap_or(id))
            }
            Outcome::Exited { code, stdout, stderr } => {
                Err(format!("opsctl undo ended with {code}: {}{}", stdout.text(), stderr.text()))
            }
            _ => Err("opsctl undo failed".to_owned()),
        }
    }

    pub(super) fn score(&self) -> Score {
        self.sandbox.score(&self.found.iter().cloned().collect::<Vec<_>>())
    }

    /// The account of everything.
    pub(super) fn account(&self, seed: u64, undone: String, quiet: bool) -> DemoAccount {
        let score = self.score();
        DemoAccount {
            seed,
            runs: self.runs.clone(),
            checks: checks(&score),
            wrong_acts: score.wrong_acts.iter().map(|effect| effect.act.what.clone()).collect(),
            undone,
            last_round_quiet: quiet,
            sessions_left: self.sandbox.sessions_open(),
            perfect: score.is_perfect(),
            messages: self.inbox.titles(),
            told_for_real: !self.real.is_empty(),
        }
    }
}

fn checks(score: &Score) -> Vec<DemoCheck> {
    let row = |(name, tally): (&String, &crate::sandbox::Tally)| DemoCheck {
        check: name.clone(),
        planted: tally.planted,
        found: tally.found,
        missed: tally.missed.len(),
        false_alarms: tally.false_alarms.len(),
    };
    score.checks.iter().map(row).collect()
}

/// The settings of the first part, and the platform.
fn with_platform(text: &str, url: &str, fallback: &str) -> String {
    format!(
        "{text}\n# The platform of the second part. Limits are off and budgets are raised, so that one round does what \
         days would do.\n\
         [[notify.channels]]\nname = \"inbox\"\nkind = \"webhook\"\npause = \"0s\"\n\n\
         [platform]\nurl = \"{url}\"\n\n\
         [platform.limits]\nper_second = 0\nper_minute = 0\nper_hour = 0\nsign_ins_per_minute = 0\ntotal_per_second = 0\n\n\
         [budgets]\nactions_per_run = 1000\nactions_per_hour = 10000\n\n\
         [agents.content-lifecycle.policy]\nquiet_per_run = 1000\nquiet_percent_per_day = 100\n\n\
         [agents.fleet-manager.policy]\nfleet_percent = 100\nsettle = \"1s\"\n\n\
         [agents.schedule-doctor]\nfallback_playlists = {{ default = \"{fallback}\" }}\n\n\
         [agents.schedule-doctor.policy]\nquiet_per_run = 1000\nquiet_percent_per_day = 100\n"
    )
}
