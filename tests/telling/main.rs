//! Who is told of what, over a real ledger: the outbox step by step, kills and timeouts around sends, a noisy month.

mod kills;
mod month;
mod outbox;
mod requests;
mod status;
mod world;

/// The size of a programme: `OPSWARDEN_PROOF_N`, or its usual slice.
#[expect(clippy::disallowed_methods, reason = "the size of a programme comes from outside")]
fn size(usual: usize) -> usize {
    let said = std::env::var("OPSWARDEN_PROOF_N").ok();
    said.map_or(usual, |text| text.parse().expect("OPSWARDEN_PROOF_N is a number"))
}

/// Tells what a programme measured.
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
fn report(text: &str) {
    eprintln!("{text}");
}
