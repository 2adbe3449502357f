//! PostgreSQL by its wire protocol: looked at through its own statistics, and tended by statements of a closed list.
//!
//! Every session says who it is, waits for a lock no longer than a moment (a rebuild of an index for a minute), and ends by itself
//! where its client is gone. What is at work watches whether anybody waits because of it, and gives way.

mod database;
mod hindrance;
mod look;
mod names;
mod oids;
mod others;
mod session;
mod source;
mod statements;
mod tend;
mod watch;

pub use self::database::Postgres;
pub(crate) use self::source::in_words;
