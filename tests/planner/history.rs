//! A random history of one agent: what the planner is told, what it decides, and a ledger of its verdicts that accepts
//! nothing twice.
//!
//! Whoever looks is mostly in time, sometimes late, away for hours, frozen, or without memory; runs last as long as they
//! like and end in every way; other agents hold a mutex, people suspend and start by hand, somebody sets the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use opswarden::domain::planner::{
    Attempt, Hold, Job, Jump, MissedWhy, ON_TIME, Plan, Reading, RunWhy, Running, Seen, SkipWhy,
    Start, Suspension, Verdict, plan,
};
use opswarden::domain::run::RunState;
use opswarden::domain::schedule::Count;
use opswarden::domain::subject::AgentName;
use opswarden::domain::timing::{CatchUp, Overlap};

/// Numbers from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True once in `times`.
    const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Whoever looks is in time, and nothing is in the way.
    Calm,
    /// Everything happens.
    Rough,
}

/// How a slot ended in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Run { attempts: u32, deadline: Timestamp },
    Skipped,
    Missed,
}

struct Active {
    slot: Option<Timestamp>,
    number: u32,
    started_at: Timestamp,
    deadline: Timestamp,
    plan_only: bool,
    /// On the clock that nobody sets.
    ends_in: Duration,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) slots: usize,
    pub(crate) run: usize,
    pub(crate) skipped: usize,
    pub(crate) missed: usize,
    pub(crate) again: usize,
    pub(crate) late: usize,
    pub(crate) plan_only: usize,
    pub(crate) replaced: usize,
    pub(crate) epochs: usize,
    pub(crate) looks: usize,
}

/// The history, as far as it got.
pub(crate) struct History<'h> {
    job: &'h Job,
    /// Every slot of the time that is lived through, by brute force.
    slots: &'h [Timestamp],
    weather: Weather,
    dice: Dice,
    passed: Duration,
    wall: Timestamp,
    seen: Seen,
    active: Option<Active>,
    held_until: Option<Duration>,
    rows: BTreeMap<Timestamp, Row>,
    newest_look: Timestamp,
    pub(crate) counts: Counts,
    pub(crate) broken: Vec<String>,
}

impl<'h> History<'h> {
    pub(crate) fn new(
        job: &'h Job,
        slots: &'h [Timestamp],
        weather: Weather,
        seed: u64,
        start: Timestamp,
    ) -> Self {
        Self {
            job,
            slots,
            weather,
            dice: Dice::new(seed),
            passed: Duration::ZERO,
            wall: start,
            seen: Seen { looking_since: Some(start), ..Seen::nothing(start) },
            active: None,
            held_until: None,
            rows: BTreeMap::new(),
            newest_look: start,
            counts: Counts::default(),
            broken: Vec::new(),
        }
    }

    /// Lives through `length`, with at most so many looks as have room for every slot.
    pub(crate) fn live(&mut self, length: Duration) {
        let most = self.slots.len() * 12 + 500;
        while self.passed < length && self.counts.looks < most && self.broken.is_empty() {
            let made = self.look();
            self.wait(&made, length);
        }
        self.close();
    }

    fn law(&mut self, holds: bool, law: &str, about: &dyn std::fmt::Debug) {
        if !holds {
            self.broken.push(format!("{law}: {about:?} at {}", self.wall));
        }
    }

    fn pass(&mut self, length: Duration) {
        self.passed += length;
        self.wall = self.wall.checked_add(length).expect("within the calendar");
        if let Some(active) = self.active.take_if(|active| active.ends_in <= self.passed) {
            self.end(&active);
        }
        if self.held_until.is_some_and(|until| until <= self.passed) {
            self.held_until = None;
            self.seen.held_by = None;
        }
    }

    fn end(&mut self, active: &Active) {
        const ENDS: [(RunState, Option<i32>); 8] = [
            (RunState::Ok, Some(0)),
            (RunState::Findings, Some(1)),
            (RunState::Failed, Some(2)),
            (RunState::Failed, Some(75)),
            (RunState::Lost, None),
            (RunState::Interrupted, Some(143)),
            (RunState::Killed, Some(137)),
            (RunState::TimedOut, Some(124)),
        ];
        let (state, exit) = ENDS[usize::try_from(self.dice.below(8)).expect("below 8")];
        self.seen.running = None;
        let Some(slot) = active.slot.filter(|slot| Some(*slot) == self.seen.last_slot) else {
            return;
        };
        self.seen.last_attempt = Some(Attempt {
            slot,
            number: active.number,
            state,
            exit,
            ended_at: self.wall,
            deadline: active.deadline,
            plan_only: active.plan_only,
        });
    }

