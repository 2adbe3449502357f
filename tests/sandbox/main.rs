//! What the sandbox promises: each statement of the platform's contract as a raw request and its answer.
#![expect(clippy::unwrap_used, reason = "what a test cannot do should end it")]
#![expect(clippy::disallowed_methods, reason = "the client waits for a real socket")]

mod client;
mod content;
mod displays;
mod faults;
mod guards;
mod jobs;
mod lists;
mod realtime;
mod reference;
mod scenario;
mod schedules;
mod score;
mod sessions;
mod throttles;
