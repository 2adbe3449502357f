//! Every command that a server is sent. None of them writes.

use redis::{Cmd, cmd};

/// What our sessions are called in the server's own list of clients; it takes no spaces.
const CLIENT: &str = "opswarden-db-maintainer";

pub(super) fn auth(user: Option<&str>, password: &str) -> Cmd {
    let mut auth = cmd("AUTH");
    auth.arg(user).arg(password);
    auth
}

pub(super) fn set_name() -> Cmd {
    let mut name = cmd("CLIENT");
    name.arg("SETNAME").arg(CLIENT);
    name
}

pub(super) fn ping() -> Cmd {
    cmd("PING")
}

pub(super) fn info() -> Cmd {
    cmd("INFO")
}

pub(super) fn config(name: &str) -> Cmd {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg(name);
    get
}

pub(super) fn select(database: u64) -> Cmd {
    let mut select = cmd("SELECT");
    select.arg(database);
    select
}

/// Without a pattern: a key that a pattern leaves out is not looked at, and stays.
pub(super) fn scan(cursor: u64, count: u32) -> Cmd {
    let mut scan = cmd("SCAN");
    scan.arg(cursor).arg("COUNT").arg(count);
    scan
}
