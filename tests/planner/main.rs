//! Slots and their verdicts against brute force, against random histories, and against systemd's own calendar.
#![expect(clippy::unwrap_used, reason = "a moment that cannot be read should end the test")]

#[path = "../support/peers.rs"]
mod peers;

mod expression;
mod history;
mod laws;
mod oracle;
mod slots;
mod systemd;

/// The zones whose clocks are changed in ways of their own: at 1:00 UTC, at 2:00 local time, by half an hour, at midnight.
const ZONES: [&str; 7] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Havana",
    "Europe/London",
    "UTC",
];

/// The size of a programme: `OPSWARDEN_PROOF_N`, or its usual slice.
fn size(usual: u32) -> u32 {
    let said = peers::env("OPSWARDEN_PROOF_N");
    said.map_or(usual, |text| text.parse().expect("OPSWARDEN_PROOF_N is a number"))
}

/// Tells what a programme measured.
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
fn report(text: &str) {
    eprintln!("{text}");
}
