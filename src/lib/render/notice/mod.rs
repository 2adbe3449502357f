//! Messages in the forms that channels send.
//!
//! What is said is decided once, in parts (`sheet`); a channel only gives the parts its form. Strangers' text is written
//! by `foreign` alone, so that no channel can forget to escape or cut it. Every size is bounded for any input.

mod address;
mod colour;
mod compose;
pub mod dashboard;
mod digest;
mod discord;
mod foreign;
pub mod generic;
mod html;
mod incidents;
pub mod mail;
mod pagerduty;
mod plain;
mod sheet;
pub mod slack;
mod teams;
pub mod webhook;
mod words;
