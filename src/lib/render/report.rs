//! A run's report and its plan, for people: at 80 columns, worst first, every reason in words, everything once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::page::{Page, tone};
use super::style::{Style, Tone};
use crate::domain::incident::IncidentId;
use crate::domain::plan::{Action, Deferral};
use crate::domain::report::{Attempt, Change, ExitClass, OpenIncident, Report};
use crate::domain::run::Ruling;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// So many findings that one cause explains are named.
const NAMED: usize = 4;

/// The report of a run that may act.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    if let Some(why) = &report.off {
        return off(page, report, why, style);
    }
    let name = style.paint(Tone::Strong, report.agent.as_str());
    page.line(&format!("{name}  {}", ended(report, style)));
    page.paragraph(&counts(report));
    for trouble in &report.troubles {
        page.item(Tone::Bad, "trouble", trouble);
    }
    let mut told = BTreeSet::new();
    for (id, change) in &report.changes {
        page.item(change_tone(change), &id.to_string(), &change.sentence());
        if matches!(change, Change::Opened { .. }) {
            told.extend(reason_of(&mut page, report, *id));
        }
    }
    for attempt in &report.attempts {
        self::attempt(&mut page, attempt);
    }
    for refused in &report.not_applied {
        page.item(Tone::Bad, "refused", &refused.operation);
        page.note("why", &refused.why);
    }
    let told_already = |key: &Key| report.not_applied.iter().any(|refused| refused.key == *key);
    for not_sent in report.not_sent.iter().filter(|one| !told_already(&one.key)) {
        page.item(Tone::Warn, "not sent", &not_sent.operation);
        page.note("for", &whose(not_sent.incident, &not_sent.key));
        page.note("why", &not_sent.why);
    }
    let opened = opened(report);
    let earlier: Vec<_> = report.open.iter().filter(|open| !opened.contains(&open.id)).collect();
    let waiting: BTreeSet<&Key> = earlier.iter().map(|open| &open.key).chain(told).collect();
    deferrals(&mut page, &report.plan.deferrals, &waiting);
    unknown(&mut page, report);
    still_open(&mut page, report, &earlier);
    page.line(&style.paint(Tone::Dim, &format!("run {}", report.run)));
    page.into_text()
}

fn off(mut page: Page, report: &Report, why: &str, style: Style) -> String {
    let name = style.paint(Tone::Strong, report.agent.as_str());
    page.line(&format!("{name}  off"));
    page.paragraph(why);
    page.into_text()
}

/// A dry run: the plan that would run.
#[must_use]
pub fn plan(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    if let Some(why) = &report.off {
        return off(page, report, why, style);
    }
    let name = style.paint(Tone::Strong, report.agent.as_str());
    page.line(&format!("{name}  dry run: nothing was changed and nothing was sent"));
    page.paragraph(&counts(report));
    for trouble in &report.troubles {
        page.item(Tone::Bad, "trouble", trouble);
    }
    for (id, change) in &report.changes {
        page.item(change_tone(change), &id.to_string(), &would(change));
    }
    for planned in &report.plan.actions {
        action(&mut page, planned);
    }
    deferrals(&mut page, &report.plan.deferrals, &BTreeSet::new());
    unknown(&mut page, report);
    let quiet =
        report.changes.is_empty() && report.unknown.is_empty() && report.troubles.is_empty();
    if quiet && report.plan.actions.is_empty() && report.plan.deferrals.is_empty() {
        page.line("Nothing is wrong with what was seen, so nothing would be done.");
    }
    page.into_text()
}

fn ended(report: &Report, style: Style) -> String {
    let repaired = report.attempts.iter().any(|attempt| attempt.state == "verified");
    match report.exit {
        ExitClass::Clean if known(report) > 0 => {
            let told = match known(report) {
                1 => "nothing new is wrong; one finding waits for a person".to_owned(),
                many => format!("nothing new is wrong; {many} findings wait for a person"),
            };
            style.paint(Tone::Warn, &told)
        }
        ExitClass::Clean if repaired && report.partial.is_empty() => {
            style.paint(Tone::Good, "all that this agent looks at is well again")
        }
        ExitClass::Clean if !report.partial.is_empty() => {
            style.paint(Tone::Warn, "nothing wrong was seen, and not everything was looked at")
        }
        ExitClass::Clean => style.paint(Tone::Good, "all that this agent looks at is well"),
        ExitClass::Findings => style.paint(Tone::Bad, "something is not well"),
        ExitClass::Incomplete => style.paint(Tone::Warn, "not everything could be seen or done"),
    }
}

/// How many findings are no news and no less true.
fn known(report: &Report) -> usize {
    report.open.iter().filter(|incident| incident.severity >= Severity::Warning).count()
}

/// What was counted; what is nothing is left out.
fn counts(report: &Report) -> String {
    let not_sent = u64::try_from(report.not_sent.len()).unwrap_or(u64::MAX);
    let of = |name: &str| match name {
        "not sent" => not_sent,
        counted => report.counts.get(counted).copied().unwrap_or_default(),
    };
    let mut text = format!("looked at {}, found {}", of("population"), of("detected"));
    for (name, said) in [
        ("acted", "acted on"),
        ("verified", "proved"),
        ("failed", "failed"),
        ("deferred", "left alone"),
        ("unknown", "unknown"),
        ("not sent", "not sent"),
    ] {
        if of(name) > 0 {
            let _ = write!(text, ", {said} {}", of(name));
        }
    }
    text
}

