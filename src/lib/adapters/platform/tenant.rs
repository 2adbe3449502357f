//! A tenant: its account, and the one session that all questions of a run share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ask::Asker;
use super::failure::Failure;
use super::options::TenantOptions;
use super::session;
use crate::domain::operation::Operation;
use crate::domain::platform::{Acceptance, Account, TenantStanding};

/// How long a sign-in that failed is not tried again: every question of a run would wait for it.
const NOT_AGAIN: Duration = Duration::from_secs(30);
/// Each sign-in whose answer is lost may have opened a session that nobody can end: after so many of them the run does
/// without. One of them may be an accident.
const MOST_LOST: u32 = 2;
/// A platform that refuses tokens as fast as it gives them is not asked for more than these in a run.
const MOST_SIGN_INS: u32 = 20;
/// A sign-in that is still under way is waited for so long.
const WAIT: Duration = Duration::from_secs(5);

/// An open session. It has no `Debug`: what it holds is secret.
pub(super) struct Session {
    pub(super) token: String,
    pub(super) refresh: Option<String>,
    /// Its row in the cache.
    pub(super) row: i64,
    /// On the clock's elapsed time: it is ended and another one opened, before the platform lets it expire.
    pub(super) renew_at: Option<Duration>,
    /// Whether the platform has accepted its token.
    proved: AtomicBool,
}

impl Session {
    pub(super) fn new(
        token: String,
        refresh: Option<String>,
        row: i64,
        renew_at: Option<Duration>,
    ) -> Self {
        Self { token, refresh, row, renew_at, proved: AtomicBool::new(false) }
    }

    pub(super) fn accepted(&self) {
        self.proved.store(true, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Seat {
    /// The session that questions use.
    current: Option<Arc<Session>>,
    /// Every session that is not known to be ended, the current one too.
    open: Vec<Arc<Session>>,
    /// Why the last sign-in failed, and until when that is believed.
    failed: Option<(Duration, Failure)>,
    sign_ins: u32,
    /// Sign-ins of which nobody knows whether they opened a session.
    lost: u32,
}

/// What the platform answered to changes of rows, and to commands.
#[derive(Clone, Default)]
struct Accepted {
    changes: Acceptance,
    commands: Acceptance,
}

/// A tenant.
pub(super) struct Tenant {
    pub(super) options: TenantOptions,
    seat: tokio::sync::Mutex<Seat>,
    account: Mutex<Account>,
    accepted: Mutex<Accepted>,
    leaked: AtomicU64,
}

impl Tenant {
    pub(super) fn new(options: TenantOptions) -> Self {
        let why = "it was not asked".to_owned();
        Self {
            options,
            seat: tokio::sync::Mutex::default(),
            account: Mutex::new(Account::Unknown { why }),
            accepted: Mutex::default(),
            leaked: AtomicU64::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.options.name
    }

    pub(super) fn standing(&self) -> TenantStanding {
        let Accepted { changes, commands } =
            self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        TenantStanding {
            tenant: self.options.name.clone(),
            account: self.account.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            leaked: self.leaked.load(Ordering::Relaxed),
            changes,
            commands,
        }
    }

    /// Notes what an answer to `operation` says of all that are like it; unlike what a sign-in says, it holds for the run.
    pub(super) fn accepts(&self, operation: &Operation, acceptance: Acceptance) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if operation.is_command() {
            accepted.commands = acceptance;
        } else {
            accepted.changes = acceptance;
        }
    }

    pub(super) fn set_account(&self, account: Account) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }

    pub(super) fn set_leaked(&self, leaked: u64) {
        self.leaked.store(leaked, Ordering::Relaxed);
    }

    /// The session; another one than `stale`, which the platform no longer accepts.
    pub(super) async fn session(
        self: &Arc<Self>,
        asker: &Arc<Asker>,
        stale: Option<&Arc<Session>>,
    ) -> Result<Arc<Session>, Failure> {
        {
            let seat = self.seat.lock().await;
            if let Some(session) = seat.usable(asker, stale) {
                return Ok(session);
            }
        }
        // A sign-in goes on though nobody waits for it any more: a session that the platform opened must not be lost.
        let (tenant, asker, stale) = (Arc::clone(self), Arc::clone(asker), stale.cloned());
        let entering = tokio::spawn(async move { tenant.enter(&asker, stale).await });
        entering.await.unwrap_or_else(|_| Err(Failure::Unreached("the sign-in broke off".into())))
    }

    async fn enter(
        &self,
        asker: &Arc<Asker>,
        stale: Option<Arc<Session>>,
    ) -> Result<Arc<Session>, Failure> {
        let mut seat = self.seat.lock().await;
        if let Some(session) = seat.usable(asker, stale.as_ref()) {
            return Ok(session);
        }
        let now = asker.clock().elapsed();
        if let Some((until, failure)) = &seat.failed
            && now < *until
        {
            return Err(failure.clone());
        }
        if let Some(old) = seat.current.take() {
            let refused = stale.is_some_and(|stale| Arc::ptr_eq(&stale, &old));
            if refused && !old.proved.load(Ordering::Relaxed) {
                seat.current = Some(old);
                let why = "the platform refuses the token that it gave".to_owned();
                return Err(Failure::Said(401, why));
            }
            // One that is about to expire can still be ended; one that is refused is tried again at the end.
            if !refused && session::end(asker, &old).await.is_ok() {
                seat.open.retain(|open| !Arc::ptr_eq(open, &old));
            }
        }
        if seat.sign_ins >= MOST_SIGN_INS {
            let why = format!("the platform ended {MOST_SIGN_INS} sessions of this run");
            return Err(Failure::Unreached(why));
        }
        seat.sign_ins += 1;
        match session::log_in(asker, self).await {
            Ok(session) => {
                let session = Arc::new(session);
                seat.open.push(Arc::clone(&session));
                seat.current = Some(Arc::clone(&session));
                seat.failed = None;
                Ok(session)
            }
            Err(failure) => {
                seat.lost += u32::from(session::perhaps_open(&failure));
                let lasts = matches!(failure, Failure::Account(_)) || seat.lost >= MOST_LOST;
                // It may have taken as long as it is believed.
                let now = asker.clock().elapsed();
                let until = if lasts { Duration::MAX } else { now.saturating_add(NOT_AGAIN) };
                seat.failed = Some((until, failure.clone()));
                Err(failure)
            }
        }
    }

    /// Ends every session; `Err` with why one could not be ended.
    pub(super) async fn release(&self, asker: &Arc<Asker>) -> Result<(), String> {
        let Ok(mut seat) = tokio::time::timeout(WAIT, self.seat.lock()).await else {
            return Err("a sign-in was still under way".to_owned());
        };
        seat.current = None;
        let mut failed = Ok(());
        for session in seat.open.clone() {
            match session::end(asker, &session).await {
                Ok(()) => seat.open.retain(|open| !Arc::ptr_eq(open, &session)),
                Err(why) => failed = Err(why),
            }
        }
        failed
    }
}

impl Seat {
    fn usable(&self, asker: &Asker, stale: Option<&Arc<Session>>) -> Option<Arc<Session>> {
        let current = self.current.as_ref()?;
        let due = current.renew_at.is_some_and(|at| asker.clock().elapsed() >= at);
        let refused = stale.is_some_and(|stale| Arc::ptr_eq(stale, current));
        (!due && !refused).then(|| Arc::clone(current))
    }
}
