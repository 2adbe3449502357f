//! Found, missed, false, and done wrong; and what a test must account for.

use opswarden::sandbox::{Act, Dialect, Found, Options, Running, TruthEntry};
use serde_json::{Value, json};

use crate::client::{Session, admin, planted, reference, send, small, start};

fn all(running: &Running) -> Vec<Found> {
    running.truth().iter().map(TruthEntry::found).collect()
}

#[tokio::test]
async fn who_finds_everything_and_nothing_else_is_perfect() {
    for options in [small(), reference()] {
        let running = start(options);
        let score = running.score(&all(&running));
        assert!(score.is_perfect());
        assert_eq!(
            score.checks.values().map(|tally| tally.found).sum::<usize>(),
            running.truth().iter().filter(|entry| !entry.optional).count()
        );
    }
}

#[tokio::test]
async fn of_what_could_be_spared_the_oldest_must_be_named_and_the_others_may() {
    let running = start(reference());
    let spared: Vec<TruthEntry> =
        running.truth().into_iter().filter(|entry| entry.check == "content_idle").collect();
    let (may, must): (Vec<_>, Vec<_>) = spared.iter().partition(|entry| entry.optional);
    assert_eq!(must.len(), reference().sizes.tenants);
    assert!(!may.is_empty());
    let without = |left_out: &[&TruthEntry]| {
        let left_out: Vec<Found> = left_out.iter().map(|entry| entry.found()).collect();
        let mut found = all(&running);
        found.retain(|claim| !left_out.contains(claim));
        running.score(&found)
    };
    assert!(without(&may).is_perfect());
    assert_eq!(without(&must).checks["content-lifecycle/content_idle"].missed.len(), must.len());
}

#[tokio::test]
async fn a_missed_and_an_imagined_fault_are_counted() {
    let running = start(small());
    let mut found = all(&running);
    let missed = found.remove(0);
    let imagined = Found { subject: "content:default/none".to_owned(), ..missed.clone() };
    found.push(imagined);
    let score = running.score(&found);
    let tally = &score.checks[&format!("{}/{}", missed.agent, missed.check)];
    assert_eq!(tally.missed, [missed.subject]);
    assert_eq!(tally.false_alarms, ["content:default/none"]);
    assert_eq!(tally.found + 1, tally.planted);
    assert!(!score.is_perfect());
}

/// Carries out an act that the truth allows, through the platform's own routes.
async fn carry_out(session: &Session, act: &Act) {
    let route = act.route.replace(":id", &act.row);
    let id = act.what.rsplit(' ').next().unwrap();
    let body = match act.what.split_once(' ').unwrap() {
        ("archive", _) if act.route.contains("bulk") => json!({"ids": [act.row]}),
        ("archive", _) if act.method == "PATCH" => json!({"status": "archived"}),
        ("archive", _) => json!({}),
        ("set", _) => json!({"replacementContentId": id}),
        ("deactivate", _) if act.method == "PATCH" => json!({"isActive": false}),
        ("show", _) => json!({"playlistId": id}),
        ("assign", _) if act.method == "PATCH" => json!({"currentPlaylistId": id}),
        ("assign", _) => json!({"displayIds": [act.row], "playlistId": id}),
        ("reset", _) => json!({"status": "offline"}),
        (command, _) => {
            json!({"command": command, "target": {"type": "device", "id": act.row}})
        }
    };
    let answer = session.tried(&act.method, &route, Some(&body)).await.unwrap();
    assert!(answer.status < 300, "{act:?} {answer:?}");
}

#[tokio::test]
async fn every_allowed_act_exists_is_not_wrong_and_repairs() {
    let options = Options { dialect: Dialect::Vizora, ..small() };
    let sizes = opswarden::sandbox::Sizes { tenants: 1, ..options.sizes };
    let running = start(Options { sizes, ..options });
    let session = admin(&running).await;
    let mut done = Vec::new();
    for entry in running.truth() {
        for act in &entry.allowed {
            let command = act.route == "/fleet/commands";
            if !command {
                carry_out(&session, act).await;
                done.push(entry.clone());
            }
        }
    }
    assert!(running.score(&[]).wrong_acts.is_empty());
    let left = running.truth_now();
    let repaired = [
        "content_expired",
        "content_orphaned",
        "schedule_ended",
        "display_error",
        "schedule_no_target",
        "schedule_playlist_empty",
        "coverage_gap",
    ];
    for entry in done.iter().filter(|entry| repaired.contains(&entry.check.as_str())) {
        let still = left.iter().any(|other| other.found() == entry.found());
        assert!(!still, "{entry:?}");
    }
}

#[tokio::test]
async fn an_act_upon_what_is_well_is_wrong_and_taking_it_back_is_not() {
    let running = start(small());
    let session = admin(&running).await;
    let wrong: Vec<String> = ["content_expired", "content_orphaned"]
        .iter()
        .flat_map(|check| planted(&running, check))
        .collect();
    let rows = session.all("/content").await;
    let well = rows.iter().find(|row| {
        row["status"] == "active" && !wrong.contains(&row["id"].as_str().unwrap().to_owned())
    });
    let path = format!("/content/{}", well.unwrap()["id"].as_str().unwrap());
    session.post(&format!("{path}/archive"), json!({})).await;
    session.post(&format!("{path}/restore"), json!({})).await;
    session.post("/health/ops-status", json!({})).await;
    let score = running.score(&all(&running));
    let wrong: Vec<&str> = score.wrong_acts.iter().map(|one| one.act.what.as_str()).collect();
    assert_eq!(wrong, ["archive content"]);
}

#[tokio::test]
async fn a_test_accounts_for_everything() {
    let running = start(small());
    let session = admin(&running).await;
    let path = format!("/content/{}/archive", planted(&running, "content_orphaned")[0]);
    session.post(&path, json!({})).await;
    running.expect_unknown_route("GET /api/v1/storage");
    assert_eq!(session.get("/storage").await.status, 404);
    assert_eq!(session.get("/nosuch").await.status, 404);
    let complaints = running.finish().unwrap_err();
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(complaints[0].starts_with("nobody took: archive content"));
    assert_eq!(complaints[1], "there is no such route: GET /api/v1/nosuch");
    assert_eq!(running.take_effects().len(), 1);
    running.expect_unknown_route("GET /api/v1/nosuch");
    session.logout().await;
    assert_eq!(running.finish(), Ok(()));
}

#[tokio::test]
async fn everything_can_be_asked_over_http_too() {
    let running = start(small());
    let url = running.base_url();
    let session = admin(&running).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        send(&url, method, path, &[], text.as_bytes()).await.unwrap().json()
    };
    let truth = ask("GET", "/sandbox/truth", Value::Null).await;
    assert_eq!(truth.as_array().unwrap().len(), running.truth().len());
    let score = ask("POST", "/sandbox/score", json!(all(&running))).await;
    assert_eq!(score["wrongActs"], json!([]));
    let fault = json!([{"route": "GET /content", "fault": {"status": 500}, "times": 1}]);
    assert_eq!(ask("POST", "/sandbox/faults", fault).await, json!({"set": 1}));
    assert_eq!(session.get("/content").await.status, 500);
    assert_eq!(ask("GET", "/sandbox/sessions", Value::Null).await, json!({"open": 1}));
    let later = ask("POST", "/sandbox/advance", json!({"seconds": 60})).await;
    assert_eq!(later, json!({"now": "2026-11-20T12:11:00.000Z"}));
    assert_eq!(ask("GET", "/sandbox/effects", Value::Null).await, json!([]));
}
