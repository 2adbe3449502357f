//! Carries one request and brings its answer, both of bounded size and by a fixed moment.
//!
//! Each request has a connection of its own: one that was kept may be closed while it is written to, and then nobody
//! knows whether the message arrived.

#![expect(clippy::disallowed_methods, reason = "the channels' own client, built like the prober's")]

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, Response};
use rustls::crypto::ring;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::failure::{self, Trouble};
use super::parcel::Taken;
use super::trust::{NO_ROOTS, Trust};
use crate::adapters::retry_after;
use crate::ports::clock::Clock;

/// The largest answer that is read; Slack's are below 20 kB, the others' a few words.
const ANSWER_BYTES: usize = 64 * 1024;
/// A deadline that cannot be counted is cut to this one.
const LONGEST_DEADLINE: Duration = Duration::from_hours(1);

/// A request.
pub(super) struct Parcel<'a> {
    pub(super) to: &'a Address,
    pub(super) kind: &'static str,
    pub(super) bearer: Option<&'a str>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) end: Instant,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// As much as came, at most [`ANSWER_BYTES`].
    pub(super) body: Vec<u8>,
    /// Why the body is not whole; `None` where it is, or was cut by us.
    pub(super) broken: Option<String>,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Exchange {
    /// There is an answer, with its status at least.
    Answered(Answer),
    /// Nothing of the message left this machine.
    NotSent(Trouble),
    /// It was sent, at least in part, and there is no answer.
    Lost(String),
}

/// The client of all channels over HTTP.
pub struct Courier {
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier")
    }
}

impl Courier {
    /// A client that believes `trust`. The clock dates signatures and the waits that receivers ask for.
    #[must_use]
    pub fn new(trust: Arc<Trust>, clock: Arc<dyn Clock>) -> Self {
        Self { trust, clock, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    fn client(&self, to: &Address) -> Result<&Client, Trouble> {
        let client = match to.url().scheme() {
            "https" => self.secure.get_or_init(|| secure(&self.trust)),
            _ => self.plain.get_or_init(|| build(bare().tls_certs_only([]))),
        };
        client.as_ref().map_err(|why| Trouble::Lasting(why.clone()))
    }

    /// Sends, and reads the answer, until the parcel's moment.
    pub(super) async fn send(&self, parcel: Parcel<'_>) -> Exchange {
        let client = match self.client(parcel.to) {
            Ok(client) => client,
            Err(trouble) => return Exchange::NotSent(trouble),
        };
        let (taken, end) = (Taken::default(), parcel.end);
        let sent = timeout_at(end, request(client, parcel, &taken).send()).await;
        let trouble = match sent {
            Ok(Ok(response)) => return Exchange::Answered(self.read(response, end).await),
            Ok(Err(error)) => of_http(&error),
            Err(_) if taken.is_taken() => Trouble::Passing("no answer came in time".to_owned()),
            Err(_) => Trouble::Passing("no connection was made in time".to_owned()),
        };
        if taken.is_taken() { Exchange::Lost(trouble.text()) } else { Exchange::NotSent(trouble) }
    }

    async fn read(&self, mut response: Response, end: Instant) -> Answer {
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: retry_after::wait(response.headers(), self.clock.now()),
            body: Vec::new(),
            broken: None,
        };
        while answer.broken.is_none() && answer.body.len() < ANSWER_BYTES {
            match timeout_at(end, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    let room = ANSWER_BYTES - answer.body.len();
                    answer.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                }
                Ok(Ok(None)) => break,
                Ok(Err(error)) => answer.broken = Some(of_http(&error).text()),
                Err(_) => answer.broken = Some("its answer did not end in time".to_owned()),
            }
        }
        answer
    }
}

/// The moment at which an attempt that begins now must have ended.
pub(super) fn end_of(deadline: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(deadline).unwrap_or(now + LONGEST_DEADLINE)
}

fn bare() -> reqwest::ClientBuilder {
    // Without a provider the builder panics; another one that was installed first is as good.
    let _installed_before = ring::default_provider().install_default();
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent(concat!("opswarden/", env!("CARGO_PKG_VERSION")))
}

fn secure(trust: &Trust) -> Result<Client, String> {
    let extra: Result<Vec<_>, _> =
        trust.extra().iter().map(|der| Certificate::from_der(der)).collect();
    let extra = extra.map_err(|_| "the private authority cannot be used".to_owned())?;
    build(bare().tls_certs_merge(extra)).map_err(|_| NO_ROOTS.to_owned())
}

fn build(builder: reqwest::ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|_| "the HTTP client cannot be built".to_owned())
}

fn request(client: &Client, parcel: Parcel<'_>, taken: &Taken) -> reqwest::RequestBuilder {
    let mut request = client.post(parcel.to.url().clone()).header(CONTENT_TYPE, parcel.kind);
    if let Some(token) = parcel.bearer {
        request = request.bearer_auth(token);
    }
    for (name, value) in parcel.headers {
        request = request.header(name, value);
    }
    request.body(taken.watch(parcel.body))
}

fn of_http(error: &reqwest::Error) -> Trouble {
    if error.is_builder() {
        return Trouble::Lasting("the request cannot be built".to_owned());
    }
    let unnamed =
        if error.is_connect() { "no connection could be made" } else { "no whole answer came" };
    failure::cause(error).unwrap_or_else(|| Trouble::Passing(unnamed.to_owned()))
}
