//! The outbox step by step: what is put in, what leaves, what is repeated and what is taken out again.

use std::time::Duration;

use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::notice::{Body, ChannelRule, Kind, NotificationState, Route, Window};
use opswarden::domain::run::RunState;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::ports::channel::Delivery;
use opswarden::ports::outbox::{Claim, Outbox as _, Wanted};
use opswarden::ports::store::Store as _;

use crate::world::{Answer, HOUR, MINUTE, World, at, key, route, rules, run_id};

const LEASE: Duration = Duration::from_secs(20);

pub(crate) fn production(routes: Vec<Route>) -> World {
    World::new(rules(Environment::Production, routes))
}

fn team() -> World {
    production(vec![route("team")])
}

#[tokio::test]
async fn a_notification_is_written_with_the_event_that_causes_it() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].kind, rows[0].state), (Kind::Opened, NotificationState::Pending));
    assert!(rows[0].caused_by.is_some());
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened"]);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0], "it is told once");
}

#[tokio::test]
async fn what_ends_before_it_leaves_is_not_told() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0]);
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!(rows[0].state, NotificationState::Suppressed);
}

#[tokio::test]
async fn the_end_of_what_was_told_is_told_once_and_at_once() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(MINUTE);
    world.well(&store, &[id]).await;
    for _ in 0..3 {
        world.tell(&store, &run_id("r")).await;
        world.pass(HOUR * 2);
    }
    let arrived = world.attempts();
    let kinds: Vec<&str> = arrived.iter().map(|one| one.message.kind.as_str()).collect();
    assert_eq!(kinds, ["opened", "recovered"]);
    assert_eq!(arrived[1].at, at("2026-11-20T12:01:00Z"));
    let earlier = arrived[1].earlier.as_ref().expect("it names the alert");
    assert_eq!((earlier.reference.as_str(), earlier.alone), ("ref-0", true));
}

#[tokio::test]
async fn a_display_that_comes_and_goes_is_told_as_rarely_as_one_that_stays_dark() {
    let world = team();
    let store = world.store().await;
    let (began, mut earlier) = (world.now(), None);
    for _ in 0..24 {
        let again = (key("display_dark", "a"), Severity::Critical, earlier);
        let id = world.open(&store, "r", &[again]).await[0];
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 5);
        world.well(&store, &[id]).await;
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 5);
        earlier = Some(id);
    }
    let attempts = world.attempts();
    let alerts = attempts.iter().filter(|one| one.message.kind.as_str() == "opened");
    let minutes: Vec<i64> = alerts.map(|one| one.at.duration_since(began).as_mins()).collect();
    assert_eq!(minutes, [0, 60, 180], "at first, after an hour, after two more");
}

#[tokio::test]
async fn five_hundred_incidents_of_one_check_are_one_message() {
    let world = team();
    let store = world.store().await;
    let begun: Vec<_> = (0..500)
        .map(|n| (key("display_dark", &format!("d{n}")), Severity::Critical, None))
        .collect();
    let ids = world.open(&store, "r", &begun).await;
    world.tell(&store, &run_id("r")).await;
    let arrived = world.arrived("team");
    assert_eq!(arrived.len(), 1);
    let Body::Incidents { lines, omitted } = &arrived[0].body else { panic!("{arrived:?}") };
    assert_eq!((lines.len(), *omitted), (10, 490));
    world.well(&store, &ids).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["recovered"], "and so is their end");
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let world = team();
    let store = world.store().await;
    world.answers("team", &[Answer::Later(Some(MINUTE * 10))]);
    world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(MINUTE * 5);
    world.open(&store, "r", &[(key("screen_black", "b"), Severity::Critical, None)]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 1, "neither this nor another message");
    world.pass(MINUTE * 5);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened", "opened"]);
}

#[tokio::test]
async fn what_is_refused_is_given_up_and_tried_anew_after_an_hour_while_it_holds() {
    let world = team();
    let store = world.store().await;
    world.answers("team", &[Answer::Refused]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!(rows[0].state, NotificationState::Dead);
    let channels = store.channels().await.unwrap();
    assert!(channels[0].dead(world.now()).unwrap().contains("one message was given up"));
    world.pass(MINUTE * 59);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 1, "the hour is not over");
    world.pass(MINUTE);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened"]);
    assert_eq!(store.channels().await.unwrap()[0].dead(world.now()), None);
}

#[tokio::test]
async fn an_end_that_is_refused_is_tried_anew_after_an_hour_and_not_in_every_run() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(MINUTE);
    world.answers("team", &[Answer::Refused]);
    world.well(&store, &[id]).await;
    for _ in 0..11 {
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 5);
    }
    assert_eq!(world.attempts().len(), 2);
    world.pass(MINUTE * 5);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened", "recovered"]);
}

