//! What tenants hold: counts, traps, and the same again from the same seed.

use std::collections::{BTreeMap, BTreeSet};

use opswarden::sandbox::{Dialect, Options, Running, Scenario, Sizes, TruthEntry};
use serde_json::Value;

use crate::client::{Session, admin, planted, small, start};

fn usual() -> Options {
    Options { sizes: Sizes::default(), ..small() }
}

fn counts(truth: &[TruthEntry]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in truth {
        *counts.entry(entry.check.clone()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_broken_tenant_has_every_kind_of_fault_in_realistic_numbers() {
    for seed in 1..=5 {
        let running = start(Options { seed, ..usual() });
        let counts = counts(&running.truth());
        let of = |check: &str| counts.get(check).copied().unwrap_or(0);
        assert_eq!(of("content_expired"), 52);
        assert_eq!(of("content_orphaned"), 80);
        assert_eq!(of("display_offline") + of("display_error"), 62);
        assert_eq!(of("location_dark"), 1);
        assert_eq!(of("storage_high"), 1);
        for (check, low, high) in [
            ("schedule_overlap", 16, 16),
            ("schedule_ended", 15, 15),
            ("coverage_gap", 30, 30),
            ("display_blank", 20, 50),
            ("schedule_playlist_empty", 4, 4),
            ("schedule_no_target", 9, 9),
            ("thumbnail_missing", 12, 12),
            ("thumbnail_dead", 8, 8),
            ("content_oversized", 10, 10),
        ] {
            assert!((low..=high).contains(&of(check)), "seed {seed}: {check} {}", of(check));
        }
    }
}

#[tokio::test]
async fn the_same_seed_makes_the_same_tenant_and_another_makes_another() {
    let truth = |seed| start(Options { seed, ..usual() }).truth();
    assert_eq!(truth(7), truth(7));
    assert_ne!(truth(7), truth(8));
    let (one, two) = (start(usual()), start(usual()));
    let rows = async |running: &Running| {
        let session = admin(running).await;
        let mut rows = session.all("/displays").await;
        rows.extend(session.all("/schedules").await);
        rows
    };
    assert_eq!(rows(&one).await, rows(&two).await);
}

#[tokio::test]
async fn any_seed_and_any_size_works() {
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        for seed in 0..15 {
            let size = |factor: usize| 1 + usize::try_from(seed).unwrap() * factor % 37;
            let sizes = Sizes {
                displays: 4 + size(3),
                content: 9 + size(7),
                playlists: size(1),
                schedules: size(5) - 1,
                tenants: 1 + size(2) % 3,
            };
            let running = start(Options { seed, sizes, dialect, ..small() });
            assert!(running.truth().iter().all(|entry| entry.subject.contains(':')));
        }
    }
}

#[tokio::test]
async fn a_healthy_tenant_has_nothing_to_find_and_an_empty_one_nothing_at_all() {
    for seed in 0..10 {
        let healthy = start(Options { scenario: Scenario::Healthy, seed, ..usual() });
        assert_eq!(healthy.truth(), []);
    }
    let empty = start(Options { scenario: Scenario::Empty, ..usual() });
    assert_eq!(empty.truth(), []);
    let session = admin(&empty).await;
    assert!(session.all("/displays").await.is_empty());
    assert_eq!(session.all("/playlists").await.len(), 1);
}

#[tokio::test]
async fn every_tenant_has_its_own_subjects() {
    let running = start(small());
    let truth = running.truth();
    let tenants: BTreeSet<&str> = truth
        .iter()
        .map(|entry| entry.subject.split_once(':').unwrap().1.split('/').next().unwrap())
        .collect();
    assert_eq!(tenants, BTreeSet::from(["default", "tenant-2"]));
}

/// Every content item with what only its detail shows.
async fn details(session: &Session) -> Vec<Value> {
    let mut found = Vec::new();
    for row in session.all("/content").await {
        let id = row["id"].as_str().unwrap().to_owned();
        found.push(session.get(&format!("/content/{id}")).await.data());
    }
    found
}

#[tokio::test]
async fn content_that_only_looks_wrong_is_there_and_not_in_the_truth() {
    let running = start(usual());
    let session = admin(&running).await;
    let rows = details(&session).await;
    let wrong: BTreeSet<String> = ["content_expired", "content_orphaned"]
        .iter()
        .flat_map(|check| planted(&running, check))
        .collect();
    let is_wrong = |row: &Value| wrong.contains(row["id"].as_str().unwrap());
    let unshown = |row: &&Value| row["playlistItems"].as_array().unwrap().is_empty();
    let pointed: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| [&row["replacementContentId"], &row["previousVersionId"]])
        .filter_map(Value::as_str)
        .collect();
    let zones = rows.iter().filter_map(|row| row["metadata"]["zones"].as_array()).flatten();
    let in_zones: BTreeSet<&str> = zones
        .flat_map(|zone| [zone["contentId"].as_str(), zone["widgetId"].as_str()])
        .flatten()
        .collect();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let active = |row: &&Value| row["status"] == "active";
    let traps: [(&str, Vec<&Value>); 7] = [
        (
            "just expired",
            rows.iter()
                .filter(active)
                .filter(|row| {
                    row["expiresAt"]
                        .as_str()
                        .is_some_and(|end| ("2026-11-20T11:10".."2026-11-20T12:10").contains(&end))
                })
                .collect(),
        ),
        (
            "young",
            rows.iter()
                .filter(active)
                .filter(unshown)
                .filter(|row| row["createdAt"].as_str().unwrap() > "2026-10-21T12:10")
                .collect(),
        ),
        (
            "pointed at",
            rows.iter().filter(unshown).filter(|row| pointed.contains(&*id(row))).collect(),
        ),
        (
            "in a zone",
            rows.iter().filter(unshown).filter(|row| in_zones.contains(&*id(row))).collect(),
        ),
        ("global", rows.iter().filter(unshown).filter(|row| row["isGlobal"] == true).collect()),
        ("draft", rows.iter().filter(|row| row["status"] == "draft").collect()),
        ("expired by the platform", rows.iter().filter(|row| row["status"] == "expired").collect()),
    ];
    for (name, found) in traps {
        assert!(!found.is_empty(), "{name}");
        assert!(!found.iter().any(|row| is_wrong(row)), "{name}");
    }
}

#[tokio::test]
async fn expired_content_has_good_and_dead_replacements() {
    let running = start(usual());
    let session = admin(&running).await;
    let mut seen = BTreeMap::new();
    for id in planted(&running, "content_expired") {
        let detail = session.get(&format!("/content/{id}")).await.data();
        let target = detail["replacementContentId"].as_str().map(str::to_owned);
        let kind = match target {
            None => "none".to_owned(),
            Some(target) => {
                let other = session.get(&format!("/content/{target}")).await.data();
                other["status"].as_str().unwrap().to_owned()
            }
        };
        *seen.entry(kind).or_insert(0) += 1;
    }
    assert!(seen["none"] > 0 && seen["active"] > 0 && seen["archived"] > 0, "{seen:?}");
}

/// Whether a row is a trap of one kind.
type Trap = Box<dyn Fn(&Value) -> bool>;

#[tokio::test]
async fn displays_that_only_look_wrong_are_there_and_not_in_the_truth() {
    let running = start(usual());
    let session = admin(&running).await;
    let rows = session.all("/displays").await;
    let wrong: BTreeSet<String> = running
        .truth()
        .iter()
        .filter(|entry| ["display_offline", "display_error"].contains(&entry.check.as_str()))
        .map(|entry| entry.subject.split_once('/').unwrap().1.to_owned())
        .collect();
    let beat = |row: &Value| row["lastHeartbeat"].as_str().map(str::to_owned);
    let traps: [(&str, Trap); 6] = [
        ("disabled", Box::new(|row| row["isDisabled"] == true)),
        ("never seen", Box::new(move |row| row["pairedAt"].is_string() && beat(row).is_none())),
        ("pairing", Box::new(|row| row["status"] == "pairing")),
        ("unpaired", Box::new(|row| row["unpairedAt"].is_string())),
        (
            "switched off in the dark place",
            Box::new(|row| row["isDisabled"] == true && row["location"] == "Store 99"),
        ),
        (
            "silent for minutes only",
            Box::new(|row| {
                let beat = row["lastHeartbeat"].as_str().unwrap_or("");
                row["status"] == "offline"
                    && ("2026-11-20T11:56".."2026-11-20T12:08").contains(&beat)
            }),
        ),
    ];
    for (name, is) in traps {
        let found: Vec<&Value> = rows.iter().filter(|row| is(row)).collect();
        assert!(!found.is_empty(), "{name}");
        assert!(!found.iter().any(|row| wrong.contains(row["id"].as_str().unwrap())), "{name}");
    }
    let zones: BTreeSet<&str> = rows.iter().map(|row| row["timezone"].as_str().unwrap()).collect();
    assert!(zones.len() > 4, "{zones:?}");
}

#[tokio::test]
async fn schedules_that_only_look_wrong_are_there_and_not_in_the_truth() {
    let running = start(usual());
    let session = admin(&running).await;
    let rows = session.all("/schedules").await;
    let truth = running.truth();
    let named = |row: &Value| {
        let id = row["id"].as_str().unwrap();
        truth.iter().any(|entry| {
            entry.check == "schedule_overlap" && entry.subject.contains(id)
                || entry.subject.ends_with(id)
        })
    };
    let twins = |same_priority: bool, first: i64, second: i64| {
        rows.iter().any(|one| {
            one["startTime"] == first
                && !named(one)
                && rows.iter().any(|two| {
                    two["startTime"] == second
                        && one["displayId"].is_string()
                        && one["displayId"] == two["displayId"]
                        && (one["priority"] == two["priority"]) == same_priority
                })
        })
    };
    assert!(twins(false, 480, 720), "windows meet at different priorities");
    assert!(twins(true, 480, 720), "windows touch and do not meet");
    assert!(rows.iter().any(|row| row["startDate"].as_str().unwrap() > "2026-12" && !named(row)));
    let midnight = |row: &Value| row["endTime"].as_i64() < row["startTime"].as_i64();
    assert!(rows.iter().any(|row| midnight(row) && !named(row)));
    assert!(rows.iter().any(|row| row["displayGroupId"].is_string() && !named(row)));
    assert!(rows.iter().any(|row| row["isActive"] == false && !named(row)));
}

#[tokio::test]
async fn a_screen_that_will_be_empty_within_hours_is_known_now() {
    let running = start(usual());
    let session = admin(&running).await;
    let mut soon = 0;
    for id in planted(&running, "display_blank") {
        let display = session.get(&format!("/displays/{id}")).await.data();
        let Some(playlist) = display["currentPlaylistId"].as_str().map(str::to_owned) else {
            continue;
        };
        let items = session.get(&format!("/playlists/{playlist}")).await.data()["items"].clone();
        let items = items.as_array().unwrap();
        let ends = |item: &Value| item["content"]["expiresAt"].as_str() > Some("2026-11-20T12:10");
        soon += usize::from(!items.is_empty() && items.iter().all(ends));
    }
    assert!(soon > 0);
}

#[tokio::test]
async fn fifty_thousand_rows_start_quickly_and_page_in_no_time() {
    let sizes =
        Sizes { displays: 50_000, content: 50_000, playlists: 500, schedules: 500, tenants: 1 };
    let began = std::time::Instant::now();
    let running = start(Options { sizes, scenario: Scenario::Healthy, ..small() });
    let session = admin(&running).await;
    for page in [1, 250, 500] {
        let rows = session.get(&format!("/displays?page={page}&limit=100")).await.data();
        assert_eq!(rows["data"].as_array().unwrap().len(), 100);
    }
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
