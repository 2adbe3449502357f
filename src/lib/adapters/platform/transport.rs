//! One exchange: a request goes out, a whole answer of bounded size comes back in bounded time.
//!
//! No redirect is followed, no cookie is kept, no proxy is used. The secure client is built when it is first needed,
//! because loading the system's roots costs more than a request.

#![expect(
    clippy::disallowed_methods,
    reason = "the platform's own client, built like the prober's"
)]

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, RANGE, SET_COOKIE};
use reqwest::{Client, Method, Response, Url};
use rustls::crypto::ring;

use super::answer::Answer;
use super::dialect::Verb;
use super::failure::{self, Failure};
use crate::ports::clock::Clock;

/// The largest body that is read; a page of a hundred playlists with a hundred items each was measured at 4 MiB.
const BODY_BYTES: usize = 16 * 1024 * 1024;
/// The platform closes idle connections after 5 s; a write must not meet one that is being closed.
const IDLE: Duration = Duration::from_secs(4);
/// A connection that takes longer is given up while it is known that nothing was sent.
const CONNECT: Duration = Duration::from_secs(5);
/// More than this is asked at once by nobody here.
const IDLE_CONNECTIONS: usize = 8;
/// The longest wait that a platform may ask for: its longest window.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A request.
pub(super) struct Sending<'a> {
    pub(super) verb: Verb,
    pub(super) url: Url,
    /// The pattern of the route, for the log.
    pub(super) route: &'a str,
    pub(super) bearer: Option<&'a str>,
    pub(super) cookie: Option<String>,
    pub(super) json: Option<Vec<u8>>,
    pub(super) first_byte_only: bool,
    pub(super) timeout: Duration,
}

/// The clients, and the platform's clock.
pub(super) struct Transport {
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
    clock: Arc<dyn Clock>,
    /// What the platform's clock said last, and when that was on [`Clock::elapsed`].
    told: Mutex<Option<(Timestamp, Duration)>>,
}

impl Transport {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { plain: OnceLock::new(), secure: OnceLock::new(), clock, told: Mutex::new(None) }
    }

    fn client(&self, url: &Url) -> Result<&Client, Failure> {
        let client = match url.scheme() {
            "http" => self.plain.get_or_init(|| build(false)),
            "https" => self.secure.get_or_init(|| build(true)),
            _ => {
                return Err(Failure::Impossible(
                    "the address is neither http nor https".to_owned(),
                ));
            }
        };
        client.as_ref().map_err(|why| Failure::Unreached(why.clone()))
    }

    /// Sends, and reads the whole answer.
    pub(super) async fn exchange(&self, sending: Sending<'_>) -> Result<Answer, Failure> {
        let client = self.client(&sending.url)?;
        let (verb, route) = (sending.verb.as_str(), sending.route.to_owned());
        let began = self.clock.elapsed();
        let result = exchange(client, sending).await;
        let duration_ms = u64::try_from(self.clock.elapsed().saturating_sub(began).as_millis())
            .unwrap_or(u64::MAX);
        match &result {
            Ok(answer) => {
                tracing::debug!(verb, route, status = answer.status, duration_ms, "platform asked");
            }
            Err(why) => tracing::debug!(verb, route, %why, duration_ms, "platform did not answer"),
        }
        result
    }

    /// Sends to the platform itself, whose clock is noted.
    pub(super) async fn ask(&self, sending: Sending<'_>) -> Result<Answer, Failure> {
        let answer = self.exchange(sending).await?;
        if let Some(date) = answer.date {
            self.note(date);
        }
        Ok(answer)
    }

    /// A date is cut to seconds, so the platform's clock stands between it and the next second: of two dates carried
    /// on to now the later one is nearer, unless the clock was set back.
    fn note(&self, date: Timestamp) {
        const SET_BACK: Duration = Duration::from_secs(2);
        let carried = self.platform_now();
        let jumped = carried.is_some_and(|carried| {
            carried.duration_since(date)
                > jiff::SignedDuration::try_from(SET_BACK).unwrap_or_default()
        });
        let now = carried.filter(|_| !jumped).map_or(date, |carried| carried.max(date));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Some((now, self.clock.elapsed()));
    }

    /// The platform's clock now; `None` before its first answer.
    pub(super) fn platform_now(&self) -> Option<Timestamp> {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, at) = told?;
        date.checked_add(self.clock.elapsed().saturating_sub(at)).ok()
    }
}

fn build(tls: bool) -> Result<Client, String> {
    // Without a provider the builder panics; another one that was installed first is as good.
    let _installed_before = ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .user_agent(concat!("opswarden/", env!("CARGO_PKG_VERSION")));
    let builder = if tls { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|_| {
        if tls {
            "no trusted root certificates were found; install ca-certificates".to_owned()
        } else {
            "the HTTP client cannot be built".to_owned()
        }
    })
}

/// The one place where a request is made.
fn request(client: &Client, sending: Sending<'_>) -> reqwest::RequestBuilder {
    let method = match sending.verb {
        Verb::Get => Method::GET,
        Verb::Head => Method::HEAD,
        Verb::Post => Method::POST,
        Verb::Patch => Method::PATCH,
    };
    let mut request = client.request(method, sending.url).timeout(sending.timeout);
    if let Some(token) = sending.bearer {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(cookie) = sending.cookie {
        request = request.header(COOKIE, cookie);
    }
    if sending.first_byte_only {
        request = request.header(RANGE, "bytes=0-0");
    }
    match sending.json {
        Some(json) => request.header(CONTENT_TYPE, "application/json").body(json),
        None => request,
    }
}

async fn exchange(client: &Client, sending: Sending<'_>) -> Result<Answer, Failure> {
    let cut = sending.first_byte_only;
    let response = request(client, sending).send().await;
    let response = response.map_err(|error| failure::of_http(&error, None))?;
    let status = response.status().as_u16();
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let cookies = response.headers().get_all(SET_COOKIE).iter();
    let mut answer = Answer {
        status,
        retry_after: retry_after(&response),
        location: text(LOCATION).map(str::to_owned),
        date: text(reqwest::header::DATE).and_then(date),
        cookies: cookies.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect(),
        body: Vec::new(),
    };
    if !cut {
        answer.body = read(response).await?;
    }
    Ok(answer)
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_BYTES => {
                let why = format!("the answer is larger than {} MiB", BODY_BYTES / 1024 / 1024);
                return Err(Failure::Lost(Some(status), why));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(failure::of_http(&error, Some(status))),
        }
    }
}

fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// The platform has a limit for each window, each with a header of its own.
fn retry_after(response: &Response) -> Option<Duration> {
    let waits =
        response.headers().iter().filter(|(name, _)| name.as_str().starts_with("retry-after"));
    let seconds = waits.filter_map(|(_, value)| value.to_str().ok()?.trim().parse::<u64>().ok());
    seconds.max().map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}
