//! What no single value of a schedule shows: whether its slots, its delays and its patience fit each other.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::lints::{Lint, lint};
use super::problem::Level;
use super::setting_path::SettingPath;
use crate::domain::duration::HumanDuration;
use crate::domain::planner::Rules;
use crate::domain::schedule::{Fields, Remark, Schedule, ScheduleError};
use crate::domain::spec::Spec;
use crate::domain::timing::{CatchUp, Overlap, ScheduleSettings};

/// So far ahead changes of the local clock are looked for.
const A_YEAR: SignedDuration = SignedDuration::from_hours(24 * 366);

/// The schedule that `settings` ask for, the agent's own where they ask for none.
pub(super) fn parse(spec: &Spec, settings: &ScheduleSettings) -> Result<Schedule, ScheduleError> {
    let cron = if settings.cron.is_empty() { spec.cron } else { &settings.cron };
    let zone = if settings.zone.is_empty() { "UTC" } else { &settings.zone };
    let fields = if settings.seconds { Fields::FiveOrSix } else { Fields::Five };
    Schedule::with(fields, cron, zone, Timestamp::UNIX_EPOCH)
}

/// What is wrong with a schedule that can be read. Where the time is not known, changes of the local clock are left out.
pub(super) fn schedule(
    at: &SettingPath,
    settings: &ScheduleSettings,
    parsed: &Schedule,
    rules: &Rules,
    now: Option<Timestamp>,
) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut add = |level, field: &str, message: String| {
        lints.push(lint(level, at.key(field), message));
    };
    if let Some(remark) = parsed.remark_on_days() {
        add(Level::Warning, "cron", remark.to_string());
    }
    let year = now.and_then(|from| Some((from, from.checked_add(A_YEAR).ok()?)));
    let on_clock = year.map(|(from, until)| parsed.remarks_on_clock(from, until));
    for remark in on_clock.iter().flatten().map(Remark::to_string) {
        add(Level::Warning, "cron", remark);
    }
    if settings.seconds && parsed.expression().split_whitespace().count() == 5 {
        let message = "the expression has five fields, so that this changes nothing";
        add(Level::Warning, "seconds", message.to_owned());
    }
    let shortest = parsed.shortest_gap(Timestamp::UNIX_EPOCH);
    let text = |duration: Duration| HumanDuration::from(duration).to_string();
    if rules.timeout >= shortest && rules.overlap == Overlap::Skip {
        let message = format!(
            "a run may take {}, and the next slot follows after {}: slots that come meanwhile are skipped; write less, or \
             overlap = \"queue\"",
            text(rules.timeout),
            text(shortest)
        );
        add(Level::Warning, "timeout", message);
    }
    if rules.offset >= shortest {
        let message = format!(
            "an agent that starts {} after its slot would start after the next one, which follows after {}; write less",
            text(rules.offset),
            text(shortest)
        );
        add(Level::Error, "offset", message);
    }
    let room = (shortest / 2).min(rules.catch_up_within);
    if rules.jitter > room {
        let message = format!(
            "at most {} of it is used: half of the shortest interval, and no more than catch_up_within",
            text(room)
        );
        add(Level::Warning, "jitter", message);
    }
    if rules.catch_up == CatchUp::Latest && rules.catch_up_within.is_zero() {
        let message =
            "a slot that must not be late is never caught up with; write catch_up = \"none\"";
        add(Level::Error, "catch_up_within", message.to_owned());
    }
    let retries = &rules.retries;
    if retries.max > 0 && retries.back_off.get() >= rules.timeout {
        let message = format!(
            "a wait of up to {} leaves no time before the deadline, {} after the start; write less",
            retries.back_off,
            text(rules.timeout)
        );
        lints.push(lint(Level::Warning, at.key("retries").key("back_off"), message));
    }
    if retries.max > 0 && retries.on.is_empty() {
        let message =
            "no end is named, so that nothing is tried again; name some, or write max = 0";
        lints.push(lint(Level::Warning, at.key("retries").key("on"), message.to_owned()));
    }
    if let Some(name) = rules.mutex.iter().find(|name| name.trim().is_empty()) {
        lints.push(lint(Level::Error, at.key("mutex"), format!("`{name}` is no name")));
    }
    lints
}
