//! Many days of many small tenants: agents, faults, people and kills in any order. After every step the promises hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opswarden::domain::incident::{Remediation, Resolution, control};
use opswarden::domain::operation::OperationClass;
use opswarden::domain::report::Report;
use opswarden::ports::store::{RunQuery, Store as _};
use opswarden::sandbox::{Act, Dialect, Effect, Fault, FaultKind, TruthEntry};

use crate::agents::Who;
use crate::dice::Dice;
use crate::faults::{Cell, cells};
use crate::people;
use crate::score::claim;
use crate::world::{World, options, sizes};

/// What happened, to show that it did.
#[derive(Debug, Default)]
struct Sum {
    runs: u64,
    killed: u64,
    faulty: u64,
    edits: u64,
    acts: u64,
    resolved: u64,
    incomplete: u64,
    days: f64,
}

struct Life {
    world: World,
    dice: Dice,
    name: String,
    cells: Vec<Cell>,
    paused: BTreeSet<String>,
    ended: BTreeSet<String>,
    /// Sessions that killed runs left behind.
    left_open: usize,
    sum: Sum,
}

/// Displays and pieces of content of a tenant.
const SIZE: (usize, usize) = (10, 18);

impl Life {
    async fn begins(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let dialect = if dice.one_in(2) { Dialect::Vizora } else { Dialect::Reference };
        let tenants = if dice.one_in(4) { 2 } else { 1 };
        let hours = i64::try_from(dice.below(8_760)).unwrap();
        let start: jiff::Timestamp = "2026-01-07T09:41:17Z".parse().unwrap();
        let start = start.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        let mut world =
            World::of(options(dialect, seed, sizes(SIZE.0, SIZE.1, tenants)), start).await;
        if dice.one_in(2) {
            world.policy.min_healthy_percent = 0;
        }
        Self {
            world,
            dice,
            name: format!("life {seed}"),
            cells: cells(dialect),
            paused: BTreeSet::new(),
            ended: BTreeSet::new(),
            left_open: 0,
            sum: Sum::default(),
        }
    }

    async fn goes_on(&mut self, runs: u64) {
        while self.sum.runs < runs {
            match self.dice.below(20) {
                0 | 1 => {
                    if let Some(edit) = people::some_edit(&self.world, &mut self.dice).await {
                        people::edit(&self.world, &edit).await;
                        self.sum.edits += 1;
                    }
                }
                2 => self.switch().await,
                3 => {
                    let hours = 1 + self.dice.below(30);
                    self.pass(Duration::from_hours(hours));
                }
                4 | 5 => self.killed().await,
                6..=11 => self.run(true).await,
                _ => self.run(false).await,
            }
            let minutes = 1 + self.dice.below(20);
            self.pass(Duration::from_mins(minutes));
        }
        let deleted = self.world.leftovers().into_iter().find(|left| left.contains("deletion"));
        assert_eq!(deleted, None, "{}", self.name);
    }

    fn pass(&mut self, by: Duration) {
        self.world.time.pass(by);
        self.sum.days += by.as_secs_f64() / 86_400.0;
    }

    /// A person stops an agent, or all of them, or lets them go on.
    async fn switch(&mut self) {
        let who = *self.dice.pick(&Who::ALL);
        let key = match self.dice.one_in(3) {
            true => control::PAUSE_ALL.to_owned(),
            false => control::pause_of(&who.spec().name),
        };
        let on = !self.paused.remove(&key);
        if on {
            self.paused.insert(key.clone());
        }
        people::control(&self.world, &key, on).await;
    }

    fn is_paused(&self, who: Who) -> bool {
        self.paused.contains(control::PAUSE_ALL)
            || self.paused.contains(&control::pause_of(&who.spec().name))
    }

