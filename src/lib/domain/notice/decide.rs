//! Whether a route is to hear of an incident now, and why.
//!
//! Pure, and a function of what is true: what was told is compared with what is, so that it does not matter which process
//! asks, or how often.

use std::time::Duration;

use jiff::Timestamp;

use super::heard::Heard;
use super::notification::{Kind, ToldFacts};
use super::route::Route;
use super::rules::{HOUR_BETWEEN, Rules, STAYS, repeat_after};
use crate::domain::incident::{Control, Incident, Resolution};
use crate::domain::moment;
use crate::domain::severity::{Priority, Severity};
use crate::domain::subject::{AgentName, Key};

/// The check that says that a channel is dead: not told on that very channel.
pub const CHANNEL_DEAD: &str = "channel_dead";
/// What is tried anew on a channel that gave something up.
const AFTER_GIVING_UP: Duration = HOUR_BETWEEN;

/// Everything that a decision about one incident and one route rests on.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The incident as it is.
    pub incident: &'a Incident,
    /// The route.
    pub route: &'a Route,
    /// What the route was told of it.
    pub heard: &'a Heard,
    /// What it was told of the episode that this one is a relapse of.
    pub heard_before: Option<&'a Heard>,
    /// A person's word that nobody wants to hear of it, where it covers the incident as it is: see [`silences`].
    pub silence: Option<&'a Control>,
    /// The finding that explains it, where one does.
    pub explained_by: Option<&'a Key>,
    /// The settings.
    pub rules: &'a Rules,
    /// Now.
    pub now: Timestamp,
}

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The route is to hear of it.
    Tell {
        /// As what.
        kind: Kind,
        /// From when on.
        not_before: Timestamp,
        /// Whether as a line of the next digest only.
        for_digest: bool,
        /// Why.
        why: String,
    },
    /// It is not.
    Nothing {
        /// Why not.
        why: String,
        /// When that may change by itself.
        until: Option<Timestamp>,
        /// Whether the route knows nothing of it, and is kept from it for a time: nor does it hear of the status that follows.
        held_back: bool,
    },
}

impl Decision {
    fn no(why: impl Into<String>) -> Self {
        Self::Nothing { why: why.into(), until: None, held_back: false }
    }

    pub(super) fn not_yet(why: impl Into<String>, until: Timestamp) -> Self {
        Self::Nothing { why: why.into(), until: Some(until), held_back: false }
    }

    /// The same, where the route is kept from it.
    fn held_from(self, heard: &Heard) -> Self {
        match self {
            Self::Nothing { why, until, .. } => {
                Self::Nothing { why, until, held_back: !heard.waits_for_the_end() }
            }
            told @ Self::Tell { .. } => told,
        }
    }
}

/// What is true of an incident, as it is compared with what was told.
#[must_use]
pub fn facts_of(incident: &Incident) -> ToldFacts {
    ToldFacts {
        severity: incident.severity,
        message: incident.message.clone(),
        facts: incident.facts.clone(),
        escalated: incident.escalated.is_some(),
    }
}

/// Decides.
#[must_use]
pub fn decide(case: &Case<'_>) -> Decision {
    if let Some(end) = &case.incident.resolved {
        return over(case, end.resolution);
    }
    if let Some(why) = kept_from(case) {
        return Decision::no(why);
    }
    if let Some(key) = case.explained_by {
        return Decision::no(format!("{key} explains it, and is told instead"));
    }
    if let Some(held) = put_off(case) {
        return held;
    }
    if let Some(rests) = rests(case, case.heard.given_up) {
        return rests;
    }
    match (&case.heard.alert, case.heard.over) {
        (Some(last), None) => again(case, last.at, &last.told),
        _ => first(case),
    }
}

