//! What the ways to people promise, against receivers that are as strict and as ill-behaved as real ones.
#![expect(clippy::unwrap_used, reason = "what a test cannot do should end it")]

#[path = "../support/authority.rs"]
mod authority;
mod dashboard;
mod discretion;
mod http;
mod mail;
mod mail_dialogue;
mod mail_parsers;
mod mail_phases;
#[path = "../support/mail_server.rs"]
mod mail_server;
mod mailers;
mod outcomes;
#[path = "../support/peers.rs"]
mod peers;
mod ping;
mod receiver;
mod slack;
mod slack_bot;
mod webhook;
mod world;
