//! Messages in the forms of every channel: as they stand, held against the limits of the receivers, against strangers'
//! texts, and against the receivers' own types.

mod commands;
mod html;
mod judges;
mod laws;
mod loud;
mod pager;
mod peers_tsc;
mod samples;
mod snapshots;
mod texts;
mod types;

#[path = "../support/peers.rs"]
mod peers;
