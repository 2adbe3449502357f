//! Logging in and out, refreshing, and the double-submitted cookie against forged requests.

use serde::Serialize;
use serde_json::{Value, json};

use super::call::Call;
use super::fields::{Kind, must};
use super::route::Route;
use crate::sandbox::model::session::Who;
use crate::sandbox::model::tenant::{SecondFactor, User};
use crate::sandbox::model::world::World;
use crate::sandbox::scenario::PASSWORD;
use crate::sandbox::serve::reply::{Asked, Reply};
use crate::sandbox::time::{MINUTE, SECOND, Stamp};

pub(super) const AUTH_COOKIE: &str = "vizora_auth_token";
const CSRF_COOKIE: &str = "vizora_csrf_token";
const REFRESH_COOKIE: &str = "vizora_refresh_token";
/// So many wrong passwords in a row lock an address.
const FAILURES: u32 = 10;
/// For this long.
const LOCKED: i64 = 15 * MINUTE;
/// The bounds of a token's life, in seconds.
const REFRESH_AGE: i64 = 2_592_000;
const CSRF_AGE: i64 = 604_800;

pub(super) const ROUTES: &[Route] = &[
    Route::post("/auth/login", login)
        .public()
        .takes(&[must("email", Kind::Email), must("password", Kind::Text { min: 1, max: 128 })])
        .per_minute(5),
    Route::post("/auth/refresh", refresh).public().per_minute(10),
    Route::post("/auth/logout", logout),
    Route::get("/auth/me", me),
];

/// Paths at which no cookie has to be shown twice.
const EXEMPT: [&str; 4] =
    ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/webhooks", "/api/v1/internal"];

/// Refuses what another site could have sent.
pub(super) fn same_site(asked: &Asked) -> Result<(), Reply> {
    let safe = ["GET", "HEAD", "OPTIONS"].contains(&asked.method.as_str());
    let exempt = EXEMPT.iter().any(|path| asked.path.starts_with(path));
    let bearer_alone = asked.bearer().is_some() && asked.cookie(AUTH_COOKIE).is_none();
    if safe || exempt || bearer_alone {
        return Ok(());
    }
    let refuse = |message: &str| {
        let body = json!({"statusCode": 403, "message": message, "error": "Forbidden"});
        Err(Reply::raw(403, &body))
    };
    match asked.cookie(CSRF_COOKIE) {
        None => refuse("CSRF cookie missing"),
        Some(cookie) if asked.csrf.as_deref() == Some(cookie) => Ok(()),
        Some(_) => refuse("Invalid CSRF token"),
    }
}

/// The cookie that every answer carries, and its copy in a header.
pub(super) fn csrf_headers(world: &mut World, asked: &Asked) -> Vec<(String, String)> {
    let known = asked.cookie(CSRF_COOKIE).map(str::to_owned);
    let token = known.unwrap_or_else(|| world.seeded.secret());
    let cookie = format!("{CSRF_COOKIE}={token}; Max-Age={CSRF_AGE}; Path=/; SameSite=Lax");
    vec![("Set-Cookie".to_owned(), cookie), ("X-CSRF-Token".to_owned(), token)]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRow<'a> {
    id: &'a str,
    email: &'a str,
    clerk_user_id: Option<()>,
    first_name: &'a str,
    last_name: &'a str,
    role: &'a str,
    avatar: Option<()>,
    is_active: bool,
    is_super_admin: bool,
    last_login_at: Option<Stamp>,
    mfa_enabled: bool,
    mfa_enrolled_at: Option<()>,
    created_at: Stamp,
    updated_at: Stamp,
    organization_id: &'a str,
    organization: Value,
}

fn user_row<'a>(world: &'a World, who: Who, user: &'a User) -> UserRow<'a> {
    let organisation = &world.tenants[who.tenant].organisation;
    UserRow {
        id: &user.id,
        email: &user.email,
        clerk_user_id: None,
        first_name: user.first_name,
        last_name: "Operator",
        role: user.role.name(),
        avatar: None,
        is_active: user.is_active,
        is_super_admin: user.is_super,
        last_login_at: user.last_login,
        mfa_enabled: user.second_factor == SecondFactor::Asked,
        mfa_enrolled_at: None,
        created_at: user.created,
        updated_at: user.last_login.unwrap_or(user.created),
        organization_id: &organisation.id,
        organization: json!({"name": organisation.name, "subscriptionTier": "enterprise"}),
    }
}

