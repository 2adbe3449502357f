//! Units of systemd: a service and a timer for each agent, or one daemon for all of them, and one that tells when a unit failed.

use std::fmt::Write as _;
use std::time::Duration;

use super::sandbox::{self, Reach};

/// What is the same in every unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct House {
    /// The folder of the programs.
    pub programs: String,
    /// The settings file.
    pub settings: String,
    /// The user that everything runs as.
    pub user: String,
    /// The folders for state and logs, where they are not systemd's own.
    pub folders: Option<[String; 2]>,
    /// Whether programs or settings lie in a home.
    pub homes: bool,
    /// Whether settings name programs that are started to look at processes, or to restart them.
    pub foreign: bool,
}

/// One agent, as its units need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// Its schedule in words.
    pub schedule: String,
    /// `OnCalendar=` of its timer.
    pub calendars: Vec<String>,
    /// Whether a start that passed while the machine was off is made up for.
    pub persistent: bool,
    /// How long a start may take: waiting for another agent, and the run.
    pub longest: Duration,
    /// Whether it watches the machine, and restarts what runs there.
    pub tends_host: bool,
    /// The folders of the logs that it tends; `None` where it tends none.
    pub logs: Option<Vec<String>>,
}

/// The unit that tells people that another one failed.
pub const TELLER: &str = "opswarden-failed@.service";
/// The unit of the daemon.
pub const DAEMON: &str = "opswarden.service";
/// The folder whose files are handed to every unit as credentials.
pub const CREDENTIALS: &str = "/etc/opswarden/credentials";
/// How credentials of that folder are called: this, and the name of the file.
pub const CREDENTIAL_PREFIX: &str = "opswarden_";

/// An agent ends itself at its own deadline; its unit waits this much longer.
const GRACE: Duration = Duration::from_secs(30);
const HEAD: &str = "# Written by `opsctl generate systemd`. Change settings and write it anew, or use `systemctl edit`.\n";

/// The service of one run of an agent.
#[must_use]
pub fn service(house: &House, agent: &Agent) -> String {
    let reach = if agent.tends_host { Reach::Host } else { Reach::Network };
    let name = &agent.name;
    format!(
        "{HEAD}\
         [Unit]\n\
         Description=opswarden {name}: {}\n\
         Wants=network-online.target\n\
         After=network-online.target time-sync.target\n\
         OnFailure=opswarden-failed@%n.service\n\
         # A start that finds nothing due costs next to nothing, and none may be refused.\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # Runs only if a slot is due that nobody has: whatever else starts this agent, each slot is run once.\n\
         ExecStart={}/{name} --if-due --trigger systemd\n\
         # 1: findings are open. 75: already running. Both mean that the agent did its work.\n\
         SuccessExitStatus=1 75\n\
         # The agent ends itself at its own deadline; this is for one that cannot.\n\
         TimeoutStartSec={}\n\
         TimeoutStopSec=15\n\
         KillMode=control-group\n\
         {}\
         \n\
         {}",
        agent.summary,
        house.programs,
        (agent.longest + GRACE).as_secs(),
        common(house),
        sandbox::lines(reach, house.homes, house.foreign, agent.logs.as_deref()),
    )
}

/// The timer of an agent.
#[must_use]
pub fn timer(agent: &Agent) -> String {
    let name = &agent.name;
    let mut text = format!(
        "{HEAD}\
         [Unit]\n\
         Description=opswarden {name}, {}\n\
         \n\
         [Timer]\n\
         # Every time in UTC at which a slot can start, whatever the local clock does; where none is due, a start ends at once.\n",
        agent.schedule
    );
    for calendar in &agent.calendars {
        let _infallible = writeln!(text, "OnCalendar={calendar}");
    }
    text.push_str("AccuracySec=1s\n");
    if agent.persistent {
        text.push_str(
            "# A start that passed while the machine was off is made up for.\nPersistent=true\n",
        );
    }
    text.push_str("\n[Install]\nWantedBy=timers.target\n");
    text
}

