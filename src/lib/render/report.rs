//! A run's report and its plan, for people: at 80 columns, worst first, every reason in words.

use super::page::{Page, tone};
use super::style::{Style, Tone};
use crate::domain::plan::{Action, Deferral};
use crate::domain::report::{Attempt, ExitClass, Report};

/// The report of a run that may act.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&format!(
        "{}  {}",
        style.paint(Tone::Strong, report.agent.as_str()),
        ended(report, style)
    ));
    page.line(&style.paint(Tone::Dim, &format!("run {}  {}", report.run, counts(report))));
    for trouble in &report.troubles {
        page.item(Tone::Bad, "trouble", trouble);
    }
    for (id, change) in &report.changes {
        page.item(Tone::Strong, &id.to_string(), &change.sentence());
    }
    for attempt in &report.attempts {
        self::attempt(&mut page, attempt);
    }
    deferrals(&mut page, &report.plan.deferrals);
    for (check, why) in &report.unknown {
        page.item(Tone::Warn, "unknown", &format!("{check}: {why}"));
    }
    if !report.open.is_empty() {
        page.heading("Open");
        for open in &report.open {
            let text = format!("{} ({}): {}", open.status, open.severity.as_str(), open.message);
            page.item(tone(open.severity), &open.id.to_string(), &text);
        }
    }
    page.into_text()
}

/// A dry run: the plan that would run.
#[must_use]
pub fn plan(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    let name = style.paint(Tone::Strong, report.agent.as_str());
    page.line(&format!("{name}  dry run: nothing was changed and nothing was sent"));
    for trouble in &report.troubles {
        page.item(Tone::Bad, "trouble", trouble);
    }
    for (id, change) in &report.changes {
        page.item(Tone::Strong, &id.to_string(), &format!("would be {}", change.sentence()));
    }
    for planned in &report.plan.actions {
        action(&mut page, planned);
    }
    deferrals(&mut page, &report.plan.deferrals);
    for (check, why) in &report.unknown {
        page.item(Tone::Warn, "unknown", &format!("{check}: {why}"));
    }
    if report.plan.actions.is_empty() && report.plan.deferrals.is_empty() {
        page.line("Nothing is wrong with what was seen, so nothing would be done.");
    }
    page.into_text()
}

fn ended(report: &Report, style: Style) -> String {
    let acted = !report.attempts.is_empty();
    match report.exit {
        ExitClass::Clean if acted => style.paint(Tone::Good, "all is well again"),
        ExitClass::Clean => style.paint(Tone::Good, "all is well"),
        ExitClass::Findings => style.paint(Tone::Bad, "something is not well"),
        ExitClass::Incomplete => style.paint(Tone::Warn, "not everything could be seen or done"),
    }
}

fn counts(report: &Report) -> String {
    let of = |name: &str| report.counts.get(name).copied().unwrap_or_default();
    format!(
        "looked at {}, found {}, acted on {}, proved {}, left alone {}, unknown {}",
        of("population"),
        of("detected"),
        of("acted"),
        of("verified"),
        of("deferred"),
        of("unknown")
    )
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
    page.note("for", &format!("{}: {}", action.incident, action.message));
    page.note("because", &action.why);
    page.doors(&action.doors);
}

fn deferrals(page: &mut Page, deferrals: &[Deferral]) {
    let mut sorted: Vec<&Deferral> = deferrals.iter().collect();
    sorted.sort_by_key(|deferral| std::cmp::Reverse(deferral.severity));
    for deferral in sorted {
        page.item(tone(deferral.severity), "left alone", &deferral.message);
        page.note("why", &deferral.ruling.reason());
    }
}
