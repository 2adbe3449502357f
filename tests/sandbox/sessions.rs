//! Logging in and out, refreshing, and the cookie that must be shown twice.

use std::time::Duration;

use opswarden::sandbox::Options;
use serde_json::{Value, json};

use crate::client::{admin, login, send, session, small, start};

#[tokio::test]
async fn a_login_answers_201_with_a_token_its_life_the_user_and_three_cookies() {
    let running = start(small());
    let answer = login(&running, "OPS@example.test ").await;
    assert_eq!(answer.status, 201);
    let data = answer.data();
    assert_eq!(data["expiresIn"], 1800);
    assert_eq!(data["user"]["role"], "admin");
    assert_eq!(data["user"]["organization"]["subscriptionTier"], "enterprise");
    assert_eq!(data["access_token"].as_str().unwrap().split('.').count(), 3);
    for name in ["vizora_csrf_token", "vizora_auth_token", "vizora_refresh_token"] {
        assert!(answer.cookie(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("date"), Some("Fri, 20 Nov 2026 12:10:00 GMT"));
}

#[tokio::test]
async fn accounts_that_cannot_work_say_why() {
    let running = start(small());
    login(&running, "inactive@example.test")
        .await
        .refuses(403, &json!("Account is inactive. Contact support."));
    let asked = login(&running, "mfa@example.test").await;
    assert_eq!(asked.data()["mfaRequired"], true);
    assert!(asked.cookie("vizora_auth_token").is_none());
    let enrol = login(&running, "enrol@example.test").await;
    assert_eq!(enrol.data()["mfaEnrollmentRequired"], true);
    login(&running, "nobody@example.test").await.refuses(401, &json!("Invalid email or password"));
    let kind = [("Content-Type", "application/json")];
    let bad = br#"{"email":"nope","password":""}"#;
    let url = running.base_url();
    let refused = send(&url, "POST", "/api/v1/auth/login", &kind, bad).await.unwrap();
    refused.refuses(400, &json!(["email must be an email", "password should not be empty"]));
    assert_eq!(running.sessions_open(), 0);
}

#[tokio::test]
async fn ten_wrong_passwords_lock_an_address_for_fifteen_minutes() {
    let running = start(small());
    let url = running.base_url();
    let kind = [("Content-Type", "application/json")];
    let wrong = br#"{"email":"ops@example.test","password":"wrong"}"#;
    for _ in 0..10 {
        let answer = send(&url, "POST", "/api/v1/auth/login", &kind, wrong).await.unwrap();
        assert_eq!(answer.status, 401);
    }
    assert_eq!(login(&running, "ops@example.test").await.status, 429);
    running.advance(Duration::from_mins(16));
    assert_eq!(login(&running, "ops@example.test").await.status, 201);
}

#[tokio::test]
async fn a_logout_ends_the_refresh_row_only_where_its_cookie_is_shown() {
    let running = start(small());
    let one = admin(&running).await;
    let two = admin(&running).await;
    assert_eq!(running.sessions_open(), 2);
    let out = one.post("/auth/logout", json!({})).await;
    assert_eq!(out.status, 201);
    assert_eq!(out.json(), json!({"success": true, "message": "Logged out successfully"}));
    assert_eq!(running.sessions_open(), 2, "a bearer alone leaves the row");
    one.get("/auth/me").await.refuses(401, &json!("Token has been revoked"));
    assert_eq!(two.logout().await.status, 201);
    assert_eq!(running.sessions_open(), 1);
    assert!(running.finish().unwrap_err()[0].contains("1 sessions"));
}

#[tokio::test]
async fn a_cookie_jar_needs_its_token_twice() {
    let running = start(small());
    let url = running.base_url();
    let answer = login(&running, "ops@example.test").await;
    let (auth, csrf) =
        (answer.cookie("vizora_auth_token").unwrap(), answer.cookie("vizora_csrf_token").unwrap());
    let jar = format!("vizora_auth_token={auth}; vizora_csrf_token={csrf}");
    let bearer = format!("Bearer {auth}");
    let path = "/api/v1/health/ops-status";
    let kind = ("Content-Type", "application/json");
    let both = [("Cookie", jar.as_str()), ("Authorization", bearer.as_str()), kind];
    let refused = send(&url, "POST", path, &both, b"{}").await.unwrap();
    refused.refuses(403, &json!("Invalid CSRF token"));
    let bare = send(&url, "POST", path, &[kind, ("x-internal-api-key", "x")], b"{}").await.unwrap();
    bare.refuses(403, &json!("CSRF cookie missing"));
    let twice = [("Cookie", jar.as_str()), ("X-CSRF-Token", csrf.as_str()), kind];
    assert_eq!(send(&url, "POST", path, &twice, b"{}").await.unwrap().status, 201);
    let reading = send(&url, "GET", path, &[("Cookie", jar.as_str())], b"").await.unwrap();
    assert_eq!(reading.status, 200, "reading needs no second showing");
}

#[tokio::test]
async fn a_refresh_sends_the_new_token_in_cookies_alone_and_rotates() {
    let running = start(small());
    let url = running.base_url();
    let answer = login(&running, "ops@example.test").await;
    let (old, csrf) = (
        answer.cookie("vizora_refresh_token").unwrap(),
        answer.cookie("vizora_csrf_token").unwrap(),
    );
    let refresh = async |secret: &str| {
        let jar = format!("vizora_refresh_token={secret}; vizora_csrf_token={csrf}");
        let headers = [("Cookie", jar.as_str()), ("X-CSRF-Token", csrf.as_str())];
        send(&url, "POST", "/api/v1/auth/refresh", &headers, b"").await.unwrap()
    };
    let next = refresh(&old).await;
    assert_eq!(next.data(), json!({"expiresIn": 1800}));
    let new = next.cookie("vizora_refresh_token").unwrap();
    assert_ne!(new, old);
    assert!(next.cookie("vizora_auth_token").is_some());
    assert_eq!(running.sessions_open(), 1);
    running.advance(Duration::from_secs(10));
    assert_eq!(refresh(&old).await.status, 401, "a rotated token that comes back late");
    assert_eq!(refresh(&new).await.status, 401, "ends its whole family");
    assert_eq!(running.sessions_open(), 0);
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let running = start(Options { token_life: Duration::from_mins(5), ..small() });
    let session = admin(&running).await;
    assert_eq!(session.get("/auth/me").await.data()["email"], "ops@example.test");
    running.advance(Duration::from_mins(5));
    session.get("/auth/me").await.refuses(401, &json!("Unauthorized"));
}

#[tokio::test]
async fn a_stranger_is_refused_and_no_error_says_success() {
    let running = start(small());
    let url = running.base_url();
    for headers in [&[][..], &[("Authorization", "Bearer garbage")][..]] {
        let answer = send(&url, "GET", "/api/v1/displays", headers, b"").await.unwrap();
        assert_eq!(answer.json(), json!({"message": "Unauthorized", "statusCode": 401}));
    }
}

#[tokio::test]
async fn the_reported_state_is_anybodys_and_one_for_all_tenants() {
    let running = start(small());
    let viewer = session(&running, "viewer@example.test").await;
    let other = session(&running, "ops@tenant-2.example.test").await;
    let nothing = json!({"systemStatus": "unknown", "message": "No ops data available"});
    assert_eq!(viewer.get("/health/ops-status").await.data(), nothing);
    let posted = viewer.post("/health/ops-status", json!({"systemStatus": "HEALTHY"})).await;
    assert_eq!((posted.status, posted.data()), (201, json!({"status": "ok"})));
    assert_eq!(other.get("/health/ops-status").await.data(), json!({"systemStatus": "HEALTHY"}));
    assert_eq!(other.post("/health/ops-status", json!([1])).await.status, 201);
    running.advance(Duration::from_hours(1));
    let later: Value =
        session(&running, "viewer@example.test").await.get("/health/ops-status").await.data();
    assert_eq!(later, nothing);
}