    fn look(&mut self) -> Plan {
        self.counts.looks += 1;
        self.newest_look = self.newest_look.max(self.wall);
        let made = plan(self.job, &self.seen, self.wall);
        for verdict in &made.verdicts {
            self.carry_out(verdict);
        }
        self.seen.waiting.clone_from(&made.waiting);
        let again = plan(self.job, &self.seen, self.wall);
        self.law(again.verdicts.is_empty(), "a second look decides nothing", &again);
        self.law(made.wake_at > self.wall || !made.verdicts.is_empty(), "to wake is later", &made);
        let open = self.job.newest_due(self.wall).filter(|slot| self.is_open(*slot));
        let waits = made.waiting.as_ref().map(|waiting| waiting.slot);
        self.law(open.is_none() || open == waits, "the newest is decided or waits", &made);
        self.probe(&again);
        again
    }

    /// Between now and the moment to wake, time alone decides nothing.
    fn probe(&mut self, made: &Plan) {
        let room = made.wake_at.duration_since(self.wall).as_millis().clamp(1, 100_000_000);
        let after = self.dice.below(u64::try_from(room).expect("positive"));
        let then =
            self.wall.checked_add(Duration::from_millis(after)).expect("within the calendar");
        // A suspension that begins or ends is no matter of the planner's clock.
        let suspended = self.seen.suspended.as_ref();
        let is_suspended = suspended.is_some_and(|one| one.covers(self.wall) || one.covers(then));
        if then < made.wake_at && !is_suspended {
            let early = plan(self.job, &self.seen, then);
            self.law(
                early.verdicts.is_empty(),
                "nothing is decided before the moment to wake",
                &(then, early),
            );
        }
    }

    fn is_open(&self, slot: Timestamp) -> bool {
        slot > self.seen.in_effect_since && self.seen.last_slot.is_none_or(|last| slot > last)
    }

