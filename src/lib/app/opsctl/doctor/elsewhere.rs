//! Whether another monitor of this machine still tells people by an address of ours: they would hear everything twice.

use std::path::{Path, PathBuf};

use super::row::{Grade, Row};
use crate::adapters::elsewhere::Search;
use crate::app::commands;
use crate::app::config::Config;
use crate::app::config::notify::{ChannelSettings, secret_names};

/// A shorter text stands in files by chance.
const LONG_ENOUGH: usize = 16;

/// One row for each channel with an address or a token.
pub(super) fn elsewhere(config: &Config) -> Vec<Row> {
    let ours: Vec<String> =
        commands::all().iter().map(|command| commands::name(command).to_owned()).collect();
    let pm2 = PathBuf::from(&config.managers.pm2.home);
    let row = |channel: &ChannelSettings| {
        let name = secret_names(channel).into_iter().next()?;
        let address = config.given(&name).filter(|given| given.len() >= LONG_ENOUGH)?;
        let own = std::process::id();
        let seen = Search { root: Path::new("/"), pm2: &pm2, address, ours: &ours, own }.look();
        let about = format!("channel {}, used elsewhere", channel.name);
        let looked = format!(
            "{} of {} processes and {} files of cron, systemd and PM2 could be read",
            seen.processes_read, seen.processes, seen.files_read
        );
        Some(if seen.holders.is_empty() {
            (Grade::Ok, about, format!("nobody else is seen to hold {name}; {looked}"))
        } else {
            let holders: Vec<String> = seen.holders.into_iter().collect();
            let found = format!(
                "people may be told twice: {name} is also held by {}; {looked}",
                holders.join(", ")
            );
            (Grade::Partial, about, found)
        })
    };
    config.notify.channels.iter().filter_map(row).collect()
}
