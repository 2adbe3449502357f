//! One session with the server, and what its errors mean.

use std::time::Duration;

use futures_util::future::{Either, select};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::Postgres;
use super::statements::BOUND;
use crate::domain::sight::{Blind, Sight};

/// What our sessions are called, in the server's list and in its log.
pub(super) const APPLICATION: &str = "opswarden db-maintainer";
/// So long may it take to be let in.
const CONNECT: Duration = Duration::from_secs(5);
/// So long is a lock waited for: whoever comes for it later waits behind us.
pub(super) const LOCK: Duration = Duration::from_secs(2);
/// A transaction of ours that does nothing ends after so long.
const IDLE: Duration = Duration::from_mins(1);
/// What statements of a look may take.
pub(super) const LOOK: Duration = Duration::from_secs(20);

/// What is said where somebody between us and the server keeps our settings from it.
const POOLER: &str =
    ": it is a pooler, as it seems, and upkeep needs the address of the server itself";

/// How the database at `url` is reached.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let is_one = ["postgres://", "postgresql://"].iter().any(|start| url.starts_with(start));
    let parsed = is_one.then(|| plain(url).parse::<PgConnectOptions>().ok()).flatten();
    let options = parsed
        .ok_or("it is no address of a PostgreSQL database: postgres://user:password@host/name")?;
    Ok(options.application_name(APPLICATION).disable_statement_logging())
}

/// The address with those of its parameters that are the protocol's: clients add their own, which servers refuse.
fn plain(url: &str) -> String {
    const KNOWN: [&str; 11] = [
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "options",
    ];
    let Some((address, parameters)) = url.split_once('?') else { return url.to_owned() };
    let known = |one: &&str| KNOWN.contains(&one.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = parameters.split('&').filter(known).collect();
    if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) }
}

impl Postgres {
    /// A session whose statements end after `statement`, and wait for no lock for longer than a moment.
    pub(super) async fn session(&self, statement: Duration) -> Result<PgConnection, String> {
        self.session_that_waits(LOCK, statement).await
    }

    /// The same, whose statements wait for locks for so long: only where somebody looks whether others wait behind them.
    pub(super) async fn session_that_waits(
        &self,
        lock: Duration,
        statement: Duration,
    ) -> Result<PgConnection, String> {
        let [lock, statement, idle] =
            [lock, statement, IDLE].map(|time| time.as_millis().max(1).to_string());
        // At its start: behind a pooler what a session sets later would stay with whoever comes next. The rest is set once these are
        // seen to hold.
        let options = self.options.clone().options([
            ("lock_timeout", lock.as_str()),
            ("statement_timeout", &statement),
            ("idle_in_transaction_session_timeout", &idle),
        ]);
        let patience = self.clock.sleep(CONNECT);
        let connected = match select(Box::pin(options.connect()), patience).await {
            Either::Left((connected, _)) => connected.map_err(|error| told(&error)),
            Either::Right(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
        };
        let mut session = connected.map_err(|why| {
            let pooler = if why.contains("startup parameter") { POOLER } else { "" };
            format!("{} cannot be reached: {why}{pooler}", self.told())
        })?;
        let bound = sqlx::query_as(BOUND).persistent(false).bind(lock).bind(statement);
        let (is_bound, _): (bool, Option<i64>) =
            bound.fetch_one(&mut session).await.map_err(|error| self.unread(&error))?;
        if !is_bound {
            end(session).await;
            return Err(format!("{} takes no settings of a session{POOLER}", self.told()));
        }
        Ok(session)
    }

    /// The same for looking.
    pub(super) async fn eyes(&self) -> Sight<PgConnection> {
        self.session(LOOK).await.map_err(Blind::because)
    }

    /// Its name, and where it is looked for; never as whom.
    fn told(&self) -> String {
        let place = self.options.get_socket().map_or_else(
            || format!("{}:{}", self.options.get_host(), self.options.get_port()),
            |socket| socket.display().to_string(),
        );
        format!("the database {} at {place}", self.name)
    }

    pub(super) fn unread(&self, error: &sqlx::Error) -> String {
        format!("the database {} cannot be read: {}", self.name, told(error))
    }
}

/// Ends a session in order, so that the server's log has nothing to complain about.
pub(super) async fn end(session: PgConnection) {
    let _nothing_is_lost = session.close().await;
}

/// An error in words. The server's own message, never the address.
pub(super) fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(found) => found.message().to_owned(),
        sqlx::Error::Io(found) => found.to_string(),
        sqlx::Error::Tls(found) => found.to_string(),
        other => other.to_string(),
    }
}

/// The five characters by which the server names an error.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_only_a_client_knows_are_left_out() {
        let url =
            "postgres://u:p@h/d?connection_limit=5&sslmode=disable&schema=public&pool_timeout=2";
        assert_eq!(plain(url), "postgres://u:p@h/d?sslmode=disable");
        assert_eq!(plain("postgres://u@h/d?pgbouncer=true"), "postgres://u@h/d");
        assert_eq!(plain("postgres://u@h/d"), "postgres://u@h/d");
        assert!(options("mysql://u:secret@h/d").is_err_and(|why| !why.contains("secret")));
        assert!(options("postgres://u:secret@h:port/d").is_err_and(|why| !why.contains("secret")));
    }
}
