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
    /// Whether it holds row versions back; else it only idles.
    pub(super) holds: bool,
}

/// Those that hold, or idle, for too long, or hold too much.
pub(super) fn told(holders: &[Holder], limits: &Limits) -> Vec<Held> {
    holders.iter().filter(|holder| is_too_much(holder, limits)).map(in_words).collect()
}

fn is_too_much(holder: &Holder, limits: &Limits) -> bool {
    let too_long = |since: Duration| since >= limits.idle_in_transaction.get();
    match holder {
        Holder::Idle { since, .. }
        | Holder::Query { since, .. }
        | Holder::Prepared { since, .. } => too_long(*since),
        Holder::Slot { age, .. } | Holder::Standby { age, .. } => *age >= limits.held_transactions,
    }
}

fn in_words(holder: &Holder) -> Held {
    let quoted = |name: &str| name.replace('\'', "''");
    let (id, who, sql) = match holder {
        // Not by its number: the same program comes back with another one.
        Holder::Idle { pid, user, application, .. } => (
            format!("session-{user}-{application}"),
            session(*pid, user, application),
            format!("SELECT pg_terminate_backend({pid});"),
        ),
        Holder::Query { pid, user, application, .. } => (
            format!("query-{user}-{application}"),
            format!("{}, whose query lasts,", session(*pid, user, application)),
            format!("SELECT pg_cancel_backend({pid});"),
        ),
        Holder::Prepared { name, owner, .. } => (
            format!("prepared-{name}"),
            format!("the prepared transaction {name} of user {owner}"),
            format!("ROLLBACK PREPARED '{}';", quoted(name)),
        ),
        Holder::Slot { name, active, .. } => (
            format!("slot-{name}"),
            format!(
                "the replication slot {name}, which {},",
                if *active { "is read slowly" } else { "nobody reads" }
            ),
            format!("SELECT pg_drop_replication_slot('{}');", quoted(name)),
        ),
        Holder::Standby { name, .. } => (
            format!("standby-{name}"),
            format!("the standby {name}, which tells of its queries (hot_standby_feedback),"),
            // Only the standby itself knows which.
            "SELECT pid, xact_start, query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL \
             ORDER BY age(backend_xmin) DESC; -- on the standby"
                .to_owned(),
        ),
    };
    let holds = !matches!(holder, Holder::Idle { holds: false, .. });
    let who = match holder {
        Holder::Idle { holds: true, .. } => format!("{who}, which does nothing in a transaction,"),
        Holder::Idle { .. }
        | Holder::Query { .. }
        | Holder::Prepared { .. }
        | Holder::Slot { .. }
        | Holder::Standby { .. } => who,
    };
    Held { id, who, sql, holds }
}

fn session(pid: i32, user: &str, application: &str) -> String {
    let called = if application.is_empty() { String::new() } else { format!(" ({application})") };
    format!("session {pid} of user {user}{called}")
}
