//! The signals that ask a program to end.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for the first SIGINT or SIGTERM.
pub(super) fn stop_signal() -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // Without handlers the kernel ends the process at a signal, as for any program.
            _ => std::future::pending().await,
        }
    }
}
