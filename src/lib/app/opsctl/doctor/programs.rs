//! Whether this host has the programs that backups need: a dump that is to be made, a restore that is to be proved, and what
//! encrypts them.

use std::path::PathBuf;

use super::encryption::encryption;
use super::row::{Grade, Row};
use crate::adapters::backup::ServerPrograms;
use crate::agent::{BackupsNeed, Need, StoreNeed};

/// A row for each thing that needs some. A dump that is to be made and cannot be is blocked; a restore that cannot be proved
/// here keeps an agent from nothing else, and is not.
pub(super) fn programs(agent: &str, needs: &[Need]) -> Vec<Row> {
    let backups = needs.iter().filter_map(|need| match need {
        Need::Store(StoreNeed::Backups(need)) => Some(need.as_ref()),
        _ => None,
    });
    backups.flat_map(|need| of_backups(agent, need)).collect()
}

fn of_backups(agent: &str, need: &BackupsNeed) -> Vec<Row> {
    let (declared, programs) = (&need.declared, ServerPrograms::new(need.bin_dir.as_deref()));
    let usual = ServerPrograms::new(None);
    let about = |what: &str| format!("{agent}: {what} of {}", declared.name);
    let advice = |found: Result<PathBuf, String>, package: &str| match &need.bin_dir {
        None => format!("install {package}"),
        Some(_) => corrected(found, package),
    };
    let mut rows = Vec::new();
    if declared.make {
        rows.push(match programs.dump_folder() {
            Ok(folder) => (Grade::Ok, about("dump"), format!("pg_dump is in {}", folder.display())),
            Err(why) => {
                let advice = advice(usual.dump_folder(), "postgresql-client");
                (Grade::Blocked, about("dump"), format!("none can be made: {why}; {advice}"))
            }
        });
    }
    if declared.is_proved() {
        rows.push(match programs.folder() {
            Ok(folder) => {
                (Grade::Ok, about("restore"), format!("a server is in {}", folder.display()))
            }
            Err(why) => {
                let advice = advice(usual.folder(), "postgresql");
                let told = format!("none can be proved here: {why}; {advice}");
                (Grade::Partial, about("restore"), told)
            }
        });
    }
    rows.extend(encryption(agent, declared));
    rows
}

/// What to do where the settings name a folder that does not have them: they may lie elsewhere on this host.
fn corrected(found: Result<PathBuf, String>, package: &str) -> String {
    match found {
        Ok(folder) => {
            format!("correct `postgres.bin_dir`: on this host they are in {}", folder.display())
        }
        Err(_) => format!(
            "correct `postgres.bin_dir`, or install {package}: this host has them in no usual place either"
        ),
    }
}
