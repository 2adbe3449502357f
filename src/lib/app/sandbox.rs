//! The sandbox as a program: a platform to practise on, with its truth.

use std::ffi::OsString;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use jiff::Timestamp;

use super::exit::Exit;
use super::signals::{Interrupt, stop_signal};
use super::{cli, out};
use crate::adapters::system_clock::SystemClock;
use crate::domain::duration::HumanDuration;
use crate::ports::clock::Clock;
use crate::sandbox::{
    Dialect, Options, PASSWORD, Running, Sandbox, Scenario, Sizes, Start, Throttle, Validation,
};

/// A platform to practise on: broken on purpose, as strict as the live one, and it keeps score.
#[derive(Clone, Debug, Parser)]
#[command(name = "sandbox", version)]
pub struct SandboxArgs {
    /// The port of the platform; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The port of the realtime service; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    realtime_port: u16,
    /// How the platform is spoken to
    #[arg(long, value_enum, default_value_t = DialectArg::Vizora)]
    dialect: DialectArg,
    /// What its tenants hold
    #[arg(long, value_enum, default_value_t = ScenarioArg::Broken)]
    scenario: ScenarioArg,
    /// What everything random follows from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Displays of each tenant
    #[arg(long, value_name = "N", default_value_t = Sizes::default().displays)]
    displays: usize,
    /// Pieces of content of each tenant
    #[arg(long, value_name = "N", default_value_t = Sizes::default().content)]
    content: usize,
    /// Playlists of each tenant
    #[arg(long, value_name = "N", default_value_t = Sizes::default().playlists)]
    playlists: usize,
    /// Schedules of each tenant
    #[arg(long, value_name = "N", default_value_t = Sizes::default().schedules)]
    schedules: usize,
    /// Tenants
    #[arg(long, value_name = "N", default_value_t = 1)]
    tenants: usize,
    /// When it is there: "real", or a moment like 2026-03-01T12:00:00Z from which its time runs
    #[arg(long, value_name = "TIME", default_value = "real", value_parser = start)]
    clock: Start,
    /// Which limits it keeps
    #[arg(long, value_enum, default_value_t = ThrottleArg::Production)]
    throttle: ThrottleArg,
    /// How much a refusal says
    #[arg(long, value_enum, default_value_t = ValidationArg::Production)]
    validation: ValidationArg,
    /// Offer GET /schedules/:id, which the live platform does not promise
    #[arg(long)]
    schedule_detail: bool,
    /// Do not run the platform's own hourly expiry
    #[arg(long)]
    no_expiry_job: bool,
    /// How long every answer takes at least, like 20ms
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    latency: HumanDuration,
    /// No silent display comes back when it is pinged
    #[arg(long)]
    deaf: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectArg {
    Vizora,
    Reference,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScenarioArg {
    /// Every kind of fault, and what only looks like one
    Broken,
    /// Nothing to find
    Healthy,
    /// Accounts, and one playlist
    Empty,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ThrottleArg {
    /// 10 a second, 100 a minute, 1000 an hour for each route; 5 sign-ins a minute
    Production,
    /// A hundred times as much
    Development,
    /// None
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ValidationArg {
    /// "Bad Request"
    Production,
    /// The field, and what is wrong with it
    Development,
}

fn start(text: &str) -> Result<Start, String> {
    if text == "real" {
        return Ok(Start::Real);
    }
    text.parse::<Timestamp>().map(Start::From).map_err(|error| error.to_string())
}

impl SandboxArgs {
    fn options(&self) -> Options {
        Options {
            port: self.port,
            realtime_port: self.realtime_port,
            dialect: match self.dialect {
                DialectArg::Vizora => Dialect::Vizora,
                DialectArg::Reference => Dialect::Reference,
            },
            scenario: match self.scenario {
                ScenarioArg::Broken => Scenario::Broken,
                ScenarioArg::Healthy => Scenario::Healthy,
                ScenarioArg::Empty => Scenario::Empty,
            },
            seed: self.seed,
            sizes: Sizes {
                displays: self.displays,
                content: self.content,
                playlists: self.playlists,
                schedules: self.schedules,
                tenants: self.tenants,
            },
            start: self.clock,
            throttle: match self.throttle {
                ThrottleArg::Production => Throttle::Production,
                ThrottleArg::Development => Throttle::Development,
                ThrottleArg::Off => Throttle::Off,
            },
            validation: match self.validation {
                ValidationArg::Production => Validation::Production,
                ValidationArg::Development => Validation::Development,
            },
            schedule_detail: self.schedule_detail,
            expiry_job: !self.no_expiry_job,
            latency: self.latency.get(),
            all_deaf: self.deaf,
            ..Options::default()
        }
    }
}

/// The whole of `sandbox`.
pub(super) fn run(arguments: Vec<OsString>) -> Exit {
    match cli::program::<SandboxArgs>(arguments) {
        Ok(args) => serve(&args),
        Err(exit) => exit,
    }
}

fn serve(args: &SandboxArgs) -> Exit {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("failed to start: {error}"));
            return Exit::Incomplete;
        }
    };
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        match Sandbox::start(args.options(), clock) {
            Ok(running) => {
                // A reader that is gone needs no words.
                let _ = out::say(&welcome(&running));
                stop_signal(Interrupt::Stops).await;
                running.stop().await;
                Exit::Clean
            }
            Err(error) => {
                out::complain(&format!("failed to listen: {error}"));
                Exit::Incomplete
            }
        }
    })
}

fn welcome(running: &Running) -> String {
    let url = running.base_url();
    let mut lines = vec![
        format!(
            "the platform answers at {url}, its realtime service at {}",
            running.realtime_url()
        ),
        format!("pings go to {}", running.socket_url()),
        format!("every account has the password {PASSWORD}"),
    ];
    let accounts = running.accounts();
    let working = accounts.iter().filter(|account| account.email.starts_with("ops@"));
    lines.extend(working.map(|account| {
        let (tenant, playlist) = (&account.tenant, &account.fallback_playlist);
        format!("tenant {tenant}: {} (fallback playlist {playlist})", account.email)
    }));
    lines.push(format!(
        "what is wrong: curl {url}/sandbox/truth; what arrived: curl {url}/sandbox/effects"
    ));
    lines.push("it ends with SIGINT or SIGTERM".to_owned());
    lines.join("\n")
}
