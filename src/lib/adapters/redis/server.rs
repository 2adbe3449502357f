//! One server, and how it is reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::{Client, IntoConnectionInfo as _, RedisConnectionInfo};

use super::bookmark::Bookmark;
use crate::ports::clock::Clock;

/// One server.
pub struct RedisServer {
    /// Its name in the settings.
    pub(super) name: String,
    /// How it is reached.
    pub(super) client: Client,
    /// Who we are there; holds a password.
    pub(super) account: RedisConnectionInfo,
    /// So long may a walk over its keys last.
    pub(super) reclaim_budget: Duration,
    pub(super) clock: Arc<dyn Clock>,
    /// Where the last walk ended.
    pub(super) bookmark: Bookmark,
}

impl RedisServer {
    /// The server called `name` at `url`, whose keys are walked over for at most `reclaim_budget`.
    ///
    /// # Errors
    ///
    /// The address is none of a Redis server. The text does not repeat it: it may hold a password.
    pub fn new(
        name: &str,
        url: &str,
        reclaim_budget: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        const WRONG: &str = "it is no address of a Redis server: redis://user:password@host:6379, rediss:// with TLS, or \
             redis+unix:///path/of/the.sock?user=name&pass=password";
        let address = url.into_connection_info().map_err(|_| WRONG.to_owned())?;
        let account = address.redis_settings().clone();
        // Its own way of signing in keeps the server's reason to itself.
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let client =
            Client::open(address.set_redis_settings(nobody)).map_err(|_| WRONG.to_owned())?;
        let bookmark = Bookmark::default();
        Ok(Self { name: name.to_owned(), client, account, reclaim_budget, clock, bookmark })
    }

    /// The same, whose walks go on where the one before ended, as `file` remembers.
    #[must_use]
    pub fn going_on_after(self, file: PathBuf) -> Self {
        Self { bookmark: Bookmark(Some(file)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::system_clock::SystemClock;

    fn server(url: &str) -> Result<RedisServer, String> {
        RedisServer::new("main", url, Duration::ZERO, Arc::new(SystemClock::new()))
    }

    #[test]
    fn an_address_gives_its_account_and_what_is_none_is_not_repeated() {
        for url in [
            "redis://ada:s%40cret@cache.example.test:6380/2",
            "rediss://ada:s%40cret@cache.example.test",
            "redis+unix:///run/redis.sock?user=ada&pass=s%40cret",
        ] {
            let server = server(url).map_err(|why| format!("{url}: {why}")).unwrap();
            let account = (server.account.username(), server.account.password());
            assert_eq!(account, (Some("ada"), Some("s@cret")), "{url}");
            let sent = server.client.get_connection_info().redis_settings();
            assert_eq!((sent.password(), sent.db()), (None, 0), "{url}");
        }
        for url in ["postgres://u:s3cret@h/d", "redis://u:s3cret@h:port", "u:s3cret@h", ""] {
            let why = server(url).err().unwrap_or_default();
            assert!(why.starts_with("it is no address") && !why.contains("s3cret"), "{url}: {why}");
        }
    }
}