/// A channel that gave something up is left alone for a while.
fn rests(case: &Case<'_>, given_up: Option<Timestamp>) -> Option<Decision> {
    let until = given_up?.checked_add(AFTER_GIVING_UP).unwrap_or(Timestamp::MAX);
    let why = "the channel took nothing lately; it is tried anew";
    (case.now < until).then(|| Decision::not_yet(why, until))
}

fn over(case: &Case<'_>, resolution: Resolution) -> Decision {
    if !case.heard.waits_for_the_end() {
        return Decision::no("it ended, and this route was not told that it had begun");
    }
    if let Some(rests) = rests(case, case.heard.end_given_up) {
        return rests;
    }
    let why = match resolution {
        Resolution::SubjectGone | Resolution::CheckDisabled => "what was told is no longer asked",
        Resolution::AutoFixed
        | Resolution::Recovered
        | Resolution::Manual
        | Resolution::FalseAlarm => "what was told is over",
    };
    let (kind, why) = (Kind::Recovered, why.to_owned());
    Decision::Tell { kind, not_before: case.now, for_digest: false, why }
}

/// Why the route is not told of such incidents, if so. Of what was told once, the end is told still, though it be less bad by now.
fn kept_from(case: &Case<'_>) -> Option<String> {
    let Case { incident, route, .. } = case;
    let own = incident.key.check.as_str() == CHANNEL_DEAD;
    if own && incident.key.subject.id() == route.channel {
        return Some("it is about the channel that the route leads to".to_owned());
    }
    if own {
        // Whoever else can be told is told: the channel's own readers cannot be.
        return None;
    }
    route.passes_over(incident, case.rules.environment)
}

/// Why it is not told now, though it may be later: a person's word, planned work, quiet hours, time to answer.
fn put_off(case: &Case<'_>) -> Option<Decision> {
    let Case { incident, route, rules, now, .. } = case;
    if let Some(silence) = case.silence {
        let why = format!("silenced by {}: {}", silence.set_by, silence.reason);
        let until = silence.expires_at;
        let said = Decision::Nothing { why, until, held_back: false };
        return Some(said.held_from(case.heard));
    }
    let of_agent = |agent: &AgentName| {
        let windows = rules.maintenance.iter().filter(|window| window.is_about(agent));
        windows.filter_map(|window| window.until(*now, &rules.zone)).max()
    };
    if let Some(end) = of_agent(&incident.key.agent) {
        let work = Decision::not_yet("planned work goes on", end);
        return Some(work.held_from(case.heard));
    }
    let quiet = quiet_until(route, rules, *now);
    if let Some(end) = quiet.filter(|_| incident.severity != Severity::Critical) {
        let quiet = Decision::not_yet(QUIET, end);
        return Some(quiet.held_from(case.heard));
    }
    if route.unacknowledged {
        return unanswered(case);
    }
    None
}

/// Why nobody is told in quiet hours.
pub(super) const QUIET: &str = "the route has quiet hours, and it is not critical";

/// Until when the route's quiet hours last, if they do.
pub(super) fn quiet_until(route: &Route, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    route.quiet.iter().filter_map(|window| window.until(now, &rules.zone)).max()
}

fn unanswered(case: &Case<'_>) -> Option<Decision> {
    let Case { incident, route, rules, now, .. } = case;
    if let Some(taken) = incident.acknowledged() {
        return Some(Decision::no(format!("{} acknowledged it", taken.by)));
    }
    let allowed = rules.clocks.patience(case.priority(), route.step);
    let due = incident.opened_at.checked_add(allowed).unwrap_or(Timestamp::MAX);
    (*now < due).then(|| Decision::not_yet("there is still time to acknowledge it", due))
}

/// Whether a silence covers the incident as it is: one that lasts until it is worse remembers how bad it was.
#[must_use]
pub fn silences(silence: &Control, incident: &Incident, now: Timestamp) -> bool {
    let worse = silence
        .facts
        .get("worse_than")
        .is_some_and(|was| incident.severity.as_str() != was && is_worse(was, incident.severity));
    silence.applies(now) && !worse
}

