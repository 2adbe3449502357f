//! What `systemctl show` prints of units, read field by field.
//!
//! A word that is not known blinds the whole listing. A unit that systemd does not know is absent from it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::cgroup;
use crate::domain::process::{ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable};
use crate::domain::sight::{Blind, Sight};

/// The properties asked for.
pub(super) const PROPERTIES: [&str; 24] = [
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "InvocationID",
    "MainPID",
    "NRestarts",
    "Restart",
    "MemoryCurrent",
    "MemoryMax",
    "ExecMainStatus",
    "ExecMainCode",
    "ExecMainStartTimestamp",
    "UnitFileState",
    "ExecStart",
    "FragmentPath",
    "NeedDaemonReload",
    "RootDirectory",
    "RootImage",
    "ControlGroup",
    "ExecMainStartTimestampMonotonic",
    "ActiveExitTimestampMonotonic",
    "ExecMainExitTimestampMonotonic",
];

/// One unit with what acting needs and a reading does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Whether systemd may refuse to start it before its counter is cleared.
    pub(super) gave_up: bool,
    /// What the port shows.
    pub(super) reading: ProcessReading,
}

type Block<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// Reads one block of properties for each of `units`, in their order. `None` for a unit that is not known.
pub(super) fn read(text: &str, units: &[String]) -> Sight<Vec<Option<Shown>>> {
    let not_understood = |what: &str| {
        Blind::because(format!("the answer of `systemctl show` is not understood: {what}"))
    };
    // A last line without its end is a truncated answer.
    if !text.ends_with('\n') {
        return Err(not_understood("it ends too early"));
    }
    let blocks: Vec<Block<'_>> = text
        .split("\n\n")
        .map(|block| block.trim_matches('\n'))
        .filter(|block| !block.is_empty())
        .map(block)
        .collect();
    if blocks.len() != units.len() {
        return Err(not_understood("it has not one part for each unit"));
    }
    blocks.iter().zip(units).map(|(block, unit)| unit_shown(block, unit)).collect()
}

fn block(text: &str) -> Block<'_> {
    let mut block = Block::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        block.entry(name).or_default().push(value);
    }
    block
}

fn first<'a>(block: &Block<'a>, name: &str) -> Option<&'a str> {
    block.get(name)?.first().copied()
}

fn unit_shown(block: &Block<'_>, unit: &str) -> Sight<Option<Shown>> {
    let needed = |name: &str| {
        first(block, name).ok_or_else(|| {
            Blind::because(format!("systemd says nothing of the {name} of `{unit}`"))
        })
    };
    let unknown = |name: &str, word: &str| {
        let word: String = word.chars().take(40).collect();
        Blind::because(format!("systemd says {name}={word} of `{unit}`, which is not understood"))
    };
    let (load, active, sub, result) = (
        needed("LoadState")?,
        needed("ActiveState")?,
        needed("SubState")?,
        first(block, "Result").unwrap_or("success"),
    );
    if !matches!(load, "loaded" | "merged" | "masked" | "not-found" | "bad-setting" | "error") {
        return Err(unknown("LoadState", load));
    }
    if load == "not-found" && active == "inactive" {
        return Ok(None);
    }
    let ended = if stopped_on_request(block, result) {
        End::Wanted
    } else if gave_up(block, result) {
        End::GivenUp
    } else {
        End::Own
    };
    let Some(status) = status(load, active, sub, ended, result) else {
        return Err(unknown("ActiveState", &format!("{active}/{sub}")));
    };
    let text = |name| first(block, name).filter(|value| !value.is_empty());
    let memory = text("MemoryCurrent").and_then(bytes).zip(text("ControlGroup"));
    let memory = memory.and_then(|(used, group)| cgroup::working_set(used, group));
    let reading = ProcessReading {
        process: ProcessRef {
            manager: ManagerKind::Systemd,
            name: unit.to_owned(),
            instance: None,
        },
        status,
        identity: text("InvocationID").map(str::to_owned),
        started_at: text("ExecMainStartTimestamp").and_then(timestamp),
        restarts: text("NRestarts").and_then(|count| count.parse().ok()),
        last_exit: last_exit(block, result),
        memory_bytes: memory,
        // A limit that nothing can be compared with is none.
        memory_limit_bytes: text("MemoryMax").and_then(bytes).filter(|_| memory.is_some()),
        can_reload: false,
        startable: startable(block, load),
        log_paths: Vec::new(),
    };
    Ok(Some(Shown { gave_up: gave_up(block, result), reading }))
}

