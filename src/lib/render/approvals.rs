//! Requests for people: what, why, what it would cost, and until when.

use jiff::Timestamp;

use super::page::Page;
use super::style::{Style, Tone};
use super::time::relative;
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::moment::full;

/// Every request, those that wait first.
#[must_use]
pub fn list(approvals: &[Approval], now: Timestamp, style: Style) -> String {
    let mut page = Page::new(style);
    if approvals.is_empty() {
        page.line("Nobody is asked for anything.");
    }
    for found in approvals {
        request(&mut page, found, now);
    }
    if approvals.iter().any(|found| found.answered(now).is_none()) {
        page.paragraph(
            "`opsctl approve ID --reason …` has it done by the agent's next run, once and only if nothing has changed; \
             `opsctl deny ID --reason …` does not.",
        );
    }
    page.into_text()
}

fn request(page: &mut Page, found: &Approval, now: Timestamp) {
    let tone = match found.state {
        ApprovalState::Pending => Tone::Warn,
        ApprovalState::Granted | ApprovalState::Used => Tone::Good,
        ApprovalState::Denied => Tone::Bad,
        ApprovalState::Expired | ApprovalState::Withdrawn => Tone::Dim,
    };
    let ask = &found.ask;
    let head = format!(
        "{} for {}, asked {}: {}",
        ask.proposal.operation,
        ask.incident.map_or_else(|| "a chore".to_owned(), |id| id.to_string()),
        relative(found.requested_at, now),
        found.state.as_str()
    );
    page.item(tone, &found.id.to_string(), &head);
    page.note("finding", &ask.message);
    page.note("why", &ask.why);
    if let Some(why) = &ask.not_undoable {
        page.note("for good", &format!("it cannot be undone exactly: {why}"));
    }
    page.note("digest", found.digest.short());
    match (found.answered(now), &found.ended) {
        (Some(_), Some(end)) if found.state != ApprovalState::Denied => {
            page.note("ended", &format!("{}: {}", relative(end.at, now), end.why));
        }
        (Some(answered), _) => page.note("answer", &answered),
        (None, _) => {}
    }
    if found.is_open(now) {
        let until = format!("{} ({})", full(found.expires_at), relative(found.expires_at, now));
        page.note("until", &until);
    }
}
