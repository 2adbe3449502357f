//! What keeps an act on a database from being begun, asked right before it: since the run's look an hour may have passed, and
//! the acts before it may be why. And what an act leaves that did not come to its end.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

use super::Postgres;
use super::look::{busy, holders, invalid_indexes};
use super::session::{end, told};
use crate::domain::operation::Upkeep;
use crate::domain::upkeep::{Holder, REBUILD_PATIENCE};
use crate::ports::processes::ActFailure;

/// The names of indexes that are not valid.
pub(super) type Invalid = BTreeSet<String>;

impl Postgres {
    /// Before an act on an index those that are not valid, or why an act on this object is not begun.
    pub(super) async fn unhindered(&self, verb: Upkeep, object: &str) -> Result<Invalid, String> {
        if verb == Upkeep::ReindexIndex {
            self.has_room(object).await?;
        }
        let mut session = self.eyes().await.map_err(|blind| blind.why)?;
        let found = hindrance(&mut session, verb, object).await;
        end(session).await;
        found.map_err(|error| self.unread(&error))?
    }

    /// A rebuild that failed may have left the index that it was building: that is no act that never was.
    pub(super) async fn with_what_is_left(
        &self,
        verb: Upkeep,
        failure: ActFailure,
        before: &Invalid,
    ) -> ActFailure {
        let (ActFailure::NotSent(why) | ActFailure::Refused(why)) = &failure else {
            return failure;
        };
        if verb != Upkeep::ReindexIndex {
            return failure;
        }
        let left = match self.eyes().await {
            Ok(mut session) => {
                let found = invalid_indexes(&mut session).await;
                end(session).await;
                found.map_err(|error| told(&error))
            }
            Err(blind) => Err(blind.why),
        };
        match left {
            Ok(all) => {
                let new = all.into_iter().map(|index| index.name);
                let new = new.filter(|name| name.contains("_ccnew") && !before.contains(name));
                let new: Vec<String> = new.collect();
                if new.is_empty() {
                    return failure;
                }
                ActFailure::Refused(format!(
                    "{why}; it left {}, which is not valid and is dropped by the next run",
                    new.join(", ")
                ))
            }
            Err(unread) => ActFailure::Unknown(format!(
                "{why}; whether it left an index that is not valid cannot be seen: {unread}"
            )),
        }
    }
}

async fn hindrance(
    session: &mut PgConnection,
    verb: Upkeep,
    object: &str,
) -> Result<Result<Invalid, String>, sqlx::Error> {
    if let Some(why) = busy(session).await? {
        return Ok(Err(why));
    }
    if !matches!(verb, Upkeep::DropInvalidIndex | Upkeep::ReindexIndex) {
        return Ok(Ok(Invalid::new()));
    }
    let invalid = invalid_indexes(session).await?;
    if verb == Upkeep::DropInvalidIndex {
        match invalid.iter().find(|index| index.name == object) {
            None => return Ok(Err("it is valid, or gone".to_owned())),
            Some(index) if index.being_built => return Ok(Err("somebody builds it".to_owned())),
            Some(_) => {}
        }
    } else if holders(session).await?.iter().any(Holder::keeps_a_rebuild_waiting) {
        return Ok(Err(format!(
            "a transaction of others has lasted for more than {} s, and a rebuild would wait for its end",
            REBUILD_PATIENCE.as_secs()
        )));
    }
    Ok(Ok(invalid.into_iter().map(|index| index.name).collect()))
}
