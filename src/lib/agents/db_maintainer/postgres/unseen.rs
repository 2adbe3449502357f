//! What is not seen of a database, with what a person could run, and about whom nothing is known because of it. Pure.

use super::super::checks::{ANALYZE_DUE, COUNTER_ENDING, HORIZON_HELD, VACUUM_DUE};
use super::counters;
use crate::domain::subject::CheckId;
use crate::domain::upkeep::{DatabaseLook, Unseen};

/// Why a check does not see everything.
pub(super) struct Dark<'a> {
    /// The reason, and what a person could run.
    pub(super) why: String,
    /// Whether it does not see this object, by its name in the database.
    pub(super) whom: Box<dyn Fn(&str) -> bool + 'a>,
}

/// Why this check does not see everything, if it does not.
pub(super) fn of<'a>(check: &CheckId, look: &'a DatabaseLook) -> Option<Dark<'a>> {
    match check {
        check if *check == COUNTER_ENDING => {
            let why = counters::unseen(&look.counters)?;
            let hidden = |name: &str| {
                let mut hidden = look.counters.iter().filter(|counter| counter.last.is_none());
                hidden.any(|counter| counters::name(counter) == name)
            };
            Some(Dark { why, whom: Box::new(hidden) })
        }
        check if *check == HORIZON_HELD => {
            let why = others(&look.unseen)?;
            // Slots and prepared transactions everybody may see.
            let hidden = |id: &str| {
                ["session-", "query-", "standby-"].iter().any(|kind| id.starts_with(kind))
            };
            Some(Dark { why, whom: Box::new(hidden) })
        }
        check if look.uncounted && (*check == VACUUM_DUE || *check == ANALYZE_DUE) => {
            let why = "the server counts no rows (track_counts), and its autovacuum does not come; a person could run \
                       ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();";
            Some(Dark { why: why.to_owned(), whom: Box::new(|_| true) })
        }
        _ => None,
    }
}

/// Whom we may not look at, if there are any.
pub(super) fn others(unseen: &Unseen) -> Option<String> {
    let many = |count: u64, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("one {one}")),
        count => Some(format!("{count} {more}")),
    };
    let whom = [
        many(unseen.sessions, "session of another user", "sessions of other users"),
        many(unseen.standbys, "standby", "standbys"),
    ];
    let whom: Vec<String> = whom.into_iter().flatten().collect();
    if whom.is_empty() {
        return None;
    }
    Some(format!(
        "we may not see what others do ({}); a person could run GRANT pg_read_all_stats TO {};",
        whom.join(", "),
        unseen.user
    ))
}
