//! Notices: who is told what, when, and why.
//!
//! Pure. A notification is a row of the outbox: that one route is to hear of one thing. It is decided in the transaction of
//! the event that causes it, against what that route was last told, and leaves later as (a part of) a message.

mod channel_state;
mod compose;
mod decide;
#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod fixtures;
mod heard;
mod message;
mod notification;
mod route;
mod rules;
mod status;
mod template;

pub use channel_state::ChannelState;
pub use compose::{Sources, about_incidents, group_of, kind_of};
pub use decide::{CHANNEL_DEAD, Case, Decision, decide, facts_of, silences};
pub use heard::{Heard, Telling};
pub use message::{
    ApprovalLine, Body, Digest, DigestLine, Ended, IncidentLine, Message, RepairLine, Trend,
};
pub use notification::{About, Kind, Notification, NotificationState, ToldFacts};
pub use route::{Day, Route, TimeOfDay, Window};
pub use rules::{BATCH, ChannelRule, Clocks, HOUR_BETWEEN, Rules, repeat_after};
pub use status::{StatusHeard, decide_status};
pub use template::Template;
