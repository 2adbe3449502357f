//! What is found of single pieces of content, what is not, and what is proposed.

use std::collections::BTreeMap;

use super::checks::{
    CONTENT_EXPIRED, CONTENT_ORPHANED, CONTENT_OVERSIZED, CONTENT_SERIES, OF_CONTENT,
    PLAYLISTS_SERIES, STORAGE_HIGH, THUMBNAIL_DEAD, THUMBNAIL_MISSING,
};
use super::world_tests::{
    ACME, List, World, content, days_ago, key, minutes_ago, our_now, recall, series, world,
};
use crate::domain::diagnosis::{Coverage, Fault as _};
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::{ContentStatus, Dialect, Field, RowKind, RowRef};
use crate::domain::subject::{Subject, SubjectKind};

pub(super) fn vizora() -> World {
    world(Dialect::Vizora)
}

pub(super) fn guard(fields: &[(Field, Option<&str>)]) -> Guard {
    let text = |(field, value): &(Field, Option<&str>)| (*field, value.map(str::to_owned));
    Guard::SameRow { fields: fields.iter().map(text).collect::<BTreeMap<_, _>>() }
}

pub(super) fn archive(id: &str) -> Operation {
    Operation::ArchiveContent(RowRef::new(RowKind::Content, ACME, id))
}

/// Expired two hours ago.
pub(super) fn expire(world: &mut World, id: &str) {
    world.add_held(id).1.expires_at = Some(minutes_ago(120));
}

#[test]
fn expired_content_that_is_still_active_is_archived() {
    let mut world = vizora();
    expire(&mut world, "a");
    let judged = world.judge();
    assert_eq!(judged.found(&CONTENT_EXPIRED), ["a"]);
    let step = judged.step(&CONTENT_EXPIRED, &content("a"));
    assert_eq!(step.operation, archive("a"));
    let wanted = [
        (Field::Status, Some("active")),
        (Field::ExpiresAt, Some("2026-11-20T09:53:00Z")),
        (Field::Replacement, None),
    ];
    assert_eq!(step.guard, guard(&wanted));
    let fault = judged.fault(&CONTENT_EXPIRED, &content("a"));
    assert_eq!(fault.message(), "`the a` expired at 2026-11-20 09:53:00 UTC and is still active");
    assert_eq!(fault.facts()["replacement"], "none");
    assert_eq!(judged.census(&CONTENT_EXPIRED), Some(1));
    assert!(judged.whole(&CONTENT_EXPIRED));
}

#[test]
fn what_the_platform_will_still_end_and_what_is_not_active_is_left_to_it() {
    let mut world = vizora();
    // Due by our clock alone, which runs seven minutes before the platform's.
    world.add_held("within").1.expires_at = Some(minutes_ago(64));
    world.add_held("later").1.expires_at = Some(minutes_ago(-1));
    for (id, status) in [
        ("gone", ContentStatus::Archived),
        ("draft", ContentStatus::Draft),
        ("ended", ContentStatus::Expired),
    ] {
        let (row, detail) = world.add_held(id);
        (row.status, detail.expires_at) = (status, Some(days_ago(3)));
    }
    let judged = world.judge();
    assert_eq!(judged.found(&CONTENT_EXPIRED), Vec::<String>::new());
    let open = recall(["within", "gone"].map(|id| key(&CONTENT_EXPIRED, content(id))));
    let judged = world.judge_after(&open);
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &content("within")), "healthy");
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &content("gone")), "healthy");
}

#[test]
fn a_replacement_that_can_be_shown_is_left_to_the_platform_where_it_swaps_it_in() {
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        let mut world = world(dialect);
        expire(&mut world, "a");
        world.acme().content[0].1.replacement = Some("b".to_owned());
        world.add("b");
        let judged = world.judge();
        assert_eq!(judged.found(&CONTENT_EXPIRED), ["a"]);
        if dialect == Dialect::Vizora {
            let why = judged.left(&CONTENT_EXPIRED, &content("a"));
            assert!(why.contains("replacement b") && why.contains("check that the job runs"));
        } else {
            let step = judged.step(&CONTENT_EXPIRED, &content("a"));
            assert_eq!(step.operation, archive("a"));
        }
    }
}