/// Incidents that this run opened.
fn opened(report: &Report) -> BTreeSet<IncidentId> {
    let opened = |(id, change): &(IncidentId, Change)| {
        matches!(change, Change::Opened { .. }).then_some(*id)
    };
    report.changes.iter().filter_map(opened).collect()
}

/// Says under an incident why nothing was done about it, and returns the finding of which that was said.
fn reason_of<'a>(page: &mut Page, report: &'a Report, id: IncidentId) -> Option<&'a Key> {
    let open = report.open.iter().find(|open| open.id == id)?;
    let left = report.plan.deferrals.iter().find(|deferral| deferral.key == open.key)?;
    page.note("left", &left.ruling.reason());
    Some(&left.key)
}

/// What an act is for: an incident, or a chore that is due.
fn whose(incident: Option<IncidentId>, key: &Key) -> String {
    incident.map_or_else(|| format!("chore {}", key.check), |id| id.to_string())
}

/// What a real run would do to an incident, in words.
fn would(change: &Change) -> String {
    let sentence = change.sentence();
    match change {
        Change::Opened { .. } | Change::Resolved { .. } => format!("would be {sentence}"),
        Change::Severity { .. } => format!("would change: {sentence}"),
        Change::Facts { message } => format!("would change: {message}"),
        Change::Escalated { reason } => format!("would need a person: {reason}"),
    }
}

fn change_tone(change: &Change) -> Tone {
    match change {
        Change::Opened { severity, .. } => tone(*severity),
        Change::Severity { to, .. } => tone(*to),
        Change::Facts { .. } => Tone::Warn,
        Change::Escalated { .. } => Tone::Bad,
        Change::Resolved { .. } => Tone::Good,
    }
}

fn attempt(page: &mut Page, attempt: &Attempt) {
    let tone = match attempt.state.as_str() {
        "verified" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Warn,
    };
    let begun = if attempt.from_earlier_run { " (begun by an earlier run)" } else { "" };
    let head = format!("{}: {}{begun}", attempt.operation, attempt.state);
    page.item(tone, &attempt.remediation.to_string(), &head);
    page.note("before", &attempt.before);
    if let Some(after) = &attempt.after {
        page.note("after", after);
    }
    page.note("proof", &attempt.observed);
}

fn action(page: &mut Page, action: &Action) {
    let head = format!("{} (attempt {})", action.operation, action.attempt);
    page.item(Tone::Strong, "would", &head);
    page.note("for", &format!("{}: {}", whose(action.incident, &action.key), action.message));
    page.note("because", &action.why);
    page.doors(&action.doors);
}

/// What was left alone, worst first, beside what is `told` elsewhere; then, one line each, the causes that explain
/// findings.
fn deferrals(page: &mut Page, deferrals: &[Deferral], told: &BTreeSet<&Key>) {
    let mut explained: BTreeMap<&Key, Vec<&Deferral>> = BTreeMap::new();
    let mut alone: Vec<&Deferral> = Vec::new();
    for deferral in deferrals {
        match &deferral.ruling {
            Ruling::Folded { into } => explained.entry(into).or_default().push(deferral),
            _ if told.contains(&deferral.key) => {}
            _ => alone.push(deferral),
        }
    }
    alone.sort_by_key(|deferral| std::cmp::Reverse(deferral.severity));
    for deferral in alone {
        page.item(tone(deferral.severity), "left alone", &deferral.message);
        page.note("why", &deferral.ruling.reason());
    }
    for (cause, findings) in explained {
        let worst = findings.iter().map(|found| found.severity).max().unwrap_or(Severity::Info);
        page.item(tone(worst), "explained", &explanation(cause, &findings));
    }
}

fn explanation(cause: &Key, findings: &[&Deferral]) -> String {
    let mut names: Vec<String> = findings
        .iter()
        .take(NAMED)
        .map(|found| format!("{} of {}", found.key.check, found.key.subject.short()))
        .collect();
    if findings.len() > NAMED {
        names.push(format!("and {} more", findings.len() - NAMED));
    }
    let how_many = match findings.len() {
        1 => "1 finding follows".to_owned(),
        many => format!("{many} findings follow"),
    };
    format!("{how_many} from {} of {}: {}", cause.check, cause.subject.short(), names.join(", "))
}

fn unknown(page: &mut Page, report: &Report) {
    for (check, why) in &report.unknown {
        page.item(Tone::Warn, "unknown", &format!("{check}: {why}"));
    }
    for (check, why) in &report.partial {
        page.item(Tone::Warn, "not whole", &format!("{check}: {why}"));
    }
}

/// Incidents of earlier runs, each with the reason why nothing was done about it now.
fn still_open(page: &mut Page, report: &Report, earlier: &[&OpenIncident]) {
    if earlier.is_empty() {
        return;
    }
    page.heading("Still open from earlier runs");
    for open in earlier {
        let text = format!("{} ({}): {}", open.status, open.severity.as_str(), open.message);
        page.item(tone(open.severity), &open.id.to_string(), &text);
        let of_it = report.plan.deferrals.iter().find(|deferral| deferral.key == open.key);
        if let Some(deferral) = of_it {
            page.note("left", &deferral.ruling.reason());
        }
    }
}
