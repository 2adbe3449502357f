//! One question to the platform: in its time, at its pace, in the tenant's session, again where that may help.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Url;

use super::answer::Answer;
use super::cache::Cache;
use super::dialect::{Route, Table, table};
use super::failure::Failure;
use super::limiter::{Limiter, Share};
use super::options::PlatformOptions;
use super::origins::Origins;
use super::pace::Pace;
use super::retry::{TRIES, pause};
use super::tenant::Tenant;
use super::transport::{Sending, Transport};
use crate::adapters::redact::Redactor;
use crate::domain::sight::Blind;
use crate::ports::clock::Clock;

/// The path that all routes begin with.
const API: &str = "/api/v1";

/// Everything that a question needs.
pub(super) struct Asker {
    pub(super) options: PlatformOptions,
    pub(super) table: &'static Table,
    pub(super) transport: Transport,
    pub(super) limiter: Limiter,
    /// Whom thumbnails are asked of.
    pub(super) origins: Origins,
    pub(super) cache: Arc<Cache>,
    pub(super) tenants: Vec<Arc<Tenant>>,
    /// On [`Clock::elapsed`], in milliseconds: nothing is sent after it.
    deadline_ms: AtomicU64,
    /// Knows the accounts.
    pub(super) redactor: Redactor,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) route: Route,
    /// The row; empty where the route names none.
    pub(super) id: &'a str,
    /// With its question mark; may be empty.
    pub(super) query: &'a str,
}

impl Asker {
    pub(super) fn new(options: PlatformOptions) -> Self {
        let clock = Arc::clone(&options.clock);
        let cache = Arc::new(Cache::new(options.cache.clone(), Arc::clone(&clock)));
        let accounts = options.tenants.iter();
        let secrets = accounts.flat_map(|tenant| [tenant.email.clone(), tenant.password.clone()]);
        let secrets = secrets.filter(|secret| !secret.is_empty());
        Self {
            table: table(options.dialect),
            transport: Transport::new(Arc::clone(&clock)),
            limiter: Limiter::new(Arc::clone(&cache), clock, options.limits),
            origins: Origins::new(&options),
            cache,
            redactor: Redactor::new(secrets),
            deadline_ms: AtomicU64::new(millis(options.deadline)),
            tenants: options.tenants.iter().cloned().map(Tenant::new).map(Arc::new).collect(),
            options,
        }
    }

    /// When, on [`Clock::elapsed`], sending ends.
    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.load(Ordering::Relaxed))
    }

    /// Sets when sending ends.
    pub(super) fn until(&self, deadline: Duration) {
        self.deadline_ms.store(millis(deadline), Ordering::Relaxed);
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.options.clock.as_ref()
    }

    /// How many requests to a route this run may send; `None` for any number.
    pub(super) fn each_run(&self, share: Share) -> Option<u64> {
        let PlatformOptions { interval, deadline, .. } = self.options;
        // All tenants of the settings share what a route allows.
        let tenants = u64::try_from(self.tenants.len()).unwrap_or(u64::MAX).max(1);
        self.limiter.each_run(interval, deadline, share).map(|each| (each / tenants).max(1))
    }

    /// A tenant by its name.
    pub(super) fn tenant(&self, name: &str) -> Result<&Arc<Tenant>, Blind> {
        let found = self.tenants.iter().find(|tenant| tenant.name() == name);
        found.ok_or_else(|| Blind::because(format!("no tenant is called {name}")))
    }

    /// An address of the API.
    pub(super) fn url(&self, path: &str) -> Result<Url, Failure> {
        let base = self.options.url.trim_end_matches('/');
        let url = format!("{base}{API}{path}").parse();
        url.map_err(|_| Failure::Impossible("the platform's address is not a URL".to_owned()))
    }

    /// How long a request may take now.
    pub(super) fn timeout(&self) -> Result<Duration, Failure> {
        let left = self.deadline().saturating_sub(self.clock().elapsed());
        if left.is_zero() {
            return Err(Failure::Held("the run's deadline".to_owned()));
        }
        Ok(left.min(self.options.request_timeout))
    }

    /// A request without a session.
    pub(super) fn sending(
        &self,
        route: Route,
        id: &str,
        query: &str,
    ) -> Result<Sending<'static>, Failure> {
        let path = route.path(id).map_err(Failure::Impossible)?;
        Ok(Sending {
            verb: route.verb,
            url: self.url(&format!("{path}{query}"))?,
            route: route.pattern,
            bearer: None,
            cookie: None,
            json: None,
            first_byte_only: false,
            timeout: self.timeout()?,
        })
    }

    /// Sends once, in the tenant's session; with a new session where the old one is no longer accepted.
    pub(super) async fn once(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        pace: &Pace<'_>,
        question: Question<'_>,
        json: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let mut stale = None;
        loop {
            let session = tenant.session(self, stale.as_ref()).await?;
            pace.next(self.deadline()).await?;
            let sent_at = self.clock().elapsed();
            let sending = Sending {
                bearer: Some(&session.token),
                json: json.map(<[u8]>::to_vec),
                ..self.sending(question.route, question.id, question.query)?
            };
            let answer = self.transport.ask(sending).await?;
            if answer.status == 401 {
                if stale.is_none() {
                    stale = Some(session);
                    continue;
                }
                return Err(answer.refusal(&self.redactor));
            }
            session.accepted();
            if answer.status == 429 {
                self.limiter.refused(pace.bucket(), sent_at, answer.retry_after).await;
            }
            if answer.is_success() {
                return Ok(answer);
            }
            return Err(answer.refusal(&self.redactor));
        }
    }

    /// Asks what may be asked again.
    pub(super) async fn get(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        pace: &Pace<'_>,
        question: Question<'_>,
    ) -> Result<Answer, Failure> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.once(tenant, pace, question, None).await {
                Err(failure) if failure.is_passing() && tried < TRIES => {
                    let wait = pause(tried);
                    if self.clock().elapsed() + wait >= self.deadline() {
                        return Err(failure);
                    }
                    self.clock().sleep(wait).await;
                }
                result => return result,
            }
        }
    }
}
