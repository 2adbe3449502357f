//! Many days of a tiny tenant: agents run at random, are killed, are paused; people and the network do as they like. What
//! must never happen is looked for after every run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::incident::{Incident, RemediationState, Resolution, control};
use opswarden::domain::operation::{Operation, Target};
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::domain::policy::Policy;
use opswarden::domain::report::{ExitClass, Report};
use opswarden::ports::clock::Clock as _;
use opswarden::ports::store::{Batch, Scope, Store as _};
use opswarden::sandbox::{Dialect, Effect, Fault, FaultKind, Options, Sizes};

use super::world::{NOON, Who, World};

/// Runs in the life of one tenant.
const RUNS_OF_ONE: u64 = 40;

struct Chance(u64);

impl Chance {
    /// A number below `many`.
    fn below(&mut self, many: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % many
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        let many = u64::try_from(all.len()).expect("a short list");
        &all[usize::try_from(self.below(many)).expect("a short list")]
    }
}

const ROUTES: [&str; 14] = [
    "*",
    "POST /auth/login",
    "GET /content",
    "GET /content/layouts",
    "GET /content/:id",
    "GET /playlists",
    "GET /schedules",
    "GET /displays",
    "GET /display-groups",
    "GET /displays/:id",
    "POST /content/:id/archive",
    "PATCH /schedules/:id",
    "PATCH /displays/:id",
    "POST /fleet/commands",
];

fn faults(chance: &mut Chance) -> Vec<Fault> {
    let kinds = [
        FaultKind::Reset,
        FaultKind::Status(401),
        FaultKind::Status(403),
        FaultKind::NoEntity,
        FaultKind::Status(429),
        FaultKind::Status(500),
        FaultKind::HalfBody,
        FaultKind::WrongType,
        FaultKind::EmptyList,
        FaultKind::TruncatedPage,
        FaultKind::LyingWrite,
        FaultKind::Hang,
    ];
    let many = [0, 0, 0, 1, 1, 2][usize::try_from(chance.below(6)).expect("small")];
    let fault = |_| {
        let mut fault = Fault::always(chance.of::<&str>(&ROUTES), chance.of(&kinds).clone());
        fault.probability = [0.3, 1.0][usize::try_from(chance.below(2)).expect("small")];
        fault
    };
    (0..many).map(fault).collect()
}

struct Life {
    world: World,
    chance: Chance,
    paused: bool,
    /// Sessions that were open before the run: of killed runs, and of runs that could not end theirs.
    sessions: usize,
    wrong: Vec<String>,
    ended: BTreeSet<String>,
    killed: u64,
    acts: usize,
}

impl Life {
    async fn begin(number: u64) -> Self {
        let dialect = if number.is_multiple_of(2) { Dialect::Vizora } else { Dialect::Reference };
        let sizes = Sizes { displays: 9, content: 14, playlists: 6, schedules: 8, tenants: 1 };
        let options = Options { seed: 5000 + number, sizes, dialect, ..Options::default() };
        let mut world = World::at(NOON, options).await;
        world.policy = Policy::default();
        world.patience = Duration::from_millis(150);
        let chance = Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let (paused, sessions, killed, acts) = (false, 0, 0, 0);
        Self {
            world,
            chance,
            paused,
            sessions,
            wrong: Vec::new(),
            ended: BTreeSet::new(),
            killed,
            acts,
        }
    }

    /// A person takes something back by hand.
    async fn somebody(&mut self) {
        let effects = self.world.sandbox.effects();
        if effects.is_empty() {
            return;
        }
        let effect = self.chance.of(&effects).clone();
        let row = |kind| RowRef::new(kind, &effect.tenant, &effect.act.row);
        let operation = match effect.act.what.as_str() {
            "archive content" => Operation::RestoreContent {
                content: row(RowKind::Content),
                status: "active".to_owned(),
            },
            "deactivate schedule" => Operation::ActivateSchedule(row(RowKind::Schedule)),
            what if what.starts_with("assign playlist") => {
                Operation::AssignPlaylist { display: row(RowKind::Display), playlist: None }
            }
            _ => return,
        };
        let engine = self.world.engine_as("manager@");
        let hands = engine.hands.platform.as_ref().expect("there are hands");
        // Where the row is already so, the platform may refuse.
        let _answer = hands.send(&operation).await;
        let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
        let _left = eyes.release().await;
    }

