//! Where a runbook lies, and what to type: the only texts of a message that are followed or run by whoever reads it.

use super::foreign::is_plain_word;
use super::sheet::Link;
use crate::domain::incident::{IncidentId, RemediationId};
use crate::domain::notice::{IncidentLine, Message};

/// Longer addresses are cut by mail programs.
const LONGEST_URL: usize = 250;

/// Where the runbook of a check is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runbook {
    /// On the web.
    Page(Link),
    /// By a command.
    Call(String),
    /// Nowhere: what is called a check is no word.
    Nowhere,
}

/// The runbook of a check.
pub(super) fn runbook(message: &Message, check: &str) -> Runbook {
    if !is_plain_word(check) {
        return Runbook::Nowhere;
    }
    let url = format!("{}/{check}.md", message.runbooks);
    if is_plain_url(&url) {
        return Runbook::Page(Link { label: format!("Runbook: {check}"), url });
    }
    Runbook::Call(format!("opsctl runbook {check}"))
}

/// Whether no channel reads anything but an address out of it.
fn is_plain_url(url: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@%+,;=".contains(c);
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && url.len() <= LONGEST_URL
        && url.chars().all(is_plain)
}

/// What to type about an open incident.
pub(super) fn calls_of_open(line: &IncidentLine) -> Vec<String> {
    let id = line.id;
    let mut calls = vec![
        explain(id),
        format!("opsctl ack {id}"),
        format!("opsctl silence {id} --until-resolved --reason \"…\""),
    ];
    calls.extend(line.undoable.map(undo));
    calls
}

/// What to type about an incident that is over.
pub(super) fn calls_of_ended(line: &IncidentLine) -> Vec<String> {
    std::iter::once(explain(line.id)).chain(line.undoable.map(undo)).collect()
}

/// What to type about a request; nothing where its id is no word.
pub(super) fn calls_of_request(id: &str, incident: Option<IncidentId>) -> Vec<String> {
    let mut calls = Vec::new();
    if is_plain_word(id) {
        calls.push(format!("opsctl approve {id} --reason \"…\""));
        calls.push(format!("opsctl deny {id} --reason \"…\""));
    }
    calls.extend(incident.map(explain));
    calls
}

fn explain(id: IncidentId) -> String {
    format!("opsctl explain {id}")
}

/// How to take an act back.
pub(super) fn undo(id: RemediationId) -> String {
    format!("opsctl undo {id} --reason \"…\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_channel_could_read_otherwise_is_none() {
        assert!(is_plain_url("https://wiki.example.test/ops/a_b.md"));
        for url in [
            "javascript:alert(1)",
            "https:///x",
            "https://a.example.test/|x",
            "https://a.example.test/>x",
            "https://a.example.test/)x",
            "https://a.example.test/\"x",
            "https://a.example.test/ x",
            "https://a.example.test/<!channel>",
            &format!("https://a.example.test/{}", "x".repeat(LONGEST_URL)),
        ] {
            assert!(!is_plain_url(url), "{url}");
        }
    }
}
