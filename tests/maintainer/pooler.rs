//! A pooler between us and a server: what a session sets there would stay with whoever comes next.

#![expect(clippy::disallowed_methods, reason = "tests start the peer that they speak to")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::house::House;
use super::peers::{skip, test_name, wait_until};

const POOLER: &str = "/usr/sbin/pgbouncer";
const SOON: Duration = Duration::from_secs(20);

/// A real pooler in front of a server, with one connection for everybody; ended when this is dropped.
struct Pooler(Child);

impl Pooler {
    /// With these settings beside its own.
    fn start(folder: &Path, server: &Path, settings: &str) -> Self {
        let file = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\npostgres = host={} user=postgres pool_size=1\n[pgbouncer]\npool_mode = transaction\n\
             listen_addr =\nlisten_port = 6432\nunix_socket_dir = {}\nauth_type = any\n{settings}\n",
            server.display(),
            folder.display()
        );
        std::fs::write(&file, text).expect("its settings");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if rustix::process::geteuid().is_root() {
            command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
        }
        command.args([POOLER, "-q"]).arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("pgbouncer starts"))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A house that reaches its server through a pooler with these settings, and what the pooler's next client finds set.
fn behind(settings: &str) -> Option<(String, Vec<String>)> {
    if !Path::new(POOLER).exists() {
        skip(&test_name(), "pgbouncer");
        return None;
    }
    let house = House::new(&[])?;
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).expect("it is opened for the pooler's user");
    let pooler = Pooler::start(folder.path(), house.server.host(), settings);
    let client = house.server.program("psql");
    let ask = |sql: &str| {
        let mut psql = Command::new(&client);
        psql.args(["-XqAt", "-p", "6432", "-U", "postgres", "-d", "postgres", "-c", sql, "-h"]);
        let output = psql.arg(folder.path()).stderr(Stdio::null()).output().expect("psql starts");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert!(wait_until(SOON, || ask("SELECT 1") == "1"), "the pooler answers");
    let url = format!(
        "postgres://postgres@localhost:6432/postgres?host={}&pgbouncer=true",
        folder.path().display()
    );
    let house = house.at(&url);
    let report = house.tend();
    let set = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
    let set = set.map(|name| ask(&format!("SHOW {name}")));
    drop(pooler);
    Some((format!("{report:#?}"), set.to_vec()))
}

#[test]
fn a_pooler_that_takes_no_settings_is_told_as_that_and_whoever_comes_next_has_none_of_ours() {
    let Some((report, set)) = behind("") else { return };
    assert!(report.contains("upkeep needs the address of the server itself"), "{report}");
    assert_eq!(set, ["0", "0", "0"], "{report}");
}

#[test]
fn a_pooler_that_drops_our_settings_is_found_out() {
    let Some((report, set)) = behind("ignore_startup_parameters = options,extra_float_digits")
    else {
        return;
    };
    assert!(report.contains("takes no settings of a session"), "{report}");
    assert_eq!(set, ["0", "0", "0"], "{report}");
}
