//! Variables that are meant for other programs, and would count for this one.

use crate::adapters::child;

/// What a client of PostgreSQL takes from its environment where its address does not say it. Ours does so, too, and some of it
/// cannot be taken back from it; yet a database is reached as its address says, in whatever shell. A file of passwords
/// (`PGPASSFILE`) stays: it leads nowhere else.
const OF_CLIENTS: [&str; 12] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGAPPNAME",
    "PGOPTIONS",
];

/// Leaves them behind. Nothing else may have begun yet.
///
/// # Errors
///
/// A fragment: one is set and stays.
pub(super) fn left_behind() -> Result<(), String> {
    child::without(&OF_CLIENTS)
}
