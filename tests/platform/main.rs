//! The three agents that tend the platform, run by the real engine with the real client against a sandbox whose truth is
//! known.

mod approvals;
mod behaviours;
mod behaviours_acts;
mod behaviours_record;
mod behaviours_sight;
mod expired;
mod faults;
mod laws;
mod limits;
mod people;
mod raw;
mod score;
mod screens;
mod short_lists;
mod sim;
mod storage;
mod suspended;
mod tidy;
mod undo;
mod world;
mod zoo;

/// How large a programme is: what the environment says, else what is enough for every change.
#[expect(
    clippy::disallowed_methods,
    reason = "the size of a programme is given by whoever starts it"
)]
fn size(usual: u64) -> u64 {
    let said = std::env::var("OPSWARDEN_PROOF_N").ok();
    said.map_or(usual, |text| text.parse().expect("OPSWARDEN_PROOF_N is a number"))
}

/// Tells how a programme goes.
#[expect(clippy::print_stdout, reason = "whoever runs a long programme wants to see its figures")]
fn tell(text: &str) {
    println!("{text}");
}
