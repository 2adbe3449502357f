//! Notices: who is told what, when, and why.
//!
//! Pure. A notification is a row of the outbox: that one route is to hear of one thing. It is decided in the transaction of
//! the event that causes it, against what that route was last told, and leaves later as (a part of) a message.

mod message;
mod notification;
mod template;

pub use message::{
    ApprovalLine, Body, Digest, DigestLine, Ended, IncidentLine, Message, RepairLine, Trend,
};
pub use notification::{About, Kind, Notification, NotificationState, ToldFacts};
pub use template::Template;
