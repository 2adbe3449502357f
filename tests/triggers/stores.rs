//! db-maintainer in the sandbox of its unit: what it tends there is let in, and so is the server that a backup is restored into.

use std::process::Command;

use super::machine::Machine;
use super::peers_postgres::PrivatePostgres;

const UNIT: &str = "opswarden-db-maintainer.service";

/// A backup that somebody else makes, and logs of a service.
const SETTINGS: &str = r#"host = "host-a"
[paths]
state = "/var/lib/opswarden"
logs = "/var/log/opswarden"
[agents.health-guardian]
services = []
[agents.db-maintainer.schedule]
cron = "* * * * *"
[[agents.db-maintainer.backups]]
name = "shop"
folder = "/srv/vault"
rpo = "24h"
[[agents.db-maintainer.logs]]
name = "app"
folder = "/srv/app-logs"
"#;

/// A real dump, of a server that is gone afterwards.
fn dump() -> Option<Vec<u8>> {
    let server = PrivatePostgres::start("")?;
    server.sql("CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 500)");
    let mut command = Command::new(server.program("pg_dump"));
    command.args(["--format=custom", "-U", "postgres", "-h"]).arg(server.host()).arg("postgres");
    let output = command.output().expect("pg_dump starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn a_backup_is_restored_and_logs_are_archived_in_the_sandbox() {
    let Some(dump) = dump() else { return };
    let Some(machine) = Machine::boot(SETTINGS, &[]) else { return };
    machine.put("/srv/vault/none", "");
    std::fs::write(machine.systemd.path("/srv/vault/shop.dump"), dump).expect("it is written");
    machine.put("/srv/app-logs/app.log", "young\n");
    machine.put("/srv/app-logs/app.log.1", "old\n");
    machine.do_it(&["touch", "-d", "10 days ago", "/srv/app-logs/app.log.1"]);
    machine.do_it(&["chown", "-R", "opswarden:", "/srv/app-logs"]);
    machine.generate("timers");
    machine.systemctl(&["start", UNIT]);
    let proof = machine.read("/var/lib/opswarden/backups/shop/restore-proof.json");
    let said = machine.journal();
    assert!(proof.contains("1 tables with 500 rows"), "{proof}\n{said}");
    assert!(!proof.contains("\"fault\""), "{proof}");
    let archives = machine.do_it(&["find", "/srv/app-logs/archive", "-name", "*.gz"]);
    assert!(archives.contains("app.log.1"), "{archives}\n{said}");
    assert_eq!(machine.read("/srv/app-logs/app.log"), "young\n");
    let left = machine.do_it(&["find", "/var/lib/opswarden", "-name", ".restore-*"]);
    assert_eq!(left, "");
}
