//! Pages of labelled lines: a label, and its text wrapped under itself, within 80 columns.

use super::style::{Style, Tone};
use super::table::{WIDTH, clean, cut, display_width, wrap};
use crate::domain::gate::{Answer, DoorAnswer};
use crate::domain::severity::Severity;

/// The width of the first column.
const LABEL: usize = 10;

/// Text under construction.
#[derive(Clone, Debug)]
pub struct Page {
    style: Style,
    text: String,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(style: Style) -> Self {
        Self { style, text: String::new() }
    }

    /// The page as it stands.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// `text` in the colour of `tone`.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        self.style.paint(tone, text)
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// An empty line and a heading.
    pub fn heading(&mut self, text: &str) {
        let text = self.paint(Tone::Strong, text);
        self.line("");
        self.line(&text);
    }

    /// `text` in as many lines as it takes.
    pub fn paragraph(&mut self, text: &str) {
        for line in wrap(&clean(text), WIDTH) {
            self.line(&line);
        }
    }

    /// A label and its text. A label that is too long for its column has a line of its own.
    pub fn item(&mut self, tone: Tone, label: &str, text: &str) {
        let label = clean(label);
        let has_own_line = display_width(&label) > LABEL;
        if has_own_line {
            let label = self.paint(tone, &cut(&label, WIDTH));
            self.line(&label);
        }
        let lines = wrap(&clean(text), WIDTH - LABEL - 2);
        for (place, line) in lines.iter().enumerate() {
            let label = if place == 0 && !has_own_line { &label } else { "" };
            let padded = self.paint(tone, &format!("{label:<LABEL$}"));
            self.line(&format!("{padded}  {line}"));
        }
    }

    /// A label of less importance and its text, set in.
    pub fn note(&mut self, label: &str, text: &str) {
        self.item(Tone::Dim, &format!("  {label}"), text);
    }

    /// The gate's answers, one line each.
    pub fn doors(&mut self, answers: &[DoorAnswer]) {
        for door in answers {
            let (tone, text) = match &door.answer {
                Answer::Passed(text) => (Tone::Good, text.clone()),
                Answer::NotApplicable(text) => (Tone::Dim, format!("not applicable: {text}")),
                Answer::Refused(text) => (Tone::Bad, format!("refused: {text}")),
            };
            let label = format!("  door {}", door.door.number());
            self.item(tone, &label, &format!("{}: {text}", door.door.as_str()));
        }
    }
}

/// The tone of a severity.
#[must_use]
pub const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Dim,
    }
}