#[tokio::test]
async fn what_may_have_arrived_is_repeated_once_marked_and_under_its_own_id() {
    let world = team();
    let store = world.store().await;
    world.answers("team", &[Answer::UnknownArrived, Answer::UnknownArrived]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    for _ in 0..5 {
        world.pass(MINUTE * 5);
        world.tell(&store, &run_id("r")).await;
    }
    let arrived = world.arrived("team");
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].id, arrived[1].id);
    assert_eq!([arrived[0].may_repeat, arrived[1].may_repeat], [false, true]);
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!(rows[0].state, NotificationState::Unknown);
    assert!(rows[0].finished_at.is_some());
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["recovered"], "who may have been told is told of the end");
}

#[tokio::test]
async fn what_left_as_one_message_is_repeated_as_one() {
    let world = team();
    let store = world.store().await;
    world.answers("team", &[Answer::Later(None), Answer::UnknownArrived]);
    world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.pass(MINUTE);
    world.ill(&store, "b", Severity::Critical).await;
    for _ in 0..5 {
        world.tell(&store, &run_id("r")).await;
        world.pass(Duration::from_secs(35));
    }
    let lines: Vec<usize> = world.attempts().iter().map(|one| one.incidents().len()).collect();
    assert_eq!(lines, [1, 2, 2]);
}

#[tokio::test]
async fn an_end_that_may_have_arrived_is_repeated_once() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.answers("team", &[Answer::UnknownLost]);
    world.well(&store, &[id]).await;
    for _ in 0..5 {
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 5);
    }
    assert_eq!(world.kinds("team"), ["opened", "recovered"]);
}

#[tokio::test]
async fn the_end_of_what_may_have_arrived_is_told_instead_of_telling_it_once_more() {
    let world = team();
    let store = world.store().await;
    world.answers("team", &[Answer::UnknownArrived]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened", "recovered"]);
}

#[tokio::test]
async fn whoever_may_have_been_told_hears_the_end_though_the_repeat_did_not_arrive() {
    for second in [Answer::Later(None), Answer::Refused] {
        let world = team();
        let store = world.store().await;
        world.answers("team", &[Answer::UnknownArrived, second]);
        let id = world.ill(&store, "a", Severity::Critical).await;
        world.tell(&store, &run_id("r")).await;
        world.pass(MINUTE * 2);
        world.tell(&store, &run_id("r")).await;
        assert_eq!(world.attempts().len(), 2, "{second:?}");
        world.well(&store, &[id]).await;
        world.pass(HOUR);
        world.tell(&store, &run_id("r")).await;
        assert_eq!(world.kinds("team"), ["opened", "recovered"], "{second:?}");
    }
}

/// Somebody takes out a message for the team and dies before writing down what became of it.
async fn claimed(world: &World, store: &opswarden::adapters::store::SqliteStore) {
    let claim = store.claim(world.now(), "team", &run_id("r"), LEASE).await;
    let claim = claim.expect("it is taken out");
    assert!(matches!(claim, Claim::Parcel(_)), "{claim:?}");
}

#[tokio::test]
async fn what_a_dead_process_took_out_counts_as_sent_without_an_answer() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    claimed(&world, &store).await;
    world.pass(LEASE);
    world.tell(&store, &run_id("other")).await;
    let arrived = world.arrived("team");
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].may_repeat);
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!((rows[0].doubts, rows[0].attempts), (1, 2));
    assert_eq!(rows[0].state, NotificationState::Sent);
}

#[tokio::test]
async fn what_two_dead_processes_took_out_is_not_sent_a_third_time() {
    let world = team();
    let store = world.store().await;
    world.ill(&store, "a", Severity::Critical).await;
    for _ in 0..2 {
        claimed(&world, &store).await;
        world.pass(LEASE);
    }
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 0);
}

#[tokio::test]
async fn the_end_of_what_a_dead_process_took_out_is_told() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    claimed(&world, &store).await;
    world.pass(LEASE);
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["recovered"], "the alert may have arrived");
}

#[tokio::test]
async fn what_may_have_arrived_is_not_forgotten_when_planned_work_begins() {
    let mut settings = rules(Environment::Production, vec![route("team")]);
    settings.maintenance = vec![Window {
        from: "12:01".parse().unwrap(),
        to: "12:30".parse().unwrap(),
        ..Window::default()
    }];
    let world = World::new(settings);
    let store = world.store().await;
    world.answers("team", &[Answer::UnknownArrived]);
    let id = world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    for _ in 0..10 {
        world.pass(MINUTE * 5);
        world.tell(&store, &run_id("r")).await;
    }
    assert_eq!(world.kinds("team"), ["opened"], "no second alert within the hour");
    world.well(&store, &[id]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["recovered"]);
}

