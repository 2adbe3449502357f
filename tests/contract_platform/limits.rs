//! Limits, shared by all, and the platform's own word about them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use opswarden::adapters::platform::Limits;
use opswarden::ports::platform::Platform as _;
use serde_json::json;

use crate::model::{Model, World, displays};
use crate::server::Reply;

#[tokio::test]
async fn a_walk_that_the_limits_end_says_how_much_is_left() {
    let limits = Limits { per_minute: 2, ..Limits::NONE };
    let world = World::with(Model::of("/displays", displays(450)), |options| {
        options.limits = limits;
        options.deadline = Duration::from_secs(5);
    })
    .await;
    let listing = world.client.displays("shop").await.unwrap();
    assert_eq!(
        listing.cut_short.as_deref(),
        Some(
            "the limit of 2 per minute leaves 250 of 450 rows for later runs; a whole walk takes 6 requests, and the \
             limits allow 2 in a run: the next run goes on there, and all rows are seen in about 3 runs"
        )
    );
    assert_eq!((listing.items.len(), listing.total), (200, 450));
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn what_limits_leave_unread_is_read_by_the_next_runs_from_there_on() {
    let limits = Limits { per_second: 2, ..Limits::NONE };
    let world = World::with(Model::of("/displays", displays(450)), |options| {
        options.limits = limits;
    })
    .await;
    let mut seen = std::collections::BTreeSet::new();
    for run in 1..=4 {
        let client = world.again(|options| {
            options.limits = limits;
            options.deadline = Duration::from_millis(700);
        });
        let listing = client.displays("shop").await.unwrap();
        assert!(listing.cut_short.is_some(), "run {run}");
        seen.extend(listing.items.into_iter().map(|row| row.id));
        assert_eq!(client.release().await, []);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    assert_eq!(seen.len(), 450, "no row is left out for ever");
}

#[tokio::test]
async fn two_clients_of_one_database_share_every_limit() {
    let limits = Limits { per_second: 3, ..Limits::NONE };
    let world = World::with(Model::default(), |options| options.limits = limits).await;
    let other = world.again(|options| options.limits = limits);
    world.client.storage("shop").await.unwrap();
    other.storage("shop").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let began = Instant::now();
    let asked =
        join_all((0..7).flat_map(|_| [world.client.storage("shop"), other.storage("shop")])).await;
    assert!(asked.iter().all(Result::is_ok));
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(world.client.release().await, []);
    assert_eq!(other.release().await, []);
}

#[tokio::test]
async fn eight_callers_at_once_keep_the_limit_together() {
    let limits = Limits { per_second: 8, ..Limits::NONE };
    let world = World::with(Model::default(), |options| options.limits = limits).await;
    world.client.storage("shop").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let began = Instant::now();
    let caller = || async {
        for _ in 0..3 {
            world.client.storage("shop").await.unwrap();
        }
    };
    join_all((0..8).map(|_| caller())).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(world.server.count("GET /organizations/storage"), 25);
    assert_eq!(world.client.release().await, []);
}

#[tokio::test]
async fn the_longest_pause_that_the_platform_asks_for_is_kept() {
    let world = World::of(Model::default()).await;
    world.client.storage("shop").await.unwrap();
    let headers =
        vec![("Retry-After-short", "1".to_owned()), ("Retry-After-medium", "2".to_owned())];
    let slow = json!({ "statusCode": 429, "message": "ThrottlerException: Too Many Requests" });
    world.server.with(|model| {
        model.then("GET /organizations/storage", Reply::With(429, headers, slow));
    });
    let began = Instant::now();
    world.client.storage("shop").await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(world.client.release().await, []);
}