#[test]
fn a_replacement_that_cannot_be_shown_changes_nothing_and_is_told() {
    type Change = fn(&mut World);
    let cases: [(&str, Change); 3] = [
        ("it is draft", |world| world.add("b").0.status = ContentStatus::Draft),
        ("it has expired as well", |world| {
            world.add("b").1.expires_at = Some(minutes_ago(1));
        }),
        ("the tenant does not have it", |_| ()),
    ];
    for (why, change) in cases {
        let mut world = vizora();
        expire(&mut world, "a");
        world.acme().content[0].1.replacement = Some("b".to_owned());
        change(&mut world);
        let judged = world.judge();
        let step = judged.step(&CONTENT_EXPIRED, &content("a"));
        let Guard::SameRow { fields } = step.guard else { panic!("{:?}", step.guard) };
        assert_eq!(fields[&Field::Replacement].as_deref(), Some("b"));
        let message = judged.fault(&CONTENT_EXPIRED, &content("a")).message();
        assert!(message.ends_with(&format!("its replacement cannot be shown: {why}")), "{message}");
    }
}

#[test]
fn a_replacement_that_was_not_seen_is_not_taken_for_one_that_cannot_be_shown() {
    for list in [List::Content, List::Details] {
        let mut world = vizora();
        expire(&mut world, "a");
        world.acme().content[0].1.replacement = Some("b".to_owned());
        world.add("b");
        let judged = world.cut(list).hide("b").judge();
        let why = judged.left(&CONTENT_EXPIRED, &content("a"));
        assert!(why.contains("is not known"), "{list:?}: {why}");
    }
}

#[test]
fn what_was_not_read_is_not_judged_and_what_was_read_is() {
    let mut world = vizora();
    expire(&mut world, "a");
    expire(&mut world, "b");
    let open = recall(["a", "b"].map(|id| key(&CONTENT_EXPIRED, content(id))));
    let judged = world.cut(List::Details).hide("b").judge_after(&open);
    assert_eq!(judged.found(&CONTENT_EXPIRED), ["a"]);
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &content("b")), "unknown");
    assert!(!judged.whole(&CONTENT_EXPIRED));
    assert_eq!(judged.census(&CONTENT_EXPIRED), Some(2), "the list was whole");
    let judged = world.judge();
    let named = judged.diagnosis.checks[&CONTENT_EXPIRED].findings.contains_key(&content("b"));
    assert!(!named, "what nobody waits for is not named");
}

#[test]
fn lists_tell_of_sizes_and_missing_thumbnails() {
    let mut world = vizora();
    world.add_held("fits").0.size_bytes = Some(100 * 1024 * 1024);
    world.add_held("large").0.size_bytes = Some(100 * 1024 * 1024 + 1);
    world.add_held("url").0.size_bytes = None;
    world.add_held("none").0.thumbnail = None;
    world.add_held("empty").0.thumbnail = Some("  ".to_owned());
    let (row, _) = world.add_held("archived");
    (row.status, row.thumbnail, row.size_bytes) = (ContentStatus::Archived, None, Some(u64::MAX));
    let judged = world.judge();
    assert_eq!(judged.found(&CONTENT_OVERSIZED), ["large"]);
    assert_eq!(judged.found(&THUMBNAIL_MISSING), ["empty", "none"]);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), Vec::<String>::new());
    let large = judged.fault(&CONTENT_OVERSIZED, &content("large"));
    assert_eq!(large.message(), "`the large` has 100.0 MiB, more than 100.0 MiB");
    assert_eq!(large.facts()["size_bytes"], "104857601");
    assert!(!judged.left(&CONTENT_OVERSIZED, &content("large")).is_empty());
    assert!(!judged.left(&THUMBNAIL_MISSING, &content("none")).is_empty());
    let judged = world.cut(List::Content).hide("large").judge();
    assert_eq!(judged.found(&THUMBNAIL_MISSING), ["empty", "none"], "what is seen is told");
    assert!(!judged.whole(&CONTENT_OVERSIZED));
}

