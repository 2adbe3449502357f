//! Notifications as a list.

use jiff::Timestamp;

use super::table::{Fit, Table, WIDTH};
use super::time::relative;
use crate::domain::notice::Notification;

/// Notifications, one line each.
#[must_use]
pub fn list(notifications: &[Notification], now: Timestamp) -> String {
    if notifications.is_empty() {
        return "Nobody was told of anything yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("when", Fit::Cut),
        ("route", Fit::Cut),
        ("about", Fit::Cut),
        ("kind", Fit::Cut),
        ("state", Fit::Cut),
        ("why, and what became of it", Fit::Wrap),
    ]);
    for one in notifications {
        let outcome =
            one.outcome.as_ref().map(|outcome| format!("; {outcome}")).unwrap_or_default();
        table.row([
            relative(one.created_at, now),
            one.route.clone(),
            one.about.to_string(),
            one.kind.as_str().to_owned(),
            one.state.as_str().to_owned(),
            format!("{}{outcome}", one.why),
        ]);
    }
    table.render(WIDTH)
}