/// Whether systemd starts this unit again after a failure, did so, and stopped doing so.
///
/// The result alone does not tell: measured, it names the first failure and not the limit that was hit.
fn gave_up(block: &Block<'_>, result: &str) -> bool {
    let by_itself = matches!(first(block, "Restart"), Some("always" | "on-failure"));
    let restarts = first(block, "NRestarts").and_then(|count| count.parse::<u64>().ok());
    let failed = first(block, "ActiveState") == Some("failed");
    result == "start-limit-hit" || (failed && by_itself && restarts.is_some_and(|count| count > 0))
}

/// How a unit that does not run came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Somebody had it stopped.
    Wanted,
    /// systemd gave up starting it.
    GivenUp,
    /// By itself.
    Own,
}

/// Whether somebody had the unit stopped while it was well. Measured: a unit that is told to stop leaves its active state
/// before its main process ends, and one whose process dies leaves it afterwards. The exit code does not tell: many
/// programs answer a stop with an error. systemd keeps the moment of an earlier life, and stops units by itself, too.
fn stopped_on_request(block: &Block<'_>, result: &str) -> bool {
    if matches!(result, "watchdog" | "oom-kill" | "start-limit-hit") {
        return false;
    }
    let moment = |name: &str| {
        first(block, name).and_then(|text| text.parse::<u64>().ok()).filter(|at| *at > 0)
    };
    match (
        moment("ExecMainStartTimestampMonotonic"),
        moment("ActiveExitTimestampMonotonic"),
        moment("ExecMainExitTimestampMonotonic"),
    ) {
        (Some(started), Some(left_active), Some(ended)) => {
            started < left_active && left_active < ended
        }
        _ => false,
    }
}

fn status(load: &str, active: &str, sub: &str, ended: End, result: &str) -> Option<ProcessStatus> {
    Some(match (active, sub) {
        ("active", "running" | "exited") | ("reloading" | "refreshing", _) => ProcessStatus::Online,
        ("activating", "auto-restart" | "auto-restart-queued") => ProcessStatus::WaitingRestart,
        ("activating", _) => ProcessStatus::Starting,
        ("deactivating", _) => ProcessStatus::Stopping,
        ("failed" | "inactive", _) if load == "masked" || ended == End::Wanted => {
            ProcessStatus::Stopped
        }
        ("failed", _) if ended == End::GivenUp => ProcessStatus::Errored,
        ("inactive", _) if result == "success" => ProcessStatus::Stopped,
        ("failed" | "inactive", _) => ProcessStatus::Crashed,
        _ => return None,
    })
}

