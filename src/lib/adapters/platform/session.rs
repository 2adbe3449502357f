//! Signing in and signing out.
//!
//! There is no cookie jar: with the cookie of the access token, the platform would refuse every write. Of the cookies only
//! the refresh token is kept, because without it the platform does not end a session when it is told to.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::answer::Answer;
use super::ask::Asker;
use super::dialect::Route;
use super::failure::Failure;
use super::pace::Pace;
use super::tenant::{Session, Tenant};
use super::transport::Sending;
use crate::domain::platform::Account;

pub(super) const LOGIN: Route = Route::post("/auth/login");
const LOGOUT: Route = Route::post("/auth/logout");
const REFRESH: Route = Route::post("/auth/refresh");
const ME: Route = Route::get("/auth/me");
const REFRESH_COOKIE: &str = "vizora_refresh_token";
const AUTH_COOKIE: &str = "vizora_auth_token";
/// Ending one session may take twice this, whatever else has run out.
const END: Duration = Duration::from_millis(2_500);
/// A session is renewed so long before it expires, or a quarter of its life before.
const EARLY: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    #[serde(rename = "access_token")]
    token: Option<String>,
    /// The same under another name.
    access_token: Option<String>,
    user: Option<User>,
    expires_in: Option<f64>,
    #[serde(default)]
    mfa_required: bool,
    #[serde(default)]
    mfa_enrollment_required: bool,
}

#[derive(Deserialize)]
struct User {
    role: Option<String>,
}

/// Signs a tenant in.
pub(super) async fn log_in(asker: &Arc<Asker>, tenant: &Tenant) -> Result<Session, Failure> {
    let result = sign_in(asker, tenant).await;
    let account = match &result {
        Ok((_, account)) => account.clone(),
        Err(Failure::Account(why)) => Account::Unfit { why: why.clone() },
        Err(failure) => Account::Unknown { why: failure.to_string() },
    };
    tenant.set_account(account);
    let (session, _) = result?;
    match asker.cache.leaked(tenant.name(), &asker.options.run).await {
        Ok(leaked) => tenant.set_leaked(leaked),
        Err(error) => tracing::warn!(%error, "sessions that were left open could not be counted"),
    }
    Ok(session)
}

async fn sign_in(asker: &Arc<Asker>, tenant: &Tenant) -> Result<(Session, Account), Failure> {
    if let Some(why) = &tenant.options.missing {
        return Err(Failure::Account(why.clone()));
    }
    let pace = asker.limiter.route(LOGIN, 1);
    asker.cache.forget_old().await.map_err(Failure::Unreached)?;
    match sign_in_once(asker, tenant, &pace).await {
        // Nothing was opened, and a second time may go better.
        Err(Failure::Said(429, _) | Failure::Unreached(_)) => {
            sign_in_once(asker, tenant, &pace).await
        }
        result => result,
    }
}

async fn sign_in_once(
    asker: &Arc<Asker>,
    tenant: &Tenant,
    pace: &Pace<'_>,
) -> Result<(Session, Account), Failure> {
    pace.next(asker.deadline()).await?;
    // Noted before it is sent: whatever ends this process from here on, a session that it may have opened is counted.
    let row = note(asker, tenant).await?;
    let answer = show_account(asker, tenant, pace).await;
    let result = answer.and_then(|answer| opened(asker, &answer, row));
    if let Err(failure) = &result
        && !perhaps_open(failure)
        && let Err(error) = asker.cache.never_opened(row).await
    {
        tracing::warn!(%error, "a sign-in that was refused will be told as a session that was left open");
    }
    result
}

/// Whether a sign-in that ended so may have opened a session. Who says a clear no, or sends us elsewhere, has opened none,
/// and neither has one who is not ready to take anything up (503: the platform says so before it looks at the account).
/// With 408 it gave up waiting for us, at a moment that nobody knows.
pub(super) const fn perhaps_open(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(..) | Failure::Shape(_) => true,
        Failure::Said(status, _) => *status == 408 || (*status >= 500 && *status != 503),
        Failure::Held(_) | Failure::Account(_) | Failure::Impossible(_) | Failure::Unreached(_) => {
            false
        }
    }
}

async fn show_account(asker: &Asker, tenant: &Tenant, pace: &Pace<'_>) -> Result<Answer, Failure> {
    let sent_at = asker.clock().elapsed();
    let account = &tenant.options;
    let json = serde_json::json!({ "email": account.email, "password": account.password });
    let sending =
        Sending { json: Some(json.to_string().into_bytes()), ..asker.sending(LOGIN, "", "")? };
    let answer = asker.transport.ask(sending).await?;
    if answer.status == 429 {
        asker.limiter.refused(pace.bucket(), sent_at, answer.retry_after).await;
    }
    if answer.is_success() { Ok(answer) } else { Err(refused(asker, &answer)) }
}

/// Notes a session that is about to be opened. Its run is over by its deadline and the time that ending it takes.
async fn note(asker: &Asker, tenant: &Tenant) -> Result<i64, Failure> {
    const ENDING: Duration = Duration::from_secs(30);
    let left = asker.deadline().saturating_sub(asker.clock().elapsed());
    let left = i64::try_from(left.saturating_add(ENDING).as_millis()).unwrap_or(i64::MAX);
    let over_by = asker.clock().now().as_millisecond().saturating_add(left);
    let noted = asker.cache.opened(tenant.name(), &asker.options.run, over_by).await;
    noted.map_err(Failure::Unreached)
}

