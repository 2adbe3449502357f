//! What is wrong with displays.

use std::collections::BTreeMap;

use super::acts;
use super::derive::Scene;
use super::entry::TruthEntry;
use crate::sandbox::model::display::{Display, DisplayStatus};
use crate::sandbox::time::{MINUTE, Stamp};

const AGENT: &str = "fleet-manager";
/// Silence that is longer means offline.
const OFFLINE_AFTER: i64 = 15 * MINUTE;
/// Fewer displays than this are no place that can go dark.
const DARK_AT_LEAST: usize = 3;
/// How far ahead an empty screen is foreseen.
const BLANK_AHEAD: usize = 4 * 60;

pub(super) fn faults(scene: &Scene<'_>) -> Vec<TruthEntry> {
    let mut found = Vec::new();
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for display in scene.tenant.displays.iter().filter(|display| display.is_judged()) {
        let seen = display.seen(scene.now);
        let id = display.id.as_str();
        let mut add =
            |check, allowed| found.push(scene.entry(AGENT, check, "display", id, allowed));
        let offline = seen.heartbeat.is_some_and(|beat| is_offline(beat, scene.now));
        if offline {
            add("display_offline", vec![acts::wake(scene.dialect, id)]);
        }
        if seen.status == DisplayStatus::Error {
            add("display_error", vec![acts::reset(id)]);
        }
        if is_blank(scene, display) {
            add("display_blank", fallback(scene, display));
        }
        if let (Some(place), Some(_)) = (&display.location, seen.heartbeat) {
            let (all, dark) = places.entry(place).or_default();
            *all += 1;
            *dark += usize::from(offline);
        }
    }
    let dark = places.iter().filter(|(_, (all, dark))| *all >= DARK_AT_LEAST && all == dark);
    found.extend(
        dark.map(|(place, _)| scene.entry(AGENT, "location_dark", "location", place, Vec::new())),
    );
    found
}

fn is_offline(beat: Stamp, now: Stamp) -> bool {
    now.since(beat) > OFFLINE_AFTER
}

fn is_blank(scene: &Scene<'_>, display: &Display) -> bool {
    scene.plan.any_minute(display, BLANK_AHEAD, |at, local| {
        let playlists = scene.plan.playlists(display, at, local);
        !playlists.iter().any(|playlist| scene.plan.delivers(playlist, at))
    })
}

/// Assigning the fallback is right where the empty minutes are the display's own and no schedule's.
pub(super) fn fallback(scene: &Scene<'_>, display: &Display) -> Vec<crate::sandbox::effects::Act> {
    let helps = scene.plan.any_minute(display, super::resolve::MINUTES_OF_DAY, |at, local| {
        let playlists = scene.plan.playlists(display, at, local);
        let shown = playlists.iter().any(|playlist| scene.plan.delivers(playlist, at));
        !shown && !scene.plan.is_scheduled(display, at, local)
    });
    if !helps || scene.tenant.fallback.is_empty() {
        return Vec::new();
    }
    acts::assign(scene.dialect, &display.id, &scene.tenant.fallback)
}
