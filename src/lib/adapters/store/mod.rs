//! The ledger: one `SQLite` database, `state/ops.db`, opened by short-lived processes.
//!
//! Every event is appended and applied in one exclusive transaction; SQL knows documents and keys, never what an
//! event means. The statements are portable: numbered placeholders, text and whole numbers, no functions of one
//! vendor but those that look into a document. `state/ops-state.json` is only a view of it.

pub use self::connection::Access;
pub use self::copy::copy;
pub(in crate::adapters) use self::event_row::hex;
pub(in crate::adapters) use self::files::{stamp, sync_folder};
pub use self::import::{ImportReport, ImportSource, NotAView, Unmapped, import};
pub use self::open::{SqliteStore, StoreOptions};
pub use self::upkeep::LedgerUpkeep;
pub use self::verify::{Finding, Rule, VerifyReport, verify};
pub use crate::domain::view::RosterEntry;

mod append;
mod commit;
mod connection;
mod copy;
mod decisions;
mod event_row;
mod files;
mod fold;
mod freshness;
mod import;
mod import_map;
mod inspect;
mod load;
mod notes;
mod open;
mod outbox;
mod port;
mod publish;
mod read;
mod read_view;
mod rescue;
mod rows;
mod schema;
mod slots;
mod timetable;
mod upkeep;
mod verify;
