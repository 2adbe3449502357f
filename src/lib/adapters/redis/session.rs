//! One session with the server, and what its errors mean.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError};

use super::info::Info;
use super::{RedisServer, commands};

/// So long may it take to be let in. The client's own second is short for a name that must be looked up first.
const CONNECT: Duration = Duration::from_secs(5);
/// So long may an answer take. The client's own half second is less than a server may be away while it forks.
const ANSWER: Duration = Duration::from_secs(20);

/// A session. It ends when it is dropped.
pub(super) struct Session {
    connection: MultiplexedConnection,
}

impl Session {
    /// What a command answers.
    pub(super) async fn ask<T: FromRedisValue>(&mut self, command: Cmd) -> Result<T, RedisError> {
        command.query_async(&mut self.connection).await
    }

    /// What the server tells of itself.
    pub(super) async fn info(&mut self) -> Result<Info, RedisError> {
        let text: String = self.ask(commands::info()).await?;
        Ok(Info::of(&text))
    }
}

impl RedisServer {
    /// A session of the account that the address names.
    pub(super) async fn session(&self) -> Result<Session, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = connected.map_err(|error| {
            if error.is_timeout() {
                return self.unreached(&format!("no answer within {} s", CONNECT.as_secs()));
            }
            self.unread(&error)
        })?;
        let mut session = Session { connection };
        if let Some(password) = self.account.password() {
            let auth = commands::auth(self.account.username(), password);
            let let_in: Result<(), RedisError> = session.ask(auth).await;
            let_in.map_err(|error| self.unreached(&told(&error)))?;
        }
        let named: Result<(), RedisError> = session.ask(commands::set_name()).await;
        match named {
            Err(error) if error.code().is_none() => {
                let why = told(&error);
                Err(self.unreached(&format!(
                    "it ends the connection at once, as with too many clients (maxclients): {why}"
                )))
            }
            Err(error) if is_full(&error) => Err(self.unread(&error)),
            // A name is for people; an account that may not have one goes without.
            Ok(()) | Err(_) => Ok(session),
        }
    }

    pub(super) fn unread(&self, error: &RedisError) -> String {
        self.unreached(&told(error))
    }

    pub(super) fn unreached(&self, why: &str) -> String {
        let place = self.client.get_connection_info().addr();
        format!("the Redis server {} at {place} cannot be reached: {why}", self.name)
    }
}

/// Whether the server has no room for one more client.
fn is_full(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("max number of clients"))
}

/// An error in words: the server's own where they tell more, never the address.
pub(super) fn told(error: &RedisError) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    let detail = error.detail().unwrap_or_default();
    match error.code() {
        Some("WRONGPASS") => "the user or the password of its address is wrong".to_owned(),
        Some("NOAUTH") => "it wants a password, and its address has none".to_owned(),
        Some("LOADING") => "it is still loading what it holds from disk".to_owned(),
        Some("NOPERM") => format!("the user may not: {detail}"),
        Some("DENIED") => {
            "it lets nobody in from another host: it has no password (protected mode)".to_owned()
        }
        Some("ERR") if detail.contains("without any password") => {
            "its address has a password, and the server wants none".to_owned()
        }
        Some(code) => format!("{code} {detail}").trim().to_owned(),
        None => error.to_string(),
    }
}
