//! Who keeps old row versions from being removed, in words, with what a person could do about it. Pure.

use std::time::Duration;

use super::settings::Limits;
use crate::domain::upkeep::Holder;

/// One holder, as people are told of it.
pub(super) struct Held {
    /// What it is known by from run to run.
    pub(super) id: String,
    /// Who it is.
    pub(super) who: String,
    /// What a person could run.
    pub(super) sql: String,
}

/// Those that hold for too long, or too much.
pub(super) fn told(holders: &[Holder], limits: &Limits) -> Vec<Held> {
    let too_long = |since: Duration| since >= limits.idle_in_transaction.get();
    let told = holders.iter().filter_map(|holder| match holder {
        Holder::Idle { pid, user, application, since } if too_long(*since) => {
            let called =
                if application.is_empty() { String::new() } else { format!(" ({application})") };
            Some(Held {
                // Not by its number: the same program comes back with another one.
                id: format!("session-{user}-{application}"),
                who: format!(
                    "session {pid} of user {user}{called}, which does nothing in a transaction,"
                ),
                sql: format!("SELECT pg_terminate_backend({pid});"),
            })
        }
        Holder::Prepared { name, owner, since } if too_long(*since) => Some(Held {
            id: format!("prepared-{name}"),
            who: format!("the prepared transaction {name} of user {owner}"),
            sql: format!("ROLLBACK PREPARED '{}';", name.replace('\'', "''")),
        }),
        Holder::Slot { name, active, age } if *age >= limits.held_transactions => Some(Held {
            id: format!("slot-{name}"),
            who: format!(
                "the replication slot {name}, which {},",
                if *active { "is read slowly" } else { "nobody reads" }
            ),
            sql: format!("SELECT pg_drop_replication_slot('{}');", name.replace('\'', "''")),
        }),
        Holder::Idle { .. } | Holder::Prepared { .. } | Holder::Slot { .. } => None,
    });
    told.collect()
}
