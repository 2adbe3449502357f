//! Whatever goes wrong on the way: what was not seen is never taken for what is not there, and what was not done is never
//! taken for done.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use opswarden::adapters::platform::PlatformClient;
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{Dialect, Field, Listing, RowKind, RowRef, Wanted};
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::ports::processes::ActFailure;
use opswarden::sandbox::{Fault, FaultKind, Options};

use super::ground::{Ground, TENANT, options};

/// So long is waited for an answer here; a busy machine needs some of it.
const PATIENCE: Duration = Duration::from_millis(600);

/// Every kind that spoils an answer.
fn spoiling() -> Vec<FaultKind> {
    let statuses = [401, 403, 409, 429, 500, 502, 503, 504].map(FaultKind::Status);
    let mut kinds = statuses.to_vec();
    kinds.extend([
        FaultKind::NoRoute,
        FaultKind::NoEntity,
        FaultKind::Reset,
        FaultKind::Hang,
        FaultKind::HalfBody,
        FaultKind::WrongType,
        FaultKind::Drip,
        FaultKind::LatencyMs(60_000),
    ]);
    kinds
}

/// One ground for each kind. All are made before the first is used: to make one takes longer than a client waits.
async fn grounds() -> Vec<(FaultKind, Ground)> {
    let mut grounds = Vec::new();
    for kind in spoiling() {
        grounds.push((kind, impatient().await));
    }
    grounds
}

/// A client that has its session and little patience.
async fn impatient() -> Ground {
    let ground = Ground::with(options(Dialect::Vizora), Dialect::Vizora, |options| {
        options.request_timeout = PATIENCE;
        options.deadline = Duration::from_secs(8);
    });
    ground.client.storage(TENANT).await.unwrap();
    ground
}

async fn over(ground: Ground) {
    ground.running.set_faults(Vec::new());
    ground.end().await;
}

#[tokio::test]
async fn no_fault_makes_a_list_empty() {
    let lists = |(kind, ground): (FaultKind, Ground)| async move {
        let route = "GET /displays";
        ground.running.set_faults(vec![Fault::always(route, kind.clone())]);
        let listing = ground.client.displays(TENANT).await;
        assert!(listing.is_err(), "{kind:?}: {listing:?}");
        over(ground).await;
    };
    join_all(grounds().await.into_iter().map(lists)).await;
}

/// Every list as how many rows it holds, how many there are, and whether it says that it is whole.
async fn lists(client: &PlatformClient) -> Vec<(usize, u64, bool)> {
    fn told<R>(listing: Listing<R>) -> (usize, u64, bool) {
        (listing.items.len(), listing.total, listing.cut_short.is_none())
    }
    vec![
        told(client.displays(TENANT).await.unwrap()),
        told(client.content(TENANT).await.unwrap()),
        told(client.layouts(TENANT).await.unwrap()),
        told(client.playlists(TENANT).await.unwrap()),
        told(client.schedules(TENANT).await.unwrap()),
        told(client.groups(TENANT).await.unwrap()),
    ]
}

#[tokio::test]
async fn pages_with_too_few_rows_are_whole_only_where_several_cuts_show_every_row() {
    let ground = impatient().await;
    let true_lists = lists(&ground.client).await;
    for kind in [FaultKind::EmptyList, FaultKind::TruncatedPage] {
        ground.running.set_faults(vec![Fault::always("*", kind.clone())]);
        for (found, truth) in lists(&ground.client).await.into_iter().zip(&true_lists) {
            assert!(!found.2 || found == *truth, "{kind:?}: {found:?} of {truth:?}");
            assert!(!found.2 || kind == FaultKind::TruncatedPage, "{kind:?}: {found:?}");
        }
        ground.running.set_faults(Vec::new());
    }
    over(ground).await;
}

#[tokio::test]
async fn a_fault_that_passes_is_outlived() {
    let passing = [
        FaultKind::Status(500),
        FaultKind::Status(502),
        FaultKind::Status(503),
        FaultKind::Reset,
        FaultKind::HalfBody,
        FaultKind::Hang,
        FaultKind::LatencyMs(10),
    ];
    for kind in passing {
        let ground = impatient().await;
        ground.running.set_faults(vec![Fault::times("GET /displays", kind.clone(), 1)]);
        let listing = ground.client.displays(TENANT).await.unwrap();
        assert_eq!((listing.cut_short, listing.items.len()), (None, 130), "{kind:?}");
        over(ground).await;
    }
}

#[tokio::test]
async fn no_fault_makes_a_row_or_a_detail_go_away_but_the_word_that_it_is_gone() {
    let looks = |(kind, ground): (FaultKind, Ground)| async move {
        let rows = ground.client.content(TENANT).await.unwrap().items;
        let wanted: Vec<Wanted> = rows
            .iter()
            .take(6)
            .map(|row| Wanted { id: row.id.clone(), updated_at: row.updated_at })
            .collect();
        ground.running.set_faults(vec![Fault::always("GET /content/:id", kind.clone())]);
        let one = ground.client.one_content(TENANT, &rows[0].id).await;
        let read = ground.client.read(&RowRef::new(RowKind::Content, TENANT, &rows[0].id)).await;
        let details = ground.client.details(TENANT, &wanted).await;
        if kind == FaultKind::NoEntity {
            assert!(one.is_ok_and(|row| row.is_none()) && read.is_ok_and(|row| row.is_none()));
            assert_eq!(details.unwrap().gone.len(), 6);
        } else {
            assert!(one.is_err() && read.is_err(), "{kind:?}: {one:?} {read:?}");
            let details = details.unwrap();
            assert!(details.known.is_empty() && details.gone.is_empty(), "{kind:?}: {details:?}");
            assert!(details.cut_short.is_some(), "{kind:?}");
        }
        over(ground).await;
    };
    join_all(grounds().await.into_iter().map(looks)).await;
}

