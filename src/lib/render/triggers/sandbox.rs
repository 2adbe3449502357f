//! What a unit may touch: everything is closed that its programs do not need.

use std::fmt::Write as _;

use super::systemd::DAEMON;

/// What a unit is for, which says what it needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The network, the ledger and the log.
    Network,
    /// Also the machine itself: it watches processes, and has their managers restart them.
    Host,
    /// Also agents as child processes, each in a control group of its own.
    Children,
}

/// Closed for every unit. What stays open is named by `lines`, with its reason.
const CLOSED: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateUsers=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
";

/// Who has a log open for writing can be seen only where users are the machine's own.
fn with_logs(folders: &[String]) -> String {
    let mut text = CLOSED.replace(
        "PrivateUsers=yes\n",
        "# It sees who writes a log, which a namespace of users would hide.\nPrivateUsers=no\n",
    );
    if !folders.is_empty() {
        text.push_str("# Logs that it trims and archives.\n");
    }
    for folder in folders {
        let _infallible = writeln!(text, "ReadWritePaths=-{folder}");
    }
    text
}

/// The lines of a sandbox; `homes` where something that it needs lies in a home, `foreign` where programs are started that the
/// settings name, `logs` where logs are tended, with the folders of the settings.
pub(super) fn lines(reach: Reach, homes: bool, foreign: bool, logs: Option<&[String]>) -> String {
    let mut text = match logs {
        None => CLOSED.to_owned(),
        Some(folders) => with_logs(folders),
    };
    let mut add = |line: &str| {
        let _infallible = writeln!(text, "{line}");
    };
    match reach {
        Reach::Network => {
            add(if homes { "ProtectHome=read-only" } else { "ProtectHome=yes" });
            add("ProtectProc=invisible");
            add("ProcSubset=pid");
            add("MemoryDenyWriteExecute=yes");
        }
        Reach::Host | Reach::Children => {
            add(
                "# It looks at the machine, at other users' processes and at file systems below /home.",
            );
            add("ProtectHome=read-only");
            add("ProtectProc=default");
            add("ProcSubset=all");
            add("# Evidence from the journal, before a unit is restarted.");
            add("SupplementaryGroups=systemd-journal");
            if foreign {
                add(
                    "# Programs that the settings name may compile while they run, as PM2's command line does.",
                );
                add("MemoryDenyWriteExecute=no");
            } else {
                add("MemoryDenyWriteExecute=yes");
            }
        }
    }
    add("ProtectControlGroups=yes");
    if reach == Reach::Children {
        add(
            "# Each run gets a control group of its own below the daemon's, so that all of it can be ended.",
        );
        add(&format!("ReadWritePaths=-/sys/fs/cgroup/system.slice/{DAEMON}"));
        add("MemoryMax=1G");
        add("TasksMax=256");
        add("OOMPolicy=continue");
    } else {
        add("MemoryMax=256M");
        add("TasksMax=64");
        add("OOMPolicy=kill");
    }
    text
}
