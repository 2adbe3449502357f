//! Content and playlists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::deal::Deal;
use crate::sandbox::model::content::{Content, ContentStatus, Item, Playlist};
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Scenario;
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{DAY, HOUR, MINUTE, Stamp};

/// The part that a piece of content plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Plain,
    Expired,
    ExpiredReplaced,
    ExpiredDeadEnd,
    ExpiredJustNow,
    Fading,
    OldOrphan,
    YoungOrphan,
    NoThumbnail,
    DeadThumbnail,
    Oversized,
    ZoneOnly,
    WidgetOnly,
    ReplacementOnly,
    PreviousOnly,
    Draft,
    Flagged,
    Archived,
    ExpiredByPlatform,
    Global,
    Layout,
}

/// How many of so many pieces play each part.
const USUAL: usize = 800;
const SHARES: [(Part, usize); 20] = [
    (Part::Expired, 30),
    (Part::ExpiredReplaced, 12),
    (Part::ExpiredDeadEnd, 10),
    (Part::ExpiredJustNow, 10),
    (Part::Fading, 4),
    (Part::OldOrphan, 80),
    (Part::YoungOrphan, 15),
    (Part::NoThumbnail, 12),
    (Part::DeadThumbnail, 8),
    (Part::Oversized, 10),
    (Part::ZoneOnly, 6),
    (Part::WidgetOnly, 2),
    (Part::ReplacementOnly, 16),
    (Part::PreviousOnly, 4),
    (Part::Draft, 6),
    (Part::Flagged, 4),
    (Part::Archived, 20),
    (Part::ExpiredByPlatform, 6),
    (Part::Global, 4),
    (Part::Layout, 6),
];
/// So many rows in a row were made in the same moment: lists cannot tell them apart by time.
const BATCH: usize = 20;
const MEBIBYTE: i64 = 1024 * 1024;

/// The playlists by what they are for.
pub(super) struct Playlists {
    /// Something to show, whatever is picked.
    pub(super) good: Vec<String>,
    /// Nothing that can be shown; empty in a healthy tenant.
    pub(super) empty: Vec<String>,
    /// Something to show, for hours only.
    pub(super) fading: Vec<String>,
    /// Nothing but a layout, which has something to show.
    pub(super) framed: Vec<String>,
}

pub(super) fn stock(
    deal: &Deal<'_>,
    tenant: &mut Tenant,
    number: usize,
    seeded: &mut Seeded,
    lost: &mut BTreeSet<String>,
) -> Playlists {
    let sizes = &deal.options.sizes;
    let total = if deal.options.scenario == Scenario::Empty { 1 } else { sizes.content.max(1) };
    let mut parts = deal.roles(&SHARES, USUAL, Part::Plain, total, seeded);
    // Something must be there to fall back on.
    match parts.iter().position(|part| *part == Part::Plain) {
        Some(place) => parts.swap(0, place),
        None => parts[0] = Part::Plain,
    }
    let mut content: Vec<Content> = parts
        .iter()
        .enumerate()
        .map(|(place, part)| piece(deal, *part, place, number, seeded, lost))
        .collect();
    point(&parts, &mut content, seeded);
    let playlists = fill(deal, &parts, &content, seeded);
    tenant.fallback.clone_from(&playlists.1.good[0]);
    zone(&parts, &mut content, &playlists.1);
    for piece in content {
        tenant.content.insert(piece);
    }
    for playlist in playlists.0 {
        tenant.playlists.insert(playlist);
    }
    playlists.1
}