    async fn pause(&mut self, on: bool) {
        self.paused = on;
        let event = Event::ControlChanged {
            control: control::PAUSE_ALL.to_owned(),
            on,
            reason: "a day off".to_owned(),
            expires_at: None,
            facts: BTreeMap::new(),
        };
        let now = self.world.clock.now();
        let event = NewEvent { at: now, actor: "human:root".to_owned(), run: None, event };
        let scope = Scope { about: None, agent: None, recent: Duration::from_hours(24), now };
        let mut decide = |_: &_| Batch { events: vec![event.clone()], notes: Vec::new() };
        self.world.store.commit(scope, &mut decide).await.expect("the ledger works");
    }

    fn truth(&self) -> BTreeSet<String> {
        let truth = self.world.sandbox.truth_now();
        truth.into_iter().map(|one| format!("{} {}", one.check, one.subject)).collect()
    }

    async fn run(&mut self) {
        match self.chance.below(8) {
            0 => self.somebody().await,
            1 => {
                let on = !self.paused;
                self.pause(on).await;
            }
            _ => {}
        }
        let minutes =
            [1, 10, 15, 60, 300, 1440][usize::try_from(self.chance.below(6)).expect("small")];
        self.world.pass(Duration::from_mins(minutes));
        // What is true now is noted, so that it counts as a reason for an act.
        let _noted = self.world.sandbox.score(&[]);
        let who = *self.chance.of(&Who::ALL);
        let faults = faults(&mut self.chance);
        let told = format!("{who:?} under {faults:?}");
        let before = (self.truth(), self.world.sandbox.effects().len());
        self.sessions = self.world.sandbox.sessions_open();
        self.world.sandbox.set_faults(faults.clone());
        let killed_after = (self.chance.below(5) == 0).then(|| self.chance.below(80));
        let report = self.run_until(who, killed_after).await;
        self.world.sandbox.set_faults(Vec::new());
        self.look(&told, before, report, faults.is_empty()).await;
    }

    /// Runs, or is killed when it was woken so often. The report, where it came to its end.
    async fn run_until(&mut self, who: Who, wakes: Option<u64>) -> Option<Report> {
        let engine = self.world.engine();
        let mut run = Box::pin(self.world.run_with(&engine, who));
        let mut woken = 0;
        let report = std::future::poll_fn(|context| {
            if wakes == Some(woken) {
                return std::task::Poll::Ready(None);
            }
            woken += 1;
            run.as_mut().poll(context).map(Some)
        })
        .await;
        drop(run);
        self.killed += u64::from(report.is_none());
        let Some(report) = report else {
            // What was on its way when it was killed still arrives.
            self.world.linger(Duration::from_millis(20)).await;
            return None;
        };
        let runs = self.world.ledger_runs().await;
        let row = runs.into_iter().find(|row| row.id == report.run);
        if row.is_none_or(|row| row.ended_at.is_none()) {
            self.wrong.push(format!("{} has no end in the ledger", report.run));
        }
        Some(report)
    }

    async fn look(
        &mut self,
        told: &str,
        before: (BTreeSet<String>, usize),
        report: Option<Report>,
        calm: bool,
    ) {
        let (true_before, effects_before) = before;
        let completed = report.is_some();
        let mut wrong = Vec::new();
        let true_after = self.truth();
        for incident in self.world.incidents().await.into_iter().filter(|one| !one.is_active()) {
            let claim = format!("{} {}", incident.key.check, incident.key.subject);
            let fresh = self.ended.insert(incident.id.to_string()) && !is_passed_over(&incident);
            if fresh && true_before.contains(&claim) && true_after.contains(&claim) {
                wrong.push(format!("{claim} was ended and is true: {:?}", incident.resolved));
            }
        }
        let effects = self.world.sandbox.effects();
        let sent = &effects[effects_before..];
        self.acts += sent.len();
        if self.paused && !sent.is_empty() {
            wrong.push(format!("acts while paused: {sent:?}"));
        }
        wrong.extend(too_many(sent).map(|what| format!("too many in one run: {what}")));
        let mut open = BTreeMap::new();
        for remediation in self.world.remediations().await {
            if let (true, Target::Row(row)) =
                (remediation.state.is_open(), remediation.operation.target())
            {
                *open.entry(row.to_string()).or_insert(0) += 1;
            }
            if completed && remediation.state == RemediationState::Intended && calm {
                // Of a killed run it is marked by the next run of the same agent; of this run it is not left.
                let last = self.world.ledger_runs().await.into_iter().next().map(|run| run.id);
                if last == Some(remediation.run.clone()) {
                    wrong.push(format!("{} was left intended", remediation.id));
                }
            }
        }
        wrong.extend(
            open.into_iter()
                .filter(|(_, many)| *many > 1)
                .map(|(row, _)| format!("two open acts on {row}")),
        );
        let sessions = self.world.sandbox.sessions_open();
        // On a busy machine an answer may come too late: then that is told.
        let told_so = report.is_some_and(|report| report.exit == ExitClass::Incomplete);
        if completed && calm && !told_so && sessions > self.sessions {
            wrong.push(format!("{sessions} sessions are open, {} before", self.sessions));
        }
        self.wrong.extend(wrong.into_iter().map(|what| format!("{told}: {what}")));
    }

