//! Whether this host has the programs that backups need: a dump that is to be made, and a restore that is to be proved.

use super::row::{Grade, Row};
use crate::adapters::backup::ServerPrograms;
use crate::agent::{BackupsNeed, Need, StoreNeed};

/// A row for each thing that needs some. What is missing keeps an agent from nothing else, and is not blocked for that.
pub(super) fn programs(agent: &str, needs: &[Need]) -> Vec<Row> {
    let backups = needs.iter().filter_map(|need| match need {
        Need::Store(StoreNeed::Backups(need)) => Some(need.as_ref()),
        _ => None,
    });
    backups.flat_map(|need| of_backups(agent, need)).collect()
}

fn of_backups(agent: &str, need: &BackupsNeed) -> Vec<Row> {
    let (declared, programs) = (&need.declared, ServerPrograms::new(need.bin_dir.as_deref()));
    let about = |what: &str| format!("{agent}: {what} of {}", declared.name);
    let mut rows = Vec::new();
    if declared.make {
        rows.push(match programs.dump_folder() {
            Ok(folder) => (Grade::Ok, about("dump"), format!("pg_dump is in {}", folder.display())),
            Err(why) => {
                let told = format!("none can be made: {why}; install postgresql-client");
                (Grade::Partial, about("dump"), told)
            }
        });
    }
    if declared.is_proved() {
        rows.push(match programs.folder() {
            Ok(folder) => {
                (Grade::Ok, about("restore"), format!("a server is in {}", folder.display()))
            }
            Err(why) => {
                let told = format!("none can be proved here: {why}; install postgresql");
                (Grade::Partial, about("restore"), told)
            }
        });
    }
    rows
}