fn is_worse(was: &str, now: Severity) -> bool {
    [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.as_str() == was)
        .is_none_or(|was| now > was)
}

impl Case<'_> {
    const fn priority(&self) -> Priority {
        Priority::of(self.incident.severity, self.rules.environment)
    }

    fn tell(&self, kind: Kind, why: String) -> Decision {
        let (not_before, for_digest) = match self.priority() {
            Priority::P0 | Priority::P1 => (self.now, false),
            Priority::P2 => (Rules::batch_end(self.now), false),
            Priority::P3 if !self.route.digest => {
                return Decision::no("it is of low urgency, and the route has no digest");
            }
            Priority::P3 => (self.now, true),
        };
        Decision::Tell { kind, not_before, for_digest, why }
    }
}

fn first(case: &Case<'_>) -> Decision {
    if let Some(held) = same_trouble(case) {
        return held.held_from(case.heard);
    }
    let (kind, why) = if case.route.unacknowledged {
        (Kind::Unacknowledged, "nobody acknowledged it in time")
    } else {
        (Kind::Opened, "it is open, and this route has not heard of it")
    };
    case.tell(kind, why.to_owned())
}

/// A relapse is the same trouble again: within the hour it is not told anew, and what comes and goes is told when it stays, or
/// when whoever was told of something that stays would be reminded. Unless it is worse.
fn same_trouble(case: &Case<'_>) -> Option<Decision> {
    let Case { incident, now, .. } = case;
    let before = case.heard_before?;
    let last = before.alert.as_ref().filter(|last| incident.severity <= last.told.severity)?;
    if incident.escalated.is_some() && !last.told.escalated {
        // It has come back, and now nobody repairs it.
        return None;
    }
    let after = |at: Timestamp, gap: Duration| at.checked_add(gap).unwrap_or(Timestamp::MAX);
    let told = moment::full(last.at);
    let hour = after(last.at, HOUR_BETWEEN);
    if *now < hour {
        return Some(Decision::not_yet(format!("the same was told at {told}"), hour));
    }
    let stays = after(incident.opened_at, STAYS);
    let reminded = repeat_after(incident.severity, before.alerts).map(|gap| after(last.at, gap));
    let due = reminded.map_or(stays, |reminded| stays.min(reminded));
    let why = || format!("it comes and goes, and was told at {told}; it is told again if it stays");
    (*now < due).then(|| Decision::not_yet(why(), due))
}

fn again(case: &Case<'_>, last: Timestamp, told: &ToldFacts) -> Decision {
    let Case { incident, heard, now, .. } = case;
    let is = facts_of(incident);
    if is.severity > told.severity {
        let why = format!("it was {} when it was told", told.severity.as_str());
        return case.tell(Kind::Worse, why);
    }
    // Whoever took it up may have counted on us to go on; that nothing more is tried they have to hear.
    let left_to_people = is.escalated && !told.escalated;
    if let Some(taken) = incident.acknowledged().filter(|_| !left_to_people) {
        return Decision::no(format!("{} acknowledged it", taken.by));
    }
    let news =
        is.facts != told.facts || is.severity != told.severity || is.escalated != told.escalated;
    let hour = last.checked_add(HOUR_BETWEEN).unwrap_or(Timestamp::MAX);
    if news {
        return if *now < hour {
            Decision::not_yet("there are new facts, which wait for the hour to end", hour)
        } else {
            case.tell(Kind::News, "it is not what was told any more".to_owned())
        };
    }
    let Some(gap) = repeat_after(incident.severity, heard.alerts) else {
        return Decision::no("it was told, and nobody is reminded of what is for information");
    };
    let due = last.checked_add(gap).unwrap_or(Timestamp::MAX);
    if *now < due {
        return Decision::not_yet("it was told", due);
    }
    case.tell(Kind::Reminder, format!("it was last told at {}", moment::full(last)))
}
