//! What is called an orphan, and what is not.

use super::checks::{CONTENT_EXPIRED, CONTENT_ORPHANED, PLAYLISTS_SERIES};
use super::detect_tests::{archive, expire, guard, vizora};
use super::world_tests::{List, World, content, days_ago, key, minutes_ago, recall, series};
use crate::domain::platform::{ContentStatus, Field, PlaylistItem, PlaylistRow, Zone};

#[test]
fn content_that_nothing_refers_to_is_archived() {
    let mut world = vizora();
    world.add("a").1.replacement = Some("b".to_owned());
    world.add_held("b");
    let judged = world.judge();
    assert_eq!(judged.found(&CONTENT_ORPHANED), ["a"]);
    let step = judged.step(&CONTENT_ORPHANED, &content("a"));
    assert_eq!(step.operation, archive("a"));
    let wanted = [
        (Field::Status, Some("active")),
        (Field::Playlists, Some("")),
        (Field::Global, Some("false")),
        (Field::Replacement, Some("b")),
    ];
    assert_eq!(step.guard, guard(&wanted));
    assert_eq!(judged.census(&CONTENT_ORPHANED), Some(2));
    assert!(judged.whole(&CONTENT_ORPHANED));
}

#[test]
fn a_template_is_no_orphan_though_nothing_refers_to_it() {
    let mut world = vizora();
    world.add("a").0.kind = "template".to_owned();
    assert_eq!(world.judge().found(&CONTENT_ORPHANED), Vec::<String>::new());
}

/// A change that makes `a` no orphan.
type Saves = fn(&mut World);

#[test]
fn every_edge_into_content_is_a_reference() {
    fn layout(world: &mut World, zone: Zone, status: ContentStatus) {
        let (row, detail) = world.add_held("l");
        (row.kind, row.status) = ("layout".to_owned(), status);
        detail.zones = vec![Zone::Playlist("p-l".to_owned()), zone];
    }
    let edges: [(&str, Saves); 10] = [
        ("playlist", |world| {
            let item = |id: &str| PlaylistItem {
                content: id.to_owned(),
                status: ContentStatus::Active,
                layout: false,
            };
            let items = vec![item("x"), item("a")];
            let playlist = PlaylistRow { id: "p".to_owned(), name: "p".to_owned(), items };
            world.acme().playlists.push(playlist);
        }),
        ("zone", |world| layout(world, Zone::Content("a".to_owned()), ContentStatus::Active)),
        ("widget", |world| layout(world, Zone::Widget("a".to_owned()), ContentStatus::Active)),
        ("zone of an archived layout", |world| {
            layout(world, Zone::Content("a".to_owned()), ContentStatus::Archived);
        }),
        ("zone of a template", |world| {
            world.add_held("t").1.zones = vec![Zone::Content("a".to_owned())];
        }),
        ("replacement", |world| world.add_held("b").1.replacement = Some("a".to_owned())),
        ("previous version", |world| {
            world.add_held("b").1.previous_version = Some("a".to_owned());
        }),
        ("replacement of a draft", |world| {
            let (row, detail) = world.add("b");
            (row.status, detail.replacement) = (ContentStatus::Draft, Some("a".to_owned()));
        }),
        ("previous version of what was put away", |world| {
            let (row, detail) = world.add("b");
            (row.status, detail.previous_version) = (ContentStatus::Archived, Some("a".to_owned()));
        }),
        ("replacement of what expired", |world| {
            expire(world, "b");
            world.acme().content.last_mut().unwrap().1.replacement = Some("a".to_owned());
        }),
    ];
    for (edge, add) in edges {
        let mut world = vizora();
        world.add("a");
        assert_eq!(world.judge().found(&CONTENT_ORPHANED), ["a"], "{edge}: not without it");
        add(&mut world);
        assert_eq!(world.judge().found(&CONTENT_ORPHANED), Vec::<String>::new(), "{edge}");
        let open = recall([key(&CONTENT_ORPHANED, content("a"))]);
        let judged = world.judge_after(&open);
        assert_eq!(judged.stands(&CONTENT_ORPHANED, &content("a")), "healthy", "{edge}");
    }
}

