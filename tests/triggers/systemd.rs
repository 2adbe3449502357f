//! The generated units under a real systemd.

use serde_json::Value;

use super::machine::Machine;

const GUARDIAN: &str = "opswarden-health-guardian.service";
const TIMER: &str = "opswarden-health-guardian.timer";

/// Settings of a machine whose own state does not matter, with a service that `web` tells of.
pub(super) fn settings(schedule: &str, service: &str) -> String {
    format!(
        r#"host = "host-a"
[paths]
state = "/var/lib/opswarden"
logs = "/var/log/opswarden"
[[notify.channels]]
name = "hook"
kind = "webhook"
[agents.health-guardian]
process_pause = "10ms"
[agents.health-guardian.limits]
cpu_percent = 100
memory_percent = 100
swap_percent = 100
disk_percent = 100
disk_critical_percent = 100
load_percent = 100000
[agents.health-guardian.policy]
settle = "100ms"
[agents.health-guardian.schedule]
seconds = true
{schedule}
[agents.ops-reporter.schedule]
cron = "0 3 1 1 *"
{service}"#
    )
}

pub(super) fn by_command() -> String {
    "[[agents.health-guardian.services]]\nname = \"web\"\nmanager = \"command\"\nprocess = \"web\"\n\
     [agents.health-guardian.services.command]\nstatus = [\"/srv/status\"]\nrestart = [\"/srv/restart\"]\n"
        .to_owned()
}

fn every_two_seconds(look: &str) -> Option<Machine> {
    let schedule = "cron = \"*/2 * * * * *\"\ntimeout = \"1500ms\"";
    let machine = Machine::boot(&settings(schedule, &by_command()), &[])?;
    machine.script("/srv/status", look);
    machine.script("/srv/restart", "exit 0\n");
    machine.generate("timers");
    Some(machine)
}

/// The slots of these runs, in order, with none twice.
pub(super) fn slots(runs: &[Value]) -> Vec<jiff::Timestamp> {
    let slot = |run: &Value| run["slot"].as_str().expect("a slot").parse().expect("a moment");
    let mut slots: Vec<jiff::Timestamp> = runs.iter().map(slot).collect();
    let all = slots.len();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), all, "a slot was run twice: {runs:#?}");
    slots
}

#[test]
fn a_timer_ticks_and_each_slot_is_run_once_whoever_else_starts_it() {
    let Some(machine) = every_two_seconds("echo start-1\n") else { return };
    assert!(machine.systemctl(&["start", TIMER]));
    let ran = |count: usize| {
        machine.runs("health-guardian").iter().filter(|run| run["state"] == "ok").count() >= count
    };
    machine.awaits("the first slot", || ran(1));
    for _ in 0..4 {
        assert!(machine.systemctl(&["start", GUARDIAN]), "{}", machine.journal());
    }
    machine.awaits("five slots", || ran(5));
    let runs = machine.runs("health-guardian");
    assert!(runs.iter().all(|run| run["trigger"] == "systemd"), "{runs:#?}");
    let slots = slots(&runs);
    let gaps = slots.windows(2).filter(|pair| pair[1].duration_since(pair[0]).as_secs() != 2);
    assert_eq!(gaps.count(), 0, "every slot has a row: {runs:#?}");
    // Nothing is due there.
    assert!(
        machine.systemctl(&["start", "opswarden-ops-reporter.service"]),
        "{}",
        machine.journal()
    );
    assert_eq!(machine.runs("ops-reporter"), Vec::<Value>::new());
    assert_eq!(machine.read("/srv/messages"), "", "nobody is told of anything");
}

#[test]
fn a_killed_run_is_told_of_once_and_its_slot_is_not_run_again() {
    let Some(machine) = every_two_seconds("sleep 0.4\necho start-1\n") else { return };
    assert!(machine.systemctl(&["start", TIMER]));
    for _ in 0..2 {
        let killed = machine.shows(GUARDIAN, "NRestarts");
        machine.awaits("a run at work", || {
            machine.shows(GUARDIAN, "ActiveState") == "activating"
                && machine
                    .runs("health-guardian")
                    .last()
                    .is_some_and(|run| run["state"] == "running")
        });
        machine.systemctl(&["kill", "--signal=KILL", GUARDIAN]);
        machine.awaits("the end", || machine.shows(GUARDIAN, "Result") == "signal");
        assert_eq!(killed, "0", "nothing restarts it but its timer");
        machine.awaits("the next slot", || machine.shows(GUARDIAN, "Result") == "success");
    }
    machine.awaits("a message", || machine.messages_with("signal, killed by KILL") >= 1);
    let said = format!("{GUARDIAN} failed");
    assert_eq!(machine.messages_with(&said), 1, "once an hour: {}", machine.read("/srv/messages"));
    machine
        .awaits("the end of it", || machine.messages_with(&format!("{GUARDIAN} works again")) >= 1);
    let runs = machine.runs("health-guardian");
    slots(&runs);
    assert!(runs.iter().any(|run| run["state"] == "lost"), "{runs:#?}");
}

