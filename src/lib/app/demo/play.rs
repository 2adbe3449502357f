//! `opsctl demo`: real processes break, and are repaired or left alone for a reason, before the reader's eyes.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::adapters::child::{Outcome, Program};
use crate::adapters::system_clock::SystemClock;
use crate::app::cli::Output;
use crate::app::config::Environ;
use crate::app::documents::DemoAccount;
use crate::app::exit::Exit;
use crate::app::out;
use crate::ports::clock::Clock;
use crate::render::style::{Style, Tone};
use crate::render::table::{Fit, Table, WIDTH};

use super::databases;
use super::service::{API, DATABASE, SHOP};
use super::stage::Stage;
use super::tend::Tended;

/// One run of the agent may take so long here.
const RUN: Duration = Duration::from_secs(40);
/// How often the progress line moves.
const TICK: Duration = Duration::from_millis(200);

/// Plays the demo.
#[must_use]
pub fn run(environ: &Environ, seed: u64, form: Output) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("failed to start: {error}"));
            return Exit::Incomplete;
        }
    };
    match runtime.block_on(played(environ, seed, form)) {
        Ok(()) => Exit::Clean,
        Err(why) => out::fail(form, &format!("the demo failed: {why}"), Exit::Incomplete),
    }
}

/// Plays until the end or the first SIGINT or SIGTERM; what was started is gone either way.
async fn played(environ: &Environ, seed: u64, form: Output) -> Result<(), String> {
    let interrupted = || "interrupted; everything that it started is gone".to_owned();
    let handler = |kind| signal(kind).map_err(|error| format!("failed to catch signals: {error}"));
    let mut interrupt = handler(SignalKind::interrupt())?;
    let mut terminate = handler(SignalKind::terminate())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let opsctl =
        std::env::current_exe().map_err(|error| format!("failed to find this program: {error}"))?;
    let agent = opsctl.with_file_name("health-guardian");
    if !agent.is_file() {
        return Err(format!("{} is not there; build all binaries first", agent.display()));
    }
    let stage = tokio::select! {
        stage = Stage::set(&opsctl) => stage?,
        _ = interrupt.recv() => return Err(interrupted()),
        _ = terminate.recv() => return Err(interrupted()),
    };
    let play = Play {
        stage: &stage,
        clock: Arc::clone(&clock),
        agent,
        opsctl,
        style: out::style(environ),
        environ,
        seed,
    };
    let result = tokio::select! {
        result = play.played(form) => result,
        _ = interrupt.recv() => Err(interrupted()),
        _ = terminate.recv() => Err(interrupted()),
    };
    let left = stage.strike(&*clock).await;
    if left > 0 {
        return Err(format!("{left} services could not be ended"));
    }
    result?;
    if form == Output::Json {
        return Ok(());
    }
    tell("")?;
    paragraph(
        "Everything that the demo started is gone. Only its folder is left, for you to look into.",
    )
}

struct Play<'a> {
    stage: &'a Stage,
    clock: Arc<dyn Clock>,
    agent: PathBuf,
    opsctl: PathBuf,
    style: Style,
    environ: &'a Environ,
    seed: u64,
}

