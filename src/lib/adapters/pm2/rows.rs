//! What PM2 says of its processes, read field by field.
//!
//! A row carries the whole environment of its process, so only the fields below are read and nothing raw is kept.
//! A row that lacks one of the needed fields, or a status word that is not known, blinds the whole listing: a list
//! with a hole would pass for a complete one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::process::{ManagerKind, ProcessReading, ProcessRef, ProcessStatus, Startable};
use crate::domain::sight::{Blind, Scan, Sight};

/// More rows than this are not a process list of one host.
const MOST_ROWS: usize = 10_000;
/// PM2 gives this prefix to the number of a process that a reload is replacing.
const OUTGOING: &str = "_old_";

/// One row with what acting needs and a reading does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// PM2's own number, good for one call.
    pub(super) pm_id: u64,
    /// Whether a dead process still counts as alive for PM2: it must be told to stop before it will start.
    pub(super) holds_dead_pid: bool,
    /// The program that PM2 starts.
    pub(super) program: PathBuf,
    /// What the port shows.
    pub(super) reading: ProcessReading,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    pm_id: Value,
    #[serde(default)]
    pid: Value,
    #[serde(default)]
    monit: Value,
    pm2_env: Env,
}

#[derive(Deserialize)]
struct Env {
    status: String,
    #[serde(default)]
    pm_uptime: Value,
    #[serde(default)]
    exit_code: Value,
    #[serde(default)]
    exec_mode: Value,
    #[serde(default)]
    autorestart: Value,
    #[serde(default)]
    autostart: Value,
    #[serde(default)]
    cron_restart: Value,
    #[serde(default)]
    stop_exit_codes: Value,
    #[serde(default)]
    treekill: Value,
    #[serde(default, rename = "_tree_pids")]
    tree_pids: Value,
    #[serde(default)]
    restart_time: Value,
    #[serde(default)]
    max_memory_restart: Value,
    #[serde(default)]
    pm_exec_path: Value,
    #[serde(default)]
    pm_cwd: Value,
    #[serde(default)]
    pm_err_log_path: Value,
    #[serde(default)]
    pm_out_log_path: Value,
}

/// Reads a JSON array of rows.
pub(super) fn read(json: &[u8]) -> Sight<Vec<Listed>> {
    let rows: Vec<Row> = serde_json::from_slice(json).map_err(|error| {
        Blind::because(format!("PM2's answer is not understood: {}", place(&error)))
    })?;
    if rows.is_empty() {
        return Err(Blind::because("PM2 knows no process: it may have lost them"));
    }
    if rows.len() > MOST_ROWS {
        return Err(Blind::because(format!("PM2 lists more than {MOST_ROWS} processes")));
    }
    let mut by_name: BTreeMap<String, Vec<(u64, Row)>> = BTreeMap::new();
    for row in rows {
        if let Some(pm_id) = number(&row)? {
            by_name.entry(row.name.clone()).or_default().push((pm_id, row));
        }
    }
    let mut listed = Vec::new();
    for (name, mut rows) in by_name {
        rows.sort_by_key(|(pm_id, _)| *pm_id);
        let several = rows.len() > 1;
        for (instance, (pm_id, row)) in (0_u32..).zip(rows) {
            let process = ProcessRef {
                manager: ManagerKind::Pm2,
                name: name.clone(),
                instance: several.then_some(instance),
            };
            listed.push(list(pm_id, &row, process)?);
        }
    }
    Ok(listed)
}

/// The readings of a listing.
pub(super) fn readings(listed: Vec<Listed>) -> Scan<ProcessReading> {
    Scan::whole(listed.into_iter().map(|listed| listed.reading).collect())
}

/// Where the JSON went wrong. serde's own words may repeat a value, which may be a secret.
fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a needed field is missing or of another kind",
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// PM2's number of a row; `None` for a process on its way out, whose successor has a row of its own.
fn number(row: &Row) -> Sight<Option<u64>> {
    match &row.pm_id {
        Value::String(text) if text.starts_with(OUTGOING) => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| {
            Blind::because(format!("PM2 gives `{}` no number that is understood", row.name))
        }),
    }
}

fn list(pm_id: u64, row: &Row, process: ProcessRef) -> Sight<Listed> {
    let env = &row.pm2_env;
    let pid = row.pid.as_u64().filter(|pid| *pid > 0);
    let up_ms = env.pm_uptime.as_i64();
    let status = status(row, pid)?;
    let reading = ProcessReading {
        process,
        status,
        identity: pid.zip(up_ms).map(|(pid, up)| format!("{pid}@{up}")),
        started_at: up_ms.and_then(|up| Timestamp::from_millisecond(up).ok()),
        restarts: env.restart_time.as_u64(),
        last_exit: env.exit_code.as_i64().map(|code| format!("exit code {code}")),
        memory_bytes: row.monit.get("memory").and_then(Value::as_u64).filter(|bytes| *bytes > 0),
        memory_limit_bytes: bytes(&env.max_memory_restart),
        can_reload: env.exec_mode.as_str() == Some("cluster_mode"),
        startable: startable(env),
        log_paths: [&env.pm_err_log_path, &env.pm_out_log_path]
            .into_iter()
            .filter_map(|path| path.as_str().map(str::to_owned))
            .collect(),
    };
    let holds_dead_pid = status == ProcessStatus::WaitingRestart;
    let program = PathBuf::from(row.pm2_env.pm_exec_path.as_str().unwrap_or_default());
    Ok(Listed { pm_id, holds_dead_pid, program, reading })
}

