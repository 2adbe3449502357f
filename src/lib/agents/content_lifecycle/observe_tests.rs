//! How it looks: in which order, and for a proof at nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::checks::{CONTENT_EXPIRED, CONTENT_IDLE, CONTENT_ORPHANED, SPEC, THUMBNAIL_DEAD};
use super::snapshot::{ContentLook, Item, Look, TenantLook, Thumbnail};
use super::world_tests::{
    ACME, Judged, List, World, content, days_ago, judge, key, minutes_ago, our_now, recall,
    sensors, world,
};
use super::{ContentLifecycle, Snapshot};
use crate::agent::{Agent as _, Need, Scope};
use crate::domain::diagnosis::{Standing, Verdict};
use crate::domain::platform::{ContentStatus, Dialect};
use crate::domain::run::Recall;
use crate::domain::sight::Blind;
use crate::domain::subject::{CheckId, Key, Subject};

fn proof(world: &World, keys: &[(&CheckId, Subject)]) -> (Judged, Arc<World>) {
    let keys: BTreeSet<Key> =
        keys.iter().map(|(check, subject)| key(check, subject.clone())).collect();
    let world = Arc::new(world.clone());
    let judged = world.judge_with(&Scope::Proof(keys), &Recall::default());
    (judged, world)
}

#[test]
fn what_somebody_waits_for_is_looked_at_first_and_layouts_not_again() {
    let mut world = world(Dialect::Vizora);
    for (id, status, days) in [
        ("new", ContentStatus::Active, 1),
        ("archived", ContentStatus::Archived, 900),
        ("draft", ContentStatus::Draft, 800),
        ("old", ContentStatus::Active, 700),
        ("troubled", ContentStatus::Active, 2),
        ("troubled-draft", ContentStatus::Draft, 900),
        ("layout", ContentStatus::Active, 600),
    ] {
        let (row, _) = world.add(id);
        (row.status, row.created_at) = (status, days_ago(days));
    }
    world.acme().content[6].0.kind = "layout".to_owned();
    let open = recall(["troubled", "troubled-draft"].map(|id| key(&CONTENT_EXPIRED, content(id))));
    let world = Arc::new(world);
    let judged = world.judge_with(&Scope::Everything, &open);
    let asked = world.asked.lock().unwrap().clone();
    assert_eq!(asked, ["troubled", "old", "new", "troubled-draft", "draft", "archived"]);
    assert!(judged.whole(&CONTENT_ORPHANED), "the layout's details came with its list");
}

#[test]
fn a_platform_that_cannot_be_reached_leaves_every_question_open() {
    let world = world(Dialect::Vizora);
    let open = recall(SPEC.checks.iter().map(|check| key(&check.id, content("a"))));
    let sensors = sensors(Err(Blind::because("no route")));
    let asked = BTreeSet::from([key(&CONTENT_EXPIRED, content("a"))]);
    for scope in [Scope::Everything, Scope::Proof(asked)] {
        let judged = judge(&world.settings, &sensors, &scope, &open);
        for check in SPEC.checks {
            let of_check = &judged.diagnosis.checks[&check.id];
            let unknown = |verdict: &Verdict<_>| matches!(verdict, Verdict::Unknown { .. });
            assert!(!of_check.findings.is_empty());
            assert!(of_check.findings.values().all(unknown), "{}", check.id);
            assert!(of_check.findings.contains_key(&content("a")));
            assert!(!judged.whole(&check.id));
        }
        assert_eq!(judged.diagnosis.populations, []);
        let standing = judged.diagnosis.standing(&CONTENT_EXPIRED, &content("a"));
        assert_eq!(standing, Standing::Unknown { why: "no route" });
    }
}

#[test]
fn a_proof_reads_what_was_acted_on_and_nothing_else() {
    let mut world = world(Dialect::Vizora);
    world.add_held("a").0.status = ContentStatus::Archived;
    world.add("b");
    let (judged, world) = proof(&world, &[(&CONTENT_EXPIRED, content("a"))]);
    assert_eq!(*world.singles.lock().unwrap(), ["a"]);
    assert!(world.asked.lock().unwrap().is_empty());
    let standing = judged.diagnosis.standing(&CONTENT_EXPIRED, &content("a"));
    let Standing::Healthy(evidence) = standing else { panic!("{standing:?}") };
    assert_eq!(evidence.newest, our_now());
    assert_eq!(judged.stands(&CONTENT_ORPHANED, &content("b")), "unknown");
    assert!(judged.diagnosis.samples.is_empty() && judged.diagnosis.populations.is_empty());
}