#[test]
fn what_is_young_shared_or_not_active_is_no_orphan() {
    let cases: [(&str, Saves); 5] = [
        ("young", |world| world.acme().content[0].0.created_at = days_ago(29)),
        ("made to the minute 30 days ago", |world| {
            world.acme().content[0].0.created_at = days_ago(30);
        }),
        ("global", |world| world.acme().content[0].1.global = true),
        ("a draft", |world| world.acme().content[0].0.status = ContentStatus::Draft),
        ("flagged", |world| world.acme().content[0].0.status = ContentStatus::Flagged),
    ];
    for (case, change) in cases {
        let mut world = vizora();
        world.add("a");
        change(&mut world);
        let judged = world.judge();
        assert_eq!(judged.found(&CONTENT_ORPHANED), Vec::<String>::new(), "{case}");
        assert!(judged.whole(&CONTENT_ORPHANED), "{case}");
    }
}

#[test]
fn a_layout_is_an_orphan_like_everything_else() {
    let mut world = vizora();
    let (row, detail) = world.add("l");
    row.kind = "layout".to_owned();
    detail.zones = vec![Zone::Playlist("p".to_owned())];
    assert_eq!(world.judge().found(&CONTENT_ORPHANED), ["l"]);
}

#[test]
fn what_has_expired_is_not_an_orphan_as_well() {
    for minutes in [10, 120] {
        let mut world = vizora();
        world.add("a").1.expires_at = Some(minutes_ago(minutes));
        let open = recall([key(&CONTENT_ORPHANED, content("a"))]);
        let judged = world.judge_after(&open);
        assert_eq!(judged.found(&CONTENT_ORPHANED), Vec::<String>::new());
        assert_eq!(judged.stands(&CONTENT_ORPHANED, &content("a")), "unknown");
    }
}

#[test]
fn nothing_is_called_an_orphan_where_something_was_not_seen() {
    let cases = [List::Content, List::Playlists, List::Layouts, List::Details];
    for list in cases {
        for is_blind in [false, true] {
            let mut world = vizora();
            world.add("a");
            world.add("b").0.status = ContentStatus::Archived;
            let world = if is_blind { world.blind(list) } else { world.cut(list).hide("b") };
            let open = recall([key(&CONTENT_ORPHANED, content("a"))]);
            let judged = world.judge_after(&open);
            assert_eq!(judged.found(&CONTENT_ORPHANED), Vec::<String>::new(), "{list:?}");
            assert_eq!(judged.stands(&CONTENT_ORPHANED, &content("a")), "unknown", "{list:?}");
            assert!(!judged.whole(&CONTENT_ORPHANED));
            assert_eq!(judged.census(&CONTENT_ORPHANED), None);
            assert!(judged.acts().is_empty());
        }
    }
}

#[test]
fn a_playlist_that_holds_it_clears_it_even_where_others_were_not_seen() {
    let mut world = vizora();
    world.add_held("a");
    let open = recall([key(&CONTENT_ORPHANED, content("a"))]);
    let judged = world.cut(List::Details).cut(List::Layouts).hide("a").judge_after(&open);
    assert_eq!(judged.stands(&CONTENT_ORPHANED, &content("a")), "healthy");
}

#[test]
fn playlists_that_are_suddenly_few_make_no_orphans() {
    let mut world = vizora();
    world.add("a");
    world.add_held("b");
    let judged = world.judge_after(&series(PLAYLISTS_SERIES, "playlists", &[2.0]));
    assert_eq!(judged.found(&CONTENT_ORPHANED), ["a"]);
    let judged = world.judge_after(&series(PLAYLISTS_SERIES, "playlists", &[3.0]));
    assert_eq!(judged.found(&CONTENT_ORPHANED), Vec::<String>::new());
    assert!(judged.whole(&CONTENT_EXPIRED));
}
