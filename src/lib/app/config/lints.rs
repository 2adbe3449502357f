//! The second pass: problems that no single value shows.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use toml::de::DeTable;

use super::load::AgentSettings;
use super::notify::NotifySettings;
use super::platform::PlatformSettings;
use super::problem::Level;
use super::secret::Given;
use super::setting_path::SettingPath;
use super::timing;
use crate::app::registry::{Entry, ReadStanza};
use crate::domain::duration::HumanDuration;
use crate::domain::nearest::nearest;
use crate::domain::planner::Rules;
use crate::domain::policy::{Budgets, Policy};
use crate::domain::process::ManagerKind;
use crate::domain::schedule::ScheduleError;
use crate::domain::spec::Spec;
use crate::domain::timing::ScheduleSettings;
use crate::engine::own_checks;

/// A cross-field problem, by the setting to which it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lint {
    /// How bad.
    pub(super) level: Level,
    /// Which setting.
    pub(super) path: SettingPath,
    /// What is wrong, and what to write instead.
    pub(super) message: String,
}

pub(super) fn lint(level: Level, path: SettingPath, message: impl Into<String>) -> Lint {
    Lint { level, path, message: message.into() }
}

/// What is wrong with the platform's settings.
pub(super) fn platform(settings: &PlatformSettings) -> Vec<Lint> {
    let at = SettingPath::of(&["platform"]);
    let of_level = |level, found: Vec<(String, String)>| {
        let at = at.clone();
        found.into_iter().map(move |(path, message)| lint(level, at.join(&path), message))
    };
    let errors = of_level(Level::Error, settings.problems());
    errors.chain(of_level(Level::Warning, settings.warnings())).collect()
}

/// What is wrong with how people are told.
pub(super) fn notify(settings: &NotifySettings, entries: &[Entry]) -> Vec<Lint> {
    let at = SettingPath::of(&["notify"]);
    let specs: Vec<Spec> =
        entries.iter().map(|one| (one.spec)()).chain([own_checks::SPEC]).collect();
    let agents: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let checks = specs.iter().flat_map(|spec| spec.checks);
    let checks: Vec<&str> = checks.map(|check| check.id.as_str()).collect();
    let problems = settings.problems().into_iter().chain(settings.strangers(&agents, &checks));
    problems.map(|(path, message)| lint(Level::Error, at.join(&path), message)).collect()
}

/// What the environment does not complete.
pub(super) fn completed(settings: &NotifySettings, given: &[Given]) -> Vec<Lint> {
    let at = SettingPath::of(&["notify"]);
    let warnings = settings.warnings().into_iter().chain(settings.half_given(given));
    warnings.map(|(path, message)| lint(Level::Warning, at.join(&path), message)).collect()
}

/// One agent's settings, put together, and everything that is wrong with them.
pub(super) fn agent(
    spec: &Spec,
    schedule: ScheduleSettings,
    policy: Policy,
    read: ReadStanza,
    document: &DeTable<'_>,
    now: Option<Timestamp>,
) -> (Option<AgentSettings>, Vec<Lint>) {
    let stanza = SettingPath::of(&["agents", spec.name.as_str()]);
    let mut lints: Vec<Lint> = read
        .problems
        .iter()
        .map(|problem| lint(Level::Error, stanza.join(&problem.path), problem.message.clone()))
        .collect();
    lints.extend(of_policy(&stanza.key("policy"), spec, &policy));
    let at = stanza.key("schedule");
    let parsed = match timing::parse(spec, &schedule) {
        Ok(parsed) => parsed,
        Err(error) => {
            let field = if matches!(error, ScheduleError::Zone(_)) { "zone" } else { "cron" };
            lints.push(lint(Level::Error, at.key(field), error.to_string()));
            return (None, lints);
        }
    };
    let interval = parsed.period(Timestamp::UNIX_EPOCH);
    let rules = Rules::of(&schedule, &parsed);
    let timeout = rules.timeout;
    lints.extend(timing::schedule(&at, &schedule, &parsed, &rules, now));
    let times = of_times(&stanza, spec, &policy, interval, timeout);
    // The defaults fit each other; a warning is for a person who chose at least one of the two values.
    let chosen = ["policy.back_off", "policy.settle", "schedule.cron", "schedule.timeout"]
        .into_iter()
        .any(|setting| stanza.join(setting).is_written(document));
    lints.extend(times.into_iter().filter(|lint| chosen || lint.level == Level::Error));
    let settings = AgentSettings {
        schedule: parsed,
        interval,
        timeout,
        seconds: schedule.seconds,
        rules,
        policy,
        stanza: read.effective,
    };
    (Some(settings), lints)
}

