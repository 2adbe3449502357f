//! Whether each data store that settings name can be looked at. The agent's own look is the trial: what it came to is noted on
//! its way, so that nothing is asked twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::row::{Grade, Row};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{BackupSetLook, BucketLook, DatabaseLook, KeyspaceLook};
use crate::ports::Pending;
use crate::ports::data_store::{BackupStore, Bucket, Database, Keyspace, StoreSensors};

/// Why the ledger is not looked at, where there is none yet.
const NO_LEDGER: &str = "the first run of an agent creates it";

/// Stands for a reason that is told already: no message has it.
const TOLD: &str = "\u{0}";

/// What the looks came to: by what a row says of the store.
#[derive(Clone, Default)]
pub(super) struct Trials(Arc<Mutex<BTreeMap<String, Sight<()>>>>);

/// Eyes whose looks are noted.
struct Noted<S: ?Sized> {
    eyes: Arc<S>,
    about: String,
    trials: Trials,
}

impl Trials {
    /// Notes what every look at a declared store comes to. What cannot even be reached for is noted at once.
    pub(super) fn of(stores: &mut StoreSensors) -> Self {
        let trials = Self::default();
        trials.each("database", &mut stores.databases, |one| Arc::new(one) as _);
        trials.each("backups", &mut stores.backups, |one| Arc::new(one) as _);
        trials.each("bucket", &mut stores.buckets, |one| Arc::new(one) as _);
        trials.each("Redis server", &mut stores.keyspaces, |one| Arc::new(one) as _);
        trials
    }

    fn each<S: ?Sized>(
        &self,
        kind: &str,
        eyes: &mut BTreeMap<String, Sight<Arc<S>>>,
        wrap: impl Fn(Noted<S>) -> Arc<S>,
    ) {
        for (name, sight) in eyes {
            let (about, trials) = (format!("{kind} {name}"), self.clone());
            match sight {
                Ok(own) => *own = wrap(Noted { eyes: Arc::clone(own), about, trials }),
                Err(blind) => self.note(&about, Err(blind.clone())),
            }
        }
    }

    fn note(&self, about: &str, seen: Sight<()>) {
        let mut trials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trials.insert(about.to_owned(), seen);
    }

    /// A row for each store.
    pub(super) fn rows(&self, agent: &str) -> Vec<Row> {
        let trials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(about, seen): (&String, &Sight<()>)| {
            let about = format!("{agent}: {about}");
            match seen {
                Ok(()) => (Grade::Ok, about, "was looked at".to_owned()),
                Err(blind) => (Grade::Blocked, about, blind.why.clone()),
            }
        };
        trials.iter().map(row).collect()
    }

    /// Whether what keeps a check from its answer is told by these rows already, or is that there is no ledger yet.
    pub(super) fn tell(&self, unknown: &str) -> bool {
        let trials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whys = trials.values().filter_map(|seen| seen.as_ref().err());
        let mut whys: Vec<&str> = whys.map(|blind| blind.why.as_str()).collect();
        // Of two reasons of which one ends like the other, the longer one is taken out first.
        whys.sort_by_key(|why| std::cmp::Reverse(why.len()));
        whys.push(NO_LEDGER);
        let told = whys.iter().fold(unknown.to_owned(), |text, why| text.replace(why, TOLD));
        told.split("; ").all(|part| part.ends_with(TOLD))
    }
}

/// Before the first run there is no ledger to look at: its own part is left out, and said to be.
pub(super) fn without_ledger(agent: &str, stores: &mut StoreSensors) -> Row {
    stores.ledger = Err(Blind::because(NO_LEDGER));
    (Grade::Skipped, format!("{agent}: ledger"), NO_LEDGER.to_owned())
}

impl<S: ?Sized> Noted<S> {
    async fn noted<T>(&self, look: Pending<'_, Sight<T>>) -> Sight<T> {
        let seen = look.await;
        self.trials.note(&self.about, seen.as_ref().map(|_| ()).map_err(Clone::clone));
        seen
    }
}

impl Database for Noted<dyn Database> {
    fn look(&self, least_index_bytes: u64) -> Pending<'_, Sight<DatabaseLook>> {
        Box::pin(self.noted(self.eyes.look(least_index_bytes)))
    }
}

impl BackupStore for Noted<dyn BackupStore> {
    fn look(&self) -> Pending<'_, Sight<BackupSetLook>> {
        Box::pin(self.noted(self.eyes.look()))
    }
}

impl Bucket for Noted<dyn Bucket> {
    fn look(&self, unfinished_before: Timestamp) -> Pending<'_, Sight<BucketLook>> {
        Box::pin(self.noted(self.eyes.look(unfinished_before)))
    }
}

impl Keyspace for Noted<dyn Keyspace> {
    fn look(&self) -> Pending<'_, Sight<KeyspaceLook>> {
        Box::pin(self.noted(self.eyes.look()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_of_where_no_row_of_a_store_says_why() {
        let trials = Trials::default();
        trials.note("database main", Err(Blind::because("no route; is it up?")));
        trials.note("database shop", Ok(()));
        assert!(trials.tell("database:main: no route; is it up?"));
        assert!(trials.tell(
            "database:main: no route; is it up?; ledger:own: the first run of an agent creates it"
        ));
        assert!(!trials.tell("database:shop: it may not read statistics"));
        assert!(!trials.tell("database:main: no route; is it up?; database:shop: no right"));
        assert!(!trials.tell("database:main: no route; is it up?; and 3 more"));
        let rows = trials.rows("a");
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [Grade::Blocked, Grade::Ok]);
    }
}
