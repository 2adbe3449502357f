//! Rows that tie, and rows that come and go: a list is whole and right, or says that it is cut short.

use std::collections::BTreeSet;

use opswarden::domain::platform::Dialect;
use opswarden::ports::platform::Platform as _;
use opswarden::sandbox::{Fault, FaultKind, Options, Sizes};

use super::ground::{Ground, TENANT, options};

fn sized(seed: u64, displays: usize, schedules: usize) -> Options {
    let sizes = Sizes { displays, content: displays + 40, playlists: 20, schedules, tenants: 1 };
    Options { seed, sizes, ..options(Dialect::Vizora) }
}

#[tokio::test]
async fn rows_of_one_moment_are_all_found_at_every_size() {
    let mut whole = 0;
    for (seed, displays) in [(1, 5), (2, 99), (3, 100), (4, 101), (5, 233), (6, 300), (7, 415)] {
        let ground = Ground::with(sized(seed, displays, 150), Dialect::Vizora, |_| {});
        let raw = ground.raw().await;
        let listing = ground.client.displays(TENANT).await.unwrap();
        let rows = raw.rows("/displays").await;
        let found: BTreeSet<&String> = listing.items.iter().map(|row| &row.id).collect();
        assert!(found.iter().all(|id| rows.contains_key(*id)), "a row that is not there");
        assert!(listing.cut_short.is_some() || found.len() == rows.len(), "{displays}");
        whole += usize::from(listing.cut_short.is_none());
        let listing = ground.client.schedules(TENANT).await.unwrap();
        let rows = raw.rows("/schedules").await;
        assert!(listing.cut_short.is_some() || listing.items.len() == rows.len(), "{displays}");
        whole += usize::from(listing.cut_short.is_none());
        raw.leave().await;
        ground.end().await;
    }
    assert!(whole > 10, "only {whole} of 14 lists were whole");
}

/// How many walks were whole while rows came and went as likely as this.
async fn restless(path: &'static str, probability: f64, seeds: std::ops::Range<u64>) -> usize {
    let mut whole = 0;
    for seed in seeds {
        let ground = Ground::with(sized(seed, 230, 150), Dialect::Vizora, |_| {});
        let raw = ground.raw().await;
        let stayed: BTreeSet<String> = raw.rows(path).await.into_keys().collect();
        let route = format!("GET {path}");
        let shifting = Fault { probability, ..Fault::always(&route, FaultKind::ShiftingPages) };
        ground.running.set_faults(vec![shifting]);
        let (found, cut_short): (BTreeSet<String>, _) = match path {
            "/displays" => {
                let listing = ground.client.displays(TENANT).await.unwrap();
                (listing.items.into_iter().map(|row| row.id).collect(), listing.cut_short)
            }
            "/content" => {
                let listing = ground.client.content(TENANT).await.unwrap();
                (listing.items.into_iter().map(|row| row.id).collect(), listing.cut_short)
            }
            _ => {
                let listing = ground.client.schedules(TENANT).await.unwrap();
                (listing.items.into_iter().map(|row| row.id).collect(), listing.cut_short)
            }
        };
        if cut_short.is_none() {
            whole += 1;
            let missed: Vec<&String> = stayed.difference(&found).collect();
            assert!(missed.is_empty(), "{path}, seed {seed}: {missed:?}");
        }
        ground.running.set_faults(Vec::new());
        raw.leave().await;
        ground.end().await;
    }
    whole
}

#[tokio::test]
async fn pages_that_shift_now_and_then_are_read_again_until_they_are_whole() {
    for path in ["/displays", "/content", "/schedules"] {
        let whole = restless(path, 0.15, 0..8).await;
        assert!(whole > 0, "{path}: no walk was whole");
    }
}

#[tokio::test]
async fn pages_that_never_rest_are_never_whole() {
    for path in ["/displays", "/content", "/schedules"] {
        assert_eq!(restless(path, 1.0, 0..2).await, 0, "{path}");
    }
}
