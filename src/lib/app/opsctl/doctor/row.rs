//! One thing that was tried, and how it went.

use crate::app::documents::Examined;
use crate::render::page::Page;
use crate::render::style::{Style, Tone};

/// What one probe showed, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app::opsctl) enum Grade {
    /// It would not work.
    Blocked,
    /// Part of it could not be proved.
    Partial,
    /// There is nothing to try.
    Skipped,
    /// It was tried and works.
    Ok,
}

impl Grade {
    pub(in crate::app::opsctl) const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Blocked => Tone::Bad,
            Self::Partial => Tone::Warn,
            Self::Skipped => Tone::Dim,
            Self::Ok => Tone::Good,
        }
    }
}

/// One probe: its grade, what it was about, what was read.
pub(in crate::app::opsctl) type Row = (Grade, String, String);

/// The rows for people, failures first, and their numbers.
pub(in crate::app::opsctl) fn page(rows: &[Row], style: Style) -> String {
    let mut page = Page::new(style);
    for (grade, about, found) in rows {
        page.item(grade.tone(), grade.as_str(), &format!("{about}: {found}"));
    }
    let count = |grade| rows.iter().filter(|row| row.0 == grade).count();
    page.line(&format!(
        "{} blocked, {} partial, {} skipped, {} ok",
        count(Grade::Blocked),
        count(Grade::Partial),
        count(Grade::Skipped),
        count(Grade::Ok)
    ));
    page.into_text()
}

/// The rows for a program.
pub(in crate::app::opsctl) fn examined(rows: Vec<Row>) -> Vec<Examined> {
    let one = |(grade, about, found): Row| Examined { grade: grade.as_str(), about, found };
    rows.into_iter().map(one).collect()
}
