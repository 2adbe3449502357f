//! Whether process managers can be read, and whether what they manage could start again.

use std::collections::BTreeMap;

use super::row::{Grade, Row};
use crate::agent::DeclaredProcess;
use crate::domain::process::{ManagerKind, ProcessReading, Startable};
use crate::domain::sight::{Scan, Sight};

/// Adds what a manager's list says of the processes that settings name.
pub(in crate::app::opsctl) fn manager(
    about: &str,
    seen: &Sight<Scan<ProcessReading>>,
    declared: &[DeclaredProcess],
    rows: &mut Vec<Row>,
) {
    let scan = match seen {
        Ok(scan) => scan,
        Err(blind) => {
            rows.push((Grade::Blocked, about.to_owned(), blind.why.clone()));
            return;
        }
    };
    rows.push((Grade::Ok, about.to_owned(), format!("readable, {} processes", scan.items.len())));
    let mut by_name: BTreeMap<&str, Vec<&ProcessReading>> = BTreeMap::new();
    for reading in &scan.items {
        by_name.entry(reading.process.name.as_str()).or_default().push(reading);
    }
    for process in declared {
        match by_name.get(process.name.as_str()) {
            None => {
                let why = scan
                    .cut_short
                    .clone()
                    .unwrap_or_else(|| "the manager does not know it".to_owned());
                rows.push((Grade::Blocked, format!("{about}:{}", process.name), why));
            }
            Some(readings) => rows.extend(readings.iter().map(|reading| restartable(reading))),
        }
    }
}

/// Whether a restart of this process would have a chance.
fn restartable(reading: &ProcessReading) -> Row {
    let about = format!("restart {}", reading.process);
    let limit = match reading.memory_limit_bytes {
        Some(bytes) => format!("memory limit {} MiB", bytes / (1024 * 1024)),
        None => "no memory limit of its own, so memory never restarts it".to_owned(),
    };
    let status = reading.status.as_str();
    match &reading.startable {
        // To ask polkit for somebody else's right takes root, and to try it takes a restart.
        Startable::Plausible { checked } if needs_rule(reading) => {
            let why = "whether this user may restart it is not tried: that takes the polkit rule of \
                       `opsctl generate systemd`";
            (Grade::Partial, about, format!("{status}; {checked}; {why}"))
        }
        Startable::Plausible { checked } => {
            (Grade::Ok, about, format!("{status}; {checked}; {limit}"))
        }
        Startable::Unprovable { why } => {
            (Grade::Partial, about, format!("{status}; not provable: {why}; {limit}"))
        }
        Startable::Blocked { why } => (Grade::Blocked, about, format!("{status}; {why}")),
    }
}

fn needs_rule(reading: &ProcessReading) -> bool {
    reading.process.manager == ManagerKind::Systemd && !rustix::process::geteuid().is_root()
}
