//! Rows that tie where two pages meet: one may stand on both pages, and another on none.

use std::collections::BTreeSet;

use super::SIZES;

/// Where pages meet, and at which of these places a row was on both.
pub(super) struct Seams {
    page: u64,
    ids: BTreeSet<String>,
    pub(super) twice: Vec<u64>,
}

impl Seams {
    pub(super) fn after(page: u64, ids: BTreeSet<String>) -> Self {
        Self { page, ids, twice: Vec::new() }
    }

    pub(super) fn next(&mut self, page: u64, ids: BTreeSet<String>) {
        if page == self.page + 1 && !self.ids.is_disjoint(&ids) {
            self.twice.push(self.page);
        }
        (self.page, self.ids) = (page, ids);
    }
}

/// A page and its size that hold the row at `offset` as near to the middle as can be.
pub(super) fn around(offset: u64) -> (u64, u64) {
    let middle = |size: &u64| (offset % size).abs_diff(size / 2);
    let size = (60..100).min_by_key(middle).unwrap_or(SIZES[1]);
    (offset / size + 1, size)
}
