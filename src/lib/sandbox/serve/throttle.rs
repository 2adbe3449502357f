//! The platform's throttles: four windows at once, each counted for one handler and one address.

use std::collections::{HashMap, VecDeque};

use serde_json::json;

use super::reply::Reply;
use crate::sandbox::options::Throttle;
use crate::sandbox::time::{HOUR, MINUTE, SECOND};

/// One window: its mark in headers, its length, and its limits in production and in development.
struct Window {
    mark: &'static str,
    length: i64,
    production: usize,
    development: usize,
}

/// In the order in which they are asked.
const WINDOWS: [Window; 4] = [
    Window { mark: "-short", length: SECOND, production: 10, development: 1000 },
    Window { mark: "-medium", length: MINUTE, production: 100, development: 10_000 },
    Window { mark: "", length: MINUTE, production: 1000, development: 100_000 },
    Window { mark: "-long", length: HOUR, production: 1000, development: 100_000 },
];

#[derive(Clone, Debug, Default)]
struct Counter {
    hits: VecDeque<i64>,
    /// When the window that the first hit opened ends.
    resets: i64,
    blocked_until: Option<i64>,
}

/// Every counter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttles(HashMap<String, [Counter; 4]>);

/// What a request may do, with the headers that say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) blocked: bool,
}

impl Throttles {
    /// Counts a hit on `handler` from `peer`. `own` is the route's own limit for a minute, where it has one.
    pub(crate) fn hit(
        &mut self,
        mode: Throttle,
        handler: &str,
        peer: &str,
        own: Option<usize>,
        now: i64,
    ) -> Passage {
        let mut passage = Passage::default();
        if mode == Throttle::Off {
            return passage;
        }
        let counters = self.0.entry(format!("{handler} {peer}")).or_default();
        for (window, counter) in WINDOWS.iter().zip(counters) {
            let (standing, own) = match mode {
                Throttle::Development => (window.development, own.map(|_| 1000)),
                Throttle::Production | Throttle::Off => (window.production, own),
            };
            let limit = own.filter(|_| window.mark.is_empty()).unwrap_or(standing);
            let mark = window.mark;
            if let Some(wait) = counter.hit(limit, window.length, now) {
                passage.headers.push((format!("Retry-After{mark}"), seconds(wait)));
                passage.blocked = true;
                return passage;
            }
            let left = limit.saturating_sub(counter.hits.len());
            let named = |name: &str| format!("X-RateLimit-{name}{mark}");
            passage.headers.push((named("Limit"), limit.to_string()));
            passage.headers.push((named("Remaining"), left.to_string()));
            passage.headers.push((named("Reset"), seconds(counter.resets - now)));
        }
        passage
    }
}

fn seconds(milliseconds: i64) -> String {
    (milliseconds + SECOND - 1).div_euclid(SECOND).max(0).to_string()
}

impl Counter {
    /// How long to wait, where this hit is one too many. A block lasts as long as the window, and starts it afresh.
    fn hit(&mut self, limit: usize, length: i64, now: i64) -> Option<i64> {
        if let Some(until) = self.blocked_until {
            if until > now {
                return Some(until - now);
            }
            self.blocked_until = None;
            self.hits.clear();
        }
        while self.hits.front().is_some_and(|hit| *hit + length <= now) {
            self.hits.pop_front();
        }
        if self.resets <= now {
            self.resets = now + length;
        }
        self.hits.push_back(now);
        if self.hits.len() > limit {
            self.blocked_until = Some(now + length);
            return Some(length);
        }
        None
    }
}

/// The refusal of a throttle.
pub(crate) fn too_many() -> Reply {
    let message = "ThrottlerException: Too Many Requests";
    Reply::raw(429, &json!({"statusCode": 429, "message": message}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(throttles: &mut Throttles, own: Option<usize>, now: i64) -> Passage {
        throttles.hit(Throttle::Production, "GET /x", "127.0.0.1", own, now)
    }

    #[test]
    fn the_eleventh_in_a_second_is_blocked_for_a_second() {
        let mut throttles = Throttles::default();
        assert!((0..10).all(|n| !hit(&mut throttles, None, n).blocked));
        let passage = hit(&mut throttles, None, 20);
        assert_eq!(passage.headers, [("Retry-After-short".to_owned(), "1".to_owned())]);
        assert!(hit(&mut throttles, None, 1019).blocked);
        assert!(!hit(&mut throttles, None, 1020).blocked);
    }

    #[test]
    fn a_route_with_a_limit_of_its_own_says_retry_after_without_a_mark() {
        let mut throttles = Throttles::default();
        assert!((0..5).all(|n| !hit(&mut throttles, Some(5), n * 2000).blocked));
        let passage = hit(&mut throttles, Some(5), 20_000);
        assert!(passage.headers.contains(&("Retry-After".to_owned(), "60".to_owned())));
        assert!(passage.headers.iter().any(|(name, _)| name == "X-RateLimit-Limit-medium"));
        assert!(!passage.headers.iter().any(|(name, _)| name == "X-RateLimit-Limit-long"));
    }
}
