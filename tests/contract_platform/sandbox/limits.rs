//! The platform's own throttles, storms of refusals, and tokens that end early.

use std::time::Duration;

use opswarden::adapters::platform::Limits;
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Dialect, RowKind, RowRef, Wanted};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::sandbox::{Fault, FaultKind, Options, Throttle};

use super::ground::{DIALECTS, Ground, TENANT, options};

/// So early that nobody waits for the next minute.
const GIVES_UP: Duration = Duration::from_secs(4);

fn throttled() -> Options {
    let mut options = Options { throttle: Throttle::Production, ..options(Dialect::Vizora) };
    options.sizes.displays = 1_050;
    options
}

#[tokio::test]
async fn a_client_that_keeps_the_limits_meets_no_refusal() {
    let ground = Ground::with(throttled(), Dialect::Vizora, |options| {
        options.limits = Limits::default();
    });
    let listing = ground.client.displays(TENANT).await.unwrap();
    assert_eq!((listing.cut_short, listing.items.len()), (None, 1_050));
    ground.end().await;
}

#[tokio::test]
async fn a_client_without_limits_heeds_the_platforms_own_word() {
    let ground = Ground::with(throttled(), Dialect::Vizora, |_| {});
    let listing = ground.client.displays(TENANT).await.unwrap();
    assert!(listing.cut_short.is_some() || listing.items.len() == 1_050, "{:?}", listing.cut_short);
    let rows = ground.client.content(TENANT).await.unwrap().items;
    let wanted: Vec<Wanted> = rows
        .iter()
        .take(15)
        .map(|row| Wanted { id: row.id.clone(), updated_at: row.updated_at })
        .collect();
    let details = ground.client.details(TENANT, &wanted).await.unwrap();
    assert!(details.gone.is_empty(), "a refusal is no absence");
    assert_eq!(details.cut_short.is_none(), details.known.len() == 15, "{:?}", details.cut_short);
    ground.end().await;
}

#[tokio::test]
async fn a_storm_of_refusals_ends_in_blindness_and_not_in_an_empty_list() {
    let ground = Ground::with(options(Dialect::Vizora), Dialect::Vizora, |options| {
        options.deadline = Duration::from_secs(3);
    });
    ground.client.storage(TENANT).await.unwrap();
    ground.running.set_faults(vec![Fault::always("*", FaultKind::Status(429))]);
    assert!(ground.client.displays(TENANT).await.is_err());
    ground.running.set_faults(Vec::new());
    ground.end().await;
}

#[tokio::test]
async fn the_sixth_sign_in_of_a_minute_is_waited_for_or_given_up_but_never_leaks() {
    let ground = Ground::with(throttled(), Dialect::Vizora, |_| {});
    let mut blind = 0;
    for _ in 0..6 {
        let client = ground.again(|options| options.deadline = GIVES_UP);
        blind += usize::from(client.storage(TENANT).await.is_err());
        assert_eq!(client.release().await, []);
    }
    assert_eq!(blind, 1);
    ground.end().await;
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_and_nothing_leaks() {
    for dialect in DIALECTS {
        let options = Options { token_life: Duration::from_mins(5), ..options(dialect) };
        let ground = Ground::with(options, dialect, |_| {});
        for _ in 0..3 {
            let listing = ground.client.displays(TENANT).await.unwrap();
            assert_eq!((listing.cut_short, listing.items.len()), (None, 130));
            // The client's own clock does not know of it: the token looks good and is not.
            ground.running.advance(Duration::from_mins(6));
        }
        let truth = ground.running.truth();
        let entry = truth.iter().find(|entry| entry.check == "content_orphaned").unwrap();
        let id = entry.subject.split_once('/').unwrap().1;
        let archive = Operation::ArchiveContent(RowRef::new(RowKind::Content, TENANT, id));
        ground.client.send(&archive).await.unwrap();
        assert_eq!(ground.running.take_effects().len(), 1, "a write is sent again only unheard");
        ground.running.advance(Duration::from_mins(6));
        ground.end().await;
    }
}

#[tokio::test]
async fn tokens_that_are_good_for_few_requests_still_make_whole_lists() {
    let ground = Ground::of(Dialect::Vizora);
    ground.client.storage(TENANT).await.unwrap();
    ground.running.set_faults(vec![Fault::times("GET /displays", FaultKind::TokenUses(2), 1)]);
    let listing = ground.client.displays(TENANT).await.unwrap();
    assert!(listing.cut_short.is_some() || listing.items.len() == 130, "{:?}", listing.cut_short);
    ground.end().await;
}
