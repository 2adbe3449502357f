//! Whether one look at a service shows it well: the exact success predicate on status, body and assets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::settings::Probe;
use crate::ports::probe::{AssetReading, NamedAssets, ProbeAnswer, ProbeReading};

/// What one look says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Exactly as declared.
    Well,
    /// As declared for degraded.
    Degraded(String),
    /// Not well.
    Down(Down),
    /// A limiter answered, not the service: says nothing about it.
    Throttled,
    /// Nothing was asked: says nothing either.
    NotAsked(String),
}

/// Why a look shows a service down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Down {
    /// A fragment.
    pub(super) why: String,
    /// What is to blame.
    pub(super) blame: Blame,
}

/// What is to blame for a failing look, as far as the look itself shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The service.
    Service,
    /// Its certificate.
    Certificate,
    /// The way to it.
    Way,
    /// Its page, which names nothing that could be followed.
    Page,
}

impl Down {
    fn of(blame: Blame, why: impl Into<String>) -> Self {
        Self { why: why.into(), blame }
    }
}

/// 429: the service lives and protects itself from us.
const TOO_MANY_REQUESTS: u16 = 429;

/// Judges one look.
pub(super) fn judge(probe: &Probe, reading: &ProbeReading) -> Judgement {
    let down = |blame, why: String| Judgement::Down(Down::of(blame, why));
    match &reading.answer {
        ProbeAnswer::Connected => Judgement::Well,
        ProbeAnswer::Refused => down(Blame::Service, "nobody listens there".to_owned()),
        ProbeAnswer::TimedOut => {
            down(Blame::Service, format!("no answer within {}", probe.deadline))
        }
        ProbeAnswer::Failed { why } => down(Blame::Service, why.clone()),
        ProbeAnswer::NoWay { why } => down(Blame::Way, why.clone()),
        ProbeAnswer::Untrusted { why, .. } => down(Blame::Certificate, why.clone()),
        ProbeAnswer::NotAsked { why } => Judgement::NotAsked(why.clone()),
        ProbeAnswer::Http { status, assets, .. } if throttled(*status, assets) => {
            Judgement::Throttled
        }
        ProbeAnswer::Http { status, values, json, truncated, assets, named, .. } => {
            // A value that is declared as degraded is excused from being well; everything else must be.
            let marks = degraded_pointers(&probe.degraded, values);
            let wrong = wrong_status(probe, *status)
                .or_else(|| wrong_body(probe, &marks, values, *json, *truncated))
                .or_else(|| wrong_assets(probe, assets, *named));
            match wrong {
                Some(down) => Judgement::Down(down),
                None if marks.is_empty() => Judgement::Well,
                None => Judgement::Degraded(shown(&marks, values)),
            }
        }
    }
}

fn throttled(status: u16, assets: &[AssetReading]) -> bool {
    status == TOO_MANY_REQUESTS
        || assets.iter().any(|asset| asset.status == Some(TOO_MANY_REQUESTS))
}

fn wrong_status(probe: &Probe, status: u16) -> Option<Down> {
    let wanted = || probe.status.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
    (!probe.status.contains(&status))
        .then(|| Down::of(Blame::Service, format!("status {status} instead of {}", wanted())))
}

fn wrong_body(
    probe: &Probe,
    excused: &BTreeSet<&str>,
    values: &BTreeMap<String, String>,
    json: bool,
    truncated: bool,
) -> Option<Down> {
    if probe.body.is_empty() {
        return None;
    }
    let wrong = |why: &str| Some(Down::of(Blame::Service, why));
    if truncated {
        return wrong("the body is larger than can be judged");
    }
    if !json {
        return wrong("the body is not JSON");
    }
    let asked = probe.body.iter().filter(|(pointer, _)| !excused.contains(pointer.as_str()));
    asked.into_iter().find_map(|(pointer, allowed)| {
        let wanted = || allowed.iter().cloned().collect::<Vec<_>>().join(" or ");
        match values.get(pointer) {
            Some(value) if allowed.contains(value) => None,
            Some(value) => wrong(&format!("{pointer} is {value:?} instead of {}", wanted())),
            None => wrong(&format!("{pointer} is missing; expected {}", wanted())),
        }
    })
}

fn wrong_assets(probe: &Probe, assets: &[AssetReading], named: NamedAssets) -> Option<Down> {
    if !probe.assets {
        return None;
    }
    match named {
        NamedAssets::None => {
            return Some(Down::of(Blame::Page, "the page names no script and no style sheet"));
        }
        NamedAssets::Foreign => {
            let why = "the page names scripts and style sheets of other origins only, which are not followed";
            return Some(Down::of(Blame::Page, why));
        }
        NamedAssets::Own => {}
    }
    assets.iter().find_map(|AssetReading { path, status }| match status {
        Some(200) => None,
        Some(other) => {
            let why = format!("the page loads, its asset {path} answers {other}");
            Some(Down::of(Blame::Service, why))
        }
        None => {
            let why = format!("the page loads, its asset {path} does not answer");
            Some(Down::of(Blame::Service, why))
        }
    })
}

