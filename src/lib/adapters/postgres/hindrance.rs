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

/// Whose an object is, who we are, and whether we may tend it. Whoever may not vacuum a table is told so by the server in a warning
/// alone, and its statement ends well.
const OWNED: &str = "
    SELECT quote_ident(pg_get_userbyid(class.relowner)), quote_ident(current_user::text),
           pg_has_role(class.relowner, 'USAGE')
           OR class.relkind <> 'i' AND (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database
                                        WHERE datname = current_database())
           OR CASE WHEN current_setting('server_version_num')::int >= 170000
                   THEN has_table_privilege(coalesce(own.indrelid, class.oid), 'MAINTAIN') END
    FROM pg_class AS class LEFT JOIN pg_index AS own ON own.indexrelid = class.oid
    WHERE class.oid = to_regclass($1)";

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
    if let Some(why) = not_ours(session, object).await? {
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

/// Why we may not tend an object, with what a person could run, if so.
async fn not_ours(session: &mut PgConnection, object: &str) -> Result<Option<String>, sqlx::Error> {
    let asked = sqlx::query_as(OWNED).persistent(false).bind(object);
    let found: Option<(String, String, Option<bool>)> = asked.fetch_optional(session).await?;
    Ok(found.filter(|(.., may)| *may != Some(true)).map(|(owner, we, _)| {
        format!("it is of {owner}, and only its owner may do that; a person could run GRANT {owner} TO {we};")
    }))
}
