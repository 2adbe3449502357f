//! Displays and groups.

use serde_json::json;

use super::deal::Deal;
use super::shelf::Playlists;
use crate::sandbox::model::display::{Display, DisplayStatus, Group, Player};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{DAY, HOUR, MINUTE, Stamp};

/// The part that a display plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Plays.
    Plain,
    SilentShort,
    SilentLong,
    SilentAndDeaf,
    Error,
    /// Its own playlist has nothing to show.
    Blank,
    /// What its own playlist shows ends within hours.
    BlankSoon,
    /// Silent, though not for long.
    Quiet,
    /// No playlist at all.
    Gap,
    /// A schedule for a part of the day, and nothing else.
    ByDay,
    /// Its group's schedule, and nothing else.
    Grouped,
    Disabled,
    NeverSeen,
    Pairing,
    Unpaired,
    /// Hangs in the place that is dark.
    Dark,
}

const USUAL: usize = 300;
const SHARES: [(Part, usize); 15] = [
    (Part::Dark, 6),
    (Part::SilentShort, 16),
    (Part::SilentLong, 14),
    (Part::SilentAndDeaf, 4),
    (Part::Error, 22),
    (Part::Blank, 8),
    (Part::BlankSoon, 3),
    (Part::Quiet, 6),
    (Part::Gap, 20),
    (Part::ByDay, 10),
    (Part::Grouped, 10),
    (Part::Disabled, 10),
    (Part::NeverSeen, 4),
    (Part::Pairing, 4),
    (Part::Unpaired, 4),
];
/// Displays in one place.
const PER_PLACE: usize = 12;
const BATCH: usize = 15;
const ZONES: [&str; 6] =
    ["UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
const DARK_PLACE: &str = "Store 99";

/// The ids of displays, by part.
pub(super) struct Displays(Vec<(String, Part)>);

impl Displays {
    pub(super) fn of(&self, wanted: Part) -> Vec<String> {
        let found = self.0.iter().filter(|(_, part)| *part == wanted);
        found.map(|(id, _)| id.clone()).collect()
    }
}

pub(super) fn hang(
    deal: &Deal<'_>,
    tenant: &mut Tenant,
    playlists: &Playlists,
    seeded: &mut Seeded,
) -> Displays {
    let total = deal.options.sizes.displays;
    let parts = deal.roles(&SHARES, USUAL, Part::Plain, total, seeded);
    let mut all = Vec::with_capacity(total);
    for (place, part) in parts.into_iter().enumerate() {
        let display = display(deal, part, place, playlists, seeded);
        all.push((display.id.clone(), part));
        tenant.displays.insert(display);
    }
    let displays = Displays(all);
    // One that a person switched off hangs in the dark place too, and says nothing about it.
    if let Some(off) = displays.of(Part::Disabled).first()
        && let Some(display) = tenant.displays.get_mut(off)
    {
        display.location = Some(DARK_PLACE.to_owned());
    }
    displays
}

fn display(
    deal: &Deal<'_>,
    part: Part,
    place: usize,
    playlists: &Playlists,
    seeded: &mut Seeded,
) -> Display {
    let now = deal.now;
    let minutes = match part {
        Part::SilentShort | Part::SilentAndDeaf => seeded.between(22, 50),
        Part::SilentLong | Part::Disabled | Part::Unpaired => seeded.between(70, 9_000),
        Part::Dark => seeded.between(25, 50),
        Part::Quiet => seeded.between(4, 9),
        _ => 0,
    };
    let silent_since = now.minus(minutes * MINUTE);
    let unreachable = part == Part::SilentAndDeaf || deal.options.all_deaf;
    let silent = minutes > 0 || matches!(part, Part::NeverSeen | Part::Pairing);
    let player = match (silent, unreachable) {
        (false, _) => Player::Beating(now.minus(DAY)),
        (true, true) => Player::Deaf,
        (true, false) => Player::Silent,
    };
    let status = match part {
        Part::Error => DisplayStatus::Error,
        Part::Pairing => DisplayStatus::Pairing,
        _ if silent => DisplayStatus::Offline,
        _ => DisplayStatus::Online,
    };
    let set_up = now.minus((20 + i64::try_from(place / BATCH).unwrap_or(0) % 200) * DAY);
    let pairing = part == Part::Pairing;
    let id = seeded.uuid();
    Display {
        device: format!("dev-{}", id.replace('-', "")),
        nickname: format!("Display {:03}", place + 1),
        description: None,
        location: location(part, place),
        status,
        status_since: if pairing { now } else { set_up },
        orientation: "landscape".to_owned(),
        resolution: "1920x1080".to_owned(),
        timezone: ZONES[seeded.index(ZONES.len())].to_owned(),
        heartbeat: (!matches!(part, Part::NeverSeen | Part::Pairing)).then_some(silent_since),
        is_disabled: part == Part::Disabled,
        current_playlist: own_playlist(part, place, playlists),
        created: set_up,
        updated: set_up.plus(HOUR),
        paired: (!pairing).then_some(set_up),
        unpaired: (part == Part::Unpaired).then_some(now.minus(2 * DAY)),
        metadata: json!({"os": "android"}),
        token: seeded.secret(),
        pairing_code: pairing.then(|| "AB12CD".to_owned()),
        pairing_expires: pairing.then_some(now.plus(10 * MINUTE)),
        player,
        id,
    }
}

fn location(part: Part, place: usize) -> Option<String> {
    match part {
        Part::Dark => Some(DARK_PLACE.to_owned()),
        _ if place.is_multiple_of(29) => None,
        _ => Some(format!("Store {:02}", place / PER_PLACE % 90 + 1)),
    }
}

fn own_playlist(part: Part, place: usize, playlists: &Playlists) -> Option<String> {
    let pick = |from: &[String]| from.get(place % from.len().max(1)).cloned();
    match part {
        Part::Gap | Part::ByDay | Part::Grouped | Part::Pairing => None,
        Part::Blank => pick(&playlists.empty).or_else(|| pick(&playlists.good)),
        Part::BlankSoon => pick(&playlists.fading).or_else(|| pick(&playlists.good)),
        Part::Plain if place.is_multiple_of(17) => {
            pick(&playlists.framed).or_else(|| pick(&playlists.good))
        }
        _ => pick(&playlists.good),
    }
}

/// A group of these displays.
pub(super) fn group(name: &str, displays: Vec<String>, now: Stamp, seeded: &mut Seeded) -> Group {
    Group {
        id: seeded.cuid(),
        name: name.to_owned(),
        description: None,
        created: now.minus(50 * DAY),
        updated: now.minus(10 * DAY),
        displays,
    }
}