fn piece(
    deal: &Deal<'_>,
    part: Part,
    place: usize,
    number: usize,
    seeded: &mut Seeded,
    lost: &mut BTreeSet<String>,
) -> Content {
    let now = deal.now;
    let old = i64::try_from(place / BATCH).unwrap_or(0) % 150;
    let created = match part {
        Part::YoungOrphan | Part::ExpiredJustNow => now.minus((1 + old % 27) * DAY),
        _ => now.minus((40 + old) * DAY),
    };
    let expires = match part {
        Part::Expired | Part::ExpiredReplaced | Part::ExpiredDeadEnd => {
            Some(now.minus(seeded.between(100, 40_000) * MINUTE))
        }
        Part::ExpiredByPlatform => Some(now.minus(3 * DAY)),
        Part::ExpiredJustNow => Some(now.minus(seeded.between(5, 40) * MINUTE)),
        Part::Fading => Some(now.plus(seeded.between(70, 200) * MINUTE)),
        Part::Plain if seeded.chance(0.1) => Some(now.plus(seeded.between(10, 90) * DAY)),
        _ => None,
    };
    let status = match part {
        Part::Draft => ContentStatus::Draft,
        Part::Flagged => ContentStatus::Flagged,
        Part::Archived => ContentStatus::Archived,
        Part::ExpiredByPlatform => ContentStatus::Expired,
        _ => ContentStatus::Active,
    };
    let kind = match (part, place % 3) {
        (Part::Layout, _) => "layout",
        (_, 0) => "video",
        _ => "image",
    };
    let picture = format!("/static/thumbnails/{number}-{place}.jpg");
    if part == Part::DeadThumbnail {
        lost.insert(picture.clone());
    }
    Content {
        id: seeded.cuid(),
        name: format!("Content {:04}", place + 1),
        description: None,
        kind: kind.to_owned(),
        url: format!("minio://{number}/{place}-asset.bin"),
        thumbnail: (part != Part::NoThumbnail).then_some(picture),
        duration: Some(10),
        size_bytes: size(part, seeded),
        mime: if kind == "video" { "video/mp4" } else { "image/png" }.to_owned(),
        metadata: json!({}),
        status,
        is_global: part == Part::Global,
        created,
        updated: now.minus(seeded.between(2, 48) * HOUR),
        expires,
        replacement: None,
        previous_version: None,
        orientation: None,
    }
}

fn size(part: Part, seeded: &mut Seeded) -> i64 {
    match part {
        Part::Oversized => seeded.between(101, 900) * MEBIBYTE,
        _ => seeded.between(1, 90) * MEBIBYTE,
    }
}

/// The places of all pieces that play one of these parts.
fn of(parts: &[Part], wanted: &[Part]) -> Vec<usize> {
    (0..parts.len()).filter(|place| wanted.contains(&parts[*place])).collect()
}

/// Pointers from piece to piece.
fn point(parts: &[Part], content: &mut [Content], seeded: &mut Seeded) {
    let plain = of(parts, &[Part::Plain]);
    let replacing = of(parts, &[Part::ReplacementOnly]);
    let archived = of(parts, &[Part::Archived]);
    let mut point = |from: usize, to: usize| {
        let target = content[to].id.clone();
        content[from].replacement = Some(target);
    };
    for (turn, from) in of(parts, &[Part::ExpiredReplaced]).into_iter().enumerate() {
        let to = replacing.get(turn).copied().unwrap_or(plain[turn % plain.len()]);
        point(from, to);
    }
    for (turn, to) in replacing.iter().enumerate().skip(of(parts, &[Part::ExpiredReplaced]).len()) {
        point(plain[(turn + 1) % plain.len()], *to);
    }
    for (turn, from) in of(parts, &[Part::ExpiredDeadEnd]).into_iter().enumerate() {
        if let Some(to) = archived.get(turn % archived.len().max(1)) {
            point(from, *to);
        }
    }
    let start = seeded.index(plain.len());
    for (turn, to) in of(parts, &[Part::PreviousOnly]).into_iter().enumerate() {
        let from = plain[(start + turn) % plain.len()];
        content[from].previous_version = Some(content[to].id.clone());
    }
}