/// The daemon that starts all agents, and in whose sandbox these folders of logs are tended.
#[must_use]
pub fn daemon(house: &House, logs: &[String]) -> String {
    let programs = &house.programs;
    let declared = (!logs.is_empty()).then_some(logs);
    format!(
        "{HEAD}\
         [Unit]\n\
         Description=opswarden: starts every agent when it is due\n\
         Wants=network-online.target\n\
         After=network-online.target time-sync.target\n\
         OnFailure=opswarden-failed@%n.service\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=notify\n\
         NotifyAccess=main\n\
         ExecStart={programs}/scheduler\n\
         ExecReload=/bin/kill -HUP $MAINPID\n\
         # It keeps its settings where the new ones have a mistake; whoever asked for the reload is told so.\n\
         ExecReload={programs}/opsctl config check\n\
         # It is started again for ever and never counts as failed: the next start tells people that this one crashed.\n\
         WatchdogSec=30\n\
         Restart=always\n\
         RestartSec=2\n\
         # 75: another one runs. 78: the settings cannot be used. Neither gets better by starting again.\n\
         RestartPreventExitStatus=75 78\n\
         KillMode=mixed\n\
         # It lets agents come to their end for a minute.\n\
         TimeoutStopSec=90\n\
         Delegate=yes\n\
         OOMScoreAdjust=-500\n\
         {}\
         \n\
         {}\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        common(house),
        sandbox::lines(Reach::Children, house.homes, house.foreign, declared),
    )
}

/// What tells people that a unit failed; its instance is the unit's name.
#[must_use]
pub fn teller(house: &House) -> String {
    format!(
        "{HEAD}\
         [Unit]\n\
         Description=opswarden: tells that %i failed\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # At most once in an hour for each unit.\n\
         ExecStart={}/opsctl notify failed %i\n\
         TimeoutStartSec=60\n\
         TimeoutStopSec=15\n\
         {}\
         \n\
         {}",
        house.programs,
        common(house),
        sandbox::lines(Reach::Network, house.homes, house.foreign, None),
    )
}

/// A rule for polkit that lets `user` restart exactly these units.
#[must_use]
pub fn polkit(user: &str, units: &[String]) -> String {
    let units: Vec<String> = units.iter().map(|unit| format!("\"{}\"", whole(unit))).collect();
    format!(
        "// Written by `opsctl generate systemd`: the user {user} may restart the units that the settings name, and no other.\n\
         polkit.addRule(function (action, subject) {{\n    \
             var units = [{}];\n    \
             var verbs = [\"restart\", \"reset-failed\"];\n    \
             if (action.id == \"org.freedesktop.systemd1.manage-units\" && subject.user == \"{user}\" &&\n        \
                 units.indexOf(action.lookup(\"unit\")) >= 0 && verbs.indexOf(action.lookup(\"verb\")) >= 0) {{\n        \
                 return polkit.Result.YES;\n    \
             }}\n\
         }});\n",
        units.join(", ")
    )
}

/// A unit's name as polkit is asked about it: systemd takes one without an ending for a service.
fn whole(unit: &str) -> String {
    const ENDINGS: [&str; 8] =
        ["service", "socket", "timer", "target", "mount", "path", "slice", "scope"];
    let ending = unit.rsplit_once('.').map(|(_, ending)| ending);
    if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
        return unit.to_owned();
    }
    format!("{unit}.service")
}

/// Who runs it, on which files, with which secrets.
fn common(house: &House) -> String {
    let folders = match &house.folders {
        None => "StateDirectory=opswarden\n\
                 StateDirectoryMode=0750\n\
                 LogsDirectory=opswarden\n\
                 LogsDirectoryMode=0750\n"
            .to_owned(),
        Some([state, logs]) => format!("ReadWritePaths={state} {logs}\n"),
    };
    format!(
        "Environment=OPSWARDEN_CONFIG={}\n\
         User={user}\n\
         UMask=0027\n\
         {folders}\
         # Each file of this folder is a secret by its name, like smtp_pass; only this unit can read what it is given.\n\
         ConfigurationDirectory=opswarden/credentials\n\
         ConfigurationDirectoryMode=0700\n\
         LoadCredential=opswarden:{CREDENTIALS}\n",
        house.settings,
        user = house.user,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_names_units_as_polkit_is_asked_about_them() {
        let units = ["shop", "web.service", "a.b", "bus.socket"].map(str::to_owned);
        let rule = polkit("ops", &units);
        let list = "[\"shop.service\", \"web.service\", \"a.b.service\", \"bus.socket\"]";
        assert!(rule.contains(list), "{rule}");
    }
}
