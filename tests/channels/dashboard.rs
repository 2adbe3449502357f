//! The platform's own page, beside a platform that does not answer: no session stays open.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::channel::Dashboard;
use opswarden::adapters::platform::{Limits, PlatformClient, PlatformOptions, TenantOptions};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::notice::{Body, Message};
use opswarden::domain::platform::Dialect;
use opswarden::domain::view::{OpsState, SCHEMA_VERSION, SystemStatus};
use opswarden::ports::channel::Channel as _;
use opswarden::sandbox::{Fault, FaultKind, Options, PASSWORD, Running, Sandbox, Sizes, Throttle};

use crate::world::{LONG, Outcome, assert_outcome, ended_by, message};

/// Half of it is for the message.
const DEADLINE: Duration = Duration::from_secs(3);
const STATUS: &str = "POST /health/ops-status";

fn platform(faults: Vec<Fault>) -> Running {
    let sizes = Sizes { displays: 1, content: 1, playlists: 1, schedules: 1, tenants: 1 };
    let options = Options { seed: 7, sizes, throttle: Throttle::Off, ..Options::default() };
    let sandbox = Sandbox::start(options, Arc::new(SystemClock::new())).unwrap();
    sandbox.set_faults(faults);
    sandbox
}

fn page(sandbox: &Running, folder: &Path) -> Dashboard {
    let mut accounts = sandbox.accounts().into_iter();
    let account = accounts.find(|one| one.email.starts_with("ops@")).unwrap();
    let tenant = TenantOptions {
        name: account.tenant.clone(),
        email: account.email,
        password: PASSWORD.to_owned(),
        missing: None,
    };
    let client = PlatformClient::new(PlatformOptions {
        dialect: Dialect::Vizora,
        url: sandbox.base_url(),
        realtime: String::new(),
        thumbnails: String::new(),
        thumbnail_origins: Vec::new(),
        tenants: vec![tenant],
        limits: Limits::NONE,
        cache: folder.join("platform.db"),
        evidence_age: Duration::from_hours(24),
        run: "run-1".to_owned(),
        clock: Arc::new(SystemClock::new()),
        deadline: Duration::MAX,
        request_timeout: Duration::from_secs(30),
        interval: Duration::from_mins(30),
    });
    let form = Arc::new(|_: &Message| serde_json::json!({ "schemaVersion": 2 }));
    Dashboard::new(Arc::new(client), &account.tenant, form)
}

fn state() -> Message {
    let state = OpsState {
        schema_version: SCHEMA_VERSION,
        ledger_id: "ledger".to_owned(),
        ledger_seq: 1,
        last_updated: message().at,
        valid_until: message().at,
        system_status: SystemStatus::Healthy,
        reasons: Vec::new(),
        last_run: BTreeMap::new(),
        incidents: Vec::new(),
        incidents_omitted: 0,
        recent_remediations: Vec::new(),
        agent_results: BTreeMap::new(),
        controls: Vec::new(),
    };
    Message { body: Body::Dashboard(Box::new(state)), ..message() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_never_answers_is_left_in_time_and_no_session_stays_open() {
    let sandbox = platform(vec![Fault::always(STATUS, FaultKind::Hang)]);
    let folder = tempfile::tempdir().unwrap();
    let page = page(&sandbox, folder.path());
    let (message, patience) = (state(), DEADLINE + Duration::from_secs(1));
    // Whoever calls waits no longer than this.
    let told = tokio::time::timeout(patience, page.deliver(&message, None, DEADLINE)).await;
    let told = told.unwrap();
    assert_outcome(&told, Outcome::Unknown, "in time");
    assert_eq!(sandbox.sessions_open(), 0);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_was_let_in_in_time_nothing_was_told() {
    let sandbox = platform(vec![Fault::always("POST /auth/login", FaultKind::Hang)]);
    let folder = tempfile::tempdir().unwrap();
    let page = page(&sandbox, folder.path());
    let told = ended_by(DEADLINE, page.deliver(&state(), None, DEADLINE)).await;
    assert_outcome(&told, Outcome::Later, "in time");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_state_of_everything_goes_to_the_page() {
    let sandbox = platform(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let page = page(&sandbox, folder.path());
    let told = page.deliver(&message(), None, LONG).await;
    assert_outcome(&told, Outcome::Refused, "nothing but the state of everything");
    assert!(sandbox.take_effects().is_empty());
    let told = page.deliver(&state(), None, LONG).await;
    assert_outcome(&told, Outcome::Sent, "the platform answered 2");
    assert_eq!(sandbox.take_effects().len(), 1);
    assert_eq!(sandbox.sessions_open(), 0);
    sandbox.stop().await;
}
