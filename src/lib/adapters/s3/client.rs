//! One bucket, how it is reached, and one signed request at a time.

#![expect(
    clippy::disallowed_methods,
    reason = "this adapter builds the client of its own connections"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Request, Response, Url};
use rustls::crypto::ring;
use rusty_s3::{Bucket, Credentials, Method, S3Action, UrlStyle};
use tokio::time::{Instant, timeout_at};

use super::again::{Deed, Patience};
use super::answer::{Answer, LATE};
use super::error::{S3Error, of_http};
use crate::domain::upkeep::{bucket_name_fault, endpoint_fault};
use crate::ports::clock::Clock;

/// So long may it take to be let in.
const CONNECT: Duration = Duration::from_secs(5);
/// A request without much of a body has so long for all of it.
pub(super) const SHORT: Duration = Duration::from_secs(20);
/// A signature is good for so long: what S3 itself allows two clocks to differ by.
const SIGNED_FOR: Duration = Duration::from_mins(15);
/// A longer name no store takes.
const KEY_BYTES: usize = 1024;
/// A connection that was idle for so long is not used again: servers close theirs after five seconds or more.
const IDLE: Duration = Duration::from_secs(2);
/// A deadline that cannot be counted is cut to this one.
const LONGEST: Duration = Duration::from_hours(1);

/// How a bucket is reached, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Options {
    /// The address of the store: `https://s3.example.test`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Who asks.
    pub access_key_id: String,
    /// What it is proved by.
    pub secret_access_key: String,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("S3Options");
        let shown = shown.field("endpoint", &self.endpoint).field("region", &self.region);
        shown.field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A client of one bucket.
#[derive(Clone)]
pub struct Client {
    pub(super) bucket: Bucket,
    credentials: Credentials,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl Client {
    /// A client. Nothing is opened before the first request.
    ///
    /// # Errors
    ///
    /// The name or the address is malformed, a key is empty, or the system trusts nobody for https. The text holds no key.
    pub fn new(options: &S3Options, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let S3Options { endpoint, region, bucket: name, .. } = options;
        if let Some(why) = bucket_name_fault(name) {
            return Err(format!("`{name}` is no name of a bucket: {why}"));
        }
        if let Some(why) = endpoint_fault(endpoint) {
            return Err(format!("the endpoint is no address of a store: {why}"));
        }
        if options.access_key_id.is_empty() || options.secret_access_key.is_empty() {
            return Err("the access key or its secret is empty".to_owned());
        }
        let url: Url = endpoint.parse().map_err(|_| "the endpoint is no address".to_owned())?;
        let http = http(url.scheme() == "https")?;
        let bucket = Bucket::new(url, UrlStyle::Path, name.clone(), region.clone());
        let bucket = bucket.map_err(|_| "the endpoint is no address of a store".to_owned())?;
        let credentials =
            Credentials::new(options.access_key_id.clone(), options.secret_access_key.clone());
        Ok(Self { bucket, credentials, http, clock })
    }

    /// Where it is: the store's address, and the bucket there.
    pub(super) fn place(&self) -> &str {
        self.bucket.base_url().as_str().trim_end_matches('/')
    }

    pub(super) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A question that the library knows, or a removal, answered with yes.
    pub(super) async fn ask<'a, A: S3Action<'a>>(
        &self,
        action: A,
        within: Duration,
    ) -> Result<Answer, S3Error> {
        self.answer(&action, within).await?.accepted()
    }

    /// The same, whatever the answer.
    pub(super) async fn answer<'a, A: S3Action<'a>>(
        &self,
        action: &A,
        within: Duration,
    ) -> Result<Answer, S3Error> {
        let url = action.sign_with_time(SIGNED_FOR, &self.clock.now());
        let request = self.request((A::METHOD, url), HeaderMap::new(), Vec::new())?;
        self.answered(request, Deed::Question, (within, end_of(within))).await
    }

    /// An action that changes something, answered with yes. Each time that it is sent may take `each`.
    pub(super) async fn insist<'a, A: S3Action<'a>>(
        &self,
        action: A,
        body: Vec<u8>,
        (deed, each): (Deed, Duration),
    ) -> Result<Answer, S3Error> {
        let url = action.sign_with_time(SIGNED_FOR, &self.clock.now());
        let request = self.request((A::METHOD, url), HeaderMap::new(), body)?;
        self.answered(request, deed, (each, end_of(LONGEST))).await?.accepted()
    }

    /// A question about the bucket that the library does not know; its words in alphabetical order.
    pub(super) async fn query(
        &self,
        words: &[(&str, &str)],
        within: Duration,
    ) -> Result<Answer, S3Error> {
        let url = rusty_s3::signing::sign(
            &self.clock.now(),
            Method::Get,
            self.bucket.base_url().clone(),
            self.credentials.key(),
            self.credentials.secret(),
            None,
            self.bucket.region(),
            SIGNED_FOR.as_secs(),
            words.iter().copied(),
            std::iter::empty(),
        );
        let request = self.request((Method::Get, url), HeaderMap::new(), Vec::new())?;
        self.answered(request, Deed::Question, (within, end_of(within))).await?.accepted()
    }

    /// A signed action whose answer is not read yet.
    pub(super) async fn open<'a, A: S3Action<'a>>(&self, action: A) -> Result<Response, S3Error> {
        self.open_with(action, HeaderMap::new()).await
    }

    /// The same with headers of its own. They are not signed: no store asks for that of others than its own.
    pub(super) async fn open_with<'a, A: S3Action<'a>>(
        &self,
        action: A,
        headers: HeaderMap,
    ) -> Result<Response, S3Error> {
        let url = action.sign_with_time(SIGNED_FOR, &self.clock.now());
        let request = self.request((A::METHOD, url), headers, Vec::new())?;
        let (response, end) =
            self.patiently(request, Deed::Question, (SHORT, end_of(SHORT))).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Answer::read(response, self.clock.now(), end).await?.refusal())
    }