#[tokio::test]
async fn what_is_being_sent_is_nobody_elses() {
    let world = team();
    let (store, other) = (world.store().await, world.store().await);
    world.ill(&store, "a", Severity::Critical).await;
    let Claim::Parcel(parcel) =
        store.claim(world.now(), "team", &run_id("r"), LEASE).await.unwrap()
    else {
        panic!("there is something to tell")
    };
    world.tell(&other, &run_id("other")).await;
    world.pass(Duration::from_secs(19));
    world.tell(&other, &run_id("other")).await;
    assert_eq!(world.attempts().len(), 0);
    let answer = Delivery::Sent { reference: None, answer: "200".to_owned() };
    store.settle(world.now(), &parcel, &answer).await.unwrap();
    world.pass(LEASE);
    world.tell(&other, &run_id("other")).await;
    assert_eq!(world.attempts().len(), 0);
}

#[tokio::test]
async fn what_a_running_run_caused_is_left_to_it_until_it_has_ended() {
    let world = team();
    let store = world.store().await;
    world.note(&store, vec![world.row("r", RunState::Running)]).await;
    world.ill(&store, "a", Severity::Critical).await;
    world.tell(&store, &run_id("other")).await;
    assert_eq!(world.attempts().len(), 0, "it may still repair it");
    world.note(&store, vec![world.row("r", RunState::Killed)]).await;
    world.tell(&store, &run_id("other")).await;
    assert_eq!(world.kinds("team"), ["opened"]);
    // One that says nothing for a quarter of an hour is not waited for.
    world.note(&store, vec![world.row("r", RunState::Running)]).await;
    world.open(&store, "r", &[(key("screen_black", "b"), Severity::Critical, None)]).await;
    world.pass(MINUTE * 14);
    world.tell(&store, &run_id("other")).await;
    assert_eq!(world.attempts().len(), 0);
    world.pass(MINUTE);
    world.tell(&store, &run_id("other")).await;
    assert_eq!(world.kinds("team"), ["opened"]);
}

pub(crate) fn daily() -> Route {
    Route { severity: Severity::Info, digest: true, ..route("mail") }
}

#[tokio::test]
async fn what_is_of_low_urgency_leaves_as_a_line_of_the_daily_digest() {
    let world = production(vec![daily()]);
    let store = world.store().await;
    world.note(&store, vec![world.row("r", RunState::Ok)]).await;
    let id = world.ill(&store, "a", Severity::Info).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 0);
    world.until(at("2026-11-21T07:59:59Z"));
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 0);
    world.pass(Duration::from_secs(1));
    world.tell(&store, &run_id("r")).await;
    let arrived = world.arrived("mail");
    assert_eq!(arrived.len(), 1);
    let Body::Digest(digest) = &arrived[0].body else { panic!("{arrived:?}") };
    assert_eq!(digest.open[0].id, id);
    let rows = world.rows(&store, &id.to_string()).await;
    assert_eq!(rows[0].state, NotificationState::Digested);
    assert_eq!(rows[0].message.as_ref(), Some(&arrived[0].id));
}

#[tokio::test]
async fn what_waits_for_a_route_that_settings_lost_is_withdrawn() {
    let world = production(vec![route("team"), route("other")]);
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    let fewer = world.under(rules(Environment::Production, vec![route("other")]));
    let store = fewer.store().await;
    fewer.tell(&store, &run_id("r")).await;
    assert_eq!((fewer.kinds("team").len(), fewer.kinds("other").len()), (0, 1));
    let rows = fewer.rows(&store, &id.to_string()).await;
    let row = rows.iter().find(|row| row.route == "team").unwrap();
    assert_eq!(row.state, NotificationState::Suppressed);
}

#[tokio::test]
async fn a_dashboard_is_fed_only_when_that_is_wanted() {
    let mut settings = rules(Environment::Production, Vec::new());
    let rule = ChannelRule { pause: Duration::ZERO, dashboard: true };
    settings.channels.insert("wall".to_owned(), rule);
    let world = World::new(settings);
    let store = world.store().await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.attempts().len(), 0);
    for _ in 0..2 {
        store.decide(world.now(), &Wanted { dashboard: true }).await.unwrap();
    }
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("wall"), ["dashboard"]);
}

#[tokio::test]
async fn a_silence_that_is_over_hides_no_other_one() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Warning).await;
    let silence = |what: String, hours: u32| Event::ControlChanged {
        control: opswarden::domain::incident::control::silence_of(&what),
        on: true,
        reason: "known".to_owned(),
        expires_at: Some(world.now().checked_add(HOUR * hours).unwrap()),
        facts: std::collections::BTreeMap::new(),
    };
    let found = store.incident(id).await.unwrap().unwrap();
    let of_check = format!("{}/{}", found.key.agent, found.key.check);
    for event in [silence(id.to_string(), 1), silence(of_check, 9)] {
        let event = NewEvent { actor: "human:ada".to_owned(), ..world.event("r", event) };
        world.commit(&store, vec![event]).await;
    }
    world.pass(HOUR * 2);
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0]);
}