    /// What is only to be told at the end.
    async fn end(mut self) -> (Vec<String>, u64, usize) {
        let mut wrong_acts = self.world.sandbox.score(&[]).wrong_acts;
        // People may do as they like.
        wrong_acts.retain(|effect| effect.account.starts_with("ops@"));
        for effect in wrong_acts {
            self.wrong.push(format!("a wrong act: {effect:?}"));
        }
        let _taken = self.world.sandbox.take_effects();
        let left = self.world.sandbox.finish().err().unwrap_or_default();
        self.wrong.extend(left.into_iter().filter(|what| what.starts_with("a deletion")));
        self.world.end().await;
        (self.wrong, self.killed, self.acts)
    }
}

/// Limits of one run under the shipped policy: one of nine displays may be told something; what is quiet has five a day.
fn too_many(sent: &[Effect]) -> impl Iterator<Item = String> + '_ {
    let of = |words: &[&str]| {
        let is = |one: &&Effect| words.iter().any(|word| one.act.what.starts_with(word));
        sent.iter().filter(is).map(|one| &one.act.row).collect::<BTreeSet<_>>().len()
    };
    let fleet = (of(&["reload display", "ping display", "reset display"]), 1);
    let kinds = [("archive content", 5), ("deactivate schedule", 5), ("assign playlist", 5)];
    let quiet = kinds.map(|(what, most)| (what, of(&[what]), most));
    let all = [("fleet", fleet.0, fleet.1)].into_iter().chain(quiet);
    all.filter(|(_, many, most)| many > most).map(|(what, many, _)| format!("{many} × {what}"))
}

/// How many lives go on side by side: a platform that hangs is waited for.
const AT_ONCE: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_over_many_days_what_must_never_happen_does_not() {
    let runs = super::size(200);
    let clock = opswarden::adapters::system_clock::SystemClock::new();
    let lives = runs.div_ceil(RUNS_OF_ONE);
    let whole = |number: u64| {
        tokio::spawn(async move {
            let mut life = Life::begin(number).await;
            for _ in 0..RUNS_OF_ONE.min(runs - number * RUNS_OF_ONE) {
                life.run().await;
            }
            (number, life.end().await)
        })
    };
    let mut all = stream::iter(0..lives).map(whole).buffer_unordered(AT_ONCE);
    let (mut wrong, mut killed, mut acts) = (Vec::new(), 0, 0);
    while let Some(life) = all.next().await {
        let (number, (of_life, killed_of_life, acts_of_life)) = life.expect("no life panics");
        wrong.extend(of_life.into_iter().map(|what| format!("life {number}: {what}")));
        killed += killed_of_life;
        acts += acts_of_life;
    }
    let seconds = clock.elapsed().as_secs_f64();
    let each = f64::from(u32::try_from(runs).expect("fits")) / seconds;
    super::tell(&format!(
        "{runs} runs of {lives} lives in {seconds:.1} s, {each:.1} a second; {killed} killed, {acts} acts"
    ));
    assert!(acts > 0 && killed > 0, "nothing happened");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Which idle content is asked to make room is a matter of judgement: that one is passed over says nothing about it.
fn is_passed_over(incident: &Incident) -> bool {
    let ended = incident.resolved.as_ref().map(|end| end.resolution);
    incident.key.check.as_str() == "content_idle" && ended == Some(Resolution::SubjectGone)
}
