//! An ecosystem file of PM2: one app for the scheduler, or one for each agent that PM2's own cron starts.

use std::time::Duration;

use serde_json::{Value, json};

/// What is the same in every app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct House {
    /// The folder of the programs.
    pub programs: String,
    /// The settings file.
    pub settings: String,
    /// The folder of the logs.
    pub logs: String,
    /// The zone in which PM2's daemon reads cron.
    pub zone: String,
}

/// One agent, as its app needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// When PM2 starts it, in the zone of its daemon.
    pub cron: String,
    /// How long a start may take: waiting for another agent, and the run.
    pub longest: Duration,
}

/// The name that the file must end with, for PM2 to read it as an ecosystem file.
pub const FILE: &str = "opswarden.config.js";

/// An agent ends itself at its own deadline; PM2 waits this much longer before it kills.
const GRACE: Duration = Duration::from_secs(15);
/// The scheduler lets agents come to their end for a minute, and needs some seconds more to end those that do not.
const SCHEDULER_ENDS_WITHIN: Duration = Duration::from_secs(90);

/// One app: the scheduler, which starts every agent.
#[must_use]
pub fn scheduler(house: &House) -> String {
    let mut app = common(house, "scheduler", SCHEDULER_ENDS_WITHIN);
    app["name"] = json!("opswarden");
    app["autorestart"] = json!(true);
    app["exp_backoff_restart_delay"] = json!(200);
    app["max_memory_restart"] = json!("200M");
    // 75: another one runs. 78: the settings cannot be used. Neither gets better by starting again.
    app["stop_exit_codes"] = json!([75, 78]);
    let head = "// Written by `opsctl generate pm2`: one app, which starts every agent when it is due.\n\
                // It starts with `pm2 start`, and reads changed settings after `pm2 sendSignal SIGHUP opswarden`.\n";
    file(head, &[app])
}

/// One app for each agent. PM2's cron only says when to look: each slot of a schedule is run once, whatever starts it.
#[must_use]
pub fn per_agent(house: &House, agents: &[Agent]) -> String {
    let apps: Vec<Value> = agents.iter().map(|agent| app(house, agent)).collect();
    let head = format!(
        "// Written by `opsctl generate pm2 --per-agent`: PM2's cron starts each agent, in the zone {} of PM2's daemon.\n\
         // Each start asks whether a slot of the schedule is due and nobody has it, and ends at once where not. So the starts\n\
         // at `pm2 start`, `pm2 restart` and `pm2 resurrect` do nothing, and other triggers may stand beside.\n\
         // A tick restarts what it meets at work by SIGINT: a run ignores the first one and comes to its end. A second one, and\n\
         // SIGTERM, stop it in an orderly way.\n\
         // `pm2 stop` does not stop the ticks: `opsctl schedule suspend AGENT` does, and `pm2 delete` takes the app away.\n",
        house.zone
    );
    file(&head, &apps)
}

fn app(house: &House, agent: &Agent) -> Value {
    let mut app = common(house, &agent.name, agent.longest + GRACE);
    app["args"] = json!(["--if-due", "--trigger", "pm2"]);
    app["cron_restart"] = json!(agent.cron);
    app["autorestart"] = json!(false);
    app["stop_exit_codes"] = json!([0, 1, 75]);
    app
}

/// PM2 kills after `kill_timeout`, by default after 1.6 seconds; with `treekill` its SIGINT would reach what a run has started
/// itself, in the middle of an act.
fn common(house: &House, program: &str, kill_after: Duration) -> Value {
    let log = format!("{}/pm2-{program}.log", house.logs);
    json!({
        "name": format!("opswarden-{program}"),
        "script": format!("{}/{program}", house.programs),
        "interpreter": "none",
        "exec_mode": "fork",
        "instances": 1,
        "watch": false,
        "kill_timeout": u64::try_from(kill_after.as_millis()).unwrap_or(u64::MAX),
        "treekill": false,
        "merge_logs": true,
        "out_file": log,
        "error_file": log,
        "time": false,
        "env": { "OPSWARDEN_CONFIG": house.settings },
    })
}

fn file(head: &str, apps: &[Value]) -> String {
    format!("{head}module.exports = {:#};\n", json!({ "apps": apps }))
}
