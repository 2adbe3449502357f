//! Every agent against every way in which every call can go wrong: nothing that is still broken is called well, nothing
//! wrong is done, and the run is recorded with its end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use opswarden::domain::incident::Incident;
use opswarden::domain::report::{ExitClass, Report};
use opswarden::domain::run::RunState;
use opswarden::sandbox::{Dialect, Fault, FaultKind, Options, Sizes};

use super::expired::Expired;
use super::world::{NOON, Who, World, found};

/// What a call is for: it decides what a run may make of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Without it nothing is seen.
    Login,
    /// The agent judges by it.
    List,
    /// It tells more of what another list holds.
    Side,
    /// A list of which a part is needed: the rest may do.
    Part,
    /// One row, or one number.
    Detail,
    /// It changes a row.
    Write,
    /// The end of a session.
    Logout,
}

const FAULTS: [FaultKind; 16] = [
    FaultKind::Hang,
    FaultKind::Reset,
    FaultKind::Status(401),
    FaultKind::Status(403),
    FaultKind::NoRoute,
    FaultKind::NoEntity,
    FaultKind::Status(409),
    FaultKind::Status(429),
    FaultKind::Status(500),
    FaultKind::HalfBody,
    FaultKind::WrongType,
    FaultKind::EmptyList,
    FaultKind::TruncatedPage,
    FaultKind::Drip,
    FaultKind::ShiftingPages,
    FaultKind::LyingWrite,
];

/// The calls of an agent, in the words of a dialect.
fn calls(who: Who, dialect: Dialect) -> Vec<(&'static str, Call)> {
    let mut calls = vec![
        ("POST /auth/login", Call::Login),
        ("POST /auth/logout", Call::Logout),
        ("GET /content/layouts", Call::Side),
        ("GET /playlists", Call::List),
    ];
    match who {
        // What nothing refers to is a hint and no warning: a run that cannot tell is complete.
        Who::Content => calls[3].1 = Call::Side,
        Who::Fleet | Who::Schedules => calls.push(("GET /schedules", Call::List)),
    }
    calls.push(("GET /content", if who == Who::Content { Call::List } else { Call::Part }));
    let vizora = dialect == Dialect::Vizora;
    if vizora || who == Who::Content {
        calls.push(("GET /content/:id", Call::Detail));
    }
    match who {
        Who::Content => {
            calls.push(("HEAD /static/:file", Call::Detail));
            let storage = if vizora { "GET /organizations/storage" } else { "GET /health" };
            let archive = if vizora { "POST /content/:id/archive" } else { "PATCH /content/:id" };
            calls.extend([(storage, Call::Detail), (archive, Call::Write)]);
        }
        Who::Fleet | Who::Schedules => {
            calls.extend([
                ("GET /displays", Call::List),
                ("GET /display-groups", Call::List),
                ("GET /displays/:id", Call::Detail),
                ("PATCH /displays/:id", Call::Write),
            ]);
        }
    }
    match who {
        Who::Fleet if vizora => calls.push(("POST /fleet/commands", Call::Write)),
        Who::Fleet => calls.push(("GET /realtime", Call::Write)),
        Who::Schedules => {
            calls.extend([
                ("GET /schedules/:id", Call::Detail),
                ("PATCH /schedules/:id", Call::Write),
            ]);
        }
        Who::Content => {}
    }
    calls
}

#[derive(Clone, Debug)]
struct Cell {
    who: Who,
    dialect: Dialect,
    route: &'static str,
    call: Call,
    /// `None`: the platform's certificate has expired, so that no call gets through.
    fault: Option<FaultKind>,
}

impl Cell {
    fn is_meant(&self) -> bool {
        match self.fault {
            Some(FaultKind::EmptyList | FaultKind::TruncatedPage | FaultKind::ShiftingPages) => {
                matches!(self.call, Call::List | Call::Side | Call::Part)
            }
            Some(FaultKind::LyingWrite) => self.call == Call::Write,
            _ => true,
        }
    }

    /// What is wrong with the answer can only be found out by counting.
    fn only_counts(&self) -> bool {
        let kinds = [FaultKind::EmptyList, FaultKind::TruncatedPage, FaultKind::ShiftingPages];
        self.fault.as_ref().is_some_and(|fault| kinds.contains(fault))
    }
}

fn matrix() -> Vec<Cell> {
    let mut cells = Vec::new();
    for fault in FAULTS {
        for dialect in [Dialect::Vizora, Dialect::Reference] {
            for who in Who::ALL {
                for (route, call) in calls(who, dialect) {
                    cells.push(Cell { who, dialect, route, call, fault: Some(fault.clone()) });
                }
            }
        }
    }
    cells.retain(Cell::is_meant);
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        let sign_in = |who| Cell { who, dialect, route: "*", call: Call::Login, fault: None };
        cells.extend(Who::ALL.map(sign_in));
    }
    cells
}

