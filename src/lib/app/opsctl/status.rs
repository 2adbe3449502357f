//! `opsctl status`: one screen. Where the ledger may not be read, the published view is shown, and that is said.

use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::Access;
use crate::app::exit::Exit;
use crate::domain::view::OpsState;
use crate::ports::store::Store;
use crate::render;

impl Desk<'_> {
    pub(super) async fn status(&self) -> Result<Told, Trouble> {
        let now = self.clock.now();
        let paths = &self.config.paths;
        let places = render::status::Places {
            settings: self.config.file.display().to_string(),
            state: paths.state.display().to_string(),
            logs: paths.logs.display().to_string(),
        };
        if self.nothing_is_recorded() {
            let text = render::status::nothing_yet(&places, self.style);
            return Ok(Told { text, json: json!(null), exit: Exit::Clean });
        }
        let (state, note) = match self.ledger_state().await {
            Ok(state) => (state, None),
            Err(trouble) => {
                let note = format!(
                    "the ledger cannot be read ({}); this is the published view",
                    trouble.message
                );
                (self.published()?, Some(note))
            }
        };
        let text = render::status::status(&places, note.as_deref(), &state, now, self.style);
        Ok(Told { text, json: json!(state), exit: Exit::Clean })
    }

    async fn ledger_state(&self) -> Result<OpsState, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let state = store.ops_state(self.clock.now()).await?;
        store.close().await?;
        Ok(state)
    }

    fn published(&self) -> Result<OpsState, Trouble> {
        let file = self.config.paths.view();
        let unreadable = |why: String| {
            Trouble::incomplete(format!(
                "neither the ledger nor {} can be read: {why}",
                file.display()
            ))
        };
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
    }
}
