//! What is on glass: which playlist a display plays at a time, and whether anything of it can be delivered.
//!
//! The rules are the platform's own. A disabled display plays nothing. Of the schedules for a display or one of its
//! groups the one with the highest priority plays, even where its playlist has nothing to deliver; without one the
//! display's own playlist does. An item can be delivered while it is active and not expired.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::content::{ContentDetail, ContentStatus, PlaylistItem, PlaylistRow, Zone};
use super::display::{DisplayRow, GroupRow};
use super::schedule::{LastMinute, ScheduleRow};
use super::timeline::{edges, moments, plays};

/// Whether something of a playlist can be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playable {
    /// It can.
    Yes,
    /// Nothing can.
    No,
    /// It depends on what was not seen.
    Unknown(String),
}

/// Until when something can be delivered for sure, and what may prolong that.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reach {
    /// `None` where nothing can; the largest time where it never ends.
    until: Option<Timestamp>,
    /// Why it may be longer than that.
    doubt: Option<String>,
}

impl Reach {
    const NOTHING: Self = Self { until: None, doubt: None };

    fn unclear(why: impl Into<String>) -> Self {
        Self { until: None, doubt: Some(why.into()) }
    }

    /// Whichever lasts longer.
    fn or(self, other: Self) -> Self {
        Self { until: self.until.max(other.until), doubt: self.doubt.or(other.doubt) }
    }

    /// Both are needed.
    fn and(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (None, _) | (_, None) => None,
        };
        Self { until, doubt: self.doubt.or(other.doubt) }
    }

    fn at(&self, at: Timestamp) -> Playable {
        match (&self.until, &self.doubt) {
            (Some(until), _) if at < *until => Playable::Yes,
            (_, Some(why)) => Playable::Unknown(why.clone()),
            (_, None) => Playable::No,
        }
    }
}

/// Everything that can be played, with until when it can.
#[derive(Debug)]
pub struct Catalogue<'a> {
    playlists: BTreeMap<&'a str, Reach>,
    unlisted: Unlisted,
}

/// What a playlist is that a row names and the list of playlists does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// It is gone: every playlist was listed, and rows may go on naming one that is not there.
    Gone,
    /// Nothing is known of it, and why.
    Unknown(String),
}

/// A layout in a playlist in a layout: deeper than this is not followed.
const DEPTH: u32 = 4;

/// What is known of content beyond the playlists that name it.
#[derive(Clone, Copy, Debug)]
pub struct Shelf<'a> {
    /// The state of every piece of content that was listed.
    pub content: &'a BTreeMap<String, ContentStatus>,
    /// Whether all content was listed, with everything that zones name.
    pub whole: bool,
    /// Whether all playlists were listed.
    pub playlists: bool,
    /// What is known of single pieces.
    pub details: &'a BTreeMap<String, ContentDetail>,
}

struct Maker<'a> {
    playlists: BTreeMap<&'a str, &'a PlaylistRow>,
    shelf: Shelf<'a>,
}

impl Maker<'_> {
    fn item(&self, id: &str, status: Option<ContentStatus>, layout: bool, depth: u32) -> Reach {
        if status.is_some_and(|status| status != ContentStatus::Active) {
            return Reach::NOTHING;
        }
        if status.is_none() && self.shelf.whole {
            // What a zone names and no list holds is gone, and is not played.
            return Reach::NOTHING;
        }
        let Some(detail) = self.shelf.details.get(id).filter(|_| status.is_some()) else {
            return Reach::unclear("when some of the content expires was not read yet");
        };
        let own = Reach { until: Some(detail.expires_at.unwrap_or(Timestamp::MAX)), doubt: None };
        if !layout || detail.zones.is_empty() {
            return own;
        }
        if depth == 0 {
            return Reach::unclear(format!("layout {id} is nested too deeply"));
        }
        let zones = detail.zones.iter().map(|zone| match zone {
            Zone::Playlist(playlist) => match self.playlists.get(playlist.as_str()) {
                Some(found) => self.playlist(found, depth - 1),
                None if self.shelf.playlists => Reach::NOTHING,
                None => Reach::unclear("not all playlists that a layout shows were listed"),
            },
            Zone::Content(content) => {
                self.item(content, self.shelf.content.get(content).copied(), false, depth - 1)
            }
            Zone::Widget(_) => Reach::NOTHING,
        });
        own.and(zones.fold(Reach::NOTHING, Reach::or))
    }

    fn playlist(&self, playlist: &PlaylistRow, depth: u32) -> Reach {
        let reach =
            |item: &PlaylistItem| self.item(&item.content, Some(item.status), item.layout, depth);
        playlist.items.iter().map(reach).fold(Reach::NOTHING, Reach::or)
    }
}

