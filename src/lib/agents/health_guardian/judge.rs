//! Whether one look at a service shows it well: the exact success predicate on status, body and assets.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::Probe;
use crate::ports::probe::{ProbeAnswer, ProbeReading};

/// What one look says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Exactly as declared.
    Well,
    /// As declared for degraded.
    Degraded(String),
    /// Not well, and why.
    Down(String),
    /// The limiter answered, not the service: says nothing about it.
    Throttled,
}

/// 429: the service lives and protects itself from us.
const TOO_MANY_REQUESTS: u16 = 429;

/// Judges one look.
pub(super) fn judge(probe: &Probe, reading: &ProbeReading) -> Judgement {
    match &reading.answer {
        ProbeAnswer::Connected => Judgement::Well,
        ProbeAnswer::Refused => Judgement::Down("nobody listens there".to_owned()),
        ProbeAnswer::TimedOut => Judgement::Down(format!("no answer within {}", probe.deadline)),
        ProbeAnswer::Failed { why } => Judgement::Down(why.clone()),
        ProbeAnswer::Http { status, .. } if *status == TOO_MANY_REQUESTS => Judgement::Throttled,
        ProbeAnswer::Http { status, values, json, truncated, assets, assets_named, .. } => {
            if matches_any(&probe.degraded, values) && probe.status.contains(status) {
                return Judgement::Degraded(shown(&probe.degraded, values));
            }
            let wrong = wrong_status(probe, *status)
                .or_else(|| wrong_body(probe, values, *json, *truncated))
                .or_else(|| {
                    wrong_assets(probe, assets.iter().map(|a| (&a.path, a.status)), *assets_named)
                });
            wrong.map_or(Judgement::Well, Judgement::Down)
        }
    }
}

fn wrong_status(probe: &Probe, status: u16) -> Option<String> {
    let wanted = || probe.status.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
    (!probe.status.contains(&status)).then(|| format!("status {status} instead of {}", wanted()))
}

fn wrong_body(
    probe: &Probe,
    values: &BTreeMap<String, String>,
    json: bool,
    truncated: bool,
) -> Option<String> {
    if probe.body.is_empty() {
        return None;
    }
    if truncated {
        return Some("the body is larger than can be judged".to_owned());
    }
    if !json {
        return Some("the body is not JSON".to_owned());
    }
    probe.body.iter().find_map(|(pointer, allowed)| {
        let wanted = || allowed.iter().cloned().collect::<Vec<_>>().join(" or ");
        match values.get(pointer) {
            Some(value) if allowed.contains(value) => None,
            Some(value) => Some(format!("{pointer} is {value:?} instead of {}", wanted())),
            None => Some(format!("{pointer} is missing; expected {}", wanted())),
        }
    })
}

fn wrong_assets<'a>(
    probe: &Probe,
    mut assets: impl Iterator<Item = (&'a String, Option<u16>)>,
    named: bool,
) -> Option<String> {
    if !probe.assets {
        return None;
    }
    if !named {
        return Some("the page names no script and no style sheet".to_owned());
    }
    assets.find_map(|(path, status)| match status {
        Some(200) => None,
        Some(other) => Some(format!("the page loads, its asset {path} answers {other}")),
        None => Some(format!("the page loads, its asset {path} does not answer")),
    })
}

fn matches_any(
    declared: &BTreeMap<String, BTreeSet<String>>,
    values: &BTreeMap<String, String>,
) -> bool {
    declared
        .iter()
        .any(|(pointer, marks)| values.get(pointer).is_some_and(|value| marks.contains(value)))
}

fn shown(
    declared: &BTreeMap<String, BTreeSet<String>>,
    values: &BTreeMap<String, String>,
) -> String {
    let parts = declared
        .keys()
        .filter_map(|pointer| values.get(pointer).map(|value| format!("{pointer} is {value:?}")));
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
            assets_named: false,
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
        let page = |assets_named: bool, status: Option<u16>| {
            reading(ProbeAnswer::Http {
                status: 200,
                values: BTreeMap::new(),
                json: false,
                size_bytes: 10,
                truncated: false,
                assets: vec![AssetReading { path: "/app.js".into(), status }],
                assets_named,
                certificate_ends: None,
            })
        };
        assert_eq!(judge(&probe, &page(true, Some(200))), Judgement::Well);
        for bad in [page(true, Some(500)), page(true, None), page(false, Some(200))] {
            assert!(matches!(judge(&probe, &bad), Judgement::Down(_)), "{bad:?}");
        }
    }
}
