//! The laws of verdicts over random histories: no slot twice, none forgotten, none early, each for its reason.

use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use opswarden::domain::duration::HumanDuration;
use opswarden::domain::planner::{Job, Rules};
use opswarden::domain::subject::AgentName;
use opswarden::domain::timing::{CatchUp, Overlap, Retries, RetryOn, ScheduleSettings};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::expression::{Expression, daily};
use crate::history::{Counts, History, Weather};
use crate::slots::middle;
use crate::{oracle, report, size};

fn seconds(most: u64) -> impl Strategy<Value = HumanDuration> {
    (0..most).prop_map(HumanDuration::secs)
}

fn settings() -> impl Strategy<Value = ScheduleSettings> {
    let overlap = prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Replace)];
    let catch_up = prop_oneof![3 => Just(CatchUp::Latest), 1 => Just(CatchUp::None)];
    let ends = [RetryOn::Busy, RetryOn::Incomplete, RetryOn::Lost, RetryOn::Interrupted];
    let retries = (0_u32..4, seconds(200), proptest::sample::subsequence(ends.to_vec(), 0..=4))
        .prop_map(|(max, back_off, on)| Retries { max, back_off, on: on.into_iter().collect() });
    let within = proptest::option::of(seconds(10_000));
    let gap = proptest::option::of(seconds(20_000));
    let timeout = proptest::option::of((1..3_000_u64).prop_map(HumanDuration::secs));
    (overlap, catch_up, retries, within, gap, timeout, seconds(600), seconds(600)).prop_map(
        |(
            overlap,
            catch_up,
            retries,
            catch_up_within,
            plan_only_after,
            timeout,
            jitter,
            offset,
        )| {
            ScheduleSettings {
                overlap,
                catch_up,
                retries,
                catch_up_within,
                plan_only_after,
                timeout,
                jitter,
                offset,
                ..ScheduleSettings::default()
            }
        },
    )
}

/// A case of a history: who, how, around which moment, and by which seed.
fn cases() -> impl Strategy<Value = (Expression, ScheduleSettings, u32, i64, u64)> {
    (daily(), settings(), any::<u32>(), -30_000_000_i64..30_000_000, any::<u64>())
}

fn live(
    (expression, settings, choice, spread, seed): (Expression, ScheduleSettings, u32, i64, u64),
    weather: Weather,
    total: &Mutex<Counts>,
) -> Result<(), TestCaseError> {
    let Some(schedule) = expression.schedule() else {
        return Err(TestCaseError::reject("never fires"));
    };
    let rules = Rules::of(&settings, &schedule);
    let job = Job::new(AgentName::of("agent"), "host", schedule, rules);
    let hours = SignedDuration::from_hours;
    let middle = middle(expression.zone, choice, spread);
    let start = middle - hours(12);
    let slots = oracle::slots(&expression, start - hours(30), middle + hours(48));
    let mut history = History::new(&job, &slots, weather, seed, start);
    history.live(Duration::from_hours(24));
    prop_assert_eq!(&history.broken, &Vec::<String>::new(), "{} {:?}", expression.text(), settings);
    let counts = history.counts;
    if weather == Weather::Calm {
        let off = (counts.missed, counts.skipped, counts.late, counts.plan_only);
        prop_assert_eq!(off, (0, 0, 0, 0), "in time, {} {:?}", expression.text(), settings);
        prop_assert_eq!(counts.run, counts.slots, "{} {:?}", expression.text(), settings);
    }
    let mut total = total.lock().expect("one thread");
    total.slots += counts.slots;
    total.run += counts.run;
    total.skipped += counts.skipped;
    total.missed += counts.missed;
    total.again += counts.again;
    total.late += counts.late;
    total.plan_only += counts.plan_only;
    total.replaced += counts.replaced;
    total.epochs += counts.epochs;
    total.looks += counts.looks;
    Ok(())
}

fn prove(
    weather: Weather,
    cases: impl Strategy<Value = (Expression, ScheduleSettings, u32, i64, u64)>,
    many: u32,
) -> Counts {
    let total = Mutex::new(Counts::default());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(many) };
    let ended = TestRunner::new(config).run(&cases, |case| live(case, weather, &total));
    ended.unwrap_or_else(|failure| panic!("{failure}"));
    let total = total.into_inner().expect("one thread");
    report(&format!("{many} histories ({weather:?}): {total:?}"));
    total
}

#[test]
fn every_slot_of_a_rough_history_is_run_skipped_or_missed_once_and_for_its_reason() {
    let many = size(150);
    let total = prove(Weather::Rough, cases(), many);
    // The laws say something only where everything happens.
    let happened = [
        total.skipped,
        total.missed,
        total.again,
        total.late,
        total.plan_only,
        total.replaced,
        total.epochs,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{total:?}");
}

#[test]
fn whoever_looks_in_time_misses_nothing_and_runs_nothing_twice() {
    // Runs that end before the next slot, and nobody in the way.
    let calm = cases().prop_map(|(expression, settings, choice, spread, seed)| {
        let settings = ScheduleSettings { retries: Retries::default(), timeout: None, ..settings };
        (expression, settings, choice, spread, seed)
    });
    prove(Weather::Calm, calm, size(150));
}
