//! The Debian package: what is in it, and what installing, upgrading, removing and purging it does to a machine.
#![expect(clippy::disallowed_methods, reason = "the package's own tools are what is tested")]
#![expect(clippy::unwrap_used, reason = "a package that cannot be built should end the test")]

#[path = "support/peers.rs"]
mod peers;
#[path = "support/peers_systemd.rs"]
mod peers_systemd;
#[path = "support/private_root.rs"]
mod private_root;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use peers_systemd::PrivateSystemd;
use private_root::PrivateRoot;

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");

/// Builds the package around the program that was built for the tests.
fn built(out: &Path, revision: &str) -> PathBuf {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/package"))
        .args(["--binary", OPSCTL, "--revision", revision, "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// A tool's output, where it succeeds.
fn asked(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn is_debian() -> bool {
    let there = Command::new("dpkg-deb").arg("--version").output().is_ok();
    if !there {
        peers::skip(&peers::test_name(), "dpkg");
    }
    there
}

/// Every program of the package.
fn programs() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// The programs that are in everybody's path.
fn in_the_path() -> BTreeSet<String> {
    programs().into_iter().filter(|name| !["scheduler", "sandbox"].contains(&&**name)).collect()
}

#[test]
fn the_package_is_whole_and_the_same_program_gives_the_same_package() {
    if !is_debian() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let package = built(&folder.path().join("a"), "1");
    let again = built(&folder.path().join("b"), "1");
    assert!(std::fs::read(&package).unwrap() == std::fs::read(again).unwrap(), "byte for byte");
    let file = package.to_str().unwrap();
    let listed = asked("dpkg-deb", &["--contents", file]);
    let has = |text: &str| assert!(listed.contains(text), "{text} is missing:\n{listed}");
    for name in in_the_path() {
        has(&format!("./usr/bin/{name} -> ../lib/opswarden/{name}\n"));
        has(&format!("./usr/share/man/man1/{name}.1.gz\n"));
        has(&format!("./usr/share/bash-completion/completions/{name}\n"));
        has(&format!("./usr/share/zsh/vendor-completions/_{name}\n"));
        has(&format!("./usr/share/fish/vendor_completions.d/{name}.fish\n"));
    }
    let linked = listed.lines().filter(|line| line.starts_with('h')).count();
    assert_eq!(
        linked,
        programs().len() - 2,
        "one file, a link to it for every agent, and the scheduler"
    );
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")).unwrap() {
        let unit = entry.unwrap().file_name().to_string_lossy().into_owned();
        has(&format!("./usr/lib/systemd/system/{unit}\n"));
    }
    has("./usr/share/man/man1/opsctl-pause.1.gz\n");
    has("./usr/share/doc/opswarden/copyright\n");
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");
    let conffiles = asked("dpkg-deb", &["--info", file, "conffiles"]);
    assert_eq!(conffiles, "/etc/logrotate.d/opswarden\n/etc/opswarden/agents.toml\n");
    let field = |name: &str| asked("dpkg-deb", &["--field", file, name]).trim().to_owned();
    assert_eq!(field("Version"), concat!(env!("CARGO_PKG_VERSION"), "-1"));
    assert_eq!(field("Architecture"), asked("dpkg", &["--print-architecture"]).trim());
    assert!(field("Depends").contains("libc6 (>= 2."), "{}", field("Depends"));
    assert!(field("Installed-Size").parse::<u64>().unwrap() > 1_000);
}

#[test]
fn the_libraries_that_the_package_asks_for_are_those_that_debians_own_tool_finds() {
    if !is_debian() {
        return;
    }
    if Command::new("dpkg-shlibdeps").arg("--version").output().is_err() {
        return peers::skip(&peers::test_name(), "dpkg-dev");
    }
    let folder = tempfile::tempdir().unwrap();
    let package = built(folder.path(), "1");
    std::fs::create_dir(folder.path().join("debian")).unwrap();
    std::fs::write(
        folder.path().join("debian/control"),
        "Source: x\n\nPackage: x\nArchitecture: any\n",
    )
    .unwrap();
    let output = Command::new("dpkg-shlibdeps").args(["-O", OPSCTL]).current_dir(&folder).output();
    let found = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    let found = found.trim().strip_prefix("shlibs:Depends=").unwrap_or_default().to_owned();
    let ours = asked("dpkg-deb", &["--field", package.to_str().unwrap(), "Depends"]);
    for wanted in found.split(", ") {
        assert!(ours.split(", ").any(|one| one.trim() == wanted), "{wanted} is not in {ours}");
    }
    assert!(found.contains("libc6 (>= "), "{found}");
}

/// A machine of its own, with what was done to it so far.
struct Machine(PrivateRoot);

impl Machine {
    /// What a script prints inside, where it succeeds.
    fn says(&self, script: &str) -> String {
        let output = self.0.shell(script);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {out}{err}");
        out.trim().to_owned()
    }

    fn fails(&self, script: &str) -> bool {
        !self.0.shell(script).status.success()
    }
}

#[test]
fn a_machine_is_left_as_the_package_promises_at_every_step_of_its_life() {
    if !is_debian() {
        return;
    }
    let Some(root) = PrivateRoot::new() else { return };
    let package = built(&root.given(), "1");
    std::fs::rename(&package, root.given().join("first.deb")).unwrap();
    let machine = Machine(root);
    machine.says("rm -rf /etc/opswarden /var/lib/opswarden /var/log/opswarden");
    installed(&machine);
    first_settings(&machine);
    upgraded(&machine);
    removed_and_purged(&machine);
}

fn installed(machine: &Machine) {
    let said = machine.says("dpkg --force-unsafe-io -i /tmp/given/first.deb");
    for next in ["opsctl init", "opsctl doctor", "health-guardian --plan"] {
        assert!(said.contains(next), "{said}");
    }
    let modes = machine.says(
        "stat -c '%n %a %U %G' /var/lib/opswarden /var/log/opswarden /etc/opswarden/credentials \
         /etc/opswarden/agents.toml",
    );
    assert_eq!(
        modes,
        "/var/lib/opswarden 750 opswarden opswarden\n/var/log/opswarden 750 opswarden opswarden\n\
         /etc/opswarden/credentials 700 root root\n/etc/opswarden/agents.toml 640 root opswarden"
    );
    let user = machine.says("getent passwd opswarden");
    assert!(user.ends_with(":/var/lib/opswarden:/usr/sbin/nologin"), "{user}");
    let inodes = machine.says("stat -c %i /usr/lib/opswarden/* | sort -u | wc -l");
    assert_eq!(inodes, "2", "the program is there once, and the scheduler beside it");
    assert_eq!(machine.says("opsctl --version"), concat!("opsctl ", env!("CARGO_PKG_VERSION")));
    for name in in_the_path() {
        let help = machine.says(&format!("{name} --help"));
        assert!(help.contains(&format!("Usage: {name} ")), "{name}: {help}");
    }
    assert_eq!(machine.says("opsctl config check").lines().count(), 1, "the settings are right");
    // A look that is recorded; the services of the settings do not answer here.
    let output = machine.0.shell("health-guardian --observe");
    assert!(matches!(output.status.code(), Some(0..=2)), "{output:?}");
    assert_eq!(machine.says("stat -c %U /var/lib/opswarden/ops.db"), "opswarden");
    assert_eq!(machine.says("ls /var/log/opswarden"), "ops-health-guardian.log");
    assert!(machine.says("dpkg --verify opswarden").lines().all(|line| line.contains(" c /etc/")));
}

/// Root's first settings lie where the package has its own, with the owner and the mode that these have.
fn first_settings(machine: &Machine) {
    let said = machine.says(
        "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/TEAM/BOT/word opsctl init --force --service web=http://127.0.0.1:9/",
    );
    assert!(said.contains("wrote /etc/opswarden/agents.toml\n"), "{said}");
    let modes = machine.says(
        "stat -c '%n %a %U %G' /etc/opswarden/agents.toml /etc/opswarden/credentials/slack_webhook_url",
    );
    assert_eq!(
        modes,
        "/etc/opswarden/agents.toml 640 root opswarden\n/etc/opswarden/credentials/slack_webhook_url 600 root root"
    );
    let shown = machine.says("opsctl config show");
    assert!(
        shown.contains("/var/lib/opswarden") && shown.contains("/var/log/opswarden"),
        "{shown}"
    );
    machine.says("rm /etc/opswarden/credentials/slack_webhook_url");
}

/// A later package whose settings file is another one meets a file that the admin changed.
fn upgraded(machine: &Machine) {
    machine.says("echo '# by the admin' >> /etc/opswarden/agents.toml");
    machine.says("chmod 644 /etc/opswarden/agents.toml; chmod 755 /var/log/opswarden");
    let ledger = machine.says("sha256sum /var/lib/opswarden/ops.db");
    machine.says(
        "cd /tmp && dpkg-deb -R given/first.deb later && echo '# by the package' >> later/etc/opswarden/agents.toml && \
         sed -i 's/^Version: .*/Version: 99.0-1/' later/DEBIAN/control && \
         dpkg-deb -Zgzip -z1 -b later given/later.deb",
    );
    machine.says("dpkg -i --force-unsafe-io --force-confdef --force-confold /tmp/given/later.deb");
    let version = machine.says("dpkg-query -W -f '${Version} ${Status}' opswarden");
    assert_eq!(version, "99.0-1 install ok installed");
    assert_eq!(machine.says("tail -n 1 /etc/opswarden/agents.toml"), "# by the admin");
    assert_eq!(
        machine.says("tail -n 1 /etc/opswarden/agents.toml.dpkg-dist"),
        "# by the package",
        "the new file lies beside it"
    );
    let modes = machine.says("stat -c '%a %G' /etc/opswarden/agents.toml /var/log/opswarden");
    assert_eq!(modes, "644 opswarden\n755 opswarden", "an admin's modes stay");
    assert_eq!(machine.says("sha256sum /var/lib/opswarden/ops.db"), ledger);
}

fn removed_and_purged(machine: &Machine) {
    machine.says(
        "mkdir -p /etc/systemd/system/timers.target.wants && \
         ln -s /usr/lib/systemd/system/opswarden-health-guardian.timer /etc/systemd/system/timers.target.wants/ && \
         touch /etc/opswarden/credentials/slack_webhook_url",
    );
    machine.says("dpkg -r opswarden");
    assert!(machine.fails("ls /usr/bin/opsctl /usr/lib/opswarden 2>/dev/null"));
    assert_eq!(machine.says("tail -n 1 /etc/opswarden/agents.toml"), "# by the admin");
    machine.says(
        "test -e /var/lib/opswarden/ops.db -a -e /etc/opswarden/credentials/slack_webhook_url",
    );
    let said = machine.says("dpkg -P opswarden");
    assert!(said.contains("stays in /var/lib/opswarden"), "{said}");
    machine.says("test -e /var/lib/opswarden/ops.db && getent passwd opswarden");
    assert!(machine.fails("test -e /etc/opswarden"), "no settings, no credentials");
    assert!(
        machine.fails(
            "test -L /etc/systemd/system/timers.target.wants/opswarden-health-guardian.timer"
        )
    );
    // Installed again it goes on with what it finds there, and this time all of it is to go.
    machine.says("dpkg --force-unsafe-io -i /tmp/given/first.deb");
    assert!(machine.says("opsctl runs").contains("health-guardian"));
    machine.says("touch /etc/opswarden/purge-data && dpkg -P opswarden");
    for gone in ["/var/lib/opswarden", "/var/log/opswarden", "/etc/opswarden"] {
        assert!(machine.fails(&format!("test -e {gone}")), "{gone} is still there");
    }
    assert!(machine.fails("getent passwd opswarden"));
}

/// What a script prints beside a running systemd, where it succeeds.
fn beside(systemd: &PrivateSystemd, script: &str, input: Stdio) -> String {
    let enter = systemd.enter();
    let output = Command::new(&enter[0])
        .args(&enter[1..])
        .args(["sh", "-c", script])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(input)
        .output()
        .unwrap();
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{script}: {}", texts.concat());
    texts[0].trim().to_owned()
}

#[test]
fn nothing_starts_by_itself_and_a_removal_stops_what_was_started() {
    if !is_debian() {
        return;
    }
    let Some(systemd) = PrivateSystemd::boot(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let package = std::fs::File::open(built(folder.path(), "1")).unwrap();
    let says = |script: &str| beside(&systemd, script, Stdio::null());
    let timer = "opswarden-health-guardian.timer";
    let is = |state: &str| {
        let output = systemd.systemctl(&["show", "--property=ActiveState", "--value", timer]);
        String::from_utf8_lossy(&output.stdout).trim() == state
    };
    // A policy of the machine must not be what keeps it from starting.
    says(
        "rm -f /usr/sbin/policy-rc.d; rm -rf /etc/opswarden /var/lib/opswarden /var/log/opswarden",
    );
    beside(&systemd, "cat > /var/tmp/opswarden.deb", package.into());
    says("dpkg --force-unsafe-io -i /var/tmp/opswarden.deb");
    let listed = says(
        "systemctl list-units --all --no-legend 'opswarden-*' | grep -v opswarden-test || true",
    );
    assert_eq!(listed, "", "nothing was started");
    says(&format!("systemctl enable --now {timer}"));
    assert!(is("active"), "an admin starts it");
    says("dpkg --force-unsafe-io -i /var/tmp/opswarden.deb");
    assert!(is("active"), "an upgrade leaves it running");
    says("dpkg -r opswarden");
    let stopped = peers::wait_until(Duration::from_secs(10), || is("inactive"));
    assert!(stopped, "a removal stops it");
    says(
        "dpkg -P opswarden && test ! -L /etc/systemd/system/timers.target.wants/opswarden-health-guardian.timer",
    );
}
