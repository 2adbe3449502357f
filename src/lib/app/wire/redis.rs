//! Wiring of Redis servers: from names in the settings and addresses in the environment to eyes and hands.

use std::sync::Arc;
use std::time::Duration;

use super::stores::{Stores, Wiring};
use crate::adapters::discreet::Discreet;
use crate::adapters::redis::RedisServer;
use crate::app::config::redis_url_name;
use crate::domain::operation::StoreKind;
use crate::domain::sight::{Blind, Sight};
use crate::ports::data_store::{DataStoreControl, Keyspace};

impl Wiring<'_> {
    pub(super) fn add_redis(&self, name: &str, reclaim_budget: Duration, stores: &mut Stores) {
        let found = self.redis(name, reclaim_budget);
        let eyes = found.clone().map(|one| one as Arc<dyn Keyspace>);
        stores.eyes.keyspaces.insert(name.to_owned(), eyes);
        let hands = found.map(|one| one as Arc<dyn DataStoreControl>);
        stores.hands.insert((StoreKind::Redis, name.to_owned()), hands);
    }

    /// A server, whose words are cleared of secrets.
    fn redis(&self, name: &str, reclaim_budget: Duration) -> Sight<Arc<Discreet<RedisServer>>> {
        let variable = redis_url_name(name);
        let url = self.config.given(&variable).ok_or_else(|| {
            Blind::because(format!(
                "the address of the Redis server {name} is not given: set {variable} or {variable}_FILE"
            ))
        })?;
        let found = RedisServer::new(name, url, reclaim_budget, Arc::clone(self.clock));
        let found = found.map_err(|why| Blind::because(format!("{variable}: {why}")))?;
        let found = found.going_on_after(self.config.paths.redis().join(format!("{name}.json")));
        Ok(Arc::new(Discreet::new(found, self.redactor.clone())))
    }
}