    async fn answered(
        &self,
        request: Request,
        deed: Deed,
        time: (Duration, Instant),
    ) -> Result<Answer, S3Error> {
        let (response, end) = self.patiently(request, deed, time).await?;
        Answer::read(response, self.clock.now(), end).await
    }

    /// Sends it, and again for a while where the store has no time for it or its answer is lost: each time may take `each`, and
    /// all of it ends at `end`. With the answer comes the moment until which it may be read.
    async fn patiently(
        &self,
        request: Request,
        deed: Deed,
        (each, end): (Duration, Instant),
    ) -> Result<(Response, Instant), S3Error> {
        let mut patience = Patience::new(deed, request.url().as_str(), self.clock.elapsed());
        loop {
            // What it sends lies in memory and is not copied.
            let again = request.try_clone().ok_or(S3Error::Shape("it can be sent only once"))?;
            let until = end_of(each).min(end);
            let answer = self.execute(again, until).await;
            let told = answer.as_ref().map(|answer| (answer.status().as_u16(), answer.headers()));
            match patience.pause(told, self.clock.now(), self.clock.elapsed()) {
                Some(pause) if end_of(pause) < end => {
                    drop(answer);
                    self.clock.sleep(pause).await;
                }
                Some(_) | None => return answer.map(|answer| (answer, until)),
            }
        }
    }