#[tokio::test]
async fn whoever_was_too_slow_does_not_answer_for_who_took_it_over() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Critical).await;
    let claim = async || match store.claim(world.now(), "team", &run_id("r"), LEASE).await {
        Ok(Claim::Parcel(parcel)) => parcel,
        other => panic!("{other:?}"),
    };
    let slow = claim().await;
    world.pass(LEASE);
    let taken_over = claim().await;
    assert_eq!(slow.message.id, taken_over.message.id);
    let refused = Delivery::Refused { why: "no_service".to_owned() };
    store.settle(world.now(), &slow, &refused).await.unwrap();
    let row = world.rows(&store, &id.to_string()).await.remove(0);
    assert!(row.lease_until.is_some(), "it is still on its way: {row:?}");
    let sent = Delivery::Sent { reference: None, answer: "ok".to_owned() };
    store.settle(world.now(), &taken_over, &sent).await.unwrap();
    let row = world.rows(&store, &id.to_string()).await.remove(0);
    assert_eq!(row.state, NotificationState::Sent);
}

#[tokio::test]
async fn who_is_to_hear_when_one_thing_is_worse_hears_nothing_while_all_of_its_kind_is_silenced() {
    let world = team();
    let store = world.store().await;
    let id = world.ill(&store, "a", Severity::Warning).await;
    let found = world.incident(&store, id).await;
    let silence = |what: String, facts| Event::ControlChanged {
        control: opswarden::domain::incident::control::silence_of(&what),
        on: true,
        reason: "known".to_owned(),
        expires_at: None,
        facts,
    };
    let of_check = format!("{}/{}", found.key.agent, found.key.check);
    let until_worse =
        std::collections::BTreeMap::from([("worse_than".to_owned(), "warning".to_owned())]);
    let said = [
        silence(id.to_string(), until_worse),
        silence(of_check, std::collections::BTreeMap::new()),
    ];
    for event in said {
        let event = NewEvent { actor: "human:ada".to_owned(), ..world.event("r", event) };
        world.commit(&store, vec![event]).await;
    }
    world.severity(&store, &found, Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), [""; 0]);
}

#[tokio::test]
async fn a_notification_that_cannot_be_read_keeps_nobody_from_hearing_of_the_rest() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let world = team();
    let store = world.store().await;
    let broken = world.ill(&store, "a", Severity::Critical).await;
    let file = world.folder.path().join("ops.db");
    let mut raw = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let damage =
        "UPDATE notification SET doc = replace(doc, '\"opened\"', '\"a kind of tomorrow\"')";
    sqlx::query(damage).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let id = world.ill(&store, "b", Severity::Critical).await;
    world.tell(&store, &run_id("r")).await;
    let told = world.arrived("team");
    let told: Vec<_> = told
        .iter()
        .filter_map(|one| match &one.body {
            Body::Incidents { lines, .. } => {
                Some(lines.iter().map(|line| line.id).collect::<Vec<_>>())
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [[broken, id]], "what was put aside is told anew");
    let channel = store.channels().await.unwrap().remove(0);
    assert_eq!(channel.name, "team");
}

#[tokio::test]
async fn what_explains_a_finding_explains_it_however_long_ago_that_was_said() {
    let world = team();
    let store = world.store().await;
    let seen = [
        (key("place_dark", "p"), Severity::Critical, None),
        (key("display_dark", "a"), Severity::Critical, None),
    ];
    world.open(&store, "r", &seen).await;
    world.fold(&store, &seen[1].0, &seen[0].0).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened"]);
    world.pass(HOUR * 24 * 200);
    world.fold(&store, &key("display_dark", "z"), &seen[0].0).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["reminder"]);
}

#[tokio::test]
async fn an_end_says_how_many_of_those_it_was_told_with_have_not_ended() {
    let world = team();
    let store = world.store().await;
    let of = |subject| (key("display_dark", subject), Severity::Critical, None);
    let ids = world.open(&store, "r", &[of("a"), of("b"), of("c")]).await;
    world.tell(&store, &run_id("r")).await;
    assert_eq!(world.kinds("team"), ["opened"], "as one message");
    let mut left = Vec::new();
    for id in &ids {
        world.pass(MINUTE);
        world.well(&store, &[*id]).await;
        world.tell(&store, &run_id("r")).await;
        left.extend(world.arrived("team").iter().map(|message| message.others_open));
    }
    assert_eq!(left, [2, 1, 0]);
}
