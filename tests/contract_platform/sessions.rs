//! One session for each tenant and run, ended on every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Account, RowKind, RowRef};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::ports::processes::ActFailure;
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::model::{Model, World, displays};
use crate::server::Reply;

fn account(world: &World) -> Account {
    world.client.standing()[0].account.clone()
}

fn why(account: Account) -> String {
    match account {
        Account::Fit => panic!("the account is fit"),
        Account::Unfit { why } | Account::Unknown { why } => why,
    }
}

#[tokio::test]
async fn first_questions_that_come_together_share_one_session_and_it_is_ended() {
    let world = World::of(Model::of("/displays", displays(5))).await;
    assert!(matches!(account(&world), Account::Unknown { .. }));
    let asked = join_all((0..6).map(|_| world.client.storage("shop"))).await;
    assert!(asked.iter().all(|storage| storage.as_ref().unwrap().used_bytes == 92));
    assert_eq!(world.server.count("POST /auth/login"), 1);
    assert_eq!(account(&world), Account::Fit);
    assert_eq!(world.server.with(|model| model.open_sessions()), 1);
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
    assert_eq!(world.server.count("GET /auth/me"), 1);
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.count("POST /auth/logout"), 1);
    // A later question opens a new one.
    world.client.storage("shop").await.unwrap();
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn a_viewer_reads_and_writes_nothing() {
    let model = Model { role: "viewer", ..Model::of("/displays", displays(1)) };
    let world = World::of(model).await;
    assert!(world.client.displays("shop").await.is_ok());
    assert!(why(account(&world)).contains("viewer"));
    let reset = Operation::ResetDisplay(RowRef::new(RowKind::Display, "shop", "d-00000"));
    assert!(matches!(world.client.send(&reset).await, Err(ActFailure::NotSent(_))));
    assert_eq!(world.server.count("PATCH /displays/d-00000"), 0);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn an_account_that_cannot_be_used_is_asked_once_and_says_what_to_change() {
    let said = |status, message: &str| {
        Reply::Json(status, json!({ "message": message, "statusCode": status }))
    };
    let good = |data| Reply::Json(201, json!({ "success": true, "data": data }));
    let cases = [
        (said(401, "Invalid email or password"), "correct the account"),
        (said(403, "Account is inactive. Contact support."), "activate it"),
        (said(400, "x"), "not of a form"),
        (good(json!({ "mfaRequired": true, "challengeToken": "x" })), "second factor"),
        (good(json!({ "mfaEnrollmentRequired": true, "enrollmentToken": "x" })), "second factor"),
    ];
    for (reply, expected) in cases {
        let world = World::of(Model { sign_in: Some(reply), ..Model::default() }).await;
        for _ in 0..3 {
            assert!(world.client.displays("shop").await.is_err());
        }
        assert_eq!(world.server.count("POST /auth/login"), 1);
        let Account::Unfit { why } = account(&world) else { panic!("{expected}") };
        assert!(why.contains(expected), "{why}");
        assert_eq!(world.client.release().await, []);
    }
}

#[tokio::test]
async fn a_platform_that_is_down_says_nothing_of_the_account() {
    for reply in [Reply::Json(503, json!({})), Reply::Reset, Reply::Json(201, json!({ "x": 1 }))] {
        let world = World::of(Model { sign_in: Some(reply), ..Model::default() }).await;
        assert!(world.client.displays("shop").await.is_err());
        assert!(matches!(account(&world), Account::Unknown { .. }));
        world.client.release().await;
    }
}

#[tokio::test]
async fn a_token_that_the_platform_forgot_is_replaced_and_both_sessions_are_ended() {
    let world = World::of(Model::of("/displays", displays(5))).await;
    world.client.storage("shop").await.unwrap();
    world.server.with(Model::forget_tokens);
    let asked = join_all((0..4).map(|_| world.client.storage("shop"))).await;
    assert!(asked.iter().all(Result::is_ok));
    assert_eq!(world.server.count("POST /auth/login"), 2);
    assert_eq!(world.server.with(|model| model.open_sessions()), 2);
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn a_session_that_is_about_to_expire_is_ended_and_another_one_opened() {
    let world = World::of(Model { expires_in: 1, ..Model::default() }).await;
    world.client.storage("shop").await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    world.client.storage("shop").await.unwrap();
    assert_eq!(world.server.count("POST /auth/login"), 2);
    assert_eq!(world.server.with(|model| model.open_sessions()), 1);
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn a_platform_that_refuses_every_token_is_not_signed_in_to_again_and_again() {
    let world = World::of(Model::default()).await;
    let no = Reply::Json(401, json!({ "message": "Unauthorized", "statusCode": 401 }));
    world.server.with(|model| model.always.insert("GET /displays".to_owned(), no));
    for _ in 0..5 {
        assert!(world.client.displays("shop").await.is_err());
    }
    assert_eq!(world.server.count("POST /auth/login"), 1);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn an_end_that_fails_is_tried_twice_and_told() {
    let world = World::of(Model::default()).await;
    world.client.storage("shop").await.unwrap();
    let broken = Reply::Json(500, json!({}));
    world.server.with(|model| model.then("POST /auth/logout", broken.clone()));
    assert_eq!(world.client.release().await, []);
    world.client.storage("shop").await.unwrap();
    world.server.with(|model| model.always.insert("POST /auth/logout".to_owned(), broken));
    let failed = world.client.release().await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, "shop");
    assert!(failed[0].1.contains("500"), "{}", failed[0].1);
    // It is not forgotten: the next try ends it.
    world.server.with(|model| model.always.clear());
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn an_end_that_the_platform_only_claims_is_told() {
    let world = World::of(Model::default()).await;
    world.client.storage("shop").await.unwrap();
    let lie = Reply::Json(201, json!({ "success": true, "message": "Logged out successfully" }));
    world.server.with(|model| model.always.insert("POST /auth/logout".to_owned(), lie));
    let failed = world.client.release().await;
    assert!(failed[0].1.contains("still accepts"), "{}", failed[0].1);
}

#[tokio::test]
async fn a_session_is_ended_after_the_deadline_too() {
    let world =
        World::with(Model::default(), |options| options.deadline = Duration::from_millis(400))
            .await;
    world.client.storage("shop").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(world.client.storage("shop").await.is_err());
    assert_eq!(world.client.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn a_sign_in_that_nobody_waits_for_any_more_is_ended_all_the_same() {
    let world = World::of(Model::default()).await;
    {
        let question = world.client.storage("shop");
        let short = Duration::from_millis(3);
        let _abandoned = tokio::time::timeout(short, question).await;
    }
    assert_eq!(world.client.release().await, []);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

/// How many sessions a run that comes later says were left open.
async fn left_open(world: &World) -> u64 {
    world.server.with(|model| model.sign_in = None);
    // As if the first run were over.
    let later = world.again(|options| {
        options.clock = Arc::new(Shifted::by_hours(1));
        options.deadline = Duration::from_hours(2);
    });
    later.storage("shop").await.unwrap();
    let leaked = later.standing()[0].leaked;
    assert_eq!(later.release().await, []);
    leaked
}

#[tokio::test]
async fn a_sign_in_whose_end_is_not_known_is_counted_by_a_later_run_and_a_clear_no_is_not() {
    let said = |status| Reply::Json(status, json!({ "message": "x", "statusCode": status }));
    let second_factor =
        json!({ "success": true, "data": { "mfaRequired": true, "challengeToken": "x" } });
    let cases = [
        (Reply::Half(201), 1),
        (Reply::Silence, 1),
        (Reply::Reset, 1),
        (Reply::Json(201, json!({ "x": 1 })), 1),
        (said(504), 1),
        (said(408), 1),
        (said(400), 0),
        (said(401), 0),
        (said(403), 0),
        (said(404), 0),
        (said(503), 0),
        (Reply::Json(302, json!({})), 0),
        (Reply::Json(201, second_factor), 0),
    ];
    for (reply, expected) in cases {
        let model = Model { sign_in: Some(reply.clone()), ..Model::default() };
        let world = World::with(model, |options| {
            options.request_timeout = Duration::from_millis(400);
        })
        .await;
        assert!(world.client.storage("shop").await.is_err());
        assert_eq!(world.client.release().await, []);
        assert_eq!(world.client.standing()[0].leaked, 0, "its own are not counted");
        assert_eq!(left_open(&world).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_was_under_way_when_its_run_was_stopped_is_counted() {
    let world = World::of(Model { sign_in: Some(Reply::Silence), ..Model::default() }).await;
    let short = Duration::from_millis(500);
    assert!(tokio::time::timeout(short, world.client.storage("shop")).await.is_err());
    assert_eq!(world.server.count("POST /auth/login"), 1);
    assert_eq!(left_open(&world).await, 1);
}

#[tokio::test]
async fn a_session_that_cannot_be_noted_is_not_opened() {
    let world = World::of(Model::default()).await;
    world.client.storage("shop").await.unwrap();
    assert_eq!(world.client.release().await, []);
    let file =
        sqlx::sqlite::SqliteConnectOptions::new().filename(world.folder.path().join("platform.db"));
    let mut cache = sqlx::ConnectOptions::connect(&file).await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON session BEGIN SELECT RAISE(FAIL, 'full'); END";
    sqlx::query(full).execute(&mut cache).await.unwrap();
    sqlx::Connection::close(cache).await.unwrap();
    let later = world.again(|_| {});
    assert!(later.storage("shop").await.is_err());
    assert_eq!(world.server.count("POST /auth/login"), 1, "the second one was never sent");
    assert_eq!(later.release().await, []);
    assert_eq!(world.server.with(|model| model.open_sessions()), 0);
}

#[tokio::test]
async fn a_sign_in_that_is_lost_is_tried_once_more_and_then_no_more() {
    let clock = Arc::new(Shifted::by_hours(0));
    let model = Model { sign_in: Some(Reply::Reset), ..Model::default() };
    let world = World::with(model, |options| {
        options.clock = Arc::<Shifted>::clone(&clock);
        options.deadline = Duration::from_hours(1);
    })
    .await;
    for _ in 0..5 {
        assert!(world.client.storage("shop").await.is_err());
        clock.pass(Duration::from_mins(1));
    }
    assert_eq!(world.server.count("POST /auth/login"), 2);
    assert_eq!(world.client.release().await, []);
}

/// A clock that is ahead, and can be set ahead further.
struct Shifted {
    machine: opswarden::adapters::system_clock::SystemClock,
    ahead_ms: AtomicU64,
}

impl Shifted {
    fn by_hours(hours: u64) -> Self {
        let machine = opswarden::adapters::system_clock::SystemClock::new();
        Self { machine, ahead_ms: AtomicU64::new(hours * 3_600_000) }
    }

    fn pass(&self, duration: Duration) {
        let whole = u64::try_from(duration.as_millis()).unwrap();
        self.ahead_ms.fetch_add(whole, Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

impl opswarden::ports::clock::Clock for Shifted {
    fn now(&self) -> jiff::Timestamp {
        self.machine.now() + self.ahead()
    }

    fn elapsed(&self) -> Duration {
        self.machine.elapsed() + self.ahead()
    }

    fn sleep(&self, duration: Duration) -> opswarden::ports::Pending<'_, ()> {
        self.machine.sleep(duration)
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_a_reason() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _refused = acceptor.accept(stream).await;
        }
    });
    let world = World::with(Model::default(), |options| {
        options.url = format!("https://localhost:{port}");
    })
    .await;
    let blind = world.client.displays("shop").await.unwrap_err();
    assert!(blind.why.contains("certificate"), "{}", blind.why);
    let archive = Operation::ArchiveContent(RowRef::new(RowKind::Content, "shop", "c-1"));
    assert!(matches!(world.client.send(&archive).await, Err(ActFailure::NotSent(_))));
}

#[tokio::test]
async fn a_tenant_without_an_account_keeps_nobody_from_looking_at_the_others() {
    let world = World::with(Model::of("/displays", displays(3)), |options| {
        let mut north = options.tenants[0].clone();
        north.name = "north".to_owned();
        north.missing = Some("the account of tenant north is not given".to_owned());
        options.tenants.insert(0, north);
    })
    .await;
    let blind = world.client.displays("north").await.unwrap_err();
    assert_eq!(blind.why, "the account of tenant north is not given");
    assert_eq!(world.client.displays("shop").await.unwrap().items.len(), 3);
    let standing = world.client.standing();
    assert!(matches!(&standing[0].account, Account::Unfit { why } if why.contains("not given")));
    assert_eq!(world.client.release().await, []);
}
