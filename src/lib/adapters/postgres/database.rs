//! One database, and how it is reached.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;

use super::session;
use crate::ports::clock::Clock;

/// One database.
pub struct Postgres {
    /// Its name in the settings.
    pub(super) name: String,
    /// How it is reached; holds a password.
    pub(super) options: PgConnectOptions,
    pub(super) clock: Arc<dyn Clock>,
}

impl Postgres {
    /// The database called `name` at `url`.
    ///
    /// # Errors
    ///
    /// The address is none of a PostgreSQL database. The text does not repeat it: it may hold a password.
    pub fn new(name: &str, url: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let options = session::options(url)?;
        Ok(Self { name: name.to_owned(), options, clock })
    }
}
