//! Addresses of data stores: what they are called in the environment, and the passwords that they hold.

use crate::agent::{Need, StoreNeed};

/// The database that needs no name of its own in the environment.
const MAIN: &str = "main";

/// The name of the environment that holds a database's address.
#[must_use]
pub fn database_url_name(database: &str) -> String {
    if database == MAIN {
        return "DATABASE_URL".to_owned();
    }
    format!("DATABASE_URL_{}", database.to_uppercase().replace('-', "_"))
}

/// The names of the environment that these needs ask for.
pub(super) fn names(needs: &[Need]) -> impl Iterator<Item = String> {
    needs.iter().filter_map(|need| match need {
        Need::Store(StoreNeed::Database { name }) => Some(database_url_name(name)),
        _ => None,
    })
}

/// The password in an address, as it is written there and as it is meant: an error may repeat either.
pub(super) fn passwords(address: &str) -> Vec<String> {
    let written = || {
        let (_, rest) = address.split_once("://")?;
        let (user, _) = rest.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| password)
    };
    let Some(written) = written().filter(|password| !password.is_empty()) else {
        return Vec::new();
    };
    let mut all = vec![written.to_owned()];
    all.extend(decoded(written).filter(|meant| meant != written));
    all
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_as_it_is_written_and_as_it_is_meant() {
        assert_eq!(passwords("postgres://u:p%40ss@h/d"), ["p%40ss", "p@ss"]);
        assert_eq!(passwords("postgres://u:plain@h/d?x=1"), ["plain"]);
        for none in ["postgres://u@h/d", "postgres://h/d", "postgres://u:@h/d", "x"] {
            assert!(passwords(none).is_empty(), "{none}");
        }
        assert_eq!(database_url_name("main"), "DATABASE_URL");
        assert_eq!(database_url_name("shop-eu"), "DATABASE_URL_SHOP_EU");
    }
}
