//! Wiring of data stores: from names in the settings and addresses in the environment to eyes and hands.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::adapters::discreet::Discreet;
use crate::adapters::postgres::Postgres;
use crate::adapters::redact::Redactor;
use crate::adapters::store::LedgerUpkeep;
use crate::agent::Need;
use crate::app::config::{Config, database_url_name};
use crate::domain::operation::LEDGER;
use crate::domain::sight::{Blind, Sight};
use crate::ports::clock::Clock;
use crate::ports::data_store::{DataStoreControl, Database};

/// A database, whose words are cleared of secrets.
type Reached = Arc<Discreet<Postgres>>;

/// opswarden's own ledger as a database, for an agent that tends it. `folder` is where it is read: a dry run has a copy.
pub(super) fn ledger(
    config: &Config,
    needs: &[Need],
    clock: &Arc<dyn Clock>,
    folder: &Path,
) -> Sight<Arc<LedgerUpkeep>> {
    let kept = needs.iter().find_map(|need| match need {
        Need::Ledger { backups_kept } => Some(*backups_kept),
        Need::Prober { .. }
        | Need::Host
        | Need::Manager { .. }
        | Need::Platform
        | Need::Database { .. } => None,
    });
    let Some(kept) = kept else { return Err(Blind::because("the agent does not tend it")) };
    Ok(Arc::new(LedgerUpkeep::new(folder, &config.paths.backups(), kept, Arc::clone(clock))))
}

/// The databases that an agent tends, by their names in the settings.
pub(super) fn databases(
    config: &Config,
    needs: &[Need],
    clock: &Arc<dyn Clock>,
    redactor: &Redactor,
) -> BTreeMap<String, Sight<Reached>> {
    let of = |name: &String| {
        let variable = database_url_name(name);
        let url = config.given(&variable).ok_or_else(|| {
            Blind::because(format!(
                "the address of the database {name} is not given: set {variable} or {variable}_FILE"
            ))
        })?;
        let found = Postgres::new(name, url, Arc::clone(clock));
        let found = found.map_err(|why| Blind::because(format!("{variable}: {why}")))?;
        Ok(Arc::new(Discreet::new(found, redactor.clone())))
    };
    let names = needs.iter().filter_map(|need| match need {
        Need::Database { name } => Some(name),
        Need::Prober { .. }
        | Need::Host
        | Need::Manager { .. }
        | Need::Platform
        | Need::Ledger { .. } => None,
    });
    names.map(|name| (name.clone(), of(name))).collect()
}

/// The eyes on them.
pub(super) fn eyes(
    databases: &BTreeMap<String, Sight<Reached>>,
) -> BTreeMap<String, Sight<Arc<dyn Database>>> {
    let eye = |sight: &Sight<Reached>| sight.clone().map(|database| database as Arc<dyn Database>);
    databases.iter().map(|(name, sight)| (name.clone(), eye(sight))).collect()
}

/// Everything that is tended, by its name in the settings.
pub(super) fn hands(
    ledger: Sight<Arc<LedgerUpkeep>>,
    databases: BTreeMap<String, Sight<Reached>>,
) -> BTreeMap<String, Sight<Arc<dyn DataStoreControl>>> {
    let own = ledger.map(|own| own as Arc<dyn DataStoreControl>);
    let hands = databases
        .into_iter()
        .map(|(name, sight)| (name, sight.map(|one| one as Arc<dyn DataStoreControl>)));
    hands.chain([(LEDGER.to_owned(), own)]).collect()
}