#[test]
fn settings_that_cannot_be_read_are_told_of_by_the_unit_that_failed() {
    let Some(machine) = every_two_seconds("echo start-1\n") else { return };
    // A channel that settings name is gone with them; one that the environment gives is not.
    machine.put("/etc/opswarden/credentials/slack_webhook_url", "http://127.0.0.1:8099/slack");
    machine.put("/etc/opswarden/agents.toml", "hots = 1\n");
    assert!(!machine.systemctl(&["start", GUARDIAN]));
    assert_eq!(machine.shows(GUARDIAN, "ExecMainStatus"), "78", "{}", machine.journal());
    machine.awaits("a message", || machine.messages_with("exit code 78") == 1);
    assert!(machine.messages_with("hots") >= 1, "{}", machine.read("/srv/messages"));
}

#[test]
fn inside_its_sandbox_the_guardian_restarts_the_units_that_settings_name_and_no_other() {
    let steady = "[Service]\nExecStart=/bin/sleep 1000\n";
    let once = "[Service]\nExecStart=/bin/sh -c 'test -e /run/well && exec sleep 1000; exit 3'\n";
    let service = "[[agents.health-guardian.services]]\nname = \"web\"\nmanager = \"systemd\"\nprocess = \"web.service\"\n";
    let schedule = "cron = \"*/2 * * * * *\"\ntimeout = \"1900ms\"";
    let units = [("web.service", once), ("beside.service", steady)];
    let Some(machine) = Machine::boot(&settings(schedule, service), &units) else { return };
    if !machine.systemd.path("/usr/lib/polkit-1/polkitd").exists() {
        return super::peers::skip(&super::peers::test_name(), "polkitd");
    }
    machine.generate("timers");
    machine.do_it(&["systemctl", "start", "dbus.service", "polkit.service", "beside.service"]);
    machine.systemctl(&["start", "web.service"]);
    machine.awaits("a failed unit", || machine.shows("web.service", "ActiveState") == "failed");
    machine.put("/run/well", "");
    let rule = "/etc/systemd/system/opswarden.rules";
    assert!(machine.read(rule).contains("web.service"), "{}", machine.read(rule));
    let restart = |unit: &str| {
        let words =
            ["runuser", "-u", "opswarden", "--", "systemctl", "--no-ask-password", "restart", unit];
        machine.systemd.run(&words).status.success()
    };
    assert!(!restart("web.service"), "without the rule it may not");
    machine.do_it(&["cp", rule, "/etc/polkit-1/rules.d/50-opswarden.rules"]);
    machine.awaits("the rule to be read", || restart("web.service"));
    assert!(!restart("beside.service"), "no other unit");
    machine.do_it(&["rm", "/run/well"]);
    machine.systemctl(&["restart", "web.service"]);
    machine.awaits("a failed unit", || machine.shows("web.service", "ActiveState") == "failed");
    machine.put("/run/well", "");
    assert!(machine.systemctl(&["start", TIMER]));
    machine.awaits("the repair", || machine.shows("web.service", "ActiveState") == "active");
    let verified = || machine.opsctl(&["remediations"])[0]["state"] == "verified";
    machine.awaits("its proof", verified);
}

#[test]
fn the_doctor_sees_what_starts_each_agent_and_which_unit_differs() {
    let Some(machine) = every_two_seconds("echo start-1\n") else { return };
    let told = |about: &str| {
        let rows = machine.opsctl(&["doctor"]);
        let rows = rows.as_array().expect("a list").clone();
        let row = rows.into_iter().find(|row| row["about"] == about);
        row.map(|row| format!("{}: {}", row["grade"], row["found"])).unwrap_or_default()
    };
    let guardian = "health-guardian: trigger";
    assert!(
        told(guardian).starts_with("\"blocked\""),
        "installed, and not enabled: {}",
        told(guardian)
    );
    machine.do_it(&["systemctl", "enable", TIMER]);
    let stopped = format!("{TIMER} would start it and is stopped");
    assert!(told(guardian).contains(&stopped), "{}", told(guardian));
    assert!(machine.systemctl(&["start", TIMER]));
    assert!(told(guardian).contains(&format!("started by {TIMER}")), "{}", told(guardian));
    assert_eq!(told(&format!("unit {TIMER}")), "");
    let schedule = "cron = \"*/4 * * * * *\"\ntimeout = \"1500ms\"";
    machine.put("/etc/opswarden/agents.toml", &settings(schedule, &by_command()));
    let differs = told(&format!("unit {TIMER}"));
    assert!(differs.contains("OnCalendar is *-*-* *:*:00/2 UTC"), "{differs}");
    machine.put(
        "/etc/cron.d/opswarden",
        "* * * * * root /usr/lib/opswarden/health-guardian --if-due\n",
    );
    assert!(told(guardian).contains("the crontab /etc/cron.d/opswarden"), "{}", told(guardian));
}
