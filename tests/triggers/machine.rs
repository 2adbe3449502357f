//! A machine with a systemd of its own, on which opswarden is installed as an admin would: the programs in their folder, a user,
//! settings, a secret, and the units that `opsctl generate` writes there.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use super::fake::OPSCTL;
use super::peers::wait_until;
use super::peers_systemd::PrivateSystemd;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Takes whatever is sent to it, and answers well: only once something came, so that none is taken as told that was not.
const RECEIVER: &str = r#"[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c "dd bs=64k count=1 status=none >> /srv/messages; printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'; timeout 0.5 cat >> /srv/messages"
StandardInput=socket
StandardOutput=socket
"#;
const DOOR: &str =
    "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:8099\nAccept=yes\n";
/// Nothing of the distribution is waited for.
const NOTHING: &str = "[Unit]\nDefaultDependencies=no\n";
/// Every program is this one by another name.
const PROGRAMS: [&str; 5] =
    ["db-maintainer", "health-guardian", "ops-reporter", "schedule-doctor", "scheduler"];
pub(crate) const FOLDER: &str = "/usr/lib/opswarden";

pub(crate) struct Machine {
    pub(crate) systemd: PrivateSystemd,
}

impl Machine {
    /// A machine with these settings and these further units, or `None` with a loud skip.
    pub(crate) fn boot(settings: &str, units: &[(&str, &str)]) -> Option<Self> {
        let own = [
            ("receiver@.service", RECEIVER),
            ("receiver.socket", DOOR),
            ("network-online.target", NOTHING),
            ("time-sync.target", NOTHING),
        ];
        let systemd = PrivateSystemd::boot(&[&own, units].concat())?;
        let machine = Self { systemd };
        machine.put("/etc/opswarden/agents.toml", settings);
        machine.put("/etc/opswarden/credentials/webhook_url_hook", "http://127.0.0.1:8099/hook");
        machine.do_it(&["chmod", "700", "/etc/opswarden/credentials"]);
        machine.do_it(&["useradd", "--system", "--no-create-home", "opswarden"]);
        let folder = machine.systemd.path(FOLDER);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(OPSCTL, folder.join("opsctl")).expect("the program is installed");
        for name in PROGRAMS {
            std::fs::hard_link(folder.join("opsctl"), folder.join(name)).expect("a second name");
        }
        machine.do_it(&["systemctl", "start", "receiver.socket"]);
        Some(machine)
    }

    /// Writes the units and has systemd read them.
    pub(crate) fn generate(&self, mode: &str) {
        let program = format!("{FOLDER}/opsctl");
        let config = ["--config", "/etc/opswarden/agents.toml"];
        let words =
            [&program, "generate", "systemd", "--mode", mode, "--out", "/etc/systemd/system"];
        self.do_it(&[&words[..], &config].concat());
        self.do_it(&["systemctl", "daemon-reload"]);
    }

    pub(crate) fn put(&self, inside: &str, text: &str) {
        let file = self.systemd.path(inside);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it is made");
        std::fs::write(&file, text).expect("it is written");
    }

    pub(crate) fn script(&self, inside: &str, body: &str) {
        self.put(inside, &format!("#!/bin/sh\n{body}"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.systemd.path(inside), mode).expect("it is made a program");
    }

    pub(crate) fn read(&self, inside: &str) -> String {
        let bytes = std::fs::read(self.systemd.path(inside)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs something that must end well.
    pub(crate) fn do_it(&self, words: &[&str]) -> String {
        let output = self.systemd.run(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {text}{said}\n{}", self.journal());
        text
    }

    pub(crate) fn systemctl(&self, words: &[&str]) -> bool {
        self.systemd.systemctl(words).status.success()
    }

    /// A property of a unit.
    pub(crate) fn shows(&self, unit: &str, property: &str) -> String {
        let output = self.systemd.systemctl(&["show", "--value", "-p", property, unit]);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn journal(&self) -> String {
        let output = self.systemd.run(&["journalctl", "--no-pager", "-o", "cat", "-n", "60"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The runs of an agent in the ledger, oldest first.
    pub(crate) fn runs(&self, agent: &str) -> Vec<Value> {
        if !self.systemd.path("/var/lib/opswarden/ops.db").exists() {
            return Vec::new();
        }
        let asked = self.opsctl(&["runs", "-n", "1000"]);
        let rows = asked.as_array().expect("a list").iter().rev();
        rows.filter(|run| run["agent"] == agent).cloned().collect()
    }

    /// What `opsctl` answers there, in JSON.
    pub(crate) fn opsctl(&self, words: &[&str]) -> Value {
        let program = format!("{FOLDER}/opsctl");
        let config = ["-o", "json", "--config", "/etc/opswarden/agents.toml"];
        let output = self.systemd.run(&[&[program.as_str()], words, &config].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {text}{}", self.journal()))
    }

    /// How many messages arrived that contain this.
    pub(crate) fn messages_with(&self, text: &str) -> usize {
        self.read("/srv/messages").matches(text).count()
    }

    pub(crate) fn awaits(&self, what: &str, holds: impl FnMut() -> bool) {
        assert!(wait_until(PATIENCE, holds), "{what}: {}", self.journal());
    }
}
