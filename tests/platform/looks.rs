//! Tenants as the agents see them, made by chance.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use opswarden::agent::tenant::{ShelfLook, TenantLook};
use opswarden::domain::platform::{
    ContentDetail, ContentStatus, DisplayRow, DisplayStatus, GroupRow, Listing, PlaylistItem,
    PlaylistRow, ScheduleRow,
};

use crate::dice::Dice;

pub(crate) const TENANT: &str = "shop";

pub(crate) fn now() -> Timestamp {
    "2026-10-24T21:17:00Z".parse().unwrap()
}

/// So many minutes from now.
pub(crate) fn at(minutes: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

pub(crate) fn listing<T>(items: Vec<T>) -> Listing<T> {
    let total = u64::try_from(items.len()).unwrap();
    Listing { items, cut_short: None, total, platform_now: now(), at: now() }
}

fn some<T>(dice: &mut Dice, one_in: u64, value: T) -> Option<T> {
    dice.one_in(one_in).then_some(value)
}

fn minutes(dice: &mut Dice, most: u64) -> i64 {
    i64::try_from(dice.below(most)).unwrap()
}

fn id(of: &str, dice: &mut Dice, end: u64) -> String {
    format!("{of}-{}", dice.below(end))
}

pub(crate) fn display(dice: &mut Dice, name: &str) -> DisplayRow {
    let statuses = [
        DisplayStatus::Online,
        DisplayStatus::Online,
        DisplayStatus::Offline,
        DisplayStatus::Error,
        DisplayStatus::Pairing,
        DisplayStatus::Inactive,
    ];
    let zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Nowhere/At_All"];
    let silent = minutes(dice, 90);
    DisplayRow {
        id: name.to_owned(),
        name: format!("Display {name}"),
        location: (!dice.one_in(4)).then(|| id("place", dice, 3)),
        status: *dice.pick(&statuses),
        zone: Some((*dice.pick(&zones)).to_owned()),
        last_heartbeat: (!dice.one_in(8)).then(|| at(-silent)),
        disabled: dice.one_in(8),
        playlist: (!dice.one_in(2)).then(|| id("p", dice, 5)),
        paired_at: Some(at(-100_000)),
        unpaired_at: some(dice, 12, at(-10)),
    }
}

fn schedule(dice: &mut Dice, name: &str) -> ScheduleRow {
    let window = dice.one_in(3);
    let half_hour = |dice: &mut Dice| u16::try_from(dice.below(48) * 30).unwrap();
    let (from, to) = (half_hour(dice), half_hour(dice));
    let (began, ends) = (minutes(dice, 50_000), minutes(dice, 20_000));
    let group = id("g", dice, 3);
    ScheduleRow {
        id: name.to_owned(),
        name: format!("Schedule {name}"),
        starts_at: at(3_000 - began),
        ends_at: some(dice, 3, at(ends - 5_000)),
        from_minute: (!window).then_some(from),
        to_minute: (!window).then_some(to),
        days: (0..7).filter(|_| !dice.one_in(5)).collect(),
        priority: minutes(dice, 3),
        active: !dice.one_in(6),
        playlist: Some(id("p", dice, 6)),
        display: (!dice.one_in(3)).then(|| id("d", dice, 8)),
        group: some(dice, 3, group),
    }
}

/// A tenant: up to eight displays, ten schedules, five playlists.
pub(crate) fn tenant(dice: &mut Dice) -> TenantLook {
    let displays = (0..1 + dice.below(8)).map(|n| display(dice, &format!("d-{n}"))).collect();
    let schedules = (0..dice.below(10)).map(|n| schedule(dice, &format!("s-{n}"))).collect();
    let statuses = [ContentStatus::Active, ContentStatus::Active, ContentStatus::Archived];
    let content: BTreeMap<String, ContentStatus> =
        (0..8).map(|n| (format!("c-{n}"), *dice.pick(&statuses))).collect();
    let details = content.iter().filter(|(_, status)| **status == ContentStatus::Active);
    let details = details.map(|(content, _)| {
        let ends = minutes(dice, 400);
        let expires_at = some(dice, 2, at(ends - 100));
        (content.clone(), ContentDetail { expires_at, ..ContentDetail::default() })
    });
    let details: BTreeMap<String, ContentDetail> = details.collect();
    let item = |dice: &mut Dice| {
        let content_id = id("c", dice, 8);
        PlaylistItem { status: content[&content_id], content: content_id, layout: false }
    };
    let playlists = (0..5).map(|n| PlaylistRow {
        id: format!("p-{n}"),
        name: format!("Playlist {n}"),
        items: (0..dice.below(3)).map(|_| item(dice)).collect(),
    });
    let playlists: Vec<PlaylistRow> = playlists.collect();
    let groups = (0..3).map(|n| GroupRow {
        id: format!("g-{n}"),
        name: format!("Group {n}"),
        displays: (0..dice.below(3)).map(|_| id("d", dice, 8)).collect(),
    });
    let groups: Vec<GroupRow> = groups.collect();
    TenantLook {
        tenant: TENANT.to_owned(),
        displays: Ok(listing(displays)),
        groups: Ok(listing(groups)),
        schedules: Ok(listing(schedules)),
        playlists: Ok(listing(playlists)),
        shelf: ShelfLook { content, whole: true, details, cut_short: None },
    }
}

/// The same things in another order.
pub(crate) fn shuffled(look: &TenantLook, dice: &mut Dice) -> TenantLook {
    fn mix<T>(items: &mut [T], dice: &mut Dice) {
        for place in (1..items.len()).rev() {
            let other = usize::try_from(dice.below(u64::try_from(place + 1).unwrap())).unwrap();
            items.swap(place, other);
        }
    }
    let mut look = look.clone();
    mix(&mut look.displays.as_mut().unwrap().items, dice);
    mix(&mut look.schedules.as_mut().unwrap().items, dice);
    mix(&mut look.playlists.as_mut().unwrap().items, dice);
    let groups = look.groups.as_mut().unwrap();
    mix(&mut groups.items, dice);
    groups.items.iter_mut().for_each(|group| mix(&mut group.displays, dice));
    look
}

/// The same tenant with something hidden, and said so.
pub(crate) fn hidden(look: &TenantLook, dice: &mut Dice) -> TenantLook {
    fn cut<T>(list: &mut Listing<T>, dice: &mut Dice) {
        let left = dice.below(u64::try_from(list.items.len() + 1).unwrap());
        list.items.truncate(usize::try_from(left).unwrap());
        list.cut_short = Some("a page was not read".to_owned());
    }
    let mut look = look.clone();
    let blind = |dice: &mut Dice| dice.one_in(3);
    let why = || opswarden::domain::sight::Blind::because("the platform answered 500");
    for _ in 0..=dice.below(2) {
        match (dice.below(5), blind(dice)) {
            (0, true) => look.displays = Err(why()),
            (1, true) => look.groups = Err(why()),
            (2, true) => look.schedules = Err(why()),
            (3, true) => look.playlists = Err(why()),
            (0, _) => look.displays.iter_mut().for_each(|list| cut(list, dice)),
            (1, _) => look.groups.iter_mut().for_each(|list| cut(list, dice)),
            (2, _) => look.schedules.iter_mut().for_each(|list| cut(list, dice)),
            (3, _) => look.playlists.iter_mut().for_each(|list| cut(list, dice)),
            (_, whole) => {
                look.shelf.details.retain(|_, _| dice.one_in(2));
                if !whole {
                    look.shelf.whole = false;
                    look.shelf.content.retain(|_, _| dice.one_in(2));
                }
                look.shelf.cut_short = Some("not every detail was read".to_owned());
            }
        }
    }
    look
}