impl<'a> Catalogue<'a> {
    /// A catalogue of these playlists.
    #[must_use]
    pub fn new(playlists: &'a [PlaylistRow], shelf: Shelf<'_>, unlisted: Unlisted) -> Self {
        let by_id = playlists.iter().map(|playlist| (playlist.id.as_str(), playlist)).collect();
        let maker = Maker { playlists: by_id, shelf };
        let reaches =
            playlists.iter().map(|found| (found.id.as_str(), maker.playlist(found, DEPTH)));
        Self { playlists: reaches.collect(), unlisted }
    }

    /// Whether the playlist is surely there.
    #[must_use]
    pub fn holds(&self, playlist: &str) -> bool {
        self.playlists.contains_key(playlist)
    }

    /// Whether the playlist is gone.
    #[must_use]
    pub fn lacks(&self, playlist: &str) -> bool {
        self.unlisted == Unlisted::Gone && !self.playlists.contains_key(playlist)
    }

    /// Whether something of `playlist` can be delivered at `at`.
    #[must_use]
    pub fn playable(&self, playlist: &str, at: Timestamp) -> Playable {
        match (self.playlists.get(playlist), &self.unlisted) {
            (Some(reach), _) => reach.at(at),
            (None, Unlisted::Gone) => Playable::No,
            (None, Unlisted::Unknown(why)) => Playable::Unknown(why.clone()),
        }
    }

    fn ends(&self, playlist: &str) -> Option<Timestamp> {
        self.playlists.get(playlist).and_then(|reach| reach.until)
    }
}

/// What a display plays at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effective<'a> {
    /// No playlist is in effect.
    Nothing,
    /// This one, or one of these where schedules of equal priority tie: the platform does not say which.
    OneOf(BTreeSet<&'a str>),
    /// A schedule whose playlist is gone.
    Gone,
}

/// The schedules of every display, its groups' included.
#[derive(Debug)]
pub struct Programme<'a> {
    of: BTreeMap<&'a str, Vec<&'a ScheduleRow>>,
}

/// What lies ahead of a display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// From when no playlist is in effect, or one that is gone.
    pub gap: Option<Timestamp>,
    /// From when nothing can be delivered, by a playlist in effect or for want of one.
    pub blank: Option<Timestamp>,
    /// Why a blank could not be excluded.
    pub doubt: Option<String>,
}

impl<'a> Programme<'a> {
    /// The programme of these schedules.
    #[must_use]
    pub fn new(schedules: &'a [ScheduleRow], groups: &'a [GroupRow]) -> Self {
        let members: BTreeMap<&str, &GroupRow> =
            groups.iter().map(|group| (group.id.as_str(), group)).collect();
        let mut of: BTreeMap<&str, Vec<&ScheduleRow>> = BTreeMap::new();
        for schedule in schedules {
            let own = schedule.display.as_deref();
            let group = schedule.group.as_deref().and_then(|group| members.get(group));
            let grouped =
                group.into_iter().flat_map(|group| group.displays.iter().map(String::as_str));
            for display in own.into_iter().chain(grouped).collect::<BTreeSet<_>>() {
                of.entry(display).or_default().push(schedule);
            }
        }
        for of_display in of.values_mut() {
            of_display.sort_by(|one, other| one.id.cmp(&other.id));
        }
        Self { of }
    }

    /// The schedules for a display, its groups' included, in the order of their ids.
    #[must_use]
    pub fn of(&self, display: &str) -> &[&'a ScheduleRow] {
        self.of.get(display).map_or(&[], Vec::as_slice)
    }

