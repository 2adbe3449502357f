//! Who else on this machine holds an address by which people are told: processes and files that this user may read anyway.
//! The address is compared in memory; nothing of what is read is kept or shown but the name of its holder.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Larger files are none of those that are looked for.
const LARGEST: u64 = 1024 * 1024;
/// So many entries of a folder are looked at.
const MOST: usize = 4096;
/// What people and terminals are started as: that somebody exported an address is no monitor.
const SHELLS: [&str; 12] = [
    "bash", "sh", "dash", "zsh", "fish", "su", "sudo", "login", "sshd", "tmux", "screen", "systemd",
];
/// Where jobs of cron stand, each a file or a folder.
const CRON: [&str; 3] = ["etc/crontab", "etc/cron.d", "var/spool/cron/crontabs"];
/// Where units of systemd stand that somebody installed.
const UNITS: [&str; 2] = ["etc/systemd/system", "usr/local/lib/systemd/system"];

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Who holds the address, in words.
    pub holders: BTreeSet<String>,
    /// Processes whose environment could be read.
    pub processes_read: usize,
    /// Processes that there are.
    pub processes: usize,
    /// Files that could be read.
    pub files_read: usize,
}

/// What is looked for, and where.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// The root of everything: `/`, but in tests.
    pub root: &'a Path,
    /// The folder of PM2.
    pub pm2: &'a Path,
    /// The address.
    pub address: &'a str,
    /// The names of our own programs.
    pub ours: &'a [String],
    /// This process, whose parents are whoever called it.
    pub own: u32,
}

impl Search<'_> {
    /// Looks at everything that can be read.
    #[must_use]
    pub fn look(&self) -> Elsewhere {
        let mut seen = Elsewhere::default();
        self.processes(&mut seen);
        for place in CRON {
            for file in files(&self.root.join(place)) {
                self.file(&file, "the crontab", &mut seen);
            }
        }
        for place in UNITS {
            let folder = self.root.join(place);
            let drop_ins = files(&folder).into_iter().flat_map(|file| files(&file));
            for file in drop_ins.collect::<BTreeSet<_>>() {
                self.file(&file, "the unit file", &mut seen);
            }
        }
        self.apps(&mut seen);
        seen
    }

    fn is_ours(&self, program: &str) -> bool {
        let name = Path::new(program).file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| self.ours.iter().any(|ours| **ours == *name))
    }

    fn processes(&self, seen: &mut Elsewhere) {
        let callers = self.callers();
        for folder in files_of(&self.root.join("proc")) {
            let number = folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
            let Some(number) = number else { continue };
            seen.processes += 1;
            let Some(environment) = read(&folder.join("environ")) else { continue };
            seen.processes_read += 1;
            let holds = environment.split(|byte| *byte == 0).any(|variable| {
                let value = variable.iter().position(|byte| *byte == b'=');
                value.is_some_and(|place| variable[place + 1..] == *self.address.as_bytes())
            });
            if !holds || callers.contains(&number) {
                continue;
            }
            let words = read(&folder.join("cmdline")).unwrap_or_default();
            let first = words.split(|byte| *byte == 0).next().unwrap_or_default();
            let program = String::from_utf8_lossy(first).into_owned();
            let name = program.trim_start_matches('-');
            let name = name.rsplit('/').next().unwrap_or_default();
            // PM2's daemon has the environment of whoever started it; its apps are looked at one by one.
            let is_daemon = program.starts_with("PM2 ");
            if !is_daemon && !SHELLS.contains(&name) && !self.is_ours(&program) {
                seen.holders.insert(format!("the process {number} ({name})"));
            }
        }
    }

    /// This process and its parents.
    fn callers(&self) -> BTreeSet<u32> {
        let mut callers = BTreeSet::new();
        let mut next = Some(self.own);
        while let Some(number) = next.filter(|number| callers.insert(*number)) {
            let status = read(&self.root.join(format!("proc/{number}/status")));
            let status = String::from_utf8_lossy(&status.unwrap_or_default()).into_owned();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            next = parent.and_then(|text| text.trim().parse().ok()).filter(|number| *number > 0);
        }
        callers
    }

    /// A file that starts one of our own programs is ours.
    fn file(&self, file: &Path, what: &str, seen: &mut Elsewhere) {
        let Some(bytes) = read(file) else { return };
        seen.files_read += 1;
        let text = String::from_utf8_lossy(&bytes);
        let starts_ours = self.ours.iter().any(|ours| text.contains(ours.as_str()));
        if text.contains(self.address) && !starts_ours {
            seen.holders.insert(format!("{what} {}", file.display()));
        }
    }

    /// The apps that PM2 keeps for its next start.
    fn apps(&self, seen: &mut Elsewhere) {
        let Some(bytes) = read(&self.pm2.join("dump.pm2")) else { return };
        seen.files_read += 1;
        let Ok(Value::Array(apps)) = serde_json::from_slice::<Value>(&bytes) else { return };
        for app in apps {
            let word = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
            if holds(&app, self.address) && !self.is_ours(&word("pm_exec_path")) {
                seen.holders.insert(format!("the app {} of PM2", word("name")));
            }
        }
    }
}

