//! Addresses as the prober reads them: what is accepted here can be asked.
//!
//! Stricter than URLs are: one spelling of each host, so that an address of this very machine is known for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The parts of an address that decide whether it can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// `http`, `https` or `tcp`.
    pub(super) scheme: &'a str,
    /// Who answers there.
    pub(super) host: Host<'a>,
    /// The port, where one is written.
    pub(super) port: Option<u16>,
}

/// A host, by its name or by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    /// By a name.
    Name(&'a str),
    /// By a number.
    Ip(IpAddr),
}

impl<'a> Address<'a> {
    /// The address that `text` spells, or what to write instead.
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("holds a space or an invisible character; leave it out".to_owned());
        }
        let (scheme, rest) =
            text.split_once("://").ok_or("write http://…, https://… or tcp://host:port")?;
        if !["http", "https", "tcp"].contains(&scheme) {
            return Err(format!(
                "`{scheme}` is not a scheme that can be probed; use http, https or tcp"
            ));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("leave out the user and password before `@`; probes carry no credentials"
                .to_owned());
        }
        let (host, port) = host_and_port(authority)?;
        let port = port.map(read_port).transpose()?;
        if scheme == "tcp" && port.is_none() {
            return Err("tcp:// needs a port, like tcp://127.0.0.1:5432".to_owned());
        }
        Ok(Self { scheme, host, port })
    }

    /// Whether this very machine answers there, whatever becomes of its network.
    pub(super) fn is_this_host(&self) -> bool {
        match self.host {
            Host::Name(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Ip(ip) => {
                let ip = ip.to_canonical();
                ip.is_loopback() || ip.is_unspecified()
            }
        }
    }
}

fn host_and_port(authority: &str) -> Result<(Host<'_>, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest
            .split_once(']')
            .ok_or("an IPv6 address that begins with `[` is closed by `]`, like http://[::1]/")?;
        let ip: Ipv6Addr = inside
            .parse()
            .map_err(|_| format!("`{inside}` is not an IPv6 address; write one like [::1]"))?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((Host::Ip(ip.into()), Some(port))),
            None if after.is_empty() => Ok((Host::Ip(ip.into()), None)),
            None => Err(format!("`{after}` after `]` is neither a port nor a path")),
        };
    }
    let (host, port) =
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.contains(':')) {
        return Err("an IPv6 address stands in brackets, like http://[::1]:3000/".to_owned());
    }
    Ok((named(host)?, port))
}

fn named(host: &str) -> Result<Host<'_>, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err("names no host".to_owned());
    }
    if !name.chars().all(good) || name.split('.').any(str::is_empty) {
        return Err(format!(
            "`{host}` is not the name of a host; write letters, digits, `-`, `_` and single dots"
        ));
    }
    // A name whose last part is a number is read as a number by whoever connects.
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_number = last.strip_prefix("0x").map_or_else(
        || last.chars().all(|c| c.is_ascii_digit()),
        |digits| digits.chars().all(|c| c.is_ascii_hexdigit()),
    );
    if !is_number {
        return Ok(Host::Name(host));
    }
    let ip: Ipv4Addr = name.parse().map_err(|_| {
        format!("`{host}` is not an IPv4 address; write four numbers, like 127.0.0.1")
    })?;
    Ok(Host::Ip(ip.into()))
}

fn read_port(text: &str) -> Result<u16, String> {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    let port = text.parse().ok().filter(|port: &u16| digits && *port > 0);
    port.ok_or_else(|| format!("`{text}` is not a port; write a number from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_can_be_asked_is_read_in_its_parts() {
        let ip = |text: &str| Host::Ip(text.parse().unwrap());
        for (text, scheme, host, port) in [
            ("http://127.0.0.1:3000/api?x=a@b", "http", ip("127.0.0.1"), Some(3000)),
            ("https://a-b_c.example.test", "https", Host::Name("a-b_c.example.test"), None),
            ("https://example.test.:443#x", "https", Host::Name("example.test."), Some(443)),
            ("http://localhost?x:1", "http", Host::Name("localhost"), None),
            ("http://[::1]/", "http", ip("::1"), None),
            ("tcp://[2001:db8::1]:65535", "tcp", ip("2001:db8::1"), Some(65535)),
            ("tcp://db1:1", "tcp", Host::Name("db1"), Some(1)),
        ] {
            assert_eq!(Address::read(text), Ok(Address { scheme, host, port }), "{text}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_asked_says_what_to_write() {
        for (text, words) in [
            ("", "write http://"),
            ("127.0.0.1:3000", "write http://"),
            ("ftp://a/", "`ftp` is not a scheme"),
            ("HTTP://a/", "`HTTP` is not a scheme"),
            ("http://", "names no host"),
            ("http:///x", "names no host"),
            ("http://?x", "names no host"),
            ("http://:80/", "names no host"),
            ("http://./", "names no host"),
            ("http://a:b@c/", "before `@`"),
            ("http://127.0.0.1:99999/", "`99999` is not a port"),
            ("http://localhost:0/", "`0` is not a port"),
            ("http://localhost:/", "`` is not a port"),
            ("http://localhost:+80/", "`+80` is not a port"),
            ("http://localhost: 80/", "holds a space"),
            ("http://a/\u{7f}", "invisible"),
            ("http://a/b c", "holds a space"),
            ("\thttp://a/", "holds a space"),
            ("https://[::1", "closed by `]`"),
            ("https://[::1]80/", "after `]`"),
            ("https://[::g]/", "not an IPv6 address"),
            ("https://[fe80::1%25eth0]/", "not an IPv6 address"),
            ("https://[127.0.0.1]/", "not an IPv6 address"),
            ("http://::1/", "stands in brackets"),
            ("http://a]:80/", "not the name of a host"),
            ("http://a\\b/", "not the name of a host"),
            ("http://a%20b/", "not the name of a host"),
            ("http://a..b/", "not the name of a host"),
            ("http://bücher.test/", "not the name of a host"),
            ("http://256.0.0.1/", "not an IPv4 address"),
            ("http://127.1/", "not an IPv4 address"),
            ("http://2130706433/", "not an IPv4 address"),
            ("http://0x7f000001/", "not an IPv4 address"),
            ("tcp://127.0.0.1", "needs a port"),
            ("tcp://[::1]/", "needs a port"),
            ("tcp://a:b", "`b` is not a port"),
        ] {
            let said = Address::read(text).expect_err(text);
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn this_host_is_known_by_every_name_of_its_own() {
        let here = |text: &str| Address::read(text).expect(text).is_this_host();
        for own in ["localhost", "LOCALHOST.", "a.localhost", "127.9.9.9", "[::1]", "0.0.0.0"] {
            assert!(here(&format!("http://{own}/")), "{own}");
        }
        assert!(here("http://[::ffff:127.0.0.1]/") && here("tcp://[::]:1"));
        for other in ["localhost.test", "128.0.0.1", "[::2]", "10.0.0.1", "notlocalhost"] {
            assert!(!here(&format!("http://{other}/")), "{other}");
        }
    }
}