    /// Faults for one run of an agent. How long a real answer takes at most then.
    fn faults(&mut self, who: Who) -> Vec<Fault> {
        let own: Vec<Cell> = self.cells.iter().filter(|cell| cell.who == who).cloned().collect();
        let mut faults = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let Cell { call, fault, .. } = self.dice.pick(&own).clone();
            // Waiting for nothing takes real time.
            let waits = matches!(fault, FaultKind::Hang | FaultKind::Drip);
            if waits && !self.dice.one_in(20) {
                continue;
            }
            let mut fault = Fault::always(call, fault);
            match self.dice.below(3) {
                0 => fault.times = Some(1),
                1 => fault.probability = 0.4,
                _ => {}
            }
            faults.push(fault);
        }
        faults
    }

    async fn run(&mut self, faulty: bool) {
        let who = *self.dice.pick(&Who::ALL);
        let faults = if faulty { self.faults(who) } else { Vec::new() };
        self.world.request_timeout = match faults.is_empty() {
            true => Duration::from_secs(20),
            false => Duration::from_millis(250),
        };
        self.sum.faulty += u64::from(!faults.is_empty());
        let before = self.world.sandbox.truth_now();
        let count = self.world.sandbox.effects().len();
        self.world.sandbox.set_faults(faults.clone());
        let report = self.world.run(who).await;
        self.world.sandbox.set_faults(Vec::new());
        let told = format!("{}, {who:?} with {faults:?}", self.name);
        self.sum.runs += 1;
        self.sum.incomplete += u64::from(report.exit.code() == 2);
        let effects = self.world.sandbox.effects().split_off(count);
        self.recorded(&report, &told).await;
        let open = self.world.sandbox.sessions_open();
        if faults.is_empty() {
            assert!(open <= self.left_open, "{told} leaves a session");
            assert_ne!(report.exit.code(), 2, "{told}: {:?} {:?}", report.unknown, report.troubles);
        }
        self.left_open = open;
        if blinded(who, &faults) {
            assert_eq!(effects, Vec::new(), "{told} acts on what it did not see");
        }
        self.lawful(who, &before, &effects, &told).await;
    }

    /// A run that ends in the middle of anything.
    async fn killed(&mut self) {
        let who = *self.dice.pick(&Who::ALL);
        let before = self.world.sandbox.truth_now();
        let count = self.world.sandbox.effects().len();
        let wakes = 1 + self.dice.below(160);
        let engine = self.world.engine();
        let stanzas = self.world.stanzas.clone();
        let mut run = Box::pin(who.run(&engine, &stanzas));
        let mut woken = 0;
        let ended = std::future::poll_fn(|context| {
            if woken == wakes {
                return std::task::Poll::Ready(None);
            }
            woken += 1;
            run.as_mut().poll(context).map(Some)
        })
        .await;
        drop(run);
        drop(engine);
        self.sum.runs += 1;
        self.sum.killed += u64::from(ended.is_none());
        // What was on its way arrives.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        self.world.reopen().await;
        self.left_open = self.world.sandbox.sessions_open();
        let effects = self.world.sandbox.effects().split_off(count);
        let told = format!("{}, {who:?} killed after {wakes}", self.name);
        self.lawful(who, &before, &effects, &told).await;
    }

    async fn recorded(&self, report: &Report, told: &str) {
        let newest = RunQuery { agent: None, limit: 1 };
        let row = self.world.store.runs(newest).await.unwrap().remove(0);
        assert_eq!(row.id, report.run, "{told}");
        assert!(row.ended_at.is_some() && row.exit.is_some(), "{told} is recorded");
    }

    async fn lawful(&mut self, who: Who, before: &[TruthEntry], effects: &[Effect], told: &str) {
        self.sum.acts += u64::try_from(effects.len()).unwrap();
        let after = self.world.sandbox.truth_now();
        let allowed: BTreeSet<&Act> =
            before.iter().chain(&after).flat_map(|entry| &entry.allowed).collect();
        for effect in effects {
            assert!(allowed.contains(&effect.act), "{told} does wrong: {effect:?}");
        }
        assert!(effects.is_empty() || !self.is_paused(who), "{told} acts while it is paused");
        self.bounded(effects, told).await;
        let all = self.world.store.remediations(None, 10_000).await.unwrap();
        single(&all, told);
        self.within_a_day(&all, told);
        let attempts = self.world.policy.attempts;
        for incident in self.world.store.incidents(self.world.long_ago(), 10_000).await.unwrap() {
            assert!(incident.attempts <= attempts, "{told}: {} tries", incident.attempts);
            let Some(end) = &incident.resolved else { continue };
            if !self.ended.insert(incident.id.to_string()) {
                continue;
            }
            self.sum.resolved += 1;
            let ill = after.iter().any(|entry| entry.found() == claim(&incident.key));
            let excused = matches!(end.resolution, Resolution::Manual | Resolution::FalseAlarm);
            assert!(!ill || excused, "{told} calls {} over: {end:?}", incident.key);
        }
    }

    /// What one run may do at most.
    async fn bounded(&self, effects: &[Effect], told: &str) {
        let policy = &self.world.policy;
        let mut of: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for effect in effects {
            let kind = effect.act.what.split(' ').next().unwrap_or_default();
            *of.entry((effect.tenant.as_str(), kind)).or_default() += 1;
        }
        let most = of.values().copied().max().unwrap_or(0);
        assert!(most <= policy.quiet_per_run, "{told} does {most} of one kind");
        let fleet = effects.iter().filter(|effect| is_fleet(effect)).count();
        if fleet == 0 {
            return;
        }
        // One in ten of ten displays, for each tenant.
        let tenants = self.world.stanzas.doctor.fallback_playlists.len();
        assert!(fleet <= tenants, "{told} tells {fleet} displays something");
    }

    /// What a day may bring at most: five, for tenants as small as these.
    fn within_a_day(&self, all: &[Remediation], told: &str) {
        let day = jiff::SignedDuration::from_hours(24);
        let mut of: BTreeMap<(String, &str), u32> = BTreeMap::new();
        for one in all.iter().filter(|one| one.undo_of.is_none()) {
            let sent = self.world.time_now().duration_since(one.intended_at) < day;
            let quiet = one.operation.class() == OperationClass::Quiet;
            if sent && quiet && one.state.as_str() != "withdrawn" {
                let key = (one.key.subject.scope().to_owned(), one.operation.verb());
                *of.entry(key).or_default() += 1;
            }
        }
        let most = of.values().copied().max().unwrap_or(0);
        assert!(most <= 5, "{told} does {most} of one kind within a day");
    }
}