    /// A request that is not sent yet.
    fn request(
        &self,
        (method, url): (Method, Url),
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Request, S3Error> {
        let (method, takes_a_body) = match method {
            Method::Get => (reqwest::Method::GET, false),
            Method::Head => (reqwest::Method::HEAD, false),
            Method::Delete => (reqwest::Method::DELETE, false),
            Method::Put => (reqwest::Method::PUT, true),
            Method::Post => (reqwest::Method::POST, true),
        };
        let mut request = self.http.request(method, url).headers(headers);
        if takes_a_body {
            // The library leaves the length of an empty body out, which some servers refuse.
            request = request.header(CONTENT_LENGTH, body.len()).body(body);
        }
        request.build().map_err(|error| of_http(&error))
    }

    async fn execute(&self, request: Request, end: Instant) -> Result<Response, S3Error> {
        match timeout_at(end, self.http.execute(request)).await {
            Ok(sent) => sent.map_err(|error| of_http(&error)),
            Err(_) => Err(S3Error::Lost(LATE.to_owned())),
        }
    }
}

/// A name that an address holds as it is. An empty one would mean the bucket, and `a/../b` another object.
pub(super) fn named(key: &str) -> Result<&str, S3Error> {
    let is_dots = |part: &str| part == "." || part == "..";
    if !(1..=KEY_BYTES).contains(&key.len()) || key.split('/').any(is_dots) {
        return Err(S3Error::Key(key.to_owned()));
    }
    Ok(key)
}

/// The moment at which what begins now must have ended.
pub(super) fn end_of(within: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(within).unwrap_or(now + LONGEST)
}

fn http(tls: bool) -> Result<reqwest::Client, String> {
    // Without a provider the builder panics; another one that was installed first is as good.
    let _installed_before = ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .user_agent(concat!("opswarden/", env!("CARGO_PKG_VERSION")));
    // Loading the system's roots costs more than a request.
    let builder = if tls { builder } else { builder.tls_certs_only([]) };
    builder
        .build()
        .map_err(|_| "no trusted root certificates were found; install ca-certificates".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::adapters::system_clock::SystemClock;

    fn options() -> S3Options {
        S3Options {
            endpoint: "http://127.0.0.1:9000".to_owned(),
            region: "us-east-1".to_owned(),
            bucket: "shop".to_owned(),
            access_key_id: "AKIA-canary".to_owned(),
            secret_access_key: "hunter2".to_owned(),
        }
    }

    fn client(options: &S3Options) -> Result<Client, String> {
        Client::new(options, Arc::new(SystemClock::new()))
    }

    #[test]
    fn a_name_that_would_mean_something_else_is_refused() {
        for key in ["a", "a b/\u{fc}", "a/.../b", "..a/b..", "/a//b/", "a\\..\\b"] {
            let client = client(&options()).unwrap();
            let url = client.bucket.object_url(named(key).unwrap());
            let path = url.path().strip_prefix("/shop/").unwrap();
            let segments = path.split('/').count();
            assert_eq!(segments, key.split('/').count(), "{key}: {url}");
        }
        for key in ["", ".", "..", "a/../b", "a/.", "./a", "../shop2/a", &"a".repeat(1025)] {
            assert!(matches!(named(key), Err(S3Error::Key(_))), "{key}");
        }
    }

    #[test]
    fn what_is_malformed_is_told_before_anything_is_sent_and_no_key_with_it() {
        let good = client(&options()).unwrap();
        let shown = format!("{good:?} {:?}", options());
        assert!(!shown.contains("hunter2") && !shown.contains("canary"), "{shown}");
        for (bad, word) in [
            (S3Options { bucket: "Shop_1".to_owned(), ..options() }, "small letters"),
            (S3Options { endpoint: "127.0.0.1".to_owned(), ..options() }, "https://"),
            (S3Options { endpoint: "http://h:port".to_owned(), ..options() }, "https://host"),
            (S3Options { secret_access_key: String::new(), ..options() }, "empty"),
        ] {
            let why = client(&bad).unwrap_err();
            assert!(why.contains(word) && !why.contains("hunter2"), "{why}");
        }
    }

    proptest! {
        /// What the settings take for an address is one, and means the host that is written there.
        #[test]
        fn an_address_that_is_accepted_is_one(
            endpoint in "https?://(\\[[0-9a-f:]{2,9}\\]|[a-zA-Z0-9_.%@-]{1,12})(:[0-9a]{0,6})?(/[a-z.%]{0,4}){0,2}",
        ) {
            let options = S3Options { endpoint: endpoint.clone(), ..options() };
            // Names of other alphabets are left to the library that knows them.
            let is_foreign = endpoint.to_lowercase().contains("xn--");
            if endpoint_fault(&endpoint).is_none() && !is_foreign {
                let bucket = client(&options).map_err(TestCaseError::fail)?.bucket;
                let host = bucket.base_url().host_str().unwrap_or_default().to_owned();
                prop_assert!(host.starts_with('[') || endpoint.to_lowercase().contains(&host));
                prop_assert!(bucket.base_url().path().ends_with("/shop/"));
            }
        }
    }
}
