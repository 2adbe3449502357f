//! What is wrong with schedules.

use std::collections::BTreeSet;

use super::derive::Scene;
use super::entry::TruthEntry;
use super::resolve::{MINUTES_OF_DAY, in_force};
use super::{acts, fleet};
use crate::sandbox::model::display::Display;
use crate::sandbox::model::schedule::Schedule;

const AGENT: &str = "schedule-doctor";
/// Overlaps are looked for this far ahead.
const OVERLAP_AHEAD: usize = 7 * MINUTES_OF_DAY;

pub(super) fn faults(scene: &Scene<'_>) -> Vec<TruthEntry> {
    let mut found = Vec::new();
    for schedule in scene.tenant.schedules.iter().filter(|schedule| schedule.is_active) {
        of_active(scene, schedule, &mut found);
    }
    for pair in overlaps(scene) {
        found.push(scene.entry(AGENT, "schedule_overlap", "schedule", &pair, Vec::new()));
    }
    for display in scene.tenant.displays.iter().filter(|display| display.is_judged()) {
        let gap = scene.plan.any_minute(display, MINUTES_OF_DAY, |at, local| {
            scene.plan.playlists(display, at, local).is_empty()
        });
        if gap {
            let allowed = fleet::fallback(scene, display);
            found.push(scene.entry(AGENT, "coverage_gap", "display", &display.id, allowed));
        }
    }
    found
}

fn of_active(scene: &Scene<'_>, schedule: &Schedule, found: &mut Vec<TruthEntry>) {
    let id = schedule.id.as_str();
    let mut add = |check, allowed| found.push(scene.entry(AGENT, check, "schedule", id, allowed));
    let off = || vec![acts::deactivate(id)];
    if schedule.has_ended(scene.now) {
        add("schedule_ended", off());
        return;
    }
    if !has_target(scene, schedule) {
        add("schedule_no_target", off());
    }
    if scene.tenant.playlists.get(&schedule.playlist_id).is_none() {
        let mut allowed = instead(scene, schedule);
        if let Some(display) = &schedule.display_id {
            allowed.extend(acts::assign(scene.dialect, display, &scene.tenant.fallback));
        }
        add("schedule_playlist_gone", allowed);
    } else if !scene.plan.delivers(&schedule.playlist_id, scene.now) {
        add("schedule_playlist_empty", instead(scene, schedule));
    }
}

/// Switching it off, or letting it show the fallback.
fn instead(scene: &Scene<'_>, schedule: &Schedule) -> Vec<crate::sandbox::effects::Act> {
    vec![acts::deactivate(&schedule.id), acts::repoint(&schedule.id, &scene.tenant.fallback)]
}

fn has_target(scene: &Scene<'_>, schedule: &Schedule) -> bool {
    let members =
        |id: &String| scene.tenant.groups.get(id).is_some_and(|group| !group.displays.is_empty());
    schedule.display_id.is_some() || schedule.group_id.as_ref().is_some_and(members)
}

/// Pairs of schedules, as `first+second`, that fight for the same minute of a display.
fn overlaps(scene: &Scene<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for display in scene.tenant.displays.iter().filter(|display| display.is_judged()) {
        let schedules = scene.plan.schedules(display);
        for (at, one) in schedules.iter().enumerate() {
            for other in schedules[at + 1..].iter().filter(|other| other.id != one.id) {
                let mut pair = [one.id.as_str(), other.id.as_str()];
                pair.sort_unstable();
                let key = pair.join("+");
                if !found.contains(&key) && meet(scene, display, one, other) {
                    found.insert(key);
                }
            }
        }
    }
    found
}

fn meet(scene: &Scene<'_>, display: &Display, one: &Schedule, other: &Schedule) -> bool {
    one.priority == other.priority
        && scene.plan.any_minute(display, OVERLAP_AHEAD, |at, local| {
            in_force(one, at, local) && in_force(other, at, local)
        })
}
