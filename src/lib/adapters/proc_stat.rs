//! `/proc/PID/stat`: what the kernel tells of every process in one line.

use std::fs::read_to_string;

/// The fields that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcStat {
    /// One letter: `Z` and `X` are processes that are gone but for their entry.
    pub(super) state: char,
    /// The pid of the parent.
    pub(super) parent: u32,
    /// The process group.
    pub(super) group: u32,
    /// The start, in clock ticks since boot: pid and start together name one process for as long as the machine runs.
    pub(super) start: u64,
}

impl ProcStat {
    /// Of the process `pid`, if it is there and can be seen.
    pub(super) fn of(pid: u32) -> Option<Self> {
        Self::parse(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The fields of a line. The name before them may hold blanks and brackets of its own.
    pub(super) fn parse(line: &str) -> Option<Self> {
        /// The first field after the name.
        const STATE: usize = 3;
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - STATE);
        Some(Self {
            state: field(STATE)?.chars().next()?,
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            start: field(22)?.parse().ok()?,
        })
    }

    /// Whether nothing is left of it but its entry.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Every process that can be seen.
pub(super) fn all() -> Vec<(u32, ProcStat)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let seen = |pid: u32| Some((pid, ProcStat::of(pid)?));
    entries.flatten().filter_map(pid).filter_map(seen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        let expected = ProcStat { state: 'S', parent: 1, group: 2, start: 4711 };
        assert_eq!(ProcStat::parse(&format!("9 (a) b (c)) {fields}")), Some(expected));
        assert_eq!(ProcStat::parse("9 (a) S 1"), None);
        assert_eq!(ProcStat::parse(""), None);
    }

    #[test]
    fn this_very_process_is_among_all() {
        let own = all().into_iter().find(|(pid, _)| *pid == std::process::id());
        assert!(own.is_some_and(|(_, stat)| !stat.is_gone() && stat.start > 0));
    }
}
