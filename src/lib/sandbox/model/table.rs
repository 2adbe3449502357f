//! Rows of one kind in the order in which the platform lists them.

use std::collections::HashMap;

use crate::sandbox::seed::mixed;

/// What a table needs to know of its rows.
pub(crate) trait Row {
    /// The id.
    fn id(&self) -> &str;
    /// What the list is sorted by, the smallest first. Rows of equal rank have no order of their own.
    fn rank(&self) -> (i64, i64);
}

/// Rows by id and by rank.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
    place: HashMap<String, usize>,
    order: Vec<usize>,
    sorted: bool,
    /// Moves with every change, so that an index made of the rows knows when it is old.
    changes: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            place: HashMap::new(),
            order: Vec::new(),
            sorted: true,
            changes: 0,
        }
    }
}

impl<T: Row> Table<T> {
    pub(crate) fn insert(&mut self, row: T) {
        self.place.insert(row.id().to_owned(), self.rows.len());
        self.rows.push(row);
        self.touched();
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.place.get(id).and_then(|place| self.rows.get(*place))
    }

    /// The row, to be changed.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let place = *self.place.get(id)?;
        self.touched();
        self.rows.get_mut(place)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.place.remove(id)?;
        let row = self.rows.swap_remove(place);
        if let Some(moved) = self.rows.get(place) {
            self.place.insert(moved.id().to_owned(), place);
        }
        self.touched();
        Some(row)
    }

    /// Removes every row of which `gone` is true, and says how many those were.
    pub(crate) fn remove_where(&mut self, gone: impl Fn(&T) -> bool) -> usize {
        let ids: Vec<String> =
            self.rows.iter().filter(|row| gone(row)).map(|row| row.id().to_owned()).collect();
        ids.iter().filter(|id| self.remove(id).is_some()).count()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.touched();
        self.rows.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn touched(&mut self) {
        self.sorted = false;
        self.changes += 1;
    }

    /// Sorts where something changed.
    pub(crate) fn settle(&mut self) {
        if !self.sorted {
            self.order = (0..self.rows.len()).collect();
            let rows = &self.rows;
            self.order.sort_by_key(|place| rows.get(*place).map(Row::rank));
            self.sorted = true;
        }
    }

    /// The rows of one page of those that `wanted` lets pass, and how many pass in all. The table must be settled.
    ///
    /// Rows of equal rank stand in an order that depends on where the page ends, as a database that sorts only as
    /// far as it must gives them: pages of one size can repeat a row and leave out another.
    pub(crate) fn page(
        &self,
        wanted: Option<&dyn Fn(&T) -> bool>,
        skip: usize,
        take: usize,
    ) -> (Vec<&T>, usize) {
        let Some(wanted) = wanted else {
            return (self.cut(&self.order, skip, take), self.order.len());
        };
        let passing: Vec<usize> =
            self.order.iter().copied().filter(|place| wanted(&self.rows[*place])).collect();
        (self.cut(&passing, skip, take), passing.len())
    }

    fn cut(&self, order: &[usize], skip: usize, take: usize) -> Vec<&T> {
        let end = order.len().min(skip.saturating_add(take));
        let salt = mixed((skip as u64) << 20 | take as u64);
        let mut found = Vec::with_capacity(end.saturating_sub(skip));
        let mut at = skip;
        while at < end {
            let rank = self.rows[order[at]].rank();
            let from = order.partition_point(|place| self.rows[*place].rank() < rank);
            let to = order.partition_point(|place| self.rows[*place].rank() <= rank);
            let ties = to - from;
            let turn = usize::try_from(salt % ties as u64).unwrap_or(0);
            while at < to.min(end) {
                let place = order[from + (at - from + turn) % ties];
                found.push(&self.rows[place]);
                at += 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct Dated(String, i64);

    impl Row for Dated {
        fn id(&self) -> &str {
            &self.0
        }
        fn rank(&self) -> (i64, i64) {
            (0, -self.1)
        }
    }

    fn table(ties: i64) -> Table<Dated> {
        let mut table = Table::default();
        (0..100).for_each(|n| table.insert(Dated(format!("r{n}"), n / ties)));
        table.settle();
        table
    }

    fn walk(table: &Table<Dated>, limit: usize) -> (usize, usize) {
        let pages =
            (0..100_usize.div_ceil(limit)).map(|page| table.page(None, page * limit, limit).0);
        let ids: Vec<&str> = pages.flatten().map(|row| row.0.as_str()).collect();
        (ids.len(), ids.iter().collect::<BTreeSet<_>>().len())
    }

    #[test]
    fn distinct_ranks_page_exactly_and_ties_repeat_rows_while_the_count_looks_right() {
        assert_eq!(walk(&table(1), 10), (100, 100));
        let (count, unique) = walk(&table(25), 10);
        assert_eq!(count, 100);
        assert!(unique < 100, "{unique}");
        assert_eq!(walk(&table(25), 100), (100, 100));
    }

    #[test]
    fn a_removed_row_shifts_the_rest() {
        let mut table = table(1);
        let second = table.page(None, 10, 1).0[0].0.clone();
        table.remove("r99");
        table.settle();
        assert_eq!(table.page(None, 9, 1).0[0].0, second);
        assert_eq!(table.remove_where(|row| row.1 < 10), 10);
        assert_eq!(table.iter().count(), 89);
    }
}