fn status(row: &Row, pid: Option<u64>) -> Sight<ProcessStatus> {
    match row.pm2_env.status.as_str() {
        "online" => Ok(ProcessStatus::Online),
        "launching" => Ok(ProcessStatus::Starting),
        "stopping" => Ok(ProcessStatus::Stopping),
        // PM2 could not stop it in time, and so it still runs.
        "errored" if pid.is_some() => Ok(ProcessStatus::Stopping),
        "errored" => Ok(ProcessStatus::Errored),
        "waiting restart" if pid.is_some() => Ok(ProcessStatus::WaitingRestart),
        // Measured: with a restart delay PM2 says "waiting restart" of every death, also where nothing will start
        // it again. It then has forgotten the pid.
        "waiting restart" if restarts_by_itself(&row.pm2_env) => Ok(ProcessStatus::Errored),
        "stopped" | "waiting restart" => Ok(rest(&row.pm2_env)),
        word => Err(Blind::because(format!(
            "PM2 says `{}` of `{}`, which is not understood",
            word.chars().take(40).collect::<String>(),
            row.name
        ))),
    }
}

/// Whether a process that lies still was meant to.
fn rest(env: &Env) -> ProcessStatus {
    let failed = env.exit_code.as_i64().is_some_and(|code| code != 0);
    let once = is_false(&env.autorestart);
    let by_plan = env.cron_restart.as_str().is_some_and(|cron| !cron.is_empty() && cron != "0");
    if once && failed && !by_plan && !is_wanted_end(env) && never_killed_by_pm2(env) {
        ProcessStatus::Crashed
    } else {
        ProcessStatus::Stopped
    }
}

/// Whether PM2 itself has never killed it: a process that answers a stop with an error code looks like a crashed one. PM2
/// keeps whom it killed, as long as it kills whole trees, and does not forget it at the next start.
fn never_killed_by_pm2(env: &Env) -> bool {
    env.treekill == Value::Bool(true) && env.tree_pids.is_null()
}

fn restarts_by_itself(env: &Env) -> bool {
    !is_false(&env.autorestart) && !is_wanted_end(env)
}

/// Whether the last exit code is one after which the process is to lie still.
fn is_wanted_end(env: &Env) -> bool {
    let one = |value: &Value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    let wanted: Vec<i64> = match &env.stop_exit_codes {
        Value::Array(codes) => codes.iter().filter_map(one).collect(),
        code => one(code).into_iter().collect(),
    };
    env.exit_code.as_i64().is_some_and(|code| wanted.contains(&code))
}

fn is_false(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_str() == Some("false")
}

/// A number of bytes, or a text such as `640M`. Anything else is no limit that we know.
fn bytes(value: &Value) -> Option<u64> {
    let parsed = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => {
            let text = text.trim();
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let unit = match text[digits..].to_ascii_uppercase().as_str() {
                "" => 1,
                "K" | "KB" => 1 << 10,
                "M" | "MB" => 1 << 20,
                "G" | "GB" => 1 << 30,
                _ => return None,
            };
            text[..digits].parse::<u64>().ok().and_then(|number| number.checked_mul(unit))
        }
        _ => None,
    };
    parsed.filter(|bytes| *bytes > 0)
}

fn startable(env: &Env) -> Startable {
    if is_false(&env.autostart) {
        return Startable::Blocked { why: "its automatic start is switched off in PM2".to_owned() };
    }
    let (Some(script), Some(folder)) = (path(&env.pm_exec_path), path(&env.pm_cwd)) else {
        return Startable::Unprovable { why: "PM2 names no script and folder for it".to_owned() };
    };
    if let Err(error) = std::fs::File::open(&script) {
        return blocked("its script", &script, &error);
    }
    if let Err(error) = std::fs::read_dir(&folder) {
        return blocked("its folder", &folder, &error);
    }
    let checked = format!("{} and {} are there", script.display(), folder.display());
    Startable::Plausible { checked }
}

fn path(value: &Value) -> Option<PathBuf> {
    value.as_str().filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn blocked(what: &str, path: &Path, error: &std::io::Error) -> Startable {
    Startable::Blocked { why: format!("{what} {} cannot be read: {error}", path.display()) }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
