//! A bucket of an object storage as whoever tends it sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::sight::Sight;

/// Everything that is judged of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLook {
    /// What it holds; seen only if every page of its list was.
    pub usage: Sight<BucketUsage>,
    /// Uploads that were begun before some moment and never finished.
    pub unfinished: Sight<Unfinished>,
}

/// What a bucket holds, older versions of objects left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketUsage {
    /// How many objects there are.
    pub objects: u64,
    /// Their sizes together, in bytes.
    pub size_bytes: u64,
}

/// Uploads in parts that were begun before some moment, and neither completed nor aborted since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// How many there are.
    pub count: u64,
    /// The one that was begun first.
    pub oldest: Option<Upload>,
    /// What their parts take, in bytes; `None` where not all of them were counted.
    pub size_bytes: Option<u64>,
    /// Whether the store may have forgotten some: it tells of those that were begun since it was started, at most.
    #[serde(default)]
    pub forgetful: bool,
}

/// One upload in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Upload {
    /// When it was begun.
    pub begun_at: Timestamp,
    /// The object that it would have become.
    pub key: String,
    /// What the store calls it.
    pub id: String,
}

/// What is wrong with the name of a bucket, if anything is: the rules that every S3 store has in common. Reserved beginnings
/// and ends are left to the store, since names of access points have them too.
#[must_use]
pub fn bucket_name_fault(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&name.len()) {
        return Some("it must have 3 to 63 characters");
    }
    if !name.chars().all(|c| plain(c) || c == '-' || c == '.') {
        return Some("it may hold only small letters, digits, hyphens and dots");
    }
    if !name.starts_with(plain) || !name.ends_with(plain) {
        return Some("it must begin and end with a small letter or a digit");
    }
    if name.contains("..") {
        return Some("it may not hold two dots side by side");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("it may not look like an IP address");
    }
    None
}

/// What is wrong with the address of an object storage, if anything is.
#[must_use]
pub fn endpoint_fault(endpoint: &str) -> Option<&'static str> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| endpoint.strip_prefix(scheme));
    let Some(rest) = rest else {
        return Some("it must begin with https:// or http://");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Some("it may hold no user and no password: keys come from the environment");
    }
    if rest.contains(['?', '#']) {
        return Some("it may hold no `?` and no `#`");
    }
    let form = Some("it must be of the form https://host or https://host:port");
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) || !is_host(name) {
        return form;
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"\\%\"<>^`{|}".contains(c);
    if !rest.chars().all(is_plain) || rest.split('/').any(|part| part == "." || part == "..") {
        return form;
    }
    None
}

/// A name or an address of a host, as most are; numbers that only some programs take for an address are left out.
fn is_host(name: &str) -> bool {
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(plain)
    };
    let begins_a_number = |last: &str| last.starts_with(|c: char| c.is_ascii_digit());
    match name.rsplit('.').next() {
        Some(last) if begins_a_number(last) => name.parse::<std::net::Ipv4Addr>().is_ok(),
        _ => name.split('.').all(is_label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_name_is_told_and_a_usual_one_is_not() {
        for name in ["shop", "shop-media.eu", "0a1", "a.b.c", &"a".repeat(63)] {
            assert_eq!(bucket_name_fault(name), None, "{name}");
        }
        for name in ["", "ab", &"a".repeat(64), "Shop", "shop_media", "-shop", "shop-", ".shop"] {
            assert!(bucket_name_fault(name).is_some(), "{name}");
        }
        for name in
            ["shop..media", "192.0.2.7", "shop/media", "s3://shop", "shop media", "sh\u{f6}p"]
        {
            assert!(bucket_name_fault(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_malformed_address_is_told_and_a_usual_one_is_not() {
        for endpoint in [
            "https://s3.example.test",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "https://h/s3",
        ] {
            assert_eq!(endpoint_fault(endpoint), None, "{endpoint}");
        }
        for endpoint in [
            "",
            "s3.example.test",
            "s3://shop",
            "https://",
            "https://:80",
            "https://u:p@h",
            "https://h?x=1",
        ] {
            assert!(endpoint_fault(endpoint).is_some(), "{endpoint}");
        }
        assert!(endpoint_fault("https://a b").is_some());
    }
}
