//! What the limits mean for a walk: said ahead, and where they ended it.

use super::{SIZES, Walker};
use crate::adapters::platform::limiter::Share;

/// How many requests a whole walk over so many rows takes: every page, and the first one once more.
const fn requests(total: u64) -> u64 {
    total.div_ceil(SIZES[0]) + 1
}

impl Walker<'_> {
    /// Says at the start of a walk that the limits do not allow a whole one.
    pub(super) fn tell_ahead(&self, total: u64) {
        let (pages, what) = (requests(total), self.what);
        if let Some(each) = self.asker.each_run(Share::Whole).filter(|each| *each < pages) {
            let runs = pages.div_ceil(each);
            tracing::warn!(
                "all {total} {what} take {pages} requests, and the limits allow {each} in a run: they are seen in about \
                 {runs} runs"
            );
        }
    }

    /// What a limit left unread, with the numbers that tell when a walk can be whole.
    pub(super) fn held(&self, total: u64, left: u64, limit: &str) -> String {
        let pages = requests(total);
        let each = self.asker.each_run(Share::Whole);
        let text = format!("{limit} leaves {left} of {total} rows for later runs");
        match each {
            Some(each) if pages > each => format!(
                "{text}; a whole walk takes {pages} requests, and the limits allow {each} in a run: the next \
                 run goes on there, and all rows are seen in about {} runs",
                pages.div_ceil(each)
            ),
            Some(_) | None => format!("{text}; the next run goes on there"),
        }
    }
}