/// The pointers whose values are declared as degraded.
fn degraded_pointers<'a>(
    declared: &'a BTreeMap<String, BTreeSet<String>>,
    values: &BTreeMap<String, String>,
) -> BTreeSet<&'a str> {
    let is_marked = |(pointer, marks): &(&String, &BTreeSet<String>)| {
        values.get(*pointer).is_some_and(|value| marks.contains(value))
    };
    declared.iter().filter(is_marked).map(|(pointer, _)| pointer.as_str()).collect()
}

fn shown(pointers: &BTreeSet<&str>, values: &BTreeMap<String, String>) -> String {
    let parts = pointers
        .iter()
        .filter_map(|pointer| values.get(*pointer).map(|value| format!("{pointer} is {value:?}")));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::settings::HealthGuardian;
    use super::*;
    use crate::ports::probe::AssetReading;

    fn reading(answer: ProbeAnswer) -> ProbeReading {
        ProbeReading { at: jiff::Timestamp::UNIX_EPOCH, took_ms: 1, answer }
    }

    fn http(status: u16, values: &[(&str, &str)], json: bool) -> ProbeReading {
        reading(ProbeAnswer::Http {
            status,
            values: values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            json,
            size_bytes: 10,
            truncated: false,
            assets: Vec::new(),
            named: NamedAssets::None,
            certificate_ends: None,
        })
    }

    fn middleware() -> Probe {
        HealthGuardian::default().services[0].probes[0].clone()
    }

    #[test]
    fn a_good_status_with_a_bad_body_is_not_well() {
        let probe = middleware();
        assert_eq!(judge(&probe, &http(200, &[("/data/status", "ok")], true)), Judgement::Well);
        let bad = [
            http(200, &[("/data/status", "unhealthy")], true),
            http(200, &[], true),
            http(200, &[], false),
            http(204, &[("/data/status", "ok")], true),
            http(503, &[("/status", "unhealthy")], true),
            reading(ProbeAnswer::Refused),
            reading(ProbeAnswer::TimedOut),
        ];
        for reading in bad {
            assert!(matches!(judge(&probe, &reading), Judgement::Down(_)), "{reading:?}");
        }
    }

    #[test]
    fn degraded_and_throttled_are_neither_well_nor_down() {
        let probe = middleware();
        let degraded = http(200, &[("/data/status", "degraded")], true);
        assert!(matches!(judge(&probe, &degraded), Judgement::Degraded(_)));
        assert_eq!(judge(&probe, &http(429, &[], true)), Judgement::Throttled);
    }

    #[test]
    fn a_page_is_well_only_when_its_assets_load() {
        let probe = HealthGuardian::default().services[2].probes[0].clone();
        let page = |named: NamedAssets, status: Option<u16>| {
            reading(ProbeAnswer::Http {
                status: 200,
                values: BTreeMap::new(),
                json: false,
                size_bytes: 10,
                truncated: false,
                assets: vec![AssetReading { path: "/app.js".into(), status }],
                named,
                certificate_ends: None,
            })
        };
        let own = NamedAssets::Own;
        assert_eq!(judge(&probe, &page(own, Some(200))), Judgement::Well);
        assert_eq!(judge(&probe, &page(own, Some(429))), Judgement::Throttled);
        let blamed = |reading: &ProbeReading| match judge(&probe, reading) {
            Judgement::Down(down) => Some(down.blame),
            _ => None,
        };
        for bad in [page(own, Some(500)), page(own, None)] {
            assert_eq!(blamed(&bad), Some(Blame::Service), "{bad:?}");
        }
        for unproved in [page(NamedAssets::None, None), page(NamedAssets::Foreign, None)] {
            assert_eq!(blamed(&unproved), Some(Blame::Page), "{unproved:?}");
        }
    }

    #[test]
    fn degraded_excuses_its_own_value_and_nothing_else() {
        let mut probe = middleware();
        probe.body.insert("/data/db".to_owned(), BTreeSet::from(["up".to_owned()]));
        let look = |db: &str| {
            judge(&probe, &http(200, &[("/data/status", "degraded"), ("/data/db", db)], true))
        };
        assert!(matches!(look("up"), Judgement::Degraded(_)));
        assert!(matches!(look("down"), Judgement::Down(_)));
    }

    #[test]
    fn what_was_not_asked_says_nothing_and_a_certificate_blames_no_process() {
        let probe = middleware();
        let not_asked = reading(ProbeAnswer::NotAsked { why: "too many open files".into() });
        assert!(matches!(judge(&probe, &not_asked), Judgement::NotAsked(_)));
        let expired = ProbeAnswer::Untrusted { why: "expired".into(), ended: None };
        let no_way = ProbeAnswer::NoWay { why: "no name".into() };
        for (answer, expected) in [(expired, Blame::Certificate), (no_way, Blame::Way)] {
            let Judgement::Down(down) = judge(&probe, &reading(answer)) else {
                panic!("{expected:?}")
            };
            assert_eq!(down.blame, expected);
        }
    }
}