/// The playlists, each with something that can be shown, but for those that are meant to have nothing.
fn fill(
    deal: &Deal<'_>,
    parts: &[Part],
    content: &[Content],
    seeded: &mut Seeded,
) -> (Vec<Playlist>, Playlists) {
    let wanted = deal.options.sizes.playlists.max(1);
    let wanted = if deal.options.scenario == Scenario::Empty { 1 } else { wanted };
    let nothing = if deal.is_broken() { (wanted / 15).max(usize::from(wanted > 2)) } else { 0 };
    let mut lists: Vec<Playlist> =
        (0..wanted).map(|place| playlist(place, deal.now, seeded)).collect();
    let fading = of(parts, &[Part::Fading]);
    let framing = of(parts, &[Part::Layout]);
    let special = |there: bool| usize::from(there && wanted > 8);
    let (fades, frames) = (special(!fading.is_empty()), special(!framing.is_empty()));
    let good = wanted - nothing - fades - frames;
    let add = |list: &mut Playlist, piece: &Content, seeded: &mut Seeded| {
        list.items.push(Item {
            id: seeded.cuid(),
            content_id: piece.id.clone(),
            duration: None,
            created: deal.now.minus(20 * DAY),
        });
    };
    let plain = of(parts, &[Part::Plain]);
    for (turn, place) in plain.iter().enumerate() {
        add(&mut lists[turn % good], &content[*place], seeded);
    }
    // With fewer pieces than playlists the same ones are shown again.
    for turn in plain.len()..good {
        add(&mut lists[turn], &content[plain[turn % plain.len()]], seeded);
    }
    let shown = [
        Part::Expired,
        Part::ExpiredReplaced,
        Part::ExpiredDeadEnd,
        Part::ExpiredJustNow,
        Part::NoThumbnail,
        Part::DeadThumbnail,
        Part::Oversized,
        Part::Layout,
    ];
    for place in of(parts, &shown) {
        add(&mut lists[seeded.index(good)], &content[place], seeded);
    }
    let hidden = of(parts, &[Part::Archived, Part::Draft, Part::Flagged]);
    for (turn, place) in hidden.iter().enumerate().filter(|_| nothing > 0) {
        add(&mut lists[good + turn % nothing], &content[*place], seeded);
    }
    for place in fading {
        let list = if fades > 0 { good + nothing } else { 0 };
        add(&mut lists[list], &content[place], seeded);
    }
    if let Some(layout) = framing.first().filter(|_| frames > 0) {
        add(&mut lists[wanted - 1], &content[*layout], seeded);
    }
    let ids = |from: usize, to: usize| lists[from..to].iter().map(|list| list.id.clone()).collect();
    let named = Playlists {
        good: ids(0, good),
        empty: ids(good, good + nothing),
        fading: ids(good + nothing, good + nothing + fades),
        framed: ids(wanted - frames, wanted),
    };
    (lists, named)
}

fn playlist(place: usize, now: Stamp, seeded: &mut Seeded) -> Playlist {
    let batch = i64::try_from(place / BATCH).unwrap_or(0);
    Playlist {
        id: seeded.cuid(),
        name: format!("Playlist {:03}", place + 1),
        description: None,
        loops: true,
        is_default: place == 0,
        created: now.minus((60 + batch) * DAY),
        updated: now.minus(2 * DAY),
        items: Vec::new(),
    }
}

/// What layouts show: pieces that nothing else names, and a playlist. The first one, which may be all that a playlist
/// holds, shows pieces alone where there are some.
fn zone(parts: &[Part], content: &mut [Content], playlists: &Playlists) {
    let layouts = of(parts, &[Part::Layout]);
    let main = || json!({"id": "main", "playlistId": playlists.good[0]});
    let mut zones: Vec<Vec<Value>> = layouts.iter().map(|_| vec![main()]).collect();
    if !of(parts, &[Part::ZoneOnly]).is_empty() {
        zones.iter_mut().take(1).for_each(Vec::clear);
    }
    let kinds = [(Part::ZoneOnly, "contentId"), (Part::WidgetOnly, "widgetId")];
    let count = zones.len();
    for (part, field) in kinds.into_iter().filter(|_| count > 0) {
        for (turn, place) in of(parts, &[part]).into_iter().enumerate() {
            zones[turn % count].push(json!({"id": format!("z{turn}"), field: content[place].id}));
        }
    }
    for (place, zones) in layouts.into_iter().zip(zones) {
        content[place].metadata = json!({ "zones": zones });
    }
}
