//! Which tapes go: pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

/// How many unmarked tapes of an agent stay.
pub(super) const NEWEST_OF_AN_AGENT: usize = 50;
/// How long a marked tape stays.
pub(super) const MARKED_FOR: Duration = Duration::from_hours(24 * 30);
/// How much all tapes together may take.
pub(super) const ALL_BYTES: u64 = 200 * 1024 * 1024;

/// What retention knows of a tape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tape {
    /// When it was written; the first field, so that tapes sort by age.
    pub(super) written: Timestamp,
    /// Its name, which tells equally old tapes apart.
    pub(super) name: String,
    /// Whose run it holds.
    pub(super) agent: String,
    /// Its size.
    pub(super) size_bytes: u64,
    /// Whether its run acted or raised an incident.
    pub(super) marked: bool,
}

/// The tapes that go, given those there are. The newest tape of all always stays.
pub(super) fn outdated(mut tapes: Vec<Tape>, now: Timestamp) -> Vec<Tape> {
    tapes.sort_unstable();
    let newest = tapes.pop();
    let mut unmarked: BTreeMap<String, usize> = BTreeMap::new();
    if let Some(tape) = newest.as_ref().filter(|tape| !tape.marked) {
        unmarked.insert(tape.agent.clone(), 1);
    }
    let mut left = ALL_BYTES.saturating_sub(newest.map_or(0, |tape| tape.size_bytes));
    let mut full = false;
    let mut gone = Vec::new();
    for tape in tapes.into_iter().rev() {
        let stays = if tape.marked {
            now.checked_sub(MARKED_FOR).map_or(true, |limit| tape.written >= limit)
        } else {
            let count = unmarked.entry(tape.agent.clone()).or_default();
            *count += 1;
            *count <= NEWEST_OF_AN_AGENT
        };
        if !stays {
            gone.push(tape);
            continue;
        }
        // From the first one that does not fit, everything older goes: the oldest first.
        full |= tape.size_bytes > left;
        if full {
            gone.push(tape);
        } else {
            left -= tape.size_bytes;
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MB: u64 = 1024 * 1024;

    fn tape(agent: &str, hour: i64, size_bytes: u64, marked: bool) -> Tape {
        let written = Timestamp::from_second(hour * 3_600).unwrap();
        Tape { written, name: format!("{hour}"), agent: agent.to_owned(), size_bytes, marked }
    }

    fn gone(tapes: Vec<Tape>, hour: i64) -> Vec<String> {
        let mut names: Vec<String> = outdated(tapes, Timestamp::from_second(hour * 3_600).unwrap())
            .into_iter()
            .map(|tape| tape.name)
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_newest_of_each_agent_stay() {
        let mut tapes: Vec<Tape> = (0..52).map(|hour| tape("a", hour, 1, false)).collect();
        tapes.extend((0..3).map(|hour| tape("b", hour, 1, false)));
        assert_eq!(gone(tapes, 60), ["0", "1"]);
    }

    #[test]
    fn a_marked_tape_stays_for_its_time_beside_the_others() {
        let mut tapes: Vec<Tape> = (100..160).map(|hour| tape("a", hour, 1, true)).collect();
        tapes.extend((700..750).map(|hour| tape("a", hour, 1, false)));
        assert_eq!(gone(tapes.clone(), 24 * 30 + 100), Vec::<String>::new());
        assert_eq!(gone(tapes, 24 * 30 + 102), ["100", "101"]);
    }

    #[test]
    fn where_all_take_too_much_the_oldest_go_first_marked_or_not() {
        let tapes = vec![
            tape("a", 1, 10 * MB, true),
            tape("a", 2, 90 * MB, false),
            tape("b", 3, 90 * MB, true),
            tape("a", 4, 90 * MB, false),
        ];
        assert_eq!(gone(tapes, 5), ["1", "2"]);
    }

    #[test]
    fn the_newest_tape_stays_however_large() {
        assert_eq!(gone(vec![tape("a", 1, 1, false), tape("a", 2, 999 * MB, false)], 3), ["1"]);
        assert_eq!(gone(Vec::new(), 3), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn what_stays_keeps_every_limit(
            tapes in proptest::collection::vec((0..3_u8, 0..2_000_i64, 0..50_u64, any::<bool>()), 0..200),
        ) {
            let tapes: Vec<Tape> = tapes
                .into_iter()
                .enumerate()
                .map(|(at, (agent, hour, size, marked))| Tape {
                    name: format!("{at}"),
                    ..tape(&agent.to_string(), hour, size * MB, marked)
                })
                .collect();
            let now = Timestamp::from_second(2_000 * 3_600).unwrap();
            let gone = outdated(tapes.clone(), now);
            let stays: Vec<&Tape> = tapes.iter().filter(|tape| !gone.contains(tape)).collect();
            prop_assert_eq!(tapes.iter().max().is_some(), !stays.is_empty());
            prop_assert!(stays.iter().map(|tape| tape.size_bytes).sum::<u64>() <= ALL_BYTES);
            for agent in ["0", "1", "2"] {
                let unmarked = stays.iter().filter(|tape| tape.agent == agent && !tape.marked);
                prop_assert!(unmarked.count() <= NEWEST_OF_AN_AGENT);
            }
        }
    }
}