#[test]
fn a_thumbnail_is_dead_only_where_its_address_says_so() {
    let mut world = vizora();
    for id in ["alive", "dead", "silent"] {
        world.add_held(id);
    }
    world.acme().dead.extend(["dead".to_owned(), "silent".to_owned()]);
    world.cut(List::Thumbnails).hide("silent");
    let open = recall(["alive", "silent"].map(|id| key(&THUMBNAIL_DEAD, content(id))));
    let judged = world.judge_after(&open);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), ["dead"]);
    assert_eq!(judged.stands(&THUMBNAIL_DEAD, &content("alive")), "healthy");
    assert_eq!(judged.stands(&THUMBNAIL_DEAD, &content("silent")), "unknown");
    assert!(!judged.left(&THUMBNAIL_DEAD, &content("dead")).is_empty());
    world.settings.probe_thumbnails = false;
    let judged = world.judge_after(&open);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), Vec::<String>::new());
    assert_eq!(judged.stands(&THUMBNAIL_DEAD, &content("alive")), "unknown");
}

#[test]
fn where_no_thumbnail_answers_the_address_is_doubted_and_none_is_called_gone() {
    let mut world = vizora();
    for id in ["one", "two"] {
        world.add_held(id);
    }
    world.acme().dead.extend(["one".to_owned(), "two".to_owned()]);
    let open = recall([key(&THUMBNAIL_DEAD, content("one"))]);
    let judged = world.judge_after(&open);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), Vec::<String>::new());
    assert_eq!(judged.stands(&THUMBNAIL_DEAD, &content("one")), "unknown");
    assert!(!judged.whole(&THUMBNAIL_DEAD));
}

#[test]
fn a_thumbnail_is_dead_only_where_another_of_its_origin_answers() {
    let mut world = vizora();
    for id in ["inline", "elsewhere", "one", "two"] {
        world.add_held(id);
    }
    let acme = world.acme();
    acme.dead.extend(["one".to_owned(), "two".to_owned()]);
    acme.inline.insert("inline".to_owned());
    acme.origins.insert("elsewhere".to_owned(), "https://cdn.example.test".to_owned());
    let ids = ["inline", "elsewhere", "one"];
    let open = recall(ids.map(|id| key(&THUMBNAIL_DEAD, content(id))));
    let judged = world.judge_after(&open);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), Vec::<String>::new());
    let stands = ids.map(|id| judged.stands(&THUMBNAIL_DEAD, &content(id)));
    assert_eq!(stands, ["healthy", "healthy", "unknown"]);
    assert!(!judged.whole(&THUMBNAIL_DEAD));
    world.acme().dead.remove("two");
    let judged = world.judge_after(&open);
    assert_eq!(judged.found(&THUMBNAIL_DEAD), ["one"]);
    assert!(judged.whole(&THUMBNAIL_DEAD));
}

#[test]
fn a_thumbnail_that_may_not_be_asked_is_no_fault_and_one_reason_tells_of_all() {
    let mut world = vizora();
    let hosts = ["http://10.0.0.1", "http://10.0.0.2", "http://10.0.0.3", "http://10.0.0.4"];
    world.add_held("alive");
    for (place, host) in hosts.into_iter().chain([hosts[3]]).enumerate() {
        world.add_held(&format!("foreign-{place}"));
        world.acme().foreign.insert(format!("foreign-{place}"), host.to_owned());
    }
    let asked = ["foreign-0", "deleted"].map(content);
    let judged =
        world.judge_after(&recall(asked.clone().map(|subject| key(&THUMBNAIL_DEAD, subject))));
    assert_eq!(judged.found(&THUMBNAIL_DEAD), Vec::<String>::new());
    let stands = asked.map(|subject| judged.stands(&THUMBNAIL_DEAD, &subject));
    assert_eq!(stands, ["unknown", "gone"]);
    let coverage = &judged.diagnosis.checks[&THUMBNAIL_DEAD].coverage;
    let why = "5 thumbnails are not asked, for `thumbnail_origins` under [platform] does not name their hosts: \
               2 at http://10.0.0.4, 1 at http://10.0.0.1, 1 at http://10.0.0.2, 1 elsewhere";
    assert_eq!(*coverage, Coverage::Partial { why: why.to_owned() });
}

