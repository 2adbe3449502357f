//! What the processes of a host share about the platform: the requests of the last hour, the sessions, and what single
//! looks showed. A cache: without it nothing is lost but time, and the knowledge of sessions that were left open.

mod cursor;
mod database;
mod evidence;
mod sessions;
mod slots;

pub(super) use database::Cache;
pub(super) use evidence::{Kept, Shown, Sort};
pub(super) use slots::{Reserved, USE_MS, Window};
