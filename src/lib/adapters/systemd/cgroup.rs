//! What the kernel says of a unit's memory: how much of it could not simply be given back.

use std::fs::read_to_string;
use std::path::Path;

/// Where control groups lie, in the only hierarchy that tells it in this form.
const ROOT: &str = "/sys/fs/cgroup";

/// The memory in use less the file cache that the kernel drops when it is short: a unit that reads many files sits near
/// its limit for ever, and is well. `None` where the kernel does not tell.
pub(super) fn working_set(used_bytes: u64, group: &str) -> Option<u64> {
    working_set_under(Path::new(ROOT), used_bytes, group)
}

fn working_set_under(root: &Path, used_bytes: u64, group: &str) -> Option<u64> {
    let stat = root.join(group.trim_start_matches('/')).join("memory.stat");
    let text = read_to_string(stat).ok()?;
    let cache = text.lines().find_map(|line| line.strip_prefix("inactive_file "))?;
    Some(used_bytes.saturating_sub(cache.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_that_can_be_given_back_is_not_in_use() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("system.slice/a.service");
        std::fs::create_dir_all(&group).unwrap();
        let look = || working_set_under(root.path(), 1_000, "/system.slice/a.service");
        assert_eq!(look(), None, "the kernel does not tell");
        std::fs::write(group.join("memory.stat"), "anon 300\nfile 700\ninactive_file 600\n")
            .unwrap();
        assert_eq!(look(), Some(400));
        std::fs::write(group.join("memory.stat"), "anon 300\ninactive_file many\n").unwrap();
        assert_eq!(look(), None);
    }
}
