//! Which mounted file systems hold data: pure reading of the kernel's mount table.

use std::collections::BTreeMap;

/// File systems that hold what somebody wrote. Everything else is memory, an image, or a view of one of these.
const HOLDS_DATA: [&str; 25] = [
    "bcachefs",
    "btrfs",
    "ceph",
    "cifs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "fuseblk",
    "jfs",
    "lustre",
    "nfs",
    "nfs4",
    "nilfs2",
    "ntfs",
    "ntfs3",
    "reiserfs",
    "smb3",
    "vfat",
    "virtiofs",
    "xfs",
    "zfs",
];
/// Of these, the ones behind which a server may be gone: touching their mount point may never come back.
const REMOTE: [&str; 9] =
    ["ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "fuseblk", "lustre", "nfs", "nfs4", "smb3"];
/// A container's root is an overlay; elsewhere an overlay repeats a file system that is listed already.
const OVERLAY: &str = "overlay";

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where.
    pub(super) point: String,
    /// What tells two file systems apart.
    device: String,
    /// Whether its mount point can be touched without asking another machine.
    local: bool,
}

/// The file systems that hold data, each once, at the shortest of its mount points that `is_folder`, which is
/// asked of local ones alone.
pub(super) fn with_data(mountinfo: &str, is_folder: impl Fn(&str) -> bool) -> Vec<Mount> {
    let mut by_device: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in mountinfo.lines().filter_map(read) {
        let shorter = by_device.get(&mount.device).is_none_or(|known| {
            (mount.point.len(), &mount.point) < (known.point.len(), &known.point)
        });
        if shorter && (!mount.local || is_folder(&mount.point)) {
            by_device.insert(mount.device.clone(), mount);
        }
    }
    let mut mounts: Vec<Mount> = by_device.into_values().collect();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    mounts
}

/// `id parent major:minor root point options … - type source options`.
fn read(line: &str) -> Option<Mount> {
    let (place, system) = line.split_once(" - ")?;
    let place: Vec<&str> = place.split(' ').collect();
    let system: Vec<&str> = system.split(' ').collect();
    let (number, point) = (*place.get(2)?, unescaped(place.get(4)?));
    let (kind, source) = (*system.first()?, *system.get(1)?);
    let holds_data = HOLDS_DATA.binary_search(&kind).is_ok() || (kind == OVERLAY && point == "/");
    // Parts of one file system may have numbers of their own; the device behind them is the same.
    let device = if source.starts_with('/') { source } else { number };
    let local = REMOTE.binary_search(&kind).is_err();
    holds_data.then(|| Mount { point, device: device.to_owned(), local })
}

/// A path as it is: blanks and backslashes stand as three octal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'\\').then(|| after.first_chunk::<3>()).flatten();
        let value =
            code.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(value.unwrap_or(*first));
        rest = if value.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(table: &str) -> Vec<String> {
        with_data(table, |point| !point.contains("resolv"))
            .into_iter()
            .map(|mount| mount.point)
            .collect()
    }

    #[test]
    fn the_kinds_are_in_order_so_that_they_can_be_searched() {
        assert!(HOLDS_DATA.is_sorted() && REMOTE.is_sorted());
    }

    #[test]
    fn only_file_systems_with_data_count_and_each_once() {
        let table = "27 1 254:0 / / rw - ext4 /dev/vda rw\n\
            22 27 0:21 / /proc rw - proc proc rw\n\
            28 27 0:25 / /tmp rw - tmpfs tmpfs rw\n\
            30 27 254:0 /srv /mnt/bind rw - ext4 /dev/vda rw\n\
            31 27 0:40 /@home /home rw shared:1 - btrfs /dev/vdb rw\n\
            32 27 0:41 /@var /home/v rw - btrfs /dev/vdb rw\n\
            33 27 7:1 / /snap/x/1 ro - squashfs /dev/loop1 ro\n\
            34 27 11:0 / /cdrom ro - iso9660 /dev/sr0 ro\n\
            35 27 0:50 / /var/lib/docker/overlay2/m rw - overlay overlay rw\n\
            36 27 0:60 / /my\\040data rw - nfs4 host:/x rw\n";
        assert_eq!(points(table), ["/", "/home", "/my data"]);
    }

    #[test]
    fn in_a_container_the_root_counts_and_single_files_do_not() {
        let table = "500 400 0:99 / / rw - overlay overlay rw\n\
            501 500 254:1 /a /etc/resolv.conf rw - ext4 /dev/vda1 rw\n\
            502 500 254:1 /b /data/volume rw - ext4 /dev/vda1 rw\n";
        assert_eq!(points(table), ["/", "/data/volume"]);
    }

    #[test]
    fn a_mount_point_of_another_machine_is_never_touched() {
        let table = "36 27 0:60 / /far rw - nfs4 host:/x rw\n27 1 254:0 / / rw - ext4 /dev/vda rw";
        let mounts = with_data(table, |point| {
            assert_ne!(point, "/far");
            true
        });
        assert_eq!(mounts.len(), 2);
    }

    proptest! {
        #[test]
        fn arbitrary_tables_never_panic(table in "(\\PC|\n| - | |\\\\0|ext4){0,60}") {
            let _whatever = points(&table);
        }
    }
}