    fn carry_out(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Run(start) => {
                self.law(self.active.is_none(), "one run at a time", verdict);
                self.start(start);
            }
            Verdict::Replace { running_since, start } => {
                let since = self.active.take().map(|active| active.started_at);
                self.law(since == Some(*running_since), "what is replaced runs", verdict);
                self.law(
                    self.job.rules().overlap == Overlap::Replace,
                    "replacing is asked for",
                    verdict,
                );
                self.counts.replaced += 1;
                self.start(start);
            }
            Verdict::Skip { slot, why } => {
                let suspended = self.seen.suspended.as_ref();
                let planned = self.job.start_of(*slot);
                let was_waiting = self.seen.waiting.as_ref().is_some_and(|one| one.slot == *slot);
                let holds = match why {
                    SkipWhy::Suspended { .. } => {
                        suspended.is_some_and(|one| one.covers(planned) || one.covers(self.wall))
                    }
                    SkipWhy::Held(Hold::OwnRun { .. }) => self.active.is_some() || was_waiting,
                    SkipWhy::Held(Hold::Mutex { .. }) => self.seen.held_by.is_some() || was_waiting,
                    SkipWhy::Held(Hold::Boot) => false,
                };
                self.law(holds, "what is skipped has its reason", verdict);
                self.settle(*slot, Row::Skipped);
                self.counts.skipped += 1;
            }
            Verdict::Missed { from, to, count, why } => self.miss(*from, *to, *count, *why),
        }
    }

    fn miss(&mut self, from: Timestamp, to: Timestamp, count: Count, why: MissedWhy) {
        let range: Vec<Timestamp> =
            self.slots.iter().copied().filter(|slot| (from..=to).contains(slot)).collect();
        let ends = (range.first().copied(), range.last().copied());
        self.law(ends == (Some(from), Some(to)), "a range begins and ends with slots", &(from, to));
        let counted = u64::try_from(range.len()).expect("few");
        self.law(count == Count::Exactly(counted), "a range is counted", &(from, to, count));
        let late = self.lateness(to);
        let holds = match why {
            MissedWhy::NewerDue => self.job.newest_due(self.wall).is_some_and(|newest| newest > to),
            MissedWhy::TooOld { within } => late > within && late > ON_TIME,
            MissedWhy::NoCatchUp => self.job.rules().catch_up == CatchUp::None && late > ON_TIME,
        };
        self.law(holds, "what is missed has its reason", &(from, to, why));
        for slot in range {
            self.settle(slot, Row::Missed);
            self.counts.missed += 1;
        }
    }

    fn lateness(&self, slot: Timestamp) -> Duration {
        Duration::try_from(self.wall.duration_since(self.job.start_of(slot))).unwrap_or_default()
    }

    /// Every slot once, and forward only.
    fn settle(&mut self, slot: Timestamp, row: Row) {
        self.law(self.slots.binary_search(&slot).is_ok(), "a slot is one", &slot);
        self.law(self.is_open(slot), "slots go forward only", &slot);
        let before = self.rows.insert(slot, row);
        self.law(before.is_none(), "a slot ends once", &(slot, before));
        self.seen.last_slot = Some(slot);
        self.seen.last_attempt = None;
    }

    fn start(&mut self, start: &Start) {
        let rules = self.job.rules();
        let planned = self.job.start_of(start.slot);
        let suspended = self.seen.suspended.as_ref();
        let is_suspended = suspended.is_some_and(|one| one.covers(self.wall));
        self.law(self.wall >= planned, "no run before its slot", start);
        self.law(!is_suspended, "no run in a suspension", start);
        self.law(self.seen.held_by.is_none(), "no run beside another of its mutex", start);
        self.law(start.late_by == self.lateness(start.slot), "lateness is told", start);
        self.law(start.deadline > self.wall, "there is time", start);
        if start.attempt == 1 {
            self.law(start.late_by <= ON_TIME.max(rules.catch_up_within), "no run too late", start);
            self.settle(start.slot, Row::Run { attempts: 1, deadline: start.deadline });
            self.counts.run += 1;
            self.counts.late += usize::from(start.why == RunWhy::CaughtUp);
            let began = self.seen.last_began.unwrap_or(self.seen.in_effect_since);
            let is_long = self.wall.duration_since(began)
                > SignedDuration::try_from(rules.plan_only_after).expect("short");
            let expected = is_long && start.late_by > ON_TIME;
            self.law(start.plan_only == expected, "late after a long gap only plans", start);
            self.counts.plan_only += usize::from(start.plan_only);
        } else {
            self.again(start);
        }
        let lasts = match self.weather {
            Weather::Calm => 1_000 + self.dice.below(20_000),
            Weather::Rough => 1 + self.dice.below(1_200_000),
        };
        let deadline =
            Duration::try_from(start.deadline.duration_since(self.wall)).unwrap_or_default();
        self.active = Some(Active {
            slot: Some(start.slot),
            number: start.attempt,
            started_at: self.wall,
            deadline: start.deadline,
            plan_only: start.plan_only,
            ends_in: self.passed + Duration::from_millis(lasts).min(deadline),
        });
        self.began(Some(start.slot));
    }

    fn again(&mut self, start: &Start) {
        let retries = &self.job.rules().retries;
        let row = self.rows.get(&start.slot).copied();
        let expected = Row::Run { attempts: start.attempt - 1, deadline: start.deadline };
        self.law(row == Some(expected), "the next attempt, with the same deadline", &(start, row));
        self.law(start.attempt <= retries.max + 1, "attempts have an end", start);
        let newest = self.job.newest_due(self.wall);
        self.law(newest <= Some(start.slot), "the next slot cancels", start);
        self.rows
            .insert(start.slot, Row::Run { attempts: start.attempt, deadline: start.deadline });
        self.counts.again += 1;
    }

    fn began(&mut self, slot: Option<Timestamp>) {
        self.seen.running = Some(Running { slot, started_at: self.wall });
        self.seen.last_began = Some(self.wall);
    }

    /// Until the next look.
    fn wait(&mut self, made: &Plan, length: Duration) {
        let until =
            |at: Timestamp| Duration::try_from(at.duration_since(self.wall)).unwrap_or_default();
        let mut next = until(made.wake_at);
        let ends = self.active.iter().map(|active| active.ends_in).chain(self.held_until);
        next = ends.map(|end| end.saturating_sub(self.passed)).fold(next, Duration::min);
        let rest = length.saturating_sub(self.passed) + Duration::from_millis(1);
        let tremble = Duration::from_millis(self.dice.below(40));
        if self.weather == Weather::Calm {
            return self.pass(next.min(rest) + tremble);
        }
        match self.dice.below(24) {
            0 => self.be_away(),
            1 => {
                let frozen = Duration::from_millis(self.dice.below(900_000));
                self.pass(frozen);
            }
            2 => {
                let early = u64::try_from(next.min(rest).as_millis()).expect("short").max(1);
                let early = Duration::from_millis(self.dice.below(early));
                self.pass(early);
            }
            3 => self.seen.waiting = None,
            4 if self.dice.once_in(3) => self.set_clock(),
            5 => self.be_held(),
            6 => self.suspend(),
            7 if self.active.is_none() && self.seen.held_by.is_none() => self.run_by_hand(),
            _ => self.pass(next.min(rest) + tremble),
        }
    }

    fn be_away(&mut self) {
        let most = if self.dice.once_in(4) { 36_000_000 } else { 1_200_000 };
        let away = Duration::from_millis(self.dice.below(most));
        self.pass(away);
        self.seen.waiting = None;
        self.seen.looking_since = if self.dice.once_in(3) { None } else { Some(self.wall) };
    }

    fn be_held(&mut self) {
        if self.active.is_none() {
            self.seen.held_by = Some(AgentName::of("other"));
            self.held_until = Some(self.passed + Duration::from_millis(self.dice.below(1_500_000)));
        }
    }

    fn suspend(&mut self) {
        let length = Duration::from_millis(self.dice.below(3_000_000));
        let until = self.wall.checked_add(length).ok().filter(|_| !self.dice.once_in(20));
        self.seen.suspended = (!self.dice.once_in(3)).then(|| Suspension {
            since: self.wall,
            until,
            why: "work".to_owned(),
        });
    }

    fn run_by_hand(&mut self) {
        let lasts = Duration::from_millis(self.dice.below(600_000) + 1);
        self.active = Some(Active {
            slot: None,
            number: 1,
            started_at: self.wall,
            deadline: self.wall,
            plan_only: false,
            ends_in: self.passed + lasts,
        });
        self.began(None);
    }

    fn set_clock(&mut self) {
        let reading = |wall, since_boot| Reading { wall, since_boot };
        let before = reading(self.wall, self.passed);
        let by = i64::try_from(self.dice.below(10_800_000)).expect("short") - 5_400_000;
        let expected = SignedDuration::from_millis(by);
        self.wall += expected;
        let jump = Jump::between(before, reading(self.wall, self.passed));
        let is_told = match jump {
            Jump::Steady => expected.unsigned_abs() <= ON_TIME,
            Jump::Forward(length) => by > 0 && length == expected.unsigned_abs(),
            Jump::Backward(length) => by < 0 && length == expected.unsigned_abs(),
        };
        self.law(is_told, "a jump is told", &(jump, by));
        if self.job.begins_epoch(jump) {
            self.law(by < 0, "an epoch begins backward", &by);
            self.close();
            self.counts.epochs += 1;
            let kept = self.seen.clone();
            self.seen = Seen {
                running: kept.running,
                last_began: kept.last_began.filter(|began| *began <= self.wall),
                suspended: kept.suspended,
                held_by: kept.held_by,
                looking_since: Some(self.wall),
                ..Seen::nothing(self.wall)
            };
            self.rows.clear();
            self.newest_look = self.wall;
        }
    }

    /// The end of an epoch: every slot up to the newest look has one row, but for one that waits.
    fn close(&mut self) {
        let delay = self.job.delay();
        let until = self.newest_look.checked_sub(delay).expect("within the calendar");
        let waiting = self.seen.waiting.as_ref().map(|waiting| waiting.slot);
        let begin = self.seen.in_effect_since;
        let due = self.slots.iter().copied().filter(|slot| begin < *slot && *slot <= until);
        let open: Vec<Timestamp> = due
            .clone()
            .filter(|slot| Some(*slot) != waiting && !self.rows.contains_key(slot))
            .collect();
        self.counts.slots += due.count();
        // A memory that was lost just before the end leaves the newest one open.
        let newest = self.job.newest_due(self.newest_look);
        let unsettled: Vec<&Timestamp> =
            open.iter().filter(|slot| Some(**slot) != newest).collect();
        let is_whole = unsettled.is_empty() && open.len() <= 1;
        let told = format!("{unsettled:?} of {open:?}");
        self.law(is_whole, "every slot ends in one way", &told);
    }
}
