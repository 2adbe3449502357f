//! Whom addresses of thumbnails may be asked of.
//!
//! A tenant writes such an address, and this process stands where services listen that no tenant can reach: on loopback,
//! in the inner network, beside the machine's own metadata. So it asks only where its operator sends it: the platform,
//! what relative addresses are relative to, and what settings name. Everything else is counted and left.

use std::collections::BTreeSet;
use std::net::IpAddr;

use reqwest::Url;

use super::failure::Failure;
use super::options::PlatformOptions;

/// So much of a foreign origin is told: tenants write them, and may write long ones.
const TOLD: usize = 80;

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The address is the picture itself.
    Inline,
    /// To an origin that may be asked.
    Allowed(&'a str),
    /// To another one.
    Foreign(String),
    /// Nowhere: it is no address.
    Nowhere,
}

/// Whom may be asked.
pub(super) struct Origins {
    base: String,
    allowed: BTreeSet<String>,
}

impl Origins {
    pub(super) fn new(options: &PlatformOptions) -> Self {
        let base = match options.thumbnails.as_str() {
            "" => options.url.as_str(),
            given => given,
        };
        let named = options.thumbnail_origins.iter().map(String::as_str);
        let allowed = named.chain([options.url.as_str(), base]);
        let allowed = allowed.filter_map(|text| of_web(&text.parse().ok()?));
        Self { base: base.to_owned(), allowed: allowed.collect() }
    }

    /// The whole address.
    pub(super) fn url(&self, address: &str) -> Result<Url, Failure> {
        let url = self.base.parse::<Url>().and_then(|base| base.join(address));
        url.map_err(|_| Failure::Impossible("an address of a thumbnail is not a URL".to_owned()))
    }

    /// Where an address leads.
    pub(super) fn place(&self, address: &str) -> Place<'_> {
        // A picture may be long: it need not be read to know what it is.
        if address.starts_with("data:") {
            return Place::Inline;
        }
        let Ok(url) = self.url(address) else { return Place::Nowhere };
        let Some(origin) = of_web(&url) else {
            let scheme = url.scheme();
            return if scheme == "data" {
                Place::Inline
            } else {
                Place::Foreign(format!("{scheme}:").chars().take(TOLD).collect())
            };
        };
        match self.allowed.get(&origin) {
            Some(allowed) => Place::Allowed(allowed),
            None => Place::Foreign(origin.chars().take(TOLD).collect()),
        }
    }
}

/// The origin of an address of the web.
fn of_web(url: &Url) -> Option<String> {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_web.then(|| url.origin().ascii_serialization())
}

/// Whether a text is an origin and nothing more: `https://host`, with a port where it is not the scheme's own.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let Ok(url) = text.parse::<Url>() else { return false };
    let origin = of_web(&url);
    origin.is_some_and(|origin| url.as_str().strip_suffix('/') == Some(origin.as_str()))
}

/// Whether what is sent to an address can be read on its way: without TLS, and to another machine.
#[must_use]
pub fn is_in_clear(address: &str) -> bool {
    let Ok(url) = address.parse::<Url>() else { return false };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = match ip {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    };
    url.scheme() == "http" && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Origins {
        let allowed = ["http://10.0.0.1:3000", "https://cdn.example.test"];
        Origins {
            base: "http://10.0.0.1:3000/files/".to_owned(),
            allowed: allowed.map(str::to_owned).into(),
        }
    }

    #[test]
    fn only_what_the_operator_named_may_be_asked() {
        let origins = origins();
        let allowed = [
            "/x.jpg",
            "x.jpg",
            "http://10.0.0.1:3000/x.jpg",
            "HTTPS://CDN.example.test:443/x.jpg",
            "//cdn.example.test/x.jpg",
        ];
        for address in &allowed[..4] {
            assert!(matches!(origins.place(address), Place::Allowed(_)), "{address}");
        }
        // It takes the scheme of the base.
        assert_eq!(origins.place(allowed[4]), Place::Foreign("http://cdn.example.test".to_owned()));
        let foreign = [
            ("http://127.0.0.1:6379/x", "http://127.0.0.1:6379"),
            ("http://169.254.169.254/latest/meta-data/", "http://169.254.169.254"),
            ("//evil.example.test/x", "http://evil.example.test"),
            ("\\\\evil.example.test/x", "http://evil.example.test"),
            ("http://10.0.0.1:3000@evil.example.test/x", "http://evil.example.test"),
            ("http://10.0.0.1/x", "http://10.0.0.1"),
            ("https://10.0.0.1:3000/x", "https://10.0.0.1:3000"),
            ("http://0x7f.1/x", "http://127.0.0.1"),
            ("minio://bucket/x", "minio:"),
            ("file:///etc/passwd", "file:"),
        ];
        for (address, origin) in foreign {
            assert_eq!(origins.place(address), Place::Foreign(origin.to_owned()), "{address}");
        }
        assert_eq!(origins.place("DATA:image/png;base64,AA"), Place::Inline);
        assert_eq!(origins.place("http://[/x"), Place::Nowhere);
    }

    #[test]
    fn an_origin_has_no_path_and_no_account() {
        for text in ["https://cdn.example.test", "http://10.0.0.1:9000/", "http://[::1]:1"] {
            assert!(is_origin(text), "{text}");
        }
        let wrong =
            ["cdn.example.test", "https://a/b", "https://u@a", "https://a?b", "minio://a", ""];
        for text in wrong {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn only_another_machine_is_spoken_to_in_clear() {
        for address in ["http://10.0.0.1:3000", "http://shop.example.test", "http://localhost.test"]
        {
            assert!(is_in_clear(address), "{address}");
        }
        let private = [
            "https://shop.example.test",
            "http://127.0.0.1:3000",
            "http://[::1]",
            "http://localhost:3000/",
            "http://x.localhost",
        ];
        for address in private {
            assert!(!is_in_clear(address), "{address}");
        }
    }
}
