//! What is said about incidents: one in full, a few in short, a storm in one line each.

use super::address::{self, Runbook};
use super::compose::{begun, more};
use super::foreign::units;
use super::sheet::{Part, Row, Sheet, counted, row};
use super::words;
use crate::domain::incident::Resolution;
use crate::domain::notice::{Ended, IncidentLine, Message};
use crate::domain::severity::Severity;
use crate::render::page::tone;
use crate::render::style::Tone;

/// How many of several are told of.
const LISTED: usize = 5;
/// How many facts of one are told.
const FACTS: usize = 6;
/// What is no longer than this stands in the headline of every channel as a whole.
const IN_HEADLINE: usize = 50;

/// The sheet of a message about incidents.
pub(super) fn sheet(message: &Message, lines: &[IncidentLine], omitted: u64) -> Sheet {
    match lines {
        [line] if omitted == 0 => of_one(message, line),
        _ => of_several(message, lines, omitted),
    }
}

fn of_one(message: &Message, line: &IncidentLine) -> Sheet {
    let beginning = words::beginning(message.kind, line);
    let was = if line.ended.is_some() { "it was: " } else { "" };
    let said = format!("{beginning}: {}, {was}{}", line.id, line.message);
    let mut sheet = begun(message, &said, tone_of(std::slice::from_ref(line), line.severity));
    if units(&line.message) > IN_HEADLINE {
        sheet.parts.push(Part::Text(line.message.clone()));
    }
    if let Some(ended) = &line.ended {
        sheet.parts.extend([of_what(message, line), Part::Rows(end(line, ended))]);
        sheet.parts.push(Part::Calls(address::calls_of_ended(line)));
    } else {
        sheet.parts.extend([state(message, line), Part::Rows(story(line))]);
        sheet.parts.extend(pages(message, &[line]));
        sheet.parts.push(Part::Calls(calls(message, &[line])));
    }
    sheet
}

/// What an open incident is, in short facts.
fn state(message: &Message, line: &IncidentLine) -> Part {
    Part::Facts(vec![
        row("Severity", format!("{}, {:?}", words::severity(line), message.priority)),
        row("Person", words::person(line)),
        row("Since", words::since(line.opened_at, message.at)),
        row("Where", format!("{}, {}", message.environment.as_str(), message.host)),
        row("Subject", &line.subject),
        row("Check", format!("{} of {}", line.check, line.agent)),
    ])
}

/// What was done about it, why no more is, and what is known.
fn story(line: &IncidentLine) -> Vec<Row> {
    let mut rows =
        vec![row("Tried", words::tried(line)), row(words::why_label(line), words::why(line))];
    if line.explains > 0 {
        rows.push(row("Explains", counted(line.explains, "other finding")));
    }
    rows.extend(line.facts.iter().take(FACTS).map(|(name, fact)| row(name, fact)));
    let left_out = line.facts.len().saturating_sub(FACTS);
    rows.extend(more(left_out as u64).map(|more| row("Facts", more)));
    rows
}

/// The pages of the runbooks of `lines`, each once.
fn pages(message: &Message, lines: &[&IncidentLine]) -> Vec<Part> {
    let mut pages: Vec<Part> = Vec::new();
    for line in lines {
        if let Runbook::Page(page) = address::runbook(message, &line.check) {
            let page = Part::Link(page);
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
    }
    pages
}

/// What to type about `lines`, the worst first: their runbooks where these are no pages, then the commands for the worst,
/// and what could be taken back of the others.
fn calls(message: &Message, lines: &[&IncidentLine]) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    for line in lines {
        match address::runbook(message, &line.check) {
            Runbook::Call(call) if !calls.contains(&call) => calls.push(call),
            Runbook::Call(_) | Runbook::Page(_) | Runbook::Nowhere => {}
        }
    }
    calls.extend(lines.first().map(|worst| address::calls_of_open(worst)).unwrap_or_default());
    calls.extend(lines.iter().skip(1).filter_map(|line| line.undoable).map(address::undo));
    calls
}

/// What an ended incident was, in short facts.
fn of_what(message: &Message, line: &IncidentLine) -> Part {
    Part::Facts(vec![
        row("Severity", words::severity(line)),
        row("Where", format!("{}, {}", message.environment.as_str(), message.host)),
        row("Subject", &line.subject),
        row("Check", format!("{} of {}", line.check, line.agent)),
    ])
}

