//! What of indexes is due, and what of it is a person's to say. Pure.

use jiff::{SignedDuration, Timestamp};

use super::detect::{Faults, Of, not_now};
use super::fault::{DatabaseFault, RebuildBar};
use super::holders;
use crate::domain::operation::{DataKind, DataRef, Operation, Upkeep};
use crate::domain::upkeep::{BloatedIndex, DatabaseLook};

/// An index is not built anew again before so long.
const REINDEX_AGAIN: SignedDuration = SignedDuration::from_hours(10 * 24);
/// Why one waits that could be built anew: `detect::REINDEXES` others are.
pub(super) const OTHERS_TURN: &str = "2 are built anew in a run";

impl Of<'_> {
    /// Indexes that are not valid, that nobody builds, and that nothing needs.
    pub(super) fn invalid(&self, look: &DatabaseLook) -> Faults {
        let left = look.invalid.iter().filter(|index| !index.being_built && index.droppable);
        left.map(|index| {
            let data = self.data(DataKind::Index, &index.name);
            let fault = DatabaseFault::IndexInvalid {
                index: data.clone(),
                table: index.table.clone(),
                busy: not_now(look),
            };
            (data.subject(&self.snapshot.host), fault)
        })
        .collect()
    }

    /// Indexes that are built anew, now or once there is a turn for them: the worst first.
    pub(super) fn bloated(&self, look: &DatabaseLook, room: &mut usize) -> Faults {
        let mut faults = Faults::new();
        for index in self.loose(look).into_iter().filter(|index| self.for_people(index).is_none()) {
            let data = self.data(DataKind::Index, &index.name);
            let waits = || holders::in_the_way_of_a_rebuild(&look.holders, self.limits());
            let not_now = if let Some(busy) = not_now(look).or_else(waits) {
                Some(busy)
            } else if *room == 0 {
                Some(OTHERS_TURN.to_owned())
            } else {
                *room -= 1;
                None
            };
            let fault = DatabaseFault::IndexBloated {
                index: data.clone(),
                node: index.node,
                needed_bytes: index.needed_bytes,
                size_bytes: index.size_bytes,
                not_now,
            };
            faults.insert(data.subject(&self.snapshot.host), fault);
        }
        faults
    }

    /// Indexes that need to be built anew and never are by us.
    pub(super) fn left_to_people(&self, look: &DatabaseLook) -> Faults {
        let loose = self.loose(look).into_iter();
        let loose = loose.filter_map(|index| Some((&index.name, self.for_people(index)?)));
        let invalid = look.invalid.iter().filter(|index| !index.being_built && !index.droppable);
        let invalid = invalid.map(|index| (&index.name, RebuildBar::Constraint));
        loose
            .chain(invalid)
            .map(|(name, why)| {
                let data = self.data(DataKind::Index, name);
                let subject = data.subject(&self.snapshot.host);
                (subject, DatabaseFault::RebuildLeft { index: data, why })
            })
            .collect()
    }

    /// Why whether to build it anew is a person's to say, if it is.
    fn for_people(&self, index: &BloatedIndex) -> Option<RebuildBar> {
        let most = self.limits().bloat_most_mib.saturating_mul(1024 * 1024);
        if index.size_bytes > most {
            return Some(RebuildBar::Size);
        }
        index.lacks_room.then_some(RebuildBar::Room)
    }

    /// Indexes much of which holds nothing, the worst first.
    fn loose<'l>(&self, look: &'l DatabaseLook) -> Vec<&'l BloatedIndex> {
        let least = u64::from(self.limits().bloat_percent);
        let loose = |index: &BloatedIndex| index.size_bytes.saturating_sub(index.needed_bytes);
        let much = |index: &&BloatedIndex| {
            loose(index).saturating_mul(100) >= index.size_bytes.saturating_mul(least)
        };
        // Right after it was built anew the estimate may still be off: it is not judged again so soon.
        let is_old = |index: &&BloatedIndex| !self.is_new(&self.data(DataKind::Index, &index.name));
        let mut found: Vec<&BloatedIndex> =
            look.bloated.iter().filter(much).filter(is_old).collect();
        found.sort_by_key(|index| (std::cmp::Reverse(loose(index)), &index.name));
        found
    }

    fn is_new(&self, data: &DataRef) -> bool {
        let since = self.snapshot.at.checked_sub(REINDEX_AGAIN).unwrap_or(Timestamp::MIN);
        let of_it = |operation: &Operation| {
            *operation == Operation::tend(Upkeep::ReindexIndex, data.clone())
        };
        self.recall.acted.iter().any(|acted| acted.at > since && of_it(&acted.operation))
    }
}
