//! A line at the foot of the terminal that says what is at work and what comes next.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::duration::HumanDuration;
use crate::render::style::{Style, Tone};
use crate::scheduler::{News, Pass};

/// Goes to the start of the line and clears it.
const CLEAR: &str = "\r\u{1b}[2K";
/// A line may not wrap: what is cleared is one line.
const WIDEST: usize = 79;

/// A terminal on which somebody looks on.
#[derive(Debug)]
pub(super) struct Terminal {
    style: Style,
    last: Mutex<Option<Pass>>,
}

impl Terminal {
    pub(super) const fn new(style: Style) -> Self {
        Self { style, last: Mutex::new(None) }
    }

    /// Something happened: a line of its own, which stays.
    pub(super) fn tell(&self, news: &News, now: Timestamp) {
        let tone = if news.is_trouble() { Tone::Bad } else { Tone::Good };
        let time = self.style.paint(Tone::Dim, &crate::domain::moment::clock(now));
        print(&format!("{CLEAR}{time} {}\n", self.style.paint(tone, &news.to_string())));
        self.draw(now);
    }

    /// What the line tells from now on.
    pub(super) fn keep(&self, pass: &Pass) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass.clone());
        self.draw(pass.at);
    }

    /// Draws the line.
    pub(super) fn draw(&self, now: Timestamp) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pass) = last.as_ref() {
            print(&format!("{CLEAR}{}", self.style.paint(Tone::Dim, &line(pass, now))));
        }
    }
}

/// Leaves no line behind.
pub(super) fn clear() {
    print(CLEAR);
}

fn print(text: &str) {
    let mut stream = io::stderr().lock();
    // A terminal that went away needs no line.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// What is at work and what comes next, in one line.
fn line(pass: &Pass, now: Timestamp) -> String {
    let since = |at: Timestamp| HumanDuration::secs(seconds(at, now));
    let working: Vec<String> =
        pass.working.iter().map(|one| format!("{} for {}", one.agent, since(one.since))).collect();
    let next = pass
        .due
        .first()
        .map(|due| format!("next {} in {}", due.agent, HumanDuration::secs(seconds(now, due.at))));
    let mut parts = Vec::new();
    if let Some(why) = &pass.blind {
        parts.push(format!("ledger: {why}"));
    }
    if !working.is_empty() {
        parts.push(format!("at work: {}", working.join(", ")));
    }
    parts.extend(next.filter(|_| !pass.draining));
    let text = parts.join(" · ");
    match text.char_indices().nth(WIDEST) {
        Some(_) => text.chars().take(WIDEST - 1).chain(['…']).collect(),
        None => text,
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::RunId;
    use crate::domain::subject::AgentName;
    use crate::scheduler::{Due, Working};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn pass(agents: usize) -> Pass {
        let working = |number: usize| Working {
            agent: AgentName::of("schedule-doctor"),
            run: RunId(number.to_string()),
            pid: 7,
            slot: None,
            since: at(0),
        };
        let due = vec![Due { agent: AgentName::of("fleet-manager"), at: at(100) }];
        let working = (0..agents).map(working).collect();
        Pass { at: at(0), blind: None, draining: false, due, working }
    }

    #[test]
    fn it_tells_what_is_at_work_and_what_comes_next() {
        assert_eq!(line(&pass(0), at(58)), "next fleet-manager in 42s");
        let text = line(&pass(1), at(10));
        assert_eq!(text, "at work: schedule-doctor for 10s · next fleet-manager in 1m30s");
        let draining = Pass { draining: true, ..pass(1) };
        assert_eq!(line(&draining, at(10)), "at work: schedule-doctor for 10s");
    }

    #[test]
    fn it_never_wraps() {
        let text = line(&pass(9), at(10));
        assert_eq!(text.chars().count(), WIDEST);
        assert!(text.ends_with('…'));
    }
}
