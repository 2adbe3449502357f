//! Things that go wrong on the way, on demand.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reply::Reply;
use super::throttle::too_many;
use crate::sandbox::seed::Seeded;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer takes this many milliseconds longer.
    LatencyMs(u64),
    /// An answer with this status and the body that the platform gives with it.
    Status(u16),
    /// 404 as for a route that does not exist.
    NoRoute,
    /// 404 as for a row that does not exist.
    NoEntity,
    /// The connection is reset.
    Reset,
    /// Nothing is ever answered.
    Hang,
    /// The connection ends in the middle of the body.
    HalfBody,
    /// A list where an object is expected, and an object for a list.
    WrongType,
    /// No row, though the total says there are some.
    EmptyList,
    /// Half of the page's rows, under the whole total.
    TruncatedPage,
    /// One byte a second.
    Drip,
    /// Rows are inserted and removed between the reads of pages.
    ShiftingPages,
    /// A write is answered as if it had happened.
    LyingWrite,
    /// Readiness says degraded, with 200.
    Degraded,
    /// Readiness says unhealthy, with 503 and no envelope; the realtime service's health says so with 200.
    Unhealthy,
    /// Tokens that are out are good for this many more requests.
    TokenUses(u32),
}

/// When it goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The method and the route, as `GET /content/:id`, or `*`; `HEAD /static/:file` for pictures, `GET /realtime` for the
    /// socket.
    pub route: String,
    /// What.
    pub fault: FaultKind,
    /// How often; always, where nothing is said.
    #[serde(default)]
    pub times: Option<u32>,
    /// How likely each time.
    #[serde(default = "certain")]
    pub probability: f64,
}

const fn certain() -> f64 {
    1.0
}

impl Fault {
    /// A fault that always happens.
    #[must_use]
    pub fn always(route: &str, fault: FaultKind) -> Self {
        Self { route: route.to_owned(), fault, times: None, probability: 1.0 }
    }

    /// A fault that happens `times` times.
    #[must_use]
    pub fn times(route: &str, fault: FaultKind, times: u32) -> Self {
        Self { times: Some(times), ..Self::always(route, fault) }
    }
}

/// The faults that are set.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    set: Vec<Fault>,
    seeded: Seeded,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { set: Vec::new(), seeded: Seeded::new(seed ^ 0x0fa1_7000) }
    }

    pub(crate) fn set(&mut self, faults: Vec<Fault>) {
        self.set = faults;
    }

    /// Those that strike this request.
    pub(crate) fn strike(&mut self, method: &str, pattern: &str) -> Vec<FaultKind> {
        let mut striking = Vec::new();
        for fault in &mut self.set {
            let named = fault.route == "*"
                || fault.route.split_once(' ') == Some((method, pattern))
                || fault.route == pattern;
            if !named || fault.times == Some(0) || !self.seeded.chance(fault.probability) {
                continue;
            }
            fault.times = fault.times.map(|left| left - 1);
            striking.push(fault.fault.clone());
        }
        striking
    }
}

/// The answer that a fault gives instead of any other.
pub(crate) fn instead(fault: &FaultKind, method: &str, path: &str, row: &str) -> Option<Reply> {
    Some(match fault {
        FaultKind::Status(401) => Reply::bare(401, "Unauthorized"),
        FaultKind::Status(403) => Reply::error(403, "Forbidden resource"),
        FaultKind::Status(409) => Reply::error(409, "Conflict"),
        FaultKind::Status(429) => {
            let mut reply = too_many();
            reply.header("Retry-After-short", 1);
            reply
        }
        FaultKind::Status(status @ (502 | 504)) => {
            let page = format!("<html><head><title>{status}</title></head><body></body></html>");
            Reply::bytes(*status, "text/html", page.into_bytes())
        }
        FaultKind::Status(503) => Reply::error(503, "Service Unavailable"),
        FaultKind::Status(500) => Reply::failure("Internal server error"),
        FaultKind::Status(status) => Reply::error(*status, "An injected fault"),
        FaultKind::NoRoute => Reply::no_route(method, path),
        FaultKind::NoEntity => Reply::error(404, format!("{row} not found")),
        _ => return None,
    })
}

/// What ails the platform, as its health tells it: enveloped while it still calls itself ready, bare after that.
fn ailing(reply: Reply, fault: &FaultKind) -> Reply {
    let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
    let dated = |body: &Value| body.get("timestamp").is_some() && body.get("status").is_some();
    let ready = document.get("ready").is_some();
    if !ready && !dated(&document) && !document.get("data").is_some_and(dated) {
        return reply;
    }
    let enveloped = document.get("data").is_some();
    let word = if *fault == FaultKind::Degraded { "degraded" } else { "unhealthy" };
    let (status, told) = match (fault, ready) {
        (FaultKind::Degraded, true) => (reply.status, document),
        (_, true) => (503, json!({"status": "not ready", "ready": false})),
        (_, false) => {
            let body = if enveloped { &mut document["data"] } else { &mut document };
            body["status"] = json!(word);
            match fault {
                FaultKind::Unhealthy if enveloped => (503, document["data"].take()),
                _ => (reply.status, document),
            }
        }
    };
    Reply { headers: reply.headers, ..Reply::raw(status, &told) }
}

/// What a fault makes of an answer.
pub(crate) fn bent(reply: Reply, faults: &[FaultKind]) -> Reply {
    let ails = |fault: &&FaultKind| matches!(fault, FaultKind::Degraded | FaultKind::Unhealthy);
    let reply = faults.iter().filter(ails).fold(reply, ailing);
    let bends = |fault: &&FaultKind| {
        matches!(fault, FaultKind::WrongType | FaultKind::EmptyList | FaultKind::TruncatedPage)
    };
    faults.iter().filter(bends).fold(reply, |reply, fault| {
        let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
        if let Some(data) = document.get_mut("data") {
            bend(data, fault);
        }
        Reply { headers: reply.headers, ..Reply::raw(reply.status, &document) }
    })
}

fn bend(data: &mut Value, fault: &FaultKind) {
    let rows = data.get_mut("data").and_then(Value::as_array_mut);
    match (fault, rows) {
        (FaultKind::EmptyList, Some(rows)) => rows.clear(),
        (FaultKind::TruncatedPage, Some(rows)) => rows.truncate(rows.len() / 2),
        (FaultKind::WrongType, Some(_)) => *data = json!({"data": {"rows": 1}, "meta": []}),
        (FaultKind::WrongType, None) => *data = json!([data.take()]),
        _ => {}
    }
}

/// How much longer an answer takes.
pub(crate) fn latency(faults: &[FaultKind]) -> Duration {
    let each = faults.iter().map(|fault| match fault {
        FaultKind::LatencyMs(milliseconds) => Duration::from_millis(*milliseconds),
        _ => Duration::ZERO,
    });
    each.sum()
}
