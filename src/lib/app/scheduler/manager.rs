//! What the service manager is told, where there is one.

use sd_notify::NotifyState;

/// Slots are waited for.
pub(super) fn ready() {
    say(&[NotifyState::Ready]);
}

/// The settings are read anew; [`ready`] says when that is done.
pub(super) fn reloading() {
    let told = NotifyState::monotonic_usec_now()
        .map_or_else(|_| vec![NotifyState::Reloading], |now| vec![NotifyState::Reloading, now]);
    say(&told);
}

/// Nothing more is started.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// A sign of health, and the state in a few words.
pub(super) fn healthy(status: &str) {
    say(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// The state in a few words, and no sign of health.
pub(super) fn ill(status: &str) {
    say(&[NotifyState::Status(status)]);
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("the service manager could not be told: {error}");
    }
}