/// A moment as systemd prints it in UTC: `Fri 2026-11-20 17:53:37 UTC`.
fn timestamp(text: &str) -> Option<Timestamp> {
    let civil = text.strip_suffix(" UTC")?;
    let parsed = strtime::parse("%a %Y-%m-%d %H:%M:%S", civil).ok()?.to_datetime().ok()?;
    Some(parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// A number of bytes; `infinity`, `[not set]` and the largest number are none.
fn bytes(text: &str) -> Option<u64> {
    text.parse().ok().filter(|bytes| *bytes != u64::MAX)
}

fn last_exit(block: &Block<'_>, result: &str) -> Option<String> {
    let code = first(block, "ExecMainCode")?;
    let status = first(block, "ExecMainStatus")?;
    let end = match code {
        "1" => format!("exit code {status}"),
        "2" => format!("signal {status}"),
        "3" => format!("signal {status} with a core dump"),
        _ => return None,
    };
    Some(if result == "success" { end } else { format!("{end} ({result})") })
}

fn startable(block: &Block<'_>, load: &str) -> Startable {
    match load {
        "masked" => return Startable::Blocked { why: "its unit is masked".to_owned() },
        "not-found" => return Startable::Blocked { why: "its unit file is gone".to_owned() },
        "bad-setting" | "error" => {
            return Startable::Blocked { why: "its unit file has an error".to_owned() };
        }
        _ => {}
    }
    let programs: Vec<&str> =
        block.get("ExecStart").into_iter().flatten().filter_map(|line| program(line)).collect();
    let elsewhere = ["RootDirectory", "RootImage"]
        .iter()
        .any(|root| first(block, root).is_some_and(|root| !root.is_empty()));
    let changed = match first(block, "NeedDaemonReload") {
        Some("yes") => "; its unit file changed since it was loaded",
        _ => "",
    };
    if programs.is_empty() || elsewhere {
        let checked = format!("its unit is loaded{changed}");
        return Startable::Plausible { checked };
    }
    if let Some(missing) = programs.iter().find(|path| !Path::new(path).exists()) {
        return Startable::Blocked { why: format!("its program {missing} is missing") };
    }
    let checked = format!("its unit is loaded and {} is there{changed}", programs.join(", "));
    Startable::Plausible { checked }
}

/// The program of a line `{ path=/bin/x ; argv[]=… }`.
fn program(line: &str) -> Option<&str> {
    let start = line.split_once("path=")?.1;
    let path = start.split_once(" ;").map_or(start, |(path, _)| path);
    path.starts_with('/').then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUNNING: &str = "Id=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\
        Result=success\nInvocationID=0123456789abcdef\nMainPID=77\nNRestarts=2\nRestart=no\nMemoryCurrent=4096\n\
        MemoryMax=infinity\nExecMainStatus=0\nExecMainCode=0\n\
        ExecMainStartTimestamp=Fri 2026-11-20 17:53:37 UTC\nUnitFileState=static\n\
        ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c sleep 1 ; ignore_errors=no }\n\
        FragmentPath=/x\nNeedDaemonReload=no\nRootDirectory=\nControlGroup=\nExecMainStartTimestampMonotonic=0\n\
        ActiveExitTimestampMonotonic=0\n\
        ExecMainExitTimestampMonotonic=0\n";

    fn units(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn one(changes: &[(&str, &str)]) -> Sight<Option<Shown>> {
        let mut printed = String::new();
        for line in RUNNING.lines() {
            let (name, value) = line.split_once('=').unwrap();
            let other = changes.iter().find(|(changed, _)| *changed == name);
            let value = other.map_or(value, |(_, value)| value);
            printed.extend([name, "=", value, "\n"]);
        }
        Ok(read(&printed, &units(&["web"]))?.remove(0))
    }

    fn status_of(active: &str, sub: &str, result: &str) -> ProcessStatus {
        let shown = one(&[("ActiveState", active), ("SubState", sub), ("Result", result)]);
        shown.unwrap().unwrap().reading.status
    }

    #[test]
    fn a_running_unit_is_read_under_its_declared_name() {
        let reading = one(&[]).unwrap().unwrap().reading;
        assert_eq!(reading.process.to_string(), "systemd:web");
        assert_eq!(reading.status, ProcessStatus::Online);
        assert_eq!(reading.identity.as_deref(), Some("0123456789abcdef"));
        assert_eq!(reading.started_at, Some("2026-11-20T17:53:37Z".parse().unwrap()));
        assert_eq!((reading.restarts, reading.memory_bytes), (Some(2), None), "no control group");
        assert_eq!(reading.memory_limit_bytes, None);
        assert!(matches!(reading.startable, Startable::Plausible { .. }));
    }

    #[test]
    fn every_state_has_one_meaning() {
        let cases = [
            ("active", "running", "success", ProcessStatus::Online),
            ("active", "exited", "success", ProcessStatus::Online),
            ("reloading", "reload", "success", ProcessStatus::Online),
            ("activating", "auto-restart", "exit-code", ProcessStatus::WaitingRestart),
            ("activating", "start", "success", ProcessStatus::Starting),
            ("deactivating", "stop-sigterm", "success", ProcessStatus::Stopping),
            ("failed", "failed", "exit-code", ProcessStatus::Crashed),
            ("failed", "failed", "oom-kill", ProcessStatus::Crashed),
            ("failed", "failed", "start-limit-hit", ProcessStatus::Errored),
            ("inactive", "dead", "success", ProcessStatus::Stopped),
            ("inactive", "dead", "signal", ProcessStatus::Crashed),
        ];
        for (active, sub, result, status) in cases {
            assert_eq!(status_of(active, sub, result), status, "{active}/{sub} {result}");
        }
    }

    #[test]
    fn a_unit_that_left_its_active_state_before_its_process_ended_was_stopped() {
        let ended = |left_active: &str, process_ended: &str, restarts: &str, result: &str| {
            let shown = one(&[
                ("ActiveState", "failed"),
                ("SubState", "failed"),
                ("Result", result),
                ("ExecMainStartTimestampMonotonic", "600000000"),
                ("Restart", "always"),
                ("NRestarts", restarts),
                ("ActiveExitTimestampMonotonic", left_active),
                ("ExecMainExitTimestampMonotonic", process_ended),
            ]);
            shown.unwrap().unwrap().reading.status
        };
        let code = "exit-code";
        assert_eq!(ended("682282829", "682283368", "0", code), ProcessStatus::Stopped);
        assert_eq!(ended("682282829", "682283368", "3", code), ProcessStatus::Stopped);
        assert_eq!(ended("679266048", "679265819", "0", code), ProcessStatus::Crashed);
        assert_eq!(ended("0", "679265819", "3", code), ProcessStatus::Errored);
        // The moment of an earlier life, and a stop of systemd's own.
        assert_eq!(ended("500000000", "679265819", "0", code), ProcessStatus::Crashed);
        assert_eq!(ended("682282829", "682283368", "0", "watchdog"), ProcessStatus::Crashed);
    }

    #[test]
    fn a_unit_that_is_not_started_again_any_more_is_given_up() {
        let failed = |restart: &str, count: &str| {
            let shown = one(&[
                ("ActiveState", "failed"),
                ("SubState", "failed"),
                ("Result", "exit-code"),
                ("Restart", restart),
                ("NRestarts", count),
            ]);
            shown.unwrap().unwrap().reading.status
        };
        assert_eq!(failed("always", "3"), ProcessStatus::Errored);
        assert_eq!(failed("on-failure", "3"), ProcessStatus::Errored);
        assert_eq!(failed("on-failure", "0"), ProcessStatus::Crashed);
        assert_eq!(failed("on-abort", "3"), ProcessStatus::Crashed);
    }

    #[test]
    fn an_unknown_word_blinds_the_whole_listing() {
        assert!(one(&[("ActiveState", "maintenance")]).is_err());
        assert!(one(&[("SubState", "listening")]).is_err());
        assert!(one(&[("LoadState", "stub")]).is_err());
    }

    #[test]
    fn an_unknown_unit_is_absent_and_a_masked_one_is_stopped_for_good() {
        let gone = [("LoadState", "not-found"), ("ActiveState", "inactive"), ("SubState", "dead")];
        assert_eq!(one(&gone), Ok(None));
        let masked = [("LoadState", "masked"), ("ActiveState", "failed"), ("SubState", "failed")];
        let reading = one(&masked).unwrap().unwrap().reading;
        assert_eq!(reading.status, ProcessStatus::Stopped);
        assert!(matches!(reading.startable, Startable::Blocked { .. }));
    }

    #[test]
    fn a_unit_that_runs_without_its_file_could_not_start_again() {
        let shown = one(&[("LoadState", "not-found")]).unwrap().unwrap();
        assert_eq!(shown.reading.status, ProcessStatus::Online);
        assert!(matches!(shown.reading.startable, Startable::Blocked { .. }));
    }

    #[test]
    fn a_missing_program_blocks_unless_it_lives_under_another_root() {
        let start = ("ExecStart", "{ path=/nowhere/x ; argv[]=x ; }");
        let here = one(&[start]).unwrap().unwrap().reading.startable;
        assert_eq!(
            here,
            Startable::Blocked { why: "its program /nowhere/x is missing".to_owned() }
        );
        let there = one(&[start, ("RootDirectory", "/srv")]).unwrap().unwrap().reading.startable;
        assert!(matches!(there, Startable::Plausible { .. }));
    }

    #[test]
    fn the_last_end_is_told_with_its_cause() {
        let ended = [("ExecMainCode", "2"), ("ExecMainStatus", "9"), ("Result", "oom-kill")];
        let reading = one(&ended).unwrap().unwrap().reading;
        assert_eq!(reading.last_exit.as_deref(), Some("signal 9 (oom-kill)"));
    }

    #[test]
    fn blocks_and_units_must_agree_in_number() {
        let two = format!("{RUNNING}\n{RUNNING}");
        assert_eq!(read(&two, &units(&["a", "b"])).unwrap().len(), 2);
        assert!(read(&two, &units(&["a"])).is_err());
        assert!(read(RUNNING, &units(&["a", "b"])).is_err());
        assert!(read("", &units(&["a"])).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_never_lists(text in "\\PC{0,300}") {
            prop_assert!(read(&text, &units(&["a"])).is_err());
        }

        #[test]
        fn a_truncated_answer_about_two_units_is_never_a_list(cut in any::<proptest::sample::Index>()) {
            let whole = format!("{RUNNING}\n{RUNNING}");
            // The last properties are not needed, so a cut at the end of their lines loses nothing.
            let needed = whole.rfind("Result=").unwrap();
            prop_assert!(read(&whole[..cut.index(needed)], &units(&["a", "b"])).is_err());
        }
    }
}
