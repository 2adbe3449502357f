//! Laws over random tenants: order does not matter, and whoever sees less does no more.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::checks::{CONTENT_EXPIRED, CONTENT_ORPHANED, SPEC};
use super::world_tests::{List, World, content, days_ago, key, minutes_ago, recall, world};
use crate::agent::Agent as _;
use crate::domain::diagnosis::Verdict;
use crate::domain::platform::{ContentStatus, Dialect, Storage, Zone};

const STATES: [ContentStatus; 5] = [
    ContentStatus::Active,
    ContentStatus::Active,
    ContentStatus::Active,
    ContentStatus::Draft,
    ContentStatus::Archived,
];

/// One piece of content.
#[derive(Clone, Debug)]
struct Piece {
    status: ContentStatus,
    held: bool,
    layout: bool,
    days: i64,
    /// Minutes since its expiry.
    expired: Option<i64>,
    replacement: Option<usize>,
    previous: Option<usize>,
    zones: Vec<usize>,
    global: bool,
    thumbnail: Option<bool>,
}

fn id(number: usize) -> String {
    format!("c{number}")
}

prop_compose! {
    fn piece()(
        status in prop::sample::select(STATES.to_vec()),
        held in prop::bool::weighted(0.4),
        layout in prop::bool::weighted(0.2),
        days in 0_i64..90,
        expired in prop::option::weighted(0.4, -100_i64..300),
        replacement in prop::option::weighted(0.2, 0_usize..10),
        previous in prop::option::weighted(0.1, 0_usize..10),
        zones in prop::collection::vec(0_usize..10, 0..2),
        global in prop::bool::weighted(0.1),
        thumbnail in prop::option::weighted(0.8, prop::bool::ANY),
    ) -> Piece {
        Piece {
            status, held, layout, days, expired, replacement, previous, zones, global, thumbnail,
        }
    }
}

fn build(pieces: &[Piece], dialect: Dialect, used_bytes: u64) -> World {
    let mut world = world(dialect);
    for (number, piece) in pieces.iter().enumerate() {
        let id_text = id(number);
        let (row, detail) = if piece.held { world.add_held(&id_text) } else { world.add(&id_text) };
        row.status = piece.status;
        row.created_at = days_ago(piece.days);
        detail.expires_at = piece.expired.map(minutes_ago);
        detail.replacement = piece.replacement.map(id);
        detail.previous_version = piece.previous.map(id);
        detail.global = piece.global;
        if piece.layout {
            row.kind = "layout".to_owned();
            detail.zones = piece.zones.iter().map(|zone| Zone::Content(id(*zone))).collect();
        }
        if piece.thumbnail.is_none() {
            row.thumbnail = None;
        }
        if piece.thumbnail == Some(false) {
            world.acme().dead.insert(id_text);
        }
    }
    world.acme().storage = Storage { used_bytes, quota_bytes: 100 };
    world
}

prop_compose! {
    fn tenant()(
        pieces in prop::collection::vec(piece(), 0..10),
        dialect in prop::sample::select(vec![Dialect::Vizora, Dialect::Reference]),
        used in prop::sample::select(vec![10_u64, 85, 95]),
    ) -> World {
        build(&pieces, dialect, used)
    }
}

/// What is hidden: lists that are cut short, those that are blind, and the rows that the short ones lack.
fn hiding() -> impl Strategy<Value = (Vec<List>, Vec<List>, Vec<usize>)> {
    let lists = || subsequence(List::ALL.to_vec(), 0..=3);
    (
        lists(),
        subsequence(List::ALL.to_vec(), 0..=1),
        subsequence((0..10).collect::<Vec<_>>(), 0..=6),
    )
}

fn all_incidents() -> crate::domain::run::Recall {
    let subjects = || (0..12).map(|number| content(&id(number)));
    let keys = SPEC
        .checks
        .iter()
        .flat_map(|check| subjects().map(|subject| key(&check.id, subject)).collect::<Vec<_>>());
    recall(keys)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn the_order_of_rows_does_not_matter(
        world in tenant(),
        seed in prop::collection::vec(any::<u32>(), 10),
    ) {
        let mut shuffled = world.clone();
        let tenant = shuffled.acme();
        let rank: BTreeMap<String, u32> =
            seed.iter().enumerate().map(|(number, rank)| (id(number), *rank)).collect();
        tenant.content.sort_by_key(|(row, _)| rank[&row.id]);
        tenant.playlists.reverse();
        let (one, other) = (world.judge(), shuffled.judge());
        prop_assert_eq!(&one.diagnosis, &other.diagnosis);
        prop_assert_eq!(one.acts(), other.acts());
        let mut turned = one.snapshot.clone();
        if let super::snapshot::Look::Everything(tenants) = &mut turned.look
            && let Some(Ok(look)) = tenants.values_mut().next().map(|look| &mut look.content)
        {
            look.items.reverse();
        }
        let again = one.agent.detect(&turned, &crate::domain::run::Recall::default(), super::world_tests::our_now());
        prop_assert_eq!(one.diagnosis, again);
    }

    #[test]
    fn whoever_sees_less_does_no_more_and_clears_no_more(
        world in tenant(),
        (cut, blind, hidden) in hiding(),
    ) {
        let mut less = world.clone();
        for list in cut {
            less.cut(list);
        }
        for list in blind {
            less.blind(list);
        }
        for number in hidden {
            less.hide(&id(number)).hide(&format!("p-{}", id(number)));
        }
        let open = all_incidents();
        let (whole, less) = (world.judge_after(&open), less.judge_after(&open));
        let acts = less.acts();
        prop_assert!(acts.is_subset(&whole.acts()), "{:?} of {:?}", acts, whole.acts());
        for (check, of_check) in &less.diagnosis.checks {
            for (subject, verdict) in &of_check.findings {
                let seen = whole.stands(check, subject);
                match verdict {
                    Verdict::Healthy(_) => prop_assert_eq!(seen, "healthy", "{} {}", check, subject),
                    Verdict::Faulty(..) => prop_assert_eq!(seen, "faulty", "{} {}", check, subject),
                    Verdict::Unknown { .. } => {}
                }
            }
            for incident in &open.incidents {
                let subject = &incident.key.subject;
                if less.stands(check, subject) == "gone" {
                    prop_assert_eq!(whole.stands(check, subject), "gone", "{} {}", check, subject);
                }
            }
        }
    }

    #[test]
    fn only_what_is_active_is_found_and_never_twice(world in tenant()) {
        let judged = world.judge();
        let expired = judged.found(&CONTENT_EXPIRED);
        for id in judged.found(&CONTENT_ORPHANED) {
            prop_assert!(!expired.contains(&id));
        }
        let active = |id: &String| {
            let of = world.tenants.values().flat_map(|tenant| &tenant.content);
            of.clone().any(|(row, _)| row.id == *id && row.status == ContentStatus::Active)
        };
        for check in super::checks::OF_CONTENT {
            prop_assert!(judged.found(check).iter().all(active));
        }
    }
}