/// How it ended, what proves that, and how long it lasted.
fn end(line: &IncidentLine, ended: &Ended) -> Vec<Row> {
    let mut rows = vec![
        row("Ended", words::end_in_words(ended.resolution)),
        row("Proof", &ended.proof),
        row("Lasted", words::lasted(line, ended)),
    ];
    rows.extend(line.tried.as_deref().map(|tried| row("Tried", tried)));
    rows
}

fn of_several(message: &Message, lines: &[IncidentLine], omitted: u64) -> Sheet {
    let total = omitted.saturating_add(lines.len() as u64);
    let count = counted(total, "incident");
    let what = words::beginning_of_several(message.kind);
    let tone = tone_of(lines, message.severity);
    let worst = lines.first().filter(|line| line.ended.is_none());
    let said = match worst {
        Some(line) => {
            let severity = words::capitalised(message.severity.as_str());
            format!("{severity}: {count} {what}, first {}, {}", line.id, line.message)
        }
        None => format!("{count} {what}"),
    };
    let mut sheet = begun(message, &said, tone);
    let told = lines.get(..LISTED).unwrap_or(lines);
    let left_out = total.saturating_sub(told.len() as u64);
    if left_out > 0 {
        sheet.parts.push(Part::List(told.iter().map(in_a_line).collect()));
        let said = format!("The worst {} of {total}; {left_out} are not listed.", told.len());
        sheet.parts.push(Part::Text(said));
    } else {
        sheet.parts.extend(told.iter().flat_map(|line| in_short(message, line)));
    }
    sheet.parts.extend(endings(message, told));
    sheet
}

/// What to read and to type; what is typed about the worst is typed about the others with their own ids.
fn endings(message: &Message, told: &[IncidentLine]) -> Vec<Part> {
    let open: Vec<&IncidentLine> = told.iter().filter(|line| line.ended.is_none()).collect();
    let all = std::iter::once("opsctl incidents".to_owned());
    let calls = Part::Calls(all.chain(calls(message, &open)).collect());
    pages(message, &open).into_iter().chain([calls]).collect()
}

/// One of a few.
fn in_short(message: &Message, line: &IncidentLine) -> [Part; 2] {
    let rows = match &line.ended {
        Some(ended) => end(line, ended),
        None => vec![
            row("Since", words::since(line.opened_at, message.at)),
            row("Person", words::person(line)),
            row("Tried", words::tried(line)),
            row(words::why_label(line), words::why(line)),
        ],
    };
    [Part::Title(title(line)), Part::Rows(rows)]
}

/// What an incident is called in a list.
fn title(line: &IncidentLine) -> String {
    match &line.ended {
        Some(_) => format!("{}, it was: {}", line.id, line.message),
        None => format!("{} {}: {}", line.id, words::severity(line), line.message),
    }
}

/// One of many.
pub(super) fn in_a_line(line: &IncidentLine) -> String {
    let (id, message) = (line.id, &line.message);
    if let Some(ended) = &line.ended {
        let how = words::end_in_words(ended.resolution);
        let lasted = words::span(line.opened_at, ended.at);
        return format!("{id}: {how} ({lasted}); it was: {message}");
    }
    let person = if line.escalated { ", a person is needed" } else { "" };
    format!("{id} {}{person}: {message}", words::severity(line))
}

/// Green only where everything is known to be well.
fn tone_of(lines: &[IncidentLine], severity: Severity) -> Tone {
    let is_over = |line: &IncidentLine| line.ended.is_some();
    let is_well = |line: &IncidentLine| {
        line.ended.as_ref().is_some_and(|ended| match ended.resolution {
            Resolution::AutoFixed | Resolution::Recovered => true,
            Resolution::SubjectGone
            | Resolution::CheckDisabled
            | Resolution::Manual
            | Resolution::FalseAlarm => false,
        })
    };
    match lines {
        [] => tone(severity),
        _ if lines.iter().all(is_well) => Tone::Good,
        _ if lines.iter().all(is_over) => Tone::Dim,
        _ => tone(severity),
    }
}