#[test]
fn an_act_without_effect_is_still_faulty_in_its_proof() {
    let mut world = world(Dialect::Vizora);
    world.add("orphan");
    let (row, detail) = world.add("expired");
    row.status = ContentStatus::Active;
    (detail.expires_at, detail.replacement) = (Some(minutes_ago(90)), Some("next".to_owned()));
    world.add("next").0.status = ContentStatus::Draft;
    let asked = [(&CONTENT_ORPHANED, content("orphan")), (&CONTENT_EXPIRED, content("expired"))];
    let everything = world.judge();
    let (judged, world) = proof(&world, &asked);
    assert_eq!(*world.singles.lock().unwrap(), ["expired", "next", "orphan"]);
    for (check, subject) in &asked {
        assert_eq!(judged.fault(check, subject), everything.fault(check, subject));
    }
}

#[test]
fn a_proof_tells_well_from_unseen() {
    let mut world = world(Dialect::Vizora);
    world.add_held("held");
    world.add("young").0.created_at = days_ago(3);
    world.add("global").1.global = true;
    world.add("later").1.expires_at = Some(minutes_ago(-60));
    let stands = |world: &World, check: &CheckId, id: &str| {
        proof(world, &[(check, content(id))]).0.stands(check, &content(id))
    };
    for id in ["held", "young", "global"] {
        assert_eq!(stands(&world, &CONTENT_ORPHANED, id), "healthy", "{id}");
    }
    assert_eq!(stands(&world, &CONTENT_EXPIRED, "later"), "healthy");
    assert_eq!(stands(&world, &CONTENT_EXPIRED, "nowhere"), "unknown");
    assert_eq!(stands(&world, &THUMBNAIL_DEAD, "held"), "unknown");
    world.blind(List::Details);
    assert_eq!(stands(&world, &CONTENT_EXPIRED, "later"), "unknown");
}

#[test]
fn content_that_was_put_away_for_space_is_proved_by_its_own_row() {
    let mut world = world(Dialect::Reference);
    world.add("a").0.status = ContentStatus::Draft;
    let stands = |world: &World| {
        let (judged, world) = proof(world, &[(&CONTENT_IDLE, content("a"))]);
        assert_eq!(*world.singles.lock().unwrap(), ["a"]);
        judged.stands(&CONTENT_IDLE, &content("a"))
    };
    assert_eq!(stands(&world), "faulty");
    world.acme().content[0].0.status = ContentStatus::Archived;
    assert_eq!(stands(&world), "healthy");
    world.blind(List::Details);
    assert_eq!(stands(&world), "unknown");
}

#[test]
fn a_proof_leaves_other_incidents_open() {
    let mut world = world(Dialect::Vizora);
    world.add("a").0.status = ContentStatus::Archived;
    let asked = key(&CONTENT_EXPIRED, content("a"));
    let other = key(&CONTENT_EXPIRED, content("b"));
    let open = recall([asked.clone(), other]);
    let judged = Arc::new(world).judge_with(&Scope::Proof(BTreeSet::from([asked])), &open);
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &content("a")), "healthy");
    let named = &judged.diagnosis.checks[&CONTENT_EXPIRED].findings;
    assert!(matches!(named[&content("b")], Verdict::Unknown { .. }));
}

#[test]
fn fifty_thousand_pieces_of_content_are_a_short_text() {
    let item = |number: usize| Item {
        id: format!("cl9ebqhxk00003b600tymydho{number}"),
        name: format!("summer-campaign-{number}.mp4"),
        status: ContentStatus::Active,
        created_at: our_now(),
        size_bytes: Some(12_345_678),
        thumbnail: Thumbnail::Answers,
        template: false,
        detail: Some(super::snapshot::ItemDetail {
            expires_at: Some(our_now()),
            ..super::snapshot::ItemDetail::default()
        }),
    };
    let look = ContentLook {
        at: our_now(),
        platform_now: our_now(),
        cut_short: None,
        items: (0..1000).map(item).collect(),
        zones: BTreeSet::new(),
        details_cut: None,
        thumbnails_cut: None,
        thumbnails_foreign: None,
    };
    let blind = || Err(Blind::because("x"));
    let tenant = TenantLook {
        content: Ok(look),
        playlists: Err(Blind::because("x")),
        layouts: Err(Blind::because("x")),
        storage: blind(),
    };
    let look = Look::Everything([(ACME.to_owned(), tenant)].into());
    let snapshot = Snapshot { dialect: Ok(Dialect::Vizora), look };
    let bytes = serde_json::to_vec(&snapshot).unwrap().len();
    assert!(bytes < 16 * 1024 * 1024 / 50, "so that a tape keeps 50,000 of them: {bytes}");
    assert!(size_of::<Item>() <= 200, "{}", size_of::<Item>());
}

#[test]
fn it_needs_the_platform_and_nothing_else() {
    assert_eq!(ContentLifecycle::default().needs(), [Need::Platform]);
}
