//! Ways to people: Slack by webhook and by bot, mail, any webhook, and the pings of a dead man's switch.
//!
//! Each tells of an attempt only what is known. What decides is whether the receiver can have got it:
//!
//! | what happened | outcome |
//! |---|---|
//! | no connection, or it ended before the whole message had left | `Later` |
//! | the message had left, and there was no whole answer | `Unknown` |
//! | 2xx; Slack's `ok`; 2xx after the mail's last dot | `Sent` |
//! | 425, 429, 500, 503 and other 5xx, with `Retry-After` as the wait; `ratelimited`; a mail server's 4xx | `Later` |
//! | 408, 502, 504: whoever answers does not know what the receiver behind it did | `Unknown` |
//! | a mail server that takes the letter for some receivers only | `Sent`, and the answer says for whom not |
//! | 3xx, any other 4xx; a word that says no; a mail server's 5xx | `Refused`, with what to change |
//! | a certificate that is not trusted, a mail server without STARTTLS | `Refused`, with what to change |
//! | a certificate that is out of its time: the clock, or its owner, may cure that | `Later` |
//! | 200 without Slack's `ok`; `internal_error` and `fatal_error`, after which Slack itself does not know | `Unknown` |
//!
//! Whether the message had left is seen where it is written: `courier` watches the body of its request being taken,
//! `mail` watches its socket. No redirect is followed, no cookie kept, no proxy used, no connection kept. Addresses
//! are secrets here: what is told of one is its host. The renderers are handed in as closures.

mod address;
mod courier;
mod dashboard;
mod failure;
mod forms;
mod mail;
mod parcel;
mod ping;
mod signature;
mod slack_bot;
mod slack_call;
mod slack_reference;
mod slack_webhook;
mod slack_words;
mod status;
mod trust;
mod webhook;

pub use courier::Courier;
pub use dashboard::Dashboard;
pub use forms::{JsonForm, Mail, MailForm, SlackForms};
pub use mail::{Encryption, Login, MailSettings, Mailer};
pub use ping::Ping;
pub use slack_bot::SlackBot;
pub use slack_webhook::SlackWebhook;
pub use trust::Trust;
pub use webhook::Webhook;
