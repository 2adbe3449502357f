//! Addresses of data stores: what they are called in the environment, and the passwords that they hold.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::agent::{Need, StoreNeed};

/// The store that needs no name of its own in the environment.
const MAIN: &str = "main";

/// The name of the environment that holds a database's address.
#[must_use]
pub fn database_url_name(database: &str) -> String {
    of_store("DATABASE_URL", database)
}

/// The name of the environment that holds the address of a Redis server.
#[must_use]
pub fn redis_url_name(server: &str) -> String {
    of_store("REDIS_URL", server)
}

fn of_store(variable: &str, store: &str) -> String {
    if store == MAIN {
        return variable.to_owned();
    }
    format!("{variable}_{}", store.to_uppercase().replace('-', "_"))
}

/// The names of the environment that hold a bucket's access key and its secret.
#[must_use]
pub fn s3_key_names(bucket: &str) -> [String; 2] {
    ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"].map(|name| of_store(name, bucket))
}

/// The access key and its secret that most buckets share.
#[must_use]
pub fn shared_s3_key_names() -> [String; 2] {
    s3_key_names(MAIN)
}

/// The names of the environment that these needs ask for.
pub(super) fn names(needs: &[Need]) -> impl Iterator<Item = String> {
    needs.iter().flat_map(|need| match need {
        Need::Store(StoreNeed::Database { name }) => vec![database_url_name(name)],
        Need::Store(StoreNeed::Redis { name, .. }) => vec![redis_url_name(name)],
        Need::Store(StoreNeed::Bucket { name, .. }) => {
            s3_key_names(name).into_iter().chain(shared_s3_key_names()).collect()
        }
        _ => Vec::new(),
    })
}

/// The passwords in an address, as they are written there and as they are meant: an error may repeat either.
pub(super) fn passwords(address: &str) -> Vec<String> {
    let before_the_host = || {
        let (_, rest) = address.split_once("://")?;
        let (user, _) = rest.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| password)
    };
    let mut all = Vec::new();
    let written = before_the_host().into_iter().chain(among_parameters(address));
    for written in written.filter(|password| !password.is_empty()) {
        all.push(written.to_owned());
        all.extend(decoded(written).filter(|meant| meant != written));
        // A form writes a space as a plus.
        all.extend(
            decoded(&written.replace('+', " "))
                .filter(|meant| written.contains('+') && meant != written),
        );
    }
    all
}

/// `?pass=...`, as an address of a socket writes it.
fn among_parameters(address: &str) -> impl Iterator<Item = &str> {
    let parameters = address.split_once('?').map_or("", |(_, parameters)| parameters);
    let named = parameters.split('&').filter_map(|one| one.split_once('='));
    named.filter(|(name, _)| ["pass", "password"].contains(name)).map(|(_, value)| value)
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_as_it_is_written_and_as_it_is_meant() {
        assert_eq!(passwords("postgres://u:p%40ss@h/d"), ["p%40ss", "p@ss"]);
        assert_eq!(passwords("postgres://u:plain@h/d?x=1"), ["plain"]);
        let socket = "redis+unix:///run/r.sock?db=1&user=ada&pass=p%40s+s";
        assert_eq!(passwords(socket), ["p%40s+s", "p@s+s", "p@s s"]);
        assert_eq!(passwords("redis://:only@h"), ["only"]);
        for none in ["postgres://u@h/d", "postgres://h/d", "postgres://u:@h/d", "x"] {
            assert!(passwords(none).is_empty(), "{none}");
        }
        assert_eq!(redis_url_name("main"), "REDIS_URL");
        assert_eq!(redis_url_name("jobs-eu"), "REDIS_URL_JOBS_EU");
        assert_eq!(database_url_name("main"), "DATABASE_URL");
        assert_eq!(database_url_name("shop-eu"), "DATABASE_URL_SHOP_EU");
        assert_eq!(s3_key_names("main"), shared_s3_key_names());
        assert_eq!(
            s3_key_names("shop-eu"),
            ["S3_ACCESS_KEY_ID_SHOP_EU", "S3_SECRET_ACCESS_KEY_SHOP_EU"]
        );
    }
}
