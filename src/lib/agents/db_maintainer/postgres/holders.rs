//! Who keeps old row versions from being removed, in words, with what a person could do about it. Pure.

use std::time::Duration;

use super::advice::Advice;
use super::settings::Limits;
use crate::domain::upkeep::Holder;

/// One holder, as people are told of it.
pub(super) struct Held {
    /// What it is known by from run to run.
    pub(super) id: String,
    /// Who it is.
    pub(super) who: String,
    /// What a person could run.
    pub(super) advice: Advice,
    /// What it holds back.
    pub(super) holds: Holds,
}

/// What somebody keeps from being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// Nothing: it only idles.
    Nothing,
    /// Old row versions of the system's catalogues: those of people's tables a vacuum removes all the same.
    Catalogues,
    /// Old row versions of every table.
    Tables,
}

/// Who would keep a rebuild of an index waiting, if anybody would.
pub(super) fn in_the_way_of_a_rebuild(holders: &[Holder], limits: &Limits) -> Option<String> {
    let holder = holders.iter().find(|holder| holder.keeps_a_rebuild_waiting())?;
    Some(format!("{} would keep a rebuild waiting", in_words(holder, limits).who))
}

/// Those that hold, or idle, for too long, or hold too much.
pub(super) fn told(holders: &[Holder], limits: &Limits) -> Vec<Held> {
    holders
        .iter()
        .filter(|holder| is_too_much(holder, limits))
        .map(|holder| in_words(holder, limits))
        .collect()
}

/// Who of them keeps a vacuum from what it is for, if anybody does: one of those that hold for too long, or too much, and of whom
/// `matters` says so.
pub(super) fn in_the_way_of_a_vacuum(
    holders: &[Holder],
    limits: &Limits,
    matters: impl Fn(&Holder) -> bool,
) -> Option<String> {
    let of = holders.iter().filter(|holder| is_too_much(holder, limits) && matters(holder));
    let mut held = of.map(|holder| in_words(holder, limits));
    held.find(|held| held.holds == Holds::Tables).map(|held| held.who)
}

fn is_too_much(holder: &Holder, limits: &Limits) -> bool {
    let too_long = |since: Duration| since >= limits.idle_in_transaction.get();
    match holder {
        Holder::Idle { since, .. }
        | Holder::Query { since, .. }
        | Holder::Prepared { since, .. } => too_long(*since),
        Holder::Slot { age, catalogue_age, .. } => {
            age.max(catalogue_age).is_some_and(|age| age >= limits.held_transactions)
        }
        Holder::Standby { age, .. } => *age >= limits.held_transactions,
    }
}

fn in_words(holder: &Holder, limits: &Limits) -> Held {
    let quoted = |name: &str| name.replace('\'', "''");
    let (id, who, advice) = match holder {
        // Not by its number: the same program comes back with another one.
        Holder::Idle { pid, user, application, .. } => (
            format!("session-{user}-{}", unnumbered(application)),
            session(*pid, user, application),
            Advice::run(format!("SELECT pg_terminate_backend({pid});")),
        ),
        Holder::Query { pid, user, application, .. } => (
            format!("query-{user}-{}", unnumbered(application)),
            format!("{}, whose query lasts,", session(*pid, user, application)),
            Advice::run(format!("SELECT pg_cancel_backend({pid});")),
        ),
        Holder::Prepared { name, owner, .. } => (
            format!("prepared-{name}"),
            format!("the prepared transaction {name} of user {owner}"),
            Advice::run(format!("ROLLBACK PREPARED '{}';", quoted(name)))
                .knowing("what it did is lost; COMMIT PREPARED keeps it"),
        ),
        Holder::Slot { name, active, .. } => (
            format!("slot-{name}"),
            format!(
                "the replication slot {name}, which {},",
                if *active { "is read slowly" } else { "nobody reads" }
            ),
            if *active {
                // It cannot be dropped while it is read.
                let asked =
                    "SELECT pid, application_name, state, replay_lag FROM pg_stat_replication;";
                Advice::run(asked.to_owned()).knowing("it tells who reads it, and how late")
            } else {
                Advice::run(format!("SELECT pg_drop_replication_slot('{}');", quoted(name)))
                    .knowing("its reader has to begin anew, if it ever comes back")
            },
        ),
        Holder::Standby { name, .. } => (
            format!("standby-{name}"),
            format!("the standby {name}, which tells of its queries (hot_standby_feedback),"),
            // Only the standby itself knows which.
            Advice::run(
                "SELECT pid, xact_start, query FROM pg_stat_activity \
                 WHERE backend_xmin IS NOT NULL ORDER BY age(backend_xmin) DESC;"
                    .to_owned(),
            )
            .knowing("on the standby; it tells its oldest queries"),
        ),
    };
    let holds = match holder {
        Holder::Idle { age: None, .. } => Holds::Nothing,
        Holder::Slot { age, .. } if age.is_none_or(|age| age < limits.held_transactions) => {
            Holds::Catalogues
        }
        Holder::Idle { .. }
        | Holder::Query { .. }
        | Holder::Prepared { .. }
        | Holder::Slot { .. }
        | Holder::Standby { .. } => Holds::Tables,
    };
    let who = match holder {
        Holder::Idle { age: Some(_), .. } => format!("{who}, which does nothing in a transaction,"),
        Holder::Idle { .. }
        | Holder::Query { .. }
        | Holder::Prepared { .. }
        | Holder::Slot { .. }
        | Holder::Standby { .. } => who,
    };
    Held { id, who, advice, holds }
}

/// What a program calls itself, without its numbers: a pool's workers count themselves, and their next one is no news.
fn unnumbered(application: &str) -> String {
    let mut plain = String::with_capacity(application.len());
    for character in application.chars() {
        if !character.is_ascii_digit() {
            plain.push(character);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    plain
}

fn session(pid: i32, user: &str, application: &str) -> String {
    let called = if application.is_empty() { String::new() } else { format!(" ({application})") };
    format!("session {pid} of user {user}{called}")
}
