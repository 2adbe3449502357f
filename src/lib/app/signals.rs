//! The signals that ask a program to end.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// What an interrupt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Stop.
    Stops,
    /// Nothing the first time. PM2 interrupts whatever its cron finds at work, with the very signal of `pm2 stop`: a run that
    /// goes on past its own next tick must come to its end.
    StopsTheSecondTime,
}

/// From now on an interrupt no longer ends this process by itself; whoever waits for [`stop_signal`] decides.
pub(super) fn hold_interrupts() {
    if let Err(error) = signal(SignalKind::interrupt()) {
        tracing::warn!(%error, "an interrupt ends this run at once");
    }
}

/// Waits for SIGTERM, or for an interrupt that counts.
pub(super) fn stop_signal(meaning: Interrupt) -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                let mut passed_over = meaning == Interrupt::Stops;
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {
                            if passed_over {
                                return;
                            }
                            passed_over = true;
                            tracing::info!(
                                "an interrupt while at work: the run comes to its end, and a second one stops it"
                            );
                        }
                        _ = terminate.recv() => return,
                    }
                }
            }
            // Without handlers the kernel ends the process at a signal, as for any program.
            _ => std::future::pending().await,
        }
    }
}
