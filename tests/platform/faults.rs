//! Each agent, each call that it makes, each way in which that call can go wrong: nothing is called well that is ill,
//! nothing wrong is done, the run is recorded and comes to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opswarden::domain::policy::Autonomy;
use opswarden::domain::report::{ExitClass, Report};
use opswarden::domain::severity::Severity;
use opswarden::ports::store::{RunQuery, Store as _};
use opswarden::sandbox::{Dialect, Fault, FaultKind, Found, TruthEntry};

use crate::agents::Who;
use crate::score::{claims, told};
use crate::world::{World, generous, options, sizes};

/// One cell: who asks what, and how that goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) who: Who,
    pub(crate) call: &'static str,
    pub(crate) fault: FaultKind,
}

/// What every agent asks.
const SHARED: [&str; 6] = [
    "POST /auth/login",
    "POST /auth/logout",
    "GET /content",
    "GET /content/layouts",
    "GET /playlists",
    "GET /content/:id",
];
/// What only those ask who look at screens.
const OF_SCREENS: [&str; 4] =
    ["GET /displays", "GET /display-groups", "GET /schedules", "GET /displays/:id"];

fn calls(who: Who, dialect: Dialect) -> Vec<&'static str> {
    let mut all = SHARED.to_vec();
    let own: &[&str] = match (who, dialect) {
        (Who::Content, Dialect::Vizora) => {
            &["GET /organizations/storage", "POST /content/:id/archive"]
        }
        (Who::Content, Dialect::Reference) => &["GET /health", "PATCH /content/:id"],
        (Who::Fleet, Dialect::Vizora) => &["POST /fleet/commands", "PATCH /displays/:id"],
        (Who::Fleet, Dialect::Reference) => &["PATCH /displays/:id"],
        (Who::Doctor, _) => &["PATCH /schedules/:id", "PATCH /displays/:id"],
    };
    all.extend(own);
    if who != Who::Content {
        all.extend(OF_SCREENS);
    }
    all.push("*");
    all
}

fn ways(call: &str) -> Vec<FaultKind> {
    let mut ways = vec![
        FaultKind::Hang,
        FaultKind::Reset,
        FaultKind::Status(401),
        FaultKind::Status(403),
        FaultKind::NoRoute,
        FaultKind::NoEntity,
        FaultKind::Status(409),
        FaultKind::Status(429),
        FaultKind::Status(500),
        FaultKind::Status(502),
        FaultKind::HalfBody,
        FaultKind::WrongType,
        FaultKind::Drip,
    ];
    if call.starts_with("GET") && !call.contains(':') {
        ways.extend([FaultKind::EmptyList, FaultKind::TruncatedPage, FaultKind::ShiftingPages]);
    }
    if call.starts_with("PATCH") || call.ends_with("/archive") {
        ways.push(FaultKind::LyingWrite);
    }
    ways
}

/// Every cell of one dialect.
pub(crate) fn cells(dialect: Dialect) -> Vec<Cell> {
    let mut all = Vec::new();
    for who in Who::ALL {
        for call in calls(who, dialect) {
            all.extend(ways(call).into_iter().map(|fault| Cell { who, call, fault }));
        }
    }
    all
}

fn of_agent(truth: &[TruthEntry], who: Who) -> BTreeSet<Found> {
    let agent = who.spec().name.to_string();
    truth.iter().filter(|entry| entry.agent == agent).map(TruthEntry::found).collect()
}

/// A run that must come to its end: on its own clock by its deadline, in real time soon.
async fn ended(world: &World, cell: &Cell) -> Report {
    const LONGEST: Duration = Duration::from_secs(20);
    let began = world.time_now();
    let run = tokio::time::timeout(LONGEST, world.run(cell.who)).await;
    let report = run.unwrap_or_else(|_| panic!("{cell:?} never ends"));
    let took = world.time_now().duration_since(began);
    let allowed = jiff::SignedDuration::try_from(world.timeout).unwrap();
    assert!(took <= allowed, "{cell:?} took {took}");
    let rows = world.store.runs(RunQuery { agent: None, limit: 1 }).await.unwrap();
    assert_eq!(rows[0].id, report.run, "{cell:?}");
    assert!(rows[0].ended_at.is_some() && rows[0].exit.is_some(), "{cell:?} is recorded");
    report
}

/// What must hold after any run, whatever went wrong.
async fn lawful(world: &World, cell: &Cell, report: &Report) {
    let score = world.sandbox.score(&claims(report));
    let imagined = score.checks.values().flat_map(|tally| &tally.false_alarms).next();
    assert!(imagined.is_none() && score.wrong_acts.is_empty(), "{cell:?}:\n{}", told(&score));
    let still = of_agent(&world.sandbox.truth_now(), cell.who);
    for incident in world.store.incidents(world.long_ago(), 10_000).await.unwrap() {
        if incident.key.agent != cell.who.spec().name {
            continue;
        }
        let claim = crate::score::claim(&incident.key);
        assert!(
            incident.is_active() || !still.contains(&claim),
            "{cell:?} calls {} over, which is not: {:?}",
            incident.key,
            incident.resolved
        );
    }
    let mut once: BTreeMap<_, u32> = BTreeMap::new();
    for effect in world.sandbox.effects().iter().filter(|effect| effect.act.method != "GET") {
        *once.entry((effect.act.row.clone(), effect.act.what.clone())).or_default() += 1;
    }
    let twice = once.iter().find(|(_, times)| **times > 1);
    assert!(twice.is_none(), "{cell:?} was sent more than once: {twice:?}");
}

