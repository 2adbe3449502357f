//! `--plan`: a run that leaves no trace.

use std::path::Path;
use std::sync::Arc;

use super::agent_run::{Launch, close};
use super::exit::Exit;
use super::opsctl::absent;
use super::out;
use super::saved_plan;
use super::wire::{self, Wish};
use crate::adapters::store::{Access, SqliteStore, StoreOptions, copy};
use crate::domain::incident::RunId;
use crate::domain::report::Report;
use crate::domain::saved_plan::{Place, SavedPlan};
use crate::engine::{Engine, Mode};
use crate::ports::clock::Clock;
use crate::ports::store::StoreError;

impl Launch<'_> {
    /// Keeps the plan of a dry run in a file; what was kept, in words.
    pub(super) fn keep(
        &self,
        engine: &Engine,
        report: &Report,
        place: Place,
        file: &Path,
    ) -> Result<String, String> {
        let settings = saved_plan::settings(engine, &self.config.of(&place.agent).stanza);
        let plan = SavedPlan::new(&report.plan, place, settings, report.ended_at);
        saved_plan::write(&plan, file)?;
        Ok(saved_plan::told(&plan, file, out::style(self.environ)))
    }

    /// A dry run leaves no trace: it reads a copy of the ledger in a folder of its own, or an empty one there.
    pub(super) async fn plan(&self, clock: &Arc<dyn Clock>, run: RunId) -> Exit {
        let own_folder = match tempfile::tempdir() {
            Ok(folder) => folder,
            Err(error) => {
                let what = format!("failed to make a folder for the dry run: {error}");
                return out::fail(self.args.output, &what, Exit::Incomplete);
            }
        };
        // What is remembered of the platform may be missing; then more is asked.
        for end in ["", "-wal"] {
            let name = format!("{}{end}", wire::PLATFORM_CACHE);
            let original = self.config.paths.state.join(&name);
            let _absent = std::fs::copy(original, own_folder.path().join(name));
        }
        let fresh = absent(&self.config.paths.ledger());
        let store = match copy(&self.config.paths.state, own_folder.path()) {
            Ok(()) => {
                let state_dir = own_folder.path().to_owned();
                let options =
                    wire::store_options(self.config, Access::ReadWrite, Arc::clone(clock));
                SqliteStore::open(StoreOptions { state_dir, ..options }).await.map(Arc::new)
            }
            Err(why) => Err(StoreError::Open(why)),
        };
        let wish = Wish { mode: Mode::Plan, observe_only: self.args.observe };
        let engine = wire::engine(
            self.config,
            self.entry,
            wish,
            store.clone(),
            Arc::clone(clock),
            run,
            own_folder.path(),
        );
        let ledger =
            store.as_ref().ok().filter(|_| !fresh).map(|store| store.ledger_id().to_owned());
        let exit = self.run(&engine, &**clock, Some(self.place(ledger))).await;
        if let Ok(store) = store {
            close(&store).await;
        }
        exit
    }
}
