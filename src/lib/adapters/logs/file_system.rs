//! File systems by the numbers that `statfs` tells (`linux/magic.h`, `man 2 statfs`): which of them other hosts may write to, and
//! which are known to cut nothing off the beginning of a file.

use std::os::fd::AsFd;

use rustix::fs::fstatfs;

/// Those that other hosts may write to. None of them cuts.
const SHARED: [(i64, &str); 11] = [
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    // The same since version 2 of its protocol, which is what is used today.
    (0xfe53_4d42, "cifs"),
    (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
    (0x7461_636f, "ocfs2"),
    (0x0116_1970, "gfs2"),
    (0x0bd0_0bd0, "lustre"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
];
/// Those of this host alone that cut nothing. Every other one is asked by trying.
const WITHOUT_A_CUT: [(i64, &str); 4] =
    [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x9123_683e, "btrfs"), (0x2fc1_2fc1, "zfs")];

/// What a folder's file system is called, where other hosts may write to it.
pub(super) fn shared(folder: impl AsFd) -> Option<&'static str> {
    named(&SHARED, number(folder)?)
}

/// The same where it is known to cut nothing off the beginning of a file.
pub(super) fn without_a_cut(folder: impl AsFd) -> Option<&'static str> {
    let number = number(folder)?;
    named(&WITHOUT_A_CUT, number).or_else(|| named(&SHARED, number))
}

fn number(folder: impl AsFd) -> Option<i64> {
    fstatfs(folder).ok().map(|found| found.f_type)
}

fn named(known: &[(i64, &'static str)], number: i64) -> Option<&'static str> {
    known.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_hosts_may_write_to_is_known_by_its_number_and_cuts_nothing() {
        for (number, name) in [(0xfe53_4d42, "cifs"), (0xff53_4d42, "cifs"), (0x6969, "nfs")] {
            assert_eq!(named(&SHARED, number), Some(name));
        }
        // ext4 and xfs are of this host, and cut.
        for number in [0xef53, 0x5846_5342] {
            assert_eq!((named(&SHARED, number), named(&WITHOUT_A_CUT, number)), (None, None));
        }
        let proc = std::fs::File::open("/proc").unwrap();
        assert_eq!((shared(&proc), without_a_cut(&proc)), (None, None));
    }
}
