//! What a server tells of itself: lines of a name and a value.

use std::collections::BTreeMap;
use std::str::FromStr;

/// An answer to INFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    lines: BTreeMap<String, String>,
}

/// What one of the server's databases holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DatabaseKeys {
    pub(super) number: u64,
    pub(super) keys: u64,
    pub(super) expiring_keys: u64,
}

impl Info {
    /// The answer `text`. A line that is none is left out: what is missing is asked for by its name.
    pub(super) fn of(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        let lines = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { lines }
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        let found = self.lines.get(name).map(String::as_str);
        found.ok_or_else(|| format!("it does not tell its {name}"))
    }

    /// A value that is a number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("it tells a {name} that is no number: {text}"))
    }

    /// A value that not every version tells.
    pub(super) fn number_or<T: FromStr>(&self, name: &str, otherwise: T) -> T {
        self.number(name).unwrap_or(otherwise)
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.lines.get(name).is_some_and(|found| found == value)
    }

    /// The databases that hold something: `db0:keys=5,expires=2,avg_ttl=0`.
    pub(super) fn databases(&self) -> Result<Vec<DatabaseKeys>, String> {
        let numbered = self.lines.iter().filter_map(|(name, value)| {
            let number: u64 = name.strip_prefix("db")?.parse().ok()?;
            Some((number, value))
        });
        let mut all = Vec::new();
        for (number, value) in numbered {
            let part = |wanted: &str| -> Option<u64> {
                let mut parts = value.split(',').filter_map(|part| part.split_once('='));
                parts.find(|(name, _)| *name == wanted)?.1.parse().ok()
            };
            let unknown = || format!("it tells what its database {number} holds in unknown words");
            let keys = part("keys").ok_or_else(unknown)?;
            let expiring_keys = part("expires").ok_or_else(unknown)?;
            all.push(DatabaseKeys { number, keys, expiring_keys });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_read_by_their_name_and_what_is_missing_is_said() {
        let text = "# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/a:b\r\nodd:x\r\n\r\n\
                    db0:keys=5,expires=2,avg_ttl=0\r\ndb12:keys=7,expires=0,avg_ttl=0,subexpiry=1\r\n";
        let info = Info::of(text);
        assert_eq!(info.text("redis_version"), Ok("7.0.15"));
        assert_eq!(info.text("executable"), Ok("/usr/bin/a:b"));
        assert!(info.number::<u64>("odd").is_err_and(|why| why.contains("no number")));
        assert!(info.number::<u64>("gone").is_err_and(|why| why.contains("does not tell")));
        let of = |number, keys, expiring_keys| DatabaseKeys { number, keys, expiring_keys };
        assert_eq!(info.databases(), Ok(vec![of(0, 5, 2), of(12, 7, 0)]));
        assert!(Info::of("db0:many").databases().is_err());
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_is_read_or_refused(text in ".{0,200}") {
            let info = Info::of(&text);
            let _said = (info.databases(), info.number::<u64>("a"));
        }
    }
}
