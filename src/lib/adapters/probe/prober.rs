//! Probes of addresses: one bounded look, and what went wrong is the reading.
//!
//! A look follows no redirect, uses no proxy, keeps no cookie and no connection. Name resolution, connecting, the
//! handshake, the whole body and the page's assets share one deadline, so that a server that drips cannot hold it.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the adapter that may build the HTTP client"
)]

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url};
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::failure::not_asked;
use super::{failure, http};
use crate::adapters::system_clock::SystemClock;
use crate::ports::Pending;
use crate::ports::clock::Clock;
use crate::ports::probe::{ProbeAnswer, ProbeReading, ProbeRequest, Prober};

/// A deadline that cannot be counted is cut to this one.
const LONGEST_DEADLINE: Duration = Duration::from_hours(1);

/// Whose certificates are believed.
enum Trust {
    /// Nobody's: nothing is asked over TLS, and loading the roots costs more than a probe.
    Nobody,
    /// The system's roots.
    System,
    /// These roots alone.
    Only(Vec<Certificate>),
}

/// A prober over HTTP and TCP.
pub struct HttpProber {
    plain: Result<Client, String>,
    /// For https alone, so that missing roots blind nothing else.
    secure: Result<Client, String>,
    clock: Arc<dyn Clock>,
}

impl HttpProber {
    /// A prober; `tls` where any address is https, so that the system's trusted roots are loaded.
    #[must_use]
    pub fn new(tls: bool) -> Self {
        Self::with(if tls { Trust::System } else { Trust::Nobody })
    }

    /// A prober that believes these authorities alone, each in PEM.
    ///
    /// # Errors
    ///
    /// A fragment, where one is not a certificate.
    pub fn trusting(authorities: &[String]) -> Result<Self, String> {
        let parsed = authorities.iter().map(|pem| Certificate::from_pem(pem.as_bytes()));
        let roots: Result<Vec<_>, _> = parsed.collect();
        let roots = roots.map_err(|_| "an authority is not a certificate in PEM".to_owned())?;
        Ok(Self::with(Trust::Only(roots)))
    }

    fn with(trust: Trust) -> Self {
        let secure = match trust {
            Trust::Nobody => Err("no trusted roots were loaded for https".to_owned()),
            trust @ (Trust::System | Trust::Only(_)) => client(trust).map_err(|_| {
                "no trusted root certificates were found; install ca-certificates".to_owned()
            }),
        };
        let plain = client(Trust::Nobody)
            .map_err(|error| format!("the HTTP client cannot be built: {error}"));
        Self { plain, secure, clock: Arc::new(SystemClock::new()) }
    }

    async fn look(&self, request: &ProbeRequest, end: Instant) -> ProbeAnswer {
        let Ok(url) = request.url.parse::<Url>() else {
            return not_asked("the address is not a URL");
        };
        let client = match url.scheme() {
            "tcp" => {
                let connected = timeout_at(end, connect(&url)).await;
                return connected.unwrap_or(ProbeAnswer::TimedOut);
            }
            "http" => &self.plain,
            "https" => &self.secure,
            scheme => return not_asked(format!("`{scheme}` is not a way to probe")),
        };
        match client {
            Ok(client) => http::look(client, url, request, end).await,
            Err(why) => not_asked(why.as_str()),
        }
    }
}

fn client(trust: Trust) -> Result<Client, reqwest::Error> {
    // Without a provider the builder panics; another one that was installed first is as good.
    let _installed_before = ring::default_provider().install_default();
    let plain = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .tls_info(true)
        .user_agent(concat!("opswarden/", env!("CARGO_PKG_VERSION")));
    trusting(plain, trust).build()
}

fn trusting(builder: ClientBuilder, trust: Trust) -> ClientBuilder {
    match trust {
        Trust::Nobody => builder.tls_certs_only([]),
        Trust::System => builder,
        Trust::Only(roots) => builder.tls_certs_only(roots),
    }
}

async fn connect(url: &Url) -> ProbeAnswer {
    let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
        return not_asked("the address is not of the form tcp://host:port");
    };
    match TcpStream::connect(format!("{host}:{port}")).await {
        Ok(_accepted) => ProbeAnswer::Connected,
        Err(error) => failure::of_io(&error).unwrap_or_else(|| failure::unnamed(&error)),
    }
}

impl Prober for HttpProber {
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> Pending<'a, ProbeReading> {
        Box::pin(async move {
            let (at, began) = (self.clock.now(), self.clock.elapsed());
            let now = Instant::now();
            let end = now.checked_add(request.deadline).unwrap_or(now + LONGEST_DEADLINE);
            let answer = self.look(request, end).await;
            let took: Duration = self.clock.elapsed().saturating_sub(began);
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            ProbeReading { at, took_ms, answer }
        })
    }
}
