//! An agent's sign of life at a dead man's switch outside of this host.
//!
//! It tells that the agent runs and does its work, and nothing of what it found: 0 and 1 are both well.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::join;

use super::config::Config;
use super::config::notify::ping_name;
use super::exit::Exit;
use super::out;
use crate::adapters::channel::{Courier, Ping, Trust};
use crate::adapters::store::SqliteStore;
use crate::domain::incident::RunId;
use crate::domain::notice::ChannelState;
use crate::domain::subject::AgentName;
use crate::ports::clock::Clock;
use crate::ports::outbox::Outbox as _;
use crate::ports::store::StoreError;

/// The signs of one run.
pub(super) struct Pulse {
    name: String,
    run: RunId,
    ping: Option<Result<Ping, String>>,
}

impl Pulse {
    /// The signs of this agent's run, where the environment names whom they are for.
    pub(super) fn of(
        config: &Config,
        agent: &AgentName,
        run: &RunId,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let ping = config.given(&ping_name(agent.as_str())).map(|url| {
            let courier = Arc::new(Courier::new(Arc::new(Trust::system()), Arc::clone(clock)));
            Ping::new(url, courier)
        });
        Self { name: ChannelState::ping_of(agent.as_str()), run: run.clone(), ping }
    }

    /// Gives a sign when `work` begins, beside its first steps, and one when it has ended. That nobody heard them is a
    /// finding like that of every other way out.
    pub(super) async fn around(
        &self,
        work: impl Future<Output = Exit>,
        store: Result<&SqliteStore, &StoreError>,
        clock: &dyn Clock,
    ) -> Exit {
        let Some(ping) = &self.ping else { return work.await };
        let (exit, heard) = match ping {
            Ok(ping) => {
                let (exit, begun) = join(work, ping.start(&self.run)).await;
                let text = format!("exit {}", exit.code());
                let ended = ping.finish(&self.run, exit.code(), &text).await;
                (exit, begun.and(ended))
            }
            Err(why) => (work.await, Err(why.clone())),
        };
        if let Err(why) = &heard {
            out::complain(&format!("{}: {why}", self.name));
        }
        if let Ok(store) = store {
            let heard = heard.as_ref().copied().map_err(String::as_str);
            if let Err(error) = store.fared(clock.now(), &self.name, heard).await {
                out::complain(&error.to_string());
            }
        }
        exit
    }
}
