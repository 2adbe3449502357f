//! Object storage by the S3 protocol, at any address that speaks it: what a bucket holds, and objects put, fetched and removed.
//!
//! Every request is signed for a quarter of an hour, has an end in time, follows no redirect and is sent once, but for what
//! is put: of that, what the store had no time for, or was lost, is sent again for a while. No text of
//! an error holds an address, a key or a body: a signed address is as good as a password. Buckets are named in the path, which
//! every server understands.

mod again;
mod answer;
mod client;
mod error;
mod list;
mod look;
mod multipart;
mod object;
mod uploads;

pub use self::client::{Client, S3Options};
pub use self::error::{Refusal, S3Error};
pub use self::list::Listed;
pub use self::look::BucketStore;
pub use self::multipart::Put;
pub use self::object::Head;