fn login(call: &mut Call<'_>) -> Reply {
    let email = call.text("email").unwrap_or("").to_owned();
    let (now, failures) = (call.now, call.world.failures.get(&email).copied());
    if failures.is_some_and(|(count, last)| count >= FAILURES && now.since(last) < LOCKED) {
        return Reply::bare(429, "Too many failed login attempts. Try again later.");
    }
    let account = call.world.account(&email).filter(|_| call.text("password") == Some(PASSWORD));
    let Some(who) = account else {
        let count = failures.map_or(1, |(count, _)| count + 1);
        call.world.failures.insert(email, (count, now));
        return Reply::error(401, "Invalid email or password");
    };
    call.world.failures.remove(&email);
    let user = call.world.user(who).clone();
    if !user.is_active {
        return Reply::error(403, "Account is inactive. Contact support.");
    }
    let challenge = call.world.seeded.secret();
    match user.second_factor {
        SecondFactor::None => {}
        SecondFactor::Asked => {
            return Reply::ok(&json!({"mfaRequired": true, "challengeToken": challenge}));
        }
        SecondFactor::MustEnrol => {
            return Reply::ok(
                &json!({"mfaEnrollmentRequired": true, "enrollmentToken": challenge}),
            );
        }
    }
    let token = access_token(call, who);
    let secret = call.world.sessions.begin(who, now, &mut call.world.seeded);
    let life = life(call) / SECOND;
    let row = serde_json::to_value(user_row(call.world, who, &user)).unwrap_or_default();
    let mut reply = Reply::ok(&json!({"access_token": token, "user": row, "expiresIn": life}));
    set_cookies(&mut reply, &token, &secret, life);
    call.world.tenants[who.tenant].users[who.user].last_login = Some(now);
    reply
}

fn life(call: &Call<'_>) -> i64 {
    i64::try_from(call.options.token_life.as_millis()).unwrap_or(MINUTE)
}

fn access_token(call: &mut Call<'_>, who: Who) -> String {
    let (now, life) = (call.now, life(call));
    let user = call.world.user(who);
    let claims = json!({
        "sub": user.id, "email": user.email, "role": user.role, "isSuperAdmin": user.is_super,
        "organizationId": call.world.tenants[who.tenant].organisation.id, "type": "user",
    });
    call.world.sessions.access(who, &claims, life, now, &mut call.world.seeded)
}

fn set_cookies(reply: &mut Reply, token: &str, secret: &str, life: i64) {
    let cookie = |name: &str, value: &str, age: i64| {
        format!("{name}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax")
    };
    reply.header("Set-Cookie", cookie(AUTH_COOKIE, token, life));
    reply.header("Set-Cookie", cookie(REFRESH_COOKIE, secret, REFRESH_AGE));
}

fn refresh(call: &mut Call<'_>) -> Reply {
    let now = call.now;
    let secret = call.asked.cookie(REFRESH_COOKIE);
    let rotated =
        secret.and_then(|secret| call.world.sessions.rotate(secret, now, &mut call.world.seeded));
    let Some((who, secret)) = rotated else {
        return Reply::error(401, "Invalid refresh token");
    };
    let token = access_token(call, who);
    let life = life(call) / SECOND;
    let mut reply = Reply::raw(200, &json!({"success": true, "data": {"expiresIn": life}}));
    set_cookies(&mut reply, &token, &secret, life);
    reply
}

/// Ends the access token; the refresh row only where its cookie is shown.
fn logout(call: &mut Call<'_>) -> Reply {
    let asked = call.asked;
    if let Some(token) = asked.cookie(AUTH_COOKIE).or(asked.bearer()) {
        call.world.sessions.revoke(token);
    }
    if let Some(secret) = asked.cookie(REFRESH_COOKIE) {
        call.world.sessions.revoke_row(secret);
    }
    let body = json!({"success": true, "message": "Logged out successfully"});
    let mut reply = Reply::raw(200, &body);
    let gone = "Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax";
    reply.header("Set-Cookie", format!("{AUTH_COOKIE}=; {gone}"));
    reply.header("Set-Cookie", format!("{REFRESH_COOKIE}=; {gone}"));
    reply
}

fn me(call: &mut Call<'_>) -> Reply {
    let who = call.who();
    Reply::ok(&user_row(call.world, who, call.user()))
}
