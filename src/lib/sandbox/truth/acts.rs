//! The acts that repair something, in the words of each dialect.

use crate::sandbox::effects::Act;
use crate::sandbox::options::Dialect;

pub(super) fn archive(dialect: Dialect, id: &str) -> Vec<Act> {
    match dialect {
        Dialect::Vizora => vec![
            Act::new("POST", "/content/:id/archive", id, "archive content"),
            Act::new("POST", "/content/bulk/archive", id, "archive content"),
        ],
        Dialect::Reference => vec![Act::new("PATCH", "/content/:id", id, "archive content")],
    }
}

/// Archiving together with naming the replacement that the row names already.
pub(super) fn archive_for(dialect: Dialect, id: &str, replacement: Option<&str>) -> Vec<Act> {
    let mut acts = archive(dialect, id);
    if let (Dialect::Reference, Some(replacement)) = (dialect, replacement) {
        let what = format!("set replacement {replacement}");
        acts.push(Act::new("PATCH", "/content/:id", id, what));
    }
    acts
}

pub(super) fn deactivate(id: &str) -> Act {
    Act::new("PATCH", "/schedules/:id", id, "deactivate schedule")
}

pub(super) fn repoint(id: &str, playlist: &str) -> Act {
    Act::new("PATCH", "/schedules/:id", id, format!("show playlist {playlist}"))
}

pub(super) fn assign(dialect: Dialect, display: &str, playlist: &str) -> Vec<Act> {
    let what = format!("assign playlist {playlist}");
    let mut acts = vec![Act::new("PATCH", "/displays/:id", display, what.clone())];
    if dialect == Dialect::Vizora {
        acts.push(Act::new("POST", "/displays/bulk/assign-playlist", display, what));
    }
    acts
}

pub(super) fn reset(id: &str) -> Act {
    Act::new("PATCH", "/displays/:id", id, "reset display")
}

/// Asking a player to come back.
pub(super) fn wake(dialect: Dialect, id: &str) -> Act {
    match dialect {
        Dialect::Vizora => Act::new("POST", "/fleet/commands", id, "reload display"),
        Dialect::Reference => Act::new("SEND", "/realtime", id, "ping display"),
    }
}
