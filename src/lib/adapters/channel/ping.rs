//! Pings of a dead man's switch in the manner of healthchecks: somebody else notices when they stay away.
//!
//! A ping must never hold a run up, so all tries together have one short deadline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::time::Instant;

use super::address::{Address, Scheme};
use super::courier::{Answer, Courier, Exchange, Parcel, end_of};
use super::status;
use crate::domain::incident::RunId;

/// All tries together.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often it is tried.
const TRIES: u32 = 3;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest body: what healthchecks keeps where it is run with its defaults.
const BODY_BYTES: usize = 10_000;

/// Where the pings go.
pub struct Ping {
    to: Address,
    courier: Arc<Courier>,
}

impl fmt::Debug for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ping({})", self.to.host())
    }
}

/// What a try came to.
enum Tried {
    Done,
    Again(String),
    Hopeless(String),
}

impl Ping {
    /// The check at `url`, which is a secret.
    ///
    /// # Errors
    ///
    /// A fragment without the address, where it cannot be one.
    pub fn new(url: &str, courier: Arc<Courier>) -> Result<Self, String> {
        Ok(Self { to: Address::read(url, Scheme::Any, &[])?, courier })
    }

    /// Tells that the run has begun.
    ///
    /// # Errors
    ///
    /// Why nobody heard it, without the address.
    pub async fn start(&self, run: &RunId) -> Result<(), String> {
        self.send(Some("start"), run, "").await
    }

    /// Tells that the run has ended. The codes 0 and 1 both say that the agent did its work.
    ///
    /// # Errors
    ///
    /// Why nobody heard it, without the address.
    pub async fn finish(&self, run: &RunId, exit_code: u8, body: &str) -> Result<(), String> {
        let code = exit_code.to_string();
        let suffix = (exit_code > 1).then_some(code.as_str());
        self.send(suffix, run, body).await
    }

    async fn send(&self, suffix: Option<&str>, run: &RunId, body: &str) -> Result<(), String> {
        let to = self.to.with_url(ping_url(self.to.url(), suffix, run));
        let end = end_of(DEADLINE);
        let mut last = String::new();
        for left in (1..=TRIES).rev() {
            let now = Instant::now();
            // Whoever stays silent has a share of the time, so that another try is left.
            let share = end.saturating_duration_since(now) / left;
            match self.attempt(&to, cut(body), now + share).await {
                Tried::Done => return Ok(()),
                Tried::Hopeless(why) => return Err(why),
                Tried::Again(why) => last = why,
            }
            if left > 1 {
                self.courier.clock().sleep(PAUSE).await;
            }
        }
        Err(format!("{last}, {TRIES} times"))
    }

    async fn attempt(&self, to: &Address, body: &str, end: Instant) -> Tried {
        let parcel = Parcel {
            to,
            kind: "text/plain; charset=utf-8",
            bearer: None,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            end,
        };
        let host = to.host();
        match self.courier.send(parcel).await {
            Exchange::Answered(answer) => understand(to, &answer),
            Exchange::NotSent(trouble) => {
                Tried::Again(format!("{host} was not reached: {}", trouble.text()))
            }
            Exchange::Lost(why) => Tried::Again(format!("{host} did not answer: {why}")),
        }
    }
}

/// Healthchecks says 200 to a check that does not exist, with `OK (not found)`, and to one that pings too often.
fn understand(to: &Address, answer: &Answer) -> Tried {
    let why = format!("{} answered {}", to.host(), status::told(to, answer));
    match answer.status {
        200..=299 if answer.body.starts_with(b"OK (") => Tried::Hopeless(why),
        200..=299 => Tried::Done,
        408 | 425 | 429 | 500..=599 => Tried::Again(why),
        _ => Tried::Hopeless(format!("{why}; check the address of the ping")),
    }
}

fn ping_url(base: &Url, suffix: Option<&str>, run: &RunId) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    url.set_path(&suffix.map_or_else(|| path.to_owned(), |suffix| format!("{path}/{suffix}")));
    url.query_pairs_mut().append_pair("rid", &run.0);
    url
}

fn cut(body: &str) -> &str {
    &body[..body.floor_char_boundary(BODY_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_end_in_a_slash_and_have_a_query() {
        let run = RunId("0198-a".to_owned());
        let cases = [
            ("https://hc.test/uuid", "https://hc.test/uuid/start?rid=0198-a"),
            ("https://hc.test/uuid/", "https://hc.test/uuid/start?rid=0198-a"),
            ("https://hc.test/k/slug?create=1", "https://hc.test/k/slug/start?create=1&rid=0198-a"),
            ("https://hc.test", "https://hc.test/start?rid=0198-a"),
        ];
        for (base, expected) in cases {
            let found = ping_url(&base.parse().unwrap(), Some("start"), &run);
            assert_eq!(found.as_str(), expected);
        }
        let plain = ping_url(&"https://hc.test/uuid/".parse().unwrap(), None, &run);
        assert_eq!(plain.as_str(), "https://hc.test/uuid?rid=0198-a");
    }

    #[test]
    fn a_body_is_cut_between_two_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ä".repeat(BODY_BYTES)).len(), BODY_BYTES);
        assert_eq!(cut(&format!("x{}", "ä".repeat(BODY_BYTES))).len(), BODY_BYTES - 1);
    }
}