impl Play<'_> {
    async fn played(&self, form: Output) -> Result<(), String> {
        if form == Output::Json {
            let account = self.tended().await?;
            return tell(&format!("{:#}", serde_json::json!(account)));
        }
        self.acts().await?;
        self.databases().await?;
        self.platform().await?;
        self.epilogue()
    }

    async fn acts(&self) -> Result<(), String> {
        self.prologue()?;
        self.act(
            "1. All is well",
            "Nothing is broken yet; health-guardian looks and does nothing.",
        )?;
        self.health_guardian(0).await?;
        let shop = self.stage.signal(SHOP, Signal::KILL)?.as_raw_nonzero();
        let database = self.stage.signal(DATABASE, Signal::STOP)?.as_raw_nonzero();
        self.act(
            "2. Two things break at once",
            &format!(
                "{SHOP} (pid {shop}) is killed. {DATABASE} (pid {database}) is frozen: it listens and does not \
                 answer, so {API}, which needs it, is not ready. A restart helps {SHOP}; it cannot help {API}."
            ),
        )?;
        self.health_guardian(1).await?;
        self.act(
            "3. Why was the api not restarted?",
            "opsctl explains every act, and every act not done.",
        )?;
        self.opsctl(&["explain", "REM-1", "--why-not"]).await?;
        self.opsctl(&["explain", "INC-1"]).await?;
        self.opsctl(&["explain", &format!("health-guardian/service_down/service:demo/{API}")])
            .await?;
        self.stage.signal(DATABASE, Signal::CONT)?;
        self.act(
            "4. Somebody repairs the database",
            &format!("{DATABASE} answers again; health-guardian looks again."),
        )?;
        self.health_guardian(0).await?;
        self.act(
            "5. Nothing is left to do",
            "A last look. The lives of the incidents are in the ledger.",
        )?;
        self.health_guardian(0).await?;
        self.opsctl(&["incidents"]).await?;
        self.opsctl(&["ledger", "verify"]).await
    }

    /// Tends the ledger, and a PostgreSQL database where a server is installed.
    async fn databases(&self) -> Result<(), String> {
        self.act(
            "6. Databases and backups",
            "db-maintainer tends opswarden's own ledger: a backup, and a restore of it that proves it. Such chores are \
             no incidents while they help.",
        )?;
        self.maintainer(None, 0).await?;
        let Some(bin) = databases::installed() else {
            return paragraph(
                "No PostgreSQL server is installed here (there is none in /usr/lib/postgresql), so that tending one is \
                 skipped. `apt-get install postgresql`, and it is shown.",
            );
        };
        let server = match databases::Server::start(bin, &*self.clock).await {
            Ok(server) => server,
            Err(why) => {
                return paragraph(&format!(
                    "The PostgreSQL that is installed here does not start for the demo, so that tending one is skipped: \
                     {why}"
                ));
            }
        };
        let shown = self.database(&server).await;
        server.stop(&*self.clock).await?;
        shown
    }

    async fn database(&self, server: &databases::Server) -> Result<(), String> {
        let vault = self.stage.folder().join("vault");
        std::fs::create_dir_all(&vault).map_err(|error| error.to_string())?;
        self.stage.add_settings(&format!(
            "\n[[agents.db-maintainer.databases]]\nname = \"main\"\ntables = [\"orders\"]\n\
             [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nmake = true\nrpo = \"1d\"\n\
             folder = \"{}\"\nqueries = [\"SELECT count(*) > 0 FROM orders\"]\n",
            vault.display()
        ))?;
        paragraph(
            "A PostgreSQL server of the demo's own runs now. Two in three rows of a table are dead, a failed build left \
             an index that nothing uses, and a counter is nearly full, which only a person can mend. There is no backup \
             yet: one is made, and restored into another server that is gone afterwards.",
        )?;
        self.maintainer(Some(server.url()), 1).await?;
        self.opsctl(&["db", "advice"]).await
    }

    async fn maintainer(&self, database: Option<String>, expected: i32) -> Result<(), String> {
        let program = self.opsctl.with_file_name("db-maintainer");
        let given = database.map(|url| ("DATABASE_URL", url));
        self.program_with(&program, &[], given, expected).await
    }

    /// Tends the platform's tenant and gives an account.
    async fn tended(&self) -> Result<DemoAccount, String> {
        let mut tended = Tended::begin(
            self.stage,
            &self.opsctl,
            self.seed,
            Arc::clone(&self.clock),
            self.environ,
        )
        .await?;
        tended.until_quiet().await?;
        let undone = tended.undo().await?;
        let quiet = !tended.round().await?;
        let account = tended.account(self.seed, undone, quiet);
        tended.sandbox.stop().await;
        Ok(account)
    }

    async fn platform(&self) -> Result<(), String> {
        self.act(
            "7. A signage platform with a broken tenant",
            "A sandbox of the platform runs on loopback: 300 displays, 800 pieces of content, 60 playlists, 120 \
             schedules, and hundreds of things that are wrong or only look so. The agents run in turn until a round \
             sends nothing; then one act is taken back, and a last round shows that it is left alone. Limits are off \
             and budgets are raised, so that one round does what days would do.",
        )?;
        let account = self.with_progress("the house", self.tended()).await?;
        tell(&runs(&account))?;
        self.act("8. The account", "What was truly wrong, and what became of it:")?;
        tell(&checks(&account))?;
        paragraph(&format!(
            "Acts that answer nothing that is wrong: {}. Sessions left open on the platform: {}. Taken back, and left \
             alone since: {}. The last round sent nothing: {}.",
            account.wrong_acts.len(),
            account.sessions_left,
            account.undone,
            if account.last_round_quiet { "yes" } else { "no" }
        ))?;
        self.told(&account)?;
        if account.perfect && account.last_round_quiet && account.sessions_left == 0 {
            return Ok(());
        }
        Err("the account is not perfect".to_owned())
    }

    fn told(&self, account: &DemoAccount) -> Result<(), String> {
        let how = if account.told_for_real {
            "These messages were sent to the channels that your environment names:"
        } else {
            "These messages would have been sent; with SLACK_WEBHOOK_URL, or SMTP_HOST and OPS_ALERT_EMAIL, in the \
             environment they are. What was repaired before anybody had to hear of it is none of them."
        };
        self.act("9. What people are told", how)?;
        for title in &account.messages {
            tell(&crate::render::table::wrap(title, crate::render::table::WIDTH).join("\n    "))?;
        }
        Ok(())
    }

    fn prologue(&self) -> Result<(), String> {
        let title = "opswarden demo: two things break, one of them can be fixed";
        tell(&self.style.paint(Tone::Strong, title))?;
        paragraph(&format!(
            "Three small services run on this machine, on loopback: {SHOP}, {API}, and a {DATABASE} that {API} \
             needs. Waits are shortened: 1 s after a restart instead of 30 s, 200 ms between looks instead of 5 s \
             and 2 s. Everything happens in this folder, and nothing else is touched:"
        ))?;
        tell(&self.stage.folder().display().to_string())
    }

    fn epilogue(&self) -> Result<(), String> {
        let folder = self.stage.folder().display();
        self.act("Where things are", &format!("In {folder}:"))?;
        tell(&format!(
            "  state/ops-state.json   what admins and other tools read\n  \
             state/ops.db           the ledger: every event, chained\n  \
             state/snapshots/       recordings: judge a run again with --replay\n  \
             state/evidence/        what was seen before the restart\n  \
             logs/                  one JSON line per step\n  \
             agents.toml            the demo's settings\n\
             Look around, for example with:\n  \
             {} --config {folder}/agents.toml status",
            self.opsctl.display()
        ))
    }

    fn act(&self, heading: &str, text: &str) -> Result<(), String> {
        let heading = self.style.paint(Tone::Strong, heading);
        let lines = crate::render::table::wrap(text, crate::render::table::WIDTH);
        tell(format!("\n{heading}\n{}", lines.join("\n")).trim_end())
    }

    /// Runs the agent as anybody would, and shows its report.
    async fn health_guardian(&self, expected: i32) -> Result<(), String> {
        self.program(&self.agent, &[], expected).await
    }

    async fn opsctl(&self, words: &[&str]) -> Result<(), String> {
        self.program(&self.opsctl, words, 0).await
    }

    async fn program(&self, program: &Path, words: &[&str], expected: i32) -> Result<(), String> {
        self.program_with(program, words, None, expected).await
    }

    /// Runs a program as anybody would, with this in its environment, and shows what it says.
    async fn program_with(
        &self,
        program: &Path,
        words: &[&str],
        given: Option<(&str, String)>,
        expected: i32,
    ) -> Result<(), String> {
        let settings = self.stage.settings().display().to_string();
        let name = program.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let shown = format!("$ {name} {}", words.join(" "));
        tell(&format!("\n{}", self.style.paint(Tone::Dim, shown.trim_end())))?;
        let path = program.display().to_string();
        let mut argv = vec![path, "--config".to_owned(), settings];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        let program = given
            .into_iter()
            .fold(Program::new(argv), |program, (name, value)| program.env(name, value));
        let outcome = self.with_progress(&name, program.deadline(RUN).run()).await;
        match outcome {
            Outcome::Exited { code, stdout, stderr } => {
                let told = format!("{}{}", stderr.text(), stdout.text());
                tell(&told)?;
                if code == expected {
                    return Ok(());
                }
                Err(format!("{name} ended with {code}, expected {expected}"))
            }
            Outcome::Signalled { signal } => Err(format!("{name} was ended by signal {signal}")),
            Outcome::TimedOut { after } => Err(format!("{name} took longer than {after:?}")),
            Outcome::CouldNotStart { why } => Err(format!("{name} could not be started: {why}")),
        }
    }

    /// Waits for `work` with a line that moves, where somebody watches.
    async fn with_progress<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        let watched = std::io::stderr().is_terminal();
        let began = self.clock.elapsed();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    if watched {
                        // The line is wiped so that the report stands alone.
                        let _ = out::write_to(&mut std::io::stderr().lock(), "\r\u{1b}[K");
                    }
                    return done;
                }
                () = self.clock.sleep(TICK) => {
                    if watched {
                        let seconds = self.clock.elapsed().saturating_sub(began).as_secs();
                        let line = format!("\r  {name} looks, acts and looks again … {seconds} s");
                        let _ = out::write_to(&mut std::io::stderr().lock(), &line);
                    }
                }
            }
        }
    }
}

fn runs(account: &DemoAccount) -> String {
    let columns = ["round", "agent", "found", "acted", "proved", "left"];
    let mut table = Table::new(&columns.map(|name| (name, Fit::Cut)));
    for run in &account.runs {
        let counts = [run.found, run.acted, run.proved, run.left].map(|count| count.to_string());
        table.row([run.round.to_string(), run.agent.clone()].into_iter().chain(counts));
    }
    table.render(WIDTH)
}

fn checks(account: &DemoAccount) -> String {
    let columns = ["check", "planted", "found", "missed", "false"];
    let mut table = Table::new(&columns.map(|name| (name, Fit::Cut)));
    for check in &account.checks {
        let counts = [check.planted, check.found, check.missed, check.false_alarms];
        table
            .row(std::iter::once(check.check.clone()).chain(counts.map(|count| count.to_string())));
    }
    table.render(WIDTH)
}

fn paragraph(text: &str) -> Result<(), String> {
    tell(&crate::render::table::wrap(text, crate::render::table::WIDTH).join("\n"))
}

fn tell(text: &str) -> Result<(), String> {
    out::say(text).map_err(|error| format!("failed to write: {error}"))
}
