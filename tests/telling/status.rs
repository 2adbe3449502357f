//! What is told of the system's status and in digests, against what each route was told.

use opswarden::domain::notice::{Body, Kind, Route, Window};
use opswarden::domain::run::RunState;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::view::SystemStatus;

use crate::outbox::{daily, production};
use crate::world::{Answer, HOUR, MINUTE, World, at, key, route, rules, run_id};

/// A route that hears of the status, and of nothing else.
fn only_status(name: &str) -> Route {
    Route { status: true, checks: vec!["none".to_owned()], ..route(name) }
}

/// The statuses of what arrived since the last call, each with what it was before.
fn told(world: &World) -> Vec<(Option<SystemStatus>, SystemStatus)> {
    let of = |body: Body| match body {
        Body::Status { was, now, .. } => Some((was, now)),
        Body::Digest(digest) => Some((None, digest.status)),
        _ => None,
    };
    world.arrived("team").into_iter().filter_map(|message| of(message.body)).collect()
}

#[tokio::test]
async fn a_change_of_the_status_is_told_once_to_each_route_that_asks_for_it() {
    let quiet = Route { status: false, ..only_status("c") };
    let world = production(vec![only_status("a"), only_status("b"), quiet]);
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    for _ in 0..3 {
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 5);
    }
    let told = |channel: &str| world.kinds(channel).len();
    assert_eq!([told("a"), told("b"), told("c")], [1, 1, 0]);
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!([told("a"), told("b"), told("c")], [1, 1, 0]);
}

#[tokio::test]
async fn a_status_that_goes_back_before_it_leaves_is_not_told() {
    let world = production(vec![only_status("team")]);
    let store = world.store().await;
    world.answers("team", &[Answer::Later(None)]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.well(&store, &[id]).await;
    world.pass(MINUTE * 5);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0]);
}

#[tokio::test]
async fn a_status_that_may_have_arrived_is_put_right() {
    let world = production(vec![only_status("team")]);
    let store = world.store().await;
    world.answers("team", &[Answer::UnknownArrived]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.well(&store, &[id]).await;
    for _ in 0..3 {
        world.pass(MINUTE * 5);
        world.tell(&store, &run_id("r")).await;
    }
    assert_eq!(world.kinds("team"), ["status", "status"]);
}

/// Another agent finds something and repairs it in its run: whoever ends meanwhile says nothing of it.
#[tokio::test]
async fn what_a_run_at_work_found_is_no_word_about_the_status_until_it_has_ended() {
    let world = production(vec![only_status("team"), route("other")]);
    let store = world.store().await;
    world.note(&store, vec![world.row("at-work", RunState::Running)]).await;
    let seen = [(key("display_dark", "a"), Severity::Critical, None)];
    let id = world.open(&store, "at-work", &seen).await[0];
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("other"), [""; 0], "that is left to it");
    // The route that would hear of it is not the one that is told of the status.
    assert_eq!(told(&world), []);
    world.well(&store, &[id]).await;
    world.note(&store, vec![world.row("at-work", RunState::Ok)]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(told(&world), []);
}

#[tokio::test]
async fn what_a_route_is_kept_from_makes_no_status_there() {
    let quiet = vec![window("11:00", "13:00")];
    let mut settings = rules(
        Environment::Production,
        vec![Route { status: true, quiet, ..route("team") }, Route { status: true, ..route("b") }],
    );
    settings.maintenance =
        vec![Window { agents: vec!["x".to_owned()], ..window("00:00", "23:59") }];
    let world = World::new(settings);
    let store = world.store().await;
    world.ill(&store, "a", Severity::Warning).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!((world.kinds("team").len(), world.kinds("b").len()), (0, 2));
    world.pass(HOUR);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team").len(), 2, "the finding and the status, when the hours are over");
}

fn window(from: &str, to: &str) -> Window {
    let time = |text: &str| text.parse().expect("a time of day");
    Window { from: time(from), to: time(to), ..Window::default() }
}

#[tokio::test]
async fn a_status_that_comes_and_goes_is_told_once_an_hour() {
    let world = production(vec![only_status("team")]);
    let store = world.store().await;
    for _ in 0..9 {
        let id = world.ill(&store, "a", Severity::Critical).await;
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 10);
        world.well(&store, &[id]).await;
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 10);
    }
    assert_eq!(world.kinds("team").len(), 6, "in three hours, each with its end");
}

#[tokio::test]
async fn what_was_withdrawn_is_not_what_it_was_before() {
    let world = production(vec![only_status("team")]);
    let store = world.store().await;
    world.answers("team", &[Answer::Later(None)]);
    let id = world.ill(&store, "a", Severity::Warning).await;
    world.tell(&store, &run_id("r")).await;
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(MINUTE * 5);
    world.ill(&store, "b", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(told(&world), [(None, SystemStatus::Critical)]);
}

#[tokio::test]
async fn a_route_is_not_told_of_the_status_and_the_digest_of_another_environment() {
    let staging = vec![Environment::Staging];
    let of_staging = Route { status: true, digest: true, environments: staging, ..route("team") };
    let world = production(vec![of_staging, only_status("other")]);
    let store = world.store().await;
    world.ill(&store, "a", Severity::Critical).await;
    world.note(&store, vec![world.row("r", RunState::Ok)]).await;
    for _ in 0..3 {
        world.tell(&store, &run_id("r")).await;
        world.pass(HOUR * 12);
    }
    assert_eq!((world.kinds("team").len(), world.kinds("other").len()), (0, 1));
}

#[tokio::test]
async fn a_digest_is_sent_once_a_day_at_its_hour_in_its_zone() {
    let mut settings = rules(Environment::Production, vec![daily()]);
    settings.zone = "Asia/Tokyo".to_owned();
    let world = World::new(settings);
    let store = world.store().await;
    world.note(&store, vec![world.row("r", RunState::Ok)]).await;
    for _ in 0..6 * 72 {
        world.pass(MINUTE * 10);
        world.tell(&store, &run_id("r")).await;
    }
    let times: Vec<String> = world.attempts().iter().map(|one| one.at.to_string()).collect();
    assert_eq!(times, ["2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z"]);
}

#[tokio::test]
async fn what_stood_in_a_digest_that_was_given_up_stands_in_the_next() {
    let world = production(vec![Route { digest: true, ..route("team") }]);
    let store = world.store().await;
    world.note(&store, vec![world.row("r", RunState::Ok)]).await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.well(&store, &[id]).await;
    world.until(at("2026-11-21T08:01:00Z"));
    world.answers("team", &[Answer::Refused]);
    world.tell(&store, &run_id("r")).await;
    world.until(at("2026-11-22T08:01:00Z"));
    world.tell(&store, &run_id("r")).await;
    let digests = world.arrived("team");
    let [digest] = digests.as_slice() else { panic!("{digests:?}") };
    let Body::Digest(digest) = &digest.body else { panic!("{digest:?}") };
    assert_eq!((digests[0].kind, digest.ended.len()), (Kind::Digest, 1));
}