#[test]
fn what_is_gone_is_gone_only_where_the_list_was_whole() {
    let mut world = vizora();
    world.add_held("a");
    world.add_held("vanished");
    world.acme().vanished.insert("vanished".to_owned());
    let open = recall(["gone", "vanished"].map(|id| key(&CONTENT_EXPIRED, content(id))));
    for id in ["gone", "vanished"] {
        let judged = world.judge_after(&open);
        assert_eq!(judged.stands(&CONTENT_EXPIRED, &content(id)), "gone", "{id}");
    }
    let judged = world.cut(List::Content).judge_after(&open);
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &content("gone")), "unknown");
}

#[test]
fn a_short_list_that_is_whole_is_not_believed_where_there_was_more_lately() {
    let mut world = vizora();
    for id in ["a", "b", "c"] {
        world.add(id);
    }
    let before = |count: f64| series(CONTENT_SERIES, "content", &[count, 2.0]);
    let judged = world.judge_after(&before(6.0));
    assert_eq!(judged.diagnosis.populations[0].implausible, None);
    assert_eq!(judged.found(&CONTENT_ORPHANED).len(), 3);
    let judged = world.judge_after(&before(7.0));
    let population = &judged.diagnosis.populations[0];
    assert_eq!((population.what.as_str(), population.seen), ("content", 3));
    assert_eq!(
        population.implausible.as_deref(),
        Some("the list of content has 3 rows, and lately had up to 7: that is implausibly few")
    );
    assert!(judged.found(&CONTENT_ORPHANED).is_empty());
    for check in OF_CONTENT {
        assert!(!judged.whole(check));
        assert_eq!(judged.census(check), None);
    }
    assert_eq!(judged.census(&STORAGE_HIGH), None);
    let judged = vizora().judge_after(&before(1.0));
    assert!(judged.diagnosis.populations[0].implausible.is_some(), "nothing, where there was some");
    let judged = vizora().judge();
    assert_eq!(judged.diagnosis.populations[0].implausible, None, "nothing from the first");
    let judged = vizora().judge_after(&series(PLAYLISTS_SERIES, "playlists", &[3.0]));
    let playlists = &judged.diagnosis.populations[1];
    assert_eq!(playlists.what, "playlists");
    assert!(playlists.implausible.is_some(), "no playlist, where there were some");
}

#[test]
fn counts_are_remembered_only_of_whole_lists() {
    let mut world = vizora();
    world.add_held("a");
    let series_of = |world: &World| -> Vec<(String, String)> {
        let samples = world.judge().diagnosis.samples;
        samples.iter().map(|s| (s.series.clone(), s.subject.to_string())).collect()
    };
    let pair = |series: &str, what: &str| (series.to_owned(), format!("tenant:acme/{what}"));
    let all = [
        pair(CONTENT_SERIES, "content"),
        pair(PLAYLISTS_SERIES, "playlists"),
        pair("storage_used_bytes", "storage"),
    ];
    assert_eq!(series_of(&world), all);
    assert!(world.judge().diagnosis.samples.iter().all(|sample| sample.at == our_now()));
    world.cut(List::Content).cut(List::Playlists);
    assert_eq!(series_of(&world), all[2..]);
}

#[test]
fn a_tenant_that_cannot_be_seen_is_all_unknown_and_no_other_one_suffers() {
    let mut world = vizora();
    world.add("a").1.expires_at = Some(days_ago(1));
    let mut other = world.acme().clone();
    for list in List::ALL {
        other.blind.insert(list, "no answer".to_owned());
    }
    world.tenants.insert("other".to_owned(), other);
    let theirs = RowRef::new(RowKind::Content, "other", "a").subject();
    let judged = world.judge_after(&recall([key(&CONTENT_EXPIRED, theirs.clone())]));
    assert_eq!(judged.found(&CONTENT_EXPIRED), ["a"]);
    assert_eq!(judged.census(&CONTENT_EXPIRED), Some(1));
    assert_eq!(judged.stands(&CONTENT_EXPIRED, &theirs), "unknown");
    for check in judged.diagnosis.checks.keys() {
        let all = Subject::new(SubjectKind::Tenant, "other", "all");
        assert_eq!(judged.stands(check, &all), "unknown", "{check}");
    }
}