/// The incidents that this run ended, though what they say is still true.
async fn wrongly_ended(world: &World, before: &[Incident]) -> Vec<String> {
    let truth: BTreeSet<(String, String)> =
        world.sandbox.truth_now().into_iter().map(|one| (one.check, one.subject)).collect();
    let active: BTreeSet<_> =
        before.iter().filter(|one| one.is_active()).map(|one| one.id).collect();
    let after = world.incidents().await;
    let ended = after.iter().filter(|one| !one.is_active() && active.contains(&one.id));
    ended
        .filter(|one| truth.contains(&(one.key.check.to_string(), one.key.subject.to_string())))
        .map(|one| format!("{} was ended ({:?}), and it is still true", one.key, one.resolved))
        .collect()
}

/// What the report must say where something could not be seen.
fn unseen(cell: &Cell, report: &Report) -> Option<String> {
    let is_blind = matches!(cell.call, Call::Login | Call::List | Call::Part);
    let told = match cell.only_counts() {
        // Other pages may show what these do not; an incident that is lost to sight would have been ended.
        _ if matches!(cell.fault, Some(FaultKind::ShiftingPages | FaultKind::TruncatedPage)) => {
            true
        }
        // Only what the rows are looked up for is in doubt.
        _ if cell.call == Call::Part => {
            report.exit == ExitClass::Incomplete || !report.partial.is_empty()
        }
        true => report.exit == ExitClass::Incomplete || !report.partial.is_empty(),
        false => report.exit == ExitClass::Incomplete,
    };
    (is_blind && !told).then(|| {
        format!("{:?}, partial {:?}, unknown {:?}", report.exit, report.partial, report.unknown)
    })
}

async fn holds(cell: Cell) -> Vec<String> {
    let sizes = Sizes { displays: 12, content: 16, playlists: 8, schedules: 10, tenants: 1 };
    let options = Options { seed: 77, sizes, dialect: cell.dialect, ..Options::default() };
    let mut world = World::at(NOON, options).await;
    world.observe_only = true;
    let clean = world.run(cell.who).await;
    world.observe_only = false;
    let mut wrong = Vec::new();
    if clean.open.is_empty() || clean.exit == ExitClass::Incomplete {
        wrong.push(format!("the clean run saw too little: {:?} {:?}", clean.exit, clean.unknown));
    }
    let before = world.incidents().await;
    // Details are read once, and then believed: they are asked for again, so that they can go wrong.
    std::fs::remove_file(world.folder.path().join("platform.db")).expect("the cache is there");
    world.pass(Duration::from_mins(1));
    if matches!(cell.fault, Some(FaultKind::Hang | FaultKind::Drip)) {
        world.patience = Duration::from_millis(200);
    }
    let mut expired = None;
    if let Some(fault) = &cell.fault {
        world.sandbox.set_faults(vec![Fault::always(cell.route, fault.clone())]);
    } else {
        let server = Expired::start().await;
        world.url = Some(server.url());
        expired = Some(server);
    }
    let report = world.run(cell.who).await;
    if let Some(server) = expired {
        let told = format!("{:?}", report.unknown);
        if !told.contains("certificate has expired") {
            wrong.push(format!("it does not say that the certificate has expired: {told}"));
        }
        server.stop();
    }
    world.sandbox.set_faults(Vec::new());
    wrong.extend(wrongly_ended(&world, &before).await);
    let seen: Vec<_> = found(&report).into_iter().collect();
    let score = world.sandbox.score(&seen);
    for effect in score.wrong_acts {
        wrong.push(format!("a wrong act: {effect:?}"));
    }
    for (check, tally) in score.checks {
        for subject in tally.false_alarms {
            wrong.push(format!("it says {check} of {subject}, which is not true"));
        }
    }
    let runs = world.ledger_runs().await;
    let row = runs.iter().find(|row| row.id == report.run);
    if row.is_none_or(|row| row.ended_at.is_none() || row.state == RunState::Running) {
        wrong.push(format!("the run's row is {row:?}"));
    }
    let took = report.ended_at.duration_since(report.started_at);
    if took.unsigned_abs() > world.timeout {
        wrong.push(format!("the run took {took:?}"));
    }
    wrong.extend(
        unseen(&cell, &report).map(|told| format!("it did not tell that it was blind: {told}")),
    );
    if !matches!(cell.call, Call::Login | Call::Logout) && world.sandbox.sessions_open() != 0 {
        wrong.push(format!("{} sessions are open", world.sandbox.sessions_open()));
    }
    let told = report.exit == ExitClass::Incomplete;
    if cell.call == Call::Logout && world.sandbox.sessions_open() != 0 && !told {
        wrong.push("a session that was left open is not told".to_owned());
    }
    world.end().await;
    wrong.into_iter().map(|what| format!("{cell:?}: {what}")).collect()
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_nothing_broken_is_called_well_and_nothing_wrong_is_done() {
    let all = matrix();
    let wanted = usize::try_from(super::size(48)).expect("a number of cells");
    let step = (all.len() / wanted.max(1)).max(1);
    let chosen: Vec<Cell> = all.iter().step_by(step).cloned().collect();
    let many = chosen.len();
    let results: Vec<Vec<String>> =
        stream::iter(chosen).map(holds).buffer_unordered(4).collect().await;
    let bad = results.iter().filter(|wrong| !wrong.is_empty()).count();
    super::tell(&format!("{many} of {} cells tried, {bad} do not hold", all.len()));
    let wrong: Vec<String> = results.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