/// The session that a good answer opened. Where a second factor is asked for, the platform has opened none yet.
fn opened(asker: &Asker, answer: &Answer, row: i64) -> Result<(Session, Account), Failure> {
    let refresh = answer.cookie(REFRESH_COOKIE);
    let parsed = answer.data::<SignedIn>("the sign-in");
    let second_factor =
        parsed.as_ref().is_ok_and(|found| found.mfa_required || found.mfa_enrollment_required);
    if second_factor {
        let why = "the account needs a second factor, which nobody is there to give; \
            turn it off for this account or use another one";
        return Err(Failure::Account(why.to_owned()));
    }
    let found = parsed?;
    let Some(token) = found.token.or(found.access_token).filter(|token| !token.is_empty()) else {
        return Err(Failure::Shape("the sign-in holds no access token".to_owned()));
    };
    let life = found.expires_in.and_then(|life| Duration::try_from_secs_f64(life).ok());
    let renew_at = life.map(|life| {
        let early = EARLY.min(life / 4);
        asker.clock().elapsed().saturating_add(life.saturating_sub(early))
    });
    let account = fitness(found.user.and_then(|user| user.role).as_deref());
    Ok((Session::new(token, refresh, row, renew_at), account))
}

/// The platform compares roles word by word; none of them contains another.
fn fitness(role: Option<&str>) -> Account {
    match role {
        Some("admin" | "manager") => Account::Fit,
        Some("viewer") => Account::Unfit {
            why: "the account is a viewer and may change nothing; make it a manager".to_owned(),
        },
        Some(_) => Account::Unknown { why: "its role is not one that is known".to_owned() },
        None => Account::Unknown { why: "the platform did not tell its role".to_owned() },
    }
}

fn refused(asker: &Asker, answer: &Answer) -> Failure {
    let failure = answer.refusal(&asker.redactor);
    if failure.is_drift() {
        return failure;
    }
    let why = match answer.status {
        401 => "the platform does not accept the e-mail or the password; correct the account",
        403 => "the platform does not let the account in; activate it or use another one",
        400 => "the e-mail or the password is not of a form that the platform accepts",
        _ => return failure,
    };
    Failure::Account(why.to_owned())
}

/// Ends a session and makes sure of it, trying twice.
pub(super) async fn end(asker: &Arc<Asker>, session: &Session) -> Result<(), String> {
    let mut why = String::new();
    for _ in 0..2 {
        match tokio::time::timeout(END, end_once(asker, session)).await {
            Ok(Ok(())) => {
                if let Err(error) = asker.cache.released(session.row).await {
                    tracing::warn!(%error, "the end of a session could not be noted");
                }
                return Ok(());
            }
            Ok(Err(failure)) => why = failure.to_string(),
            Err(_) => "no answer came in time".clone_into(&mut why),
        }
    }
    Err(format!("the session could not be ended: {why}"))
}

async fn end_once(asker: &Asker, session: &Session) -> Result<(), Failure> {
    let refresh = session.refresh.as_deref();
    let said = ask(asker, LOGOUT, &session.token, refresh).await?;
    if said.status == 401 {
        // The access token is no longer accepted. The refresh token may live on: with a new access token it can be ended.
        let Some(refresh) = refresh else { return Ok(()) };
        let renewed = ask(asker, REFRESH, &session.token, Some(refresh)).await?;
        if matches!(renewed.status, 401 | 403) {
            return Ok(());
        }
        success(asker, &renewed)?;
        let missing = || Failure::Shape("the renewed session holds no tokens".to_owned());
        let token = renewed.cookie(AUTH_COOKIE).ok_or_else(missing)?;
        let refresh = renewed.cookie(REFRESH_COOKIE).ok_or_else(missing)?;
        success(asker, &ask(asker, LOGOUT, &token, Some(&refresh)).await?)?;
        return dead(asker, &token).await;
    }
    success(asker, &said)?;
    dead(asker, &session.token).await
}

/// Makes sure that a token is no longer accepted.
async fn dead(asker: &Asker, token: &str) -> Result<(), Failure> {
    let me = ask(asker, ME, token, None).await?;
    match me.status {
        401 => Ok(()),
        200..=299 => Err(Failure::Shape("the platform still accepts its token".to_owned())),
        _ => Err(me.refusal(&asker.redactor)),
    }
}

fn success(asker: &Asker, answer: &Answer) -> Result<(), Failure> {
    if answer.is_success() { Ok(()) } else { Err(answer.refusal(&asker.redactor)) }
}

/// Asks whatever the run's deadline says.
async fn ask(
    asker: &Asker,
    route: Route,
    token: &str,
    refresh: Option<&str>,
) -> Result<Answer, Failure> {
    let pace = asker.limiter.route(route, 1);
    pace.next(asker.clock().elapsed().saturating_add(END)).await?;
    let sent_at = asker.clock().elapsed();
    let sending = Sending {
        verb: route.verb,
        url: asker.url(route.pattern)?,
        route: route.pattern,
        bearer: Some(token),
        cookie: refresh.map(|refresh| format!("{REFRESH_COOKIE}={refresh}")),
        json: None,
        first_byte_only: false,
        timeout: END.min(asker.options.request_timeout),
    };
    let answer = asker.transport.ask(sending).await?;
    if answer.status == 429 {
        asker.limiter.refused(pace.bucket(), sent_at, answer.retry_after).await;
    }
    Ok(answer)
}