/// Never two attempts on one row that both wait for an answer.
fn single(all: &[Remediation], told: &str) {
    let mut open = BTreeSet::new();
    for one in all.iter().filter(|one| one.state.is_open()) {
        let target = one.operation.target().to_string();
        assert!(open.insert(target.clone()), "{told} leaves two attempts on {target}");
    }
}

fn is_fleet(effect: &Effect) -> bool {
    let what = &effect.act.what;
    !["archive", "deactivate", "assign", "show"].iter().any(|quiet| what.starts_with(quiet))
}

/// Whether the list that an agent judges by is surely not seen whole.
fn blinded(who: Who, faults: &[Fault]) -> bool {
    let list = match who {
        Who::Content => "GET /content",
        Who::Fleet => "GET /displays",
        Who::Doctor => "GET /schedules",
    };
    let always = |fault: &&Fault| fault.times.is_none() && fault.probability >= 1.0;
    faults.iter().filter(always).any(|fault| {
        let breaks = !matches!(
            fault.fault,
            FaultKind::LatencyMs(_)
                | FaultKind::ShiftingPages
                | FaultKind::LyingWrite
                | FaultKind::TokenUses(_)
        );
        fault.route == list && breaks
    })
}

async fn lived(seed: u64, runs: u64) -> Sum {
    let mut life = Life::begins(seed).await;
    life.goes_on(runs).await;
    life.sum
}

#[test]
fn whatever_happens_in_whichever_order_the_promises_hold() {
    const RUNS: u64 = 50;
    const THREADS: u64 = 2;
    let (lives, first) = (crate::world::size(200).div_ceil(RUNS), crate::world::first());
    let clock = opswarden::adapters::system_clock::SystemClock::new();
    let all: Vec<Sum> = std::thread::scope(|scope| {
        let worker = |thread: u64| {
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let seeds = (first..first + lives).filter(|seed| seed % THREADS == thread);
                let lived = |seed| runtime.block_on(lived(seed, RUNS));
                seeds.map(lived).collect::<Vec<_>>()
            })
        };
        let workers: Vec<_> = (0..THREADS).map(worker).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let mut sum = Sum::default();
    for one in &all {
        sum.runs += one.runs;
        sum.killed += one.killed;
        sum.faulty += one.faulty;
        sum.edits += one.edits;
        sum.acts += one.acts;
        sum.resolved += one.resolved;
        sum.incomplete += one.incomplete;
        sum.days += one.days;
    }
    let took = opswarden::ports::clock::Clock::elapsed(&clock).as_secs_f64();
    let (runs, lives) = (sum.runs, all.len());
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no exact count")]
    let rate = runs as f64 / took;
    println!("{lives} lives, {sum:?}, {rate:.0} runs a second");
    assert!(sum.killed > 0 && sum.acts > 0 && sum.resolved > 0 && sum.incomplete > 0, "{sum:?}");
}