fn of_policy(at: &SettingPath, spec: &Spec, policy: &Policy) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut error = |field: &str, message: String| {
        lints.push(lint(Level::Error, at.key(field), message));
    };
    let stop = "to stop acting, write autonomy = \"propose\"";
    if policy.attempts == 0 {
        error(
            "attempts",
            format!("0 attempts would call a person before anything is tried; {stop}"),
        );
    }
    if policy.approval_expiry.get().is_zero() {
        error("approval_expiry", format!("a request that lasts 0s cannot be granted; {stop}"));
    }
    if policy.restarts_per_run == 0 {
        error("restarts_per_run", format!("a budget of 0 refuses every action; {stop}"));
    }
    if policy.flap_episodes < 2 {
        error(
            "flap_episodes",
            format!(
                "{} would call the first incident flapping; write at least 2",
                policy.flap_episodes
            ),
        );
    }
    if policy.back_off_cap < policy.back_off {
        error(
            "back_off_cap",
            format!(
                "the cap of {} is shorter than back_off ({}); raise it or lower back_off",
                policy.back_off_cap, policy.back_off
            ),
        );
    }
    let known: Vec<&str> = spec.checks.iter().map(|check| check.id.as_str()).collect();
    for check in policy.disabled_checks.iter().filter(|check| !known.contains(&check.as_str())) {
        let hint = match nearest(check, known.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("its checks: {}", known.join(", ")),
        };
        error("disabled_checks", format!("{} has no check called `{check}`; {hint}", spec.name));
    }
    if !known.is_empty() && known.iter().all(|check| policy.disabled_checks.contains(*check)) {
        let message = format!("every check of {} is switched off", spec.name);
        lints.push(lint(Level::Warning, at.key("disabled_checks"), message));
    }
    lints
}

fn of_times(
    stanza: &SettingPath,
    spec: &Spec,
    policy: &Policy,
    interval: Duration,
    timeout: Duration,
) -> Vec<Lint> {
    let mut lints = Vec::new();
    let text = |duration: Duration| HumanDuration::from(duration).to_string();
    let at = stanza.key("schedule").key("timeout");
    if timeout.is_zero() {
        lints.push(lint(Level::Error, at.clone(), "a run without any time does nothing"));
    }
    if policy.back_off.get() < interval {
        let message = format!(
            "the cool-down of {} is shorter than the interval of {}, so that it holds nothing back; write at least {1}",
            policy.back_off,
            text(interval)
        );
        lints.push(lint(Level::Warning, stanza.key("policy").key("back_off"), message));
    }
    let slowest = spec.checks.iter().map(|check| check.settle).max().unwrap_or_default();
    let settle = policy.settle.map_or(slowest, HumanDuration::get);
    // A run keeps its last fifth for recording what it saw.
    let patience = timeout * 4 / 5;
    if settle >= patience && !timeout.is_zero() {
        let message = format!(
            "a subject settles for {} before it is looked at again, and a run of {} waits at most {}: every proof is \
             left to the next run; lower policy.settle or raise schedule.timeout",
            text(settle),
            text(timeout),
            text(patience)
        );
        let field = if policy.settle.is_some() { stanza.key("policy").key("settle") } else { at };
        lints.push(lint(Level::Warning, field, message));
    }
    lints
}

/// What is wrong with the budgets of the house.
pub(super) fn budgets(budgets: Budgets) -> Vec<Lint> {
    let at = SettingPath::of(&["budgets"]);
    let zero = [
        ("actions_per_run", budgets.actions_per_run),
        ("actions_per_hour", budgets.actions_per_hour),
    ];
    let mut lints: Vec<Lint> = zero
        .into_iter()
        .filter(|(_, budget)| *budget == 0)
        .map(|(field, _)| {
            let message = "a budget of 0 refuses every action; to stop acting, write autonomy = \"propose\" for the agent, or use `opsctl pause all`";
            lint(Level::Error, at.key(field), message)
        })
        .collect();
    if lints.is_empty() && budgets.actions_per_hour < budgets.actions_per_run {
        let message = format!(
            "{} in an hour is less than the {} of a single run, which therefore can never be used",
            budgets.actions_per_hour, budgets.actions_per_run
        );
        lints.push(lint(Level::Warning, at.key("actions_per_hour"), message));
    }
    lints
}

/// Settings of a process manager that no service names.
pub(super) fn managers(document: &DeTable<'_>, used: &BTreeSet<ManagerKind>) -> Vec<Lint> {
    let is_set = |kind: ManagerKind| {
        let table = document.get("managers")?.get_ref().get(kind.as_str())?.get_ref().as_table()?;
        (!table.is_empty()).then_some(kind)
    };
    ManagerKind::ALL
        .into_iter()
        .filter_map(is_set)
        .filter(|kind| !used.contains(kind))
        .map(|kind| {
            let path = SettingPath::of(&["managers", kind.as_str()]);
            let message = format!("no agent uses {}, so that this changes nothing", kind.as_str());
            lint(Level::Warning, path, message)
        })
        .collect()
}