    /// What `display` plays at `at`.
    #[must_use]
    pub fn effective<'b>(
        &'b self,
        display: &'b DisplayRow,
        zone: &TimeZone,
        at: Timestamp,
    ) -> Effective<'b> {
        let playing = || {
            let all = self.of(&display.id).iter();
            all.filter(|schedule| plays(schedule, zone, at, LastMinute::Counts))
        };
        let Some(highest) = playing().map(|schedule| schedule.priority).max() else {
            return match display.playlist.as_deref() {
                Some(own) => Effective::OneOf(BTreeSet::from([own])),
                None => Effective::Nothing,
            };
        };
        let top: Vec<Option<&str>> = playing()
            .filter(|schedule| schedule.priority == highest)
            .map(|schedule| schedule.playlist.as_deref())
            .collect();
        match top.into_iter().collect::<Option<BTreeSet<&str>>>() {
            Some(playlists) => Effective::OneOf(playlists),
            None => Effective::Gone,
        }
    }

    /// What lies ahead of `display` from `from` up to `to`.
    #[must_use]
    pub fn ahead(
        &self,
        display: &DisplayRow,
        zone: &TimeZone,
        catalogue: &Catalogue<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Ahead {
        let mut ahead = Ahead::default();
        for at in self.moments(display, zone, catalogue, from, to) {
            let effective = self.effective(display, zone, at);
            let none = match &effective {
                Effective::Nothing | Effective::Gone => true,
                Effective::OneOf(playlists) => playlists.iter().all(|one| catalogue.lacks(one)),
            };
            if none {
                ahead.gap.get_or_insert(at);
            }
            match deliverable(&effective, catalogue, at) {
                Playable::Yes => {}
                Playable::No => {
                    ahead.blank.get_or_insert(at);
                }
                Playable::Unknown(why) => {
                    ahead.doubt.get_or_insert(why);
                }
            }
        }
        ahead
    }

    /// Every moment at which the answer may change.
    fn moments(
        &self,
        display: &DisplayRow,
        zone: &TimeZone,
        catalogue: &Catalogue<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> BTreeSet<Timestamp> {
        let schedules = self.of(&display.id);
        let ahead = |schedule: &&&ScheduleRow| {
            schedule.active && !schedule.ended(from) && schedule.starts_at < to
        };
        let minutes = schedules.iter().filter(ahead).flat_map(|schedule| edges(schedule)).collect();
        let one_second = jiff::SignedDuration::from_secs(1);
        let dates = schedules.iter().filter(ahead).flat_map(|schedule| {
            // Its last moment still belongs to a schedule.
            let after = schedule.ends_at.and_then(|end| end.checked_add(one_second).ok());
            [Some(schedule.starts_at), after]
        });
        let playlists = schedules
            .iter()
            .filter(ahead)
            .filter_map(|schedule| schedule.playlist.as_deref())
            .chain(display.playlist.as_deref());
        let ends = playlists.map(|playlist| catalogue.ends(playlist));
        let extra = dates.chain(ends).flatten().filter(|at| from < *at && *at < to);
        let mut all: BTreeSet<Timestamp> = moments(zone, from, to, &minutes).into_iter().collect();
        all.extend(extra);
        all
    }
}

/// Whether something is delivered. Of a tie the platform shows either: only what holds for each of them is known.
fn deliverable(effective: &Effective<'_>, catalogue: &Catalogue<'_>, at: Timestamp) -> Playable {
    match effective {
        Effective::Nothing | Effective::Gone => Playable::No,
        Effective::OneOf(playlists) => {
            let mut answers = playlists.iter().map(|playlist| catalogue.playable(playlist, at));
            let Some(mut all) = answers.next() else { return Playable::No };
            for answer in answers {
                all = match (all, answer) {
                    // The tie itself is a finding of its own; it is not called blank as well.
                    (Playable::Yes, _) | (_, Playable::Yes) => Playable::Yes,
                    (Playable::No, Playable::No) => Playable::No,
                    (Playable::Unknown(why), _) | (_, Playable::Unknown(why)) => {
                        Playable::Unknown(why)
                    }
                };
            }
            all
        }
    }
}