/// A session that could not be ended, or of which the answer to its beginning was lost, is told.
fn left_open(world: &World, cell: &Cell, report: &Report, later: &Report) {
    let open = world.sandbox.sessions_open();
    let of_sessions = ["POST /auth/login", "POST /auth/logout", "*"].contains(&cell.call);
    // On a busy machine the answer to a sign-in may come too late as well.
    let waits = matches!(cell.fault, FaultKind::Hang | FaultKind::Drip);
    assert!(open == 0 || of_sessions || waits, "{cell:?} leaves {open} sessions open");
    if open > 0 && cell.call == "POST /auth/logout" {
        assert_eq!(report.exit, ExitClass::Incomplete, "{cell:?}");
        let told = later.open.iter().any(|one| one.key.check.as_str() == "session_leaked");
        assert!(told, "{cell:?} leaves {open} sessions open and does not say so");
    }
}

async fn tried(dialect: Dialect, number: usize, cell: &Cell) -> bool {
    let seed = 40 + u64::try_from(number % 16).unwrap();
    let mut world = World::of(
        options(dialect, seed, sizes(12, 40, 1)),
        "2026-11-20T12:00:00Z".parse().unwrap(),
    )
    .await;
    (world.policy, world.budgets) = generous();
    // A clean look first, which changes nothing and knows everything.
    world.policy.autonomy = Autonomy::Observe;
    let first = ended(&world, cell).await;
    let all = of_agent(&world.sandbox.truth_now(), cell.who);
    assert_eq!(claims(&first).into_iter().collect::<BTreeSet<_>>(), all, "{cell:?}");
    world.policy.autonomy = Autonomy::Act;
    world.pass(Duration::from_mins(2));

    // Only where an answer is waited for in vain does that take its time.
    let waits = matches!(cell.fault, FaultKind::Hang | FaultKind::Drip);
    world.request_timeout = Duration::from_millis(if waits { 150 } else { 5_000 });
    world.sandbox.set_faults(vec![Fault::always(cell.call, cell.fault.clone())]);
    let report = ended(&world, cell).await;
    lawful(&world, cell, &report).await;
    let known: BTreeSet<Found> = claims(&report).into_iter().collect();
    let hidden = all.difference(&known).filter(|found| {
        // What is never more than a notice does not make a run incomplete; it counts as not seen all the same.
        let notice = cell
            .who
            .spec()
            .checks
            .iter()
            .any(|check| check.worst == Severity::Info && check.id.as_str() == found.check);
        !(notice && report.counts["unknown"] > 0)
    });
    let hidden: Vec<_> = hidden.collect();
    let unknown = &report.unknown;
    assert!(
        report.exit == ExitClass::Incomplete || hidden.is_empty(),
        "{number}: {cell:?} hides {hidden:?}; unknown are {unknown:?}"
    );

    // Afterwards everything is as if nothing had been.
    world.sandbox.set_faults(Vec::new());
    world.request_timeout = Duration::from_secs(10);
    world.pass(Duration::from_mins(11));
    let later = ended(&world, cell).await;
    let still = of_agent(&world.sandbox.truth(), cell.who);
    assert!(claims(&later).iter().all(|claim| still.contains(claim) || all.contains(claim)));
    let score = world.sandbox.score(&claims(&later));
    assert!(score.wrong_acts.is_empty(), "{cell:?}, afterwards:\n{}", told(&score));
    left_open(&world, cell, &report, &later);
    let waiting = world.store.remediations(None, 1_000).await.unwrap();
    let waiting = waiting.iter().find(|one| one.state.is_open());
    assert!(waiting.is_none(), "{cell:?} leaves a question open: {waiting:?}");
    assert!(
        !world.leftovers().iter().any(|left| left.contains("deletion")),
        "{cell:?} deletes something"
    );
    let incomplete = report.exit == ExitClass::Incomplete;
    world.sandbox.stop().await;
    incomplete
}

async fn matrix(dialect: Dialect, slice: u64) {
    let all = cells(dialect);
    let wanted = usize::try_from(crate::world::size(slice)).unwrap().clamp(1, all.len());
    // Spread over all cells; the stride shares no factor with their number.
    let mut stride = all.len() / 3 + 1;
    while gcd(stride, all.len()) != 1 {
        stride += 1;
    }
    let mut incomplete = 0;
    let first = usize::try_from(crate::world::first()).unwrap();
    for turn in first..first + wanted {
        let number = turn * stride % all.len();
        let cell = &all[number];
        incomplete += usize::from(tried(dialect, number, cell).await);
    }
    println!("{dialect:?}: {wanted} of {} cells, {incomplete} ended incomplete", all.len());
    assert!(incomplete > 0, "a fault must be felt");
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[tokio::test]
async fn no_failing_call_of_the_live_wording_misleads_an_agent() {
    matrix(Dialect::Vizora, 24).await;
}

#[tokio::test]
async fn no_failing_call_of_the_design_wording_misleads_an_agent() {
    matrix(Dialect::Reference, 24).await;
}
