//! `opsctl status`: one screen. Where the ledger may not be read, the published view is shown, and that is said.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::room::no_room;
use super::{Desk, Told, Trouble};
use crate::adapters::backup;
use crate::adapters::store::Access;
use crate::agent::{Need, StoreNeed};
use crate::app::documents::{RestoreTold, StatusTold};
use crate::app::exit::Exit;
use crate::app::scheduler::Beat;
use crate::app::{registry, wire};
use crate::domain::notice::ChannelState;
use crate::domain::operation::LEDGER;
use crate::domain::view::OpsState;
use crate::ports::outbox::Outbox as _;
use crate::ports::store::Store;
use crate::render;
use crate::render::restores::Proved;

impl Desk<'_> {
    pub(super) async fn status(&self) -> Result<Told, Trouble> {
        let now = self.clock.now();
        let paths = &self.config.paths;
        let places = render::status::Places {
            settings: whole(&self.config.file),
            state: paths.state.display().to_string(),
            logs: paths.logs.display().to_string(),
        };
        if self.nothing_is_recorded() {
            let text = render::status::nothing_yet(&places, self.style);
            return Ok(Told { text, json: json!(null), exit: Exit::Clean });
        }
        let mut notes = Vec::new();
        let state = match self.ledger_state().await {
            Ok((state, channels)) => {
                notes.extend(self.about_channels(&channels, now));
                state
            }
            Err(trouble) => {
                let state = self
                    .published()
                    .map_err(|why| Trouble::incomplete(format!("{}; {why}", trouble.message)))?;
                notes.push(format!(
                    "the ledger cannot be read ({}); this is the published view",
                    trouble.message
                ));
                state
            }
        };
        notes.extend(self.about_scheduler(now));
        if let Some(why) = no_room(&paths.state) {
            notes.push(format!(
                "the state folder {why}: what cannot be recorded is not acted on either"
            ));
        }
        let proved = self.proved();
        let text = render::status::status(&places, &notes, &state, &proved, now, self.style);
        let restores = proved.into_iter().map(RestoreTold::of).collect();
        let json = json!(StatusTold { view: state, restores });
        Ok(Told { text, json, exit: Exit::Clean })
    }

    /// What was restored for a proof, of all that agents look after.
    fn proved(&self) -> Vec<Proved> {
        let folder = self.config.paths.backups();
        let needs = registry::ALL.iter().filter(|entry| wire::off(self.config, entry).is_none());
        let needs =
            needs.flat_map(|entry| (entry.needs)(&self.config.of(&(entry.spec)().name).stanza));
        let proved = needs.filter_map(|need| match need {
            Need::Store(StoreNeed::Ledger { .. }) => {
                Some(Proved { of: LEDGER.to_owned(), proof: backup::proof(&folder) })
            }
            Need::Store(StoreNeed::Backups(need)) if need.declared.is_proved() => {
                let of = need.declared.name;
                let proof = backup::proof(&folder.join(&of));
                Some(Proved { of, proof })
            }
            _ => None,
        });
        proved.collect()
    }

    /// What an admin should know of the scheduler, where one has been at work here.
    fn about_scheduler(&self, now: Timestamp) -> Vec<String> {
        let paths = &self.config.paths;
        let beat = match Beat::read(&paths.beat()) {
            Ok(Some(beat)) => beat,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![format!("{}: {error}", paths.beat().display())],
        };
        let process = Path::new("/proc").join(beat.pid.to_string());
        if !beat.is_silent(now) && !process.exists() {
            let gone = format!(
                "the scheduler (pid {}) is gone; unless something else does, nothing starts agents",
                beat.pid
            );
            return vec![gone];
        }
        let accepted = std::fs::read_to_string(paths.accepted()).ok();
        let is_changed = accepted.is_some_and(|text| text != self.config.text);
        beat.notes(now, is_changed)
    }

    /// Which ways to people take nothing: whoever waits for an alert waits in vain.
    fn about_channels(&self, channels: &[ChannelState], now: Timestamp) -> Vec<String> {
        let named = |one: &&ChannelState| {
            self.config.notify.channels.iter().any(|channel| channel.name == one.name)
        };
        let failing = |one: &ChannelState| {
            let error = one.last_error.as_deref().unwrap_or("no answer");
            (one.failures > 0).then(|| format!("channel {} took nothing lately: {error}", one.name))
        };
        let ill = channels.iter().filter(named);
        let ill = ill.filter_map(|one| Some((one, one.dead(now).or_else(|| failing(one))?)));
        let note = |(one, why): (&ChannelState, String)| {
            format!("{why}; mend it, then `opsctl notify test {}`", one.name)
        };
        ill.map(note).collect()
    }

    async fn ledger_state(&self) -> Result<(OpsState, Vec<ChannelState>), Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let state = store.ops_state(self.clock.now()).await?;
        let channels = store.channels().await?;
        store.close().await?;
        Ok((state, channels))
    }

    fn published(&self) -> Result<OpsState, String> {
        let file = self.config.paths.view();
        let unreadable = |why: String| format!("{} cannot be read either: {why}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
    }
}

/// A path from the root on: a relative one means something else wherever it is read.
fn whole(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