/// Whether a write that met this may have been done all the same.
fn is_in_doubt(kind: &FaultKind) -> bool {
    !matches!(
        kind,
        FaultKind::Status(401 | 403 | 409 | 429) | FaultKind::NoRoute | FaultKind::NoEntity
    )
}

/// Whether it says nothing of what was asked.
fn is_turned_away(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Status(401 | 403 | 429))
}

#[tokio::test]
async fn no_write_that_met_a_fault_is_taken_for_done() {
    for kind in spoiling() {
        let ground = impatient().await;
        let rows = ground.client.content(TENANT).await.unwrap().items;
        let row = rows.iter().find(|row| row.status.as_str() == "active").unwrap();
        let row = RowRef::new(RowKind::Content, TENANT, &row.id);
        let route = "POST /content/:id/archive";
        ground.running.set_faults(vec![Fault::always(route, kind.clone())]);
        let result = ground.client.send(&Operation::ArchiveContent(row.clone())).await;
        match (&result, is_in_doubt(&kind)) {
            (Err(ActFailure::Unknown(_)), true) => {}
            (Err(ActFailure::NotSent(_)), false) if is_turned_away(&kind) => {}
            (Err(ActFailure::Refused(_)), false) if !is_turned_away(&kind) => {}
            // An answer of another form than the contract's says that something was done, if not what.
            (Ok(_), true) if kind == FaultKind::WrongType => {}
            other => panic!("{kind:?}: {other:?}"),
        }
        // What became of it is found out by reading.
        let arrived = ground.running.take_effects().len();
        let state = ground.client.read(&row).await.unwrap().unwrap();
        let status = if arrived > 0 { "archived" } else { "active" };
        assert_eq!(state.field(Field::Status), Some(status), "{kind:?}");
        assert!(arrived <= 1, "{kind:?}: a write is sent once");
        over(ground).await;
    }
}

#[tokio::test]
async fn a_lying_write_is_found_out_by_reading() {
    let ground = impatient().await;
    let rows = ground.client.content(TENANT).await.unwrap().items;
    let row = rows.iter().find(|row| row.status.as_str() == "active").unwrap();
    let row = RowRef::new(RowKind::Content, TENANT, &row.id);
    ground.running.set_faults(vec![Fault::always("*", FaultKind::LyingWrite)]);
    ground.client.send(&Operation::ArchiveContent(row.clone())).await.unwrap();
    let state = ground.client.read(&row).await.unwrap().unwrap();
    assert_eq!(state.field(Field::Status), Some("active"));
    assert!(ground.running.take_effects().iter().all(|effect| !effect.applied));
    over(ground).await;
}

/// The time of a later run.
struct Later(SystemClock);

impl Clock for Later {
    fn now(&self) -> jiff::Timestamp {
        self.0.now() + jiff::SignedDuration::from_hours(1)
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        self.0.sleep(duration)
    }
}

#[tokio::test]
async fn a_sign_in_that_fails_is_blindness_and_a_session_that_it_lost_is_told_by_the_next_run() {
    let sign_ins = |(kind, ground): (FaultKind, Ground)| async move {
        assert_eq!(ground.client.release().await, []);
        ground.running.set_faults(vec![Fault::always("POST /auth/login", kind.clone())]);
        assert!(ground.client.displays(TENANT).await.is_err(), "{kind:?}");
        assert_eq!(ground.client.release().await, []);
        let lost = u64::try_from(ground.running.sessions_open()).unwrap();
        ground.running.set_faults(Vec::new());
        let later = ground.again(|options| {
            "run-2".clone_into(&mut options.run);
            options.clock = Arc::new(Later(SystemClock::new()));
        });
        later.storage(TENANT).await.unwrap();
        let told: u64 = later.standing().iter().map(|tenant| tenant.leaked).sum();
        // One that was never opened is told where nobody can know that.
        let in_doubt = is_in_doubt(&kind) && kind != FaultKind::Status(503);
        assert_eq!(told, u64::from(in_doubt), "{kind:?}");
        assert!(told >= lost, "{kind:?}: {lost} lost");
        assert_eq!(later.release().await, []);
        ground.running.stop().await;
    };
    join_all(grounds().await.into_iter().map(sign_ins)).await;
}

#[tokio::test]
async fn a_gateway_that_answers_in_html_is_not_understood() {
    let options = Options { storage_percent: Some(85), ..options(Dialect::Vizora) };
    let ground = Ground::with(options, Dialect::Vizora, |_| {});
    let storage = ground.client.storage(TENANT).await.unwrap();
    assert!((84.0..=86.0).contains(&storage.percent()));
    let bad = Fault::always("GET /organizations/storage", FaultKind::Status(502));
    ground.running.set_faults(vec![bad]);
    let blind = ground.client.storage(TENANT).await.unwrap_err();
    assert!(blind.why.contains("502") && !blind.why.contains('<'), "{}", blind.why);
    over(ground).await;
}