/// Whether any text of a document is this one.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(one) => one == text,
        Value::Array(all) => all.iter().any(|one| holds(one, text)),
        Value::Object(fields) => fields.values().any(|one| holds(one, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What lies in a folder.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.take(MOST).map(|entry| entry.path()).collect()
}

/// A file itself, or what lies in a folder.
fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_dir() { files_of(place) } else { vec![place.to_owned()] }
}

fn read(file: &Path) -> Option<Vec<u8>> {
    // A pipe or a device would keep us waiting.
    if !std::fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).ok()?;
    opened.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://hooks.example.test/abc/def/ghi";

    /// A small machine with one holder of every kind, and one of ours beside each.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| {
            let file = root.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let environment = format!("PATH=/bin\0HOOK={ADDRESS}\0");
        let process = |number: u32, parent: u32, words: &str| {
            put(&format!("proc/{number}/environ"), &environment);
            put(&format!("proc/{number}/cmdline"), words);
            put(&format!("proc/{number}/status"), &format!("Name:\tx\nPPid:\t{parent}\n"));
        };
        process(7, 1, "node\0monitor.js\0");
        process(8, 1, "/usr/bin/health-guardian\0--if-due\0");
        process(9, 1, "-bash\0");
        process(10, 9, "make\0");
        process(11, 10, "opsctl\0doctor\0");
        process(12, 1, "PM2 v7.0.4: God Daemon (/srv)\0");
        put("proc/13/environ", "HOOK=https://hooks.example.test/another\0");
        put("proc/13/cmdline", "node\0");
        put("proc/self/x", "");
        put("etc/crontab", &format!("* * * * * root curl {ADDRESS}\n"));
        put("etc/cron.d/ours", &format!("HOOK={ADDRESS}\n* * * * * root health-guardian\n"));
        put("etc/systemd/system/old.service", &format!("Environment=HOOK={ADDRESS}\n"));
        put("etc/systemd/system/other.service.d/a.conf", &format!("Environment=HOOK={ADDRESS}\n"));
        put("etc/systemd/system/free.service", "Environment=HOOK=none\n");
        let app = |name: &str, program: &str| serde_json::json!({ "name": name, "pm_exec_path": program, "env": { "HOOK": ADDRESS } });
        let apps = [app("watch", "/srv/watch.js"), app("guard", "/usr/bin/health-guardian")];
        put("pm2/dump.pm2", &serde_json::json!(apps).to_string());
        root
    }

    #[test]
    fn every_kind_of_holder_is_named_and_neither_we_nor_our_callers_are() {
        let root = machine();
        let ours = ["health-guardian".to_owned(), "opsctl".to_owned()];
        let pm2 = root.path().join("pm2");
        let search =
            Search { root: root.path(), pm2: &pm2, address: ADDRESS, ours: &ours, own: 11 };
        let seen = search.look();
        let at = |path: &str| root.path().join(path).display().to_string();
        let expected = [
            format!("the crontab {}", at("etc/crontab")),
            format!("the unit file {}", at("etc/systemd/system/old.service")),
            format!("the unit file {}", at("etc/systemd/system/other.service.d/a.conf")),
            "the process 7 (node)".to_owned(),
            "the app watch of PM2".to_owned(),
        ];
        assert_eq!(seen.holders, BTreeSet::from(expected));
        assert_eq!((seen.processes, seen.processes_read, seen.files_read), (7, 7, 6));
        assert!(!format!("{seen:?}").contains(ADDRESS), "it is never told");
    }
}
