//! One customer: the organisation, its people and its rows.

use std::collections::HashMap;

use serde::Serialize;

use super::content::{Content, Playlist};
use super::display::{Display, Group};
use super::schedule::Schedule;
use super::table::Table;
use crate::sandbox::time::Stamp;

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Admin,
    Manager,
    Viewer,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Viewer => "viewer",
        }
    }
}

/// What a login needs beside the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecondFactor {
    None,
    Asked,
    MustEnrol,
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) first_name: &'static str,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    pub(crate) is_super: bool,
    pub(crate) second_factor: SecondFactor,
    pub(crate) created: Stamp,
    pub(crate) last_login: Option<Stamp>,
}

/// The organisation's own row.
#[derive(Clone, Debug)]
pub(crate) struct Organisation {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) subscription: String,
    pub(crate) used_bytes: i64,
    pub(crate) quota_bytes: i64,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
}

/// One customer.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// As subjects name it: `default`, `tenant-2`, …
    pub(crate) name: String,
    pub(crate) organisation: Organisation,
    pub(crate) users: Vec<User>,
    pub(crate) content: Table<Content>,
    pub(crate) playlists: Table<Playlist>,
    pub(crate) displays: Table<Display>,
    pub(crate) groups: Table<Group>,
    pub(crate) schedules: Table<Schedule>,
    /// The playlist that the operator names as the one to fall back on.
    pub(crate) fallback: String,
    /// Which playlists show a content item, and as of which change of the playlists.
    shown_in: (u64, HashMap<String, Vec<String>>),
}

impl Tenant {
    pub(crate) fn new(name: String, organisation: Organisation, users: Vec<User>) -> Self {
        Self {
            name,
            organisation,
            users,
            content: Table::default(),
            playlists: Table::default(),
            displays: Table::default(),
            groups: Table::default(),
            schedules: Table::default(),
            fallback: String::new(),
            shown_in: (u64::MAX, HashMap::new()),
        }
    }

    /// The playlists that show a content item.
    pub(crate) fn playlists_of(&mut self, content: &str) -> Vec<String> {
        if self.shown_in.0 != self.playlists.changes() {
            let mut index: HashMap<String, Vec<String>> = HashMap::new();
            for playlist in self.playlists.iter() {
                for item in &playlist.items {
                    let shown = index.entry(item.content_id.clone()).or_default();
                    if shown.last() != Some(&playlist.id) {
                        shown.push(playlist.id.clone());
                    }
                }
            }
            self.shown_in = (self.playlists.changes(), index);
        }
        self.shown_in.1.get(content).cloned().unwrap_or_default()
    }

    /// The displays that a schedule aims at, those that are gone left out.
    pub(crate) fn targets<'a>(&'a self, schedule: &'a Schedule) -> Vec<&'a Display> {
        let own = schedule.display_id.iter();
        let group = schedule.group_id.as_ref().and_then(|id| self.groups.get(id));
        let members = group.into_iter().flat_map(|group| group.displays.iter());
        own.chain(members).filter_map(|id| self.displays.get(id)).collect()
    }

    /// Removes a playlist as the database does: with its schedules, and from every display. Where nothing cascades,
    /// schedules go on naming it.
    pub(crate) fn remove_playlist(&mut self, id: &str, cascade: bool) -> bool {
        let gone = self.playlists.remove(id).is_some();
        if gone && cascade {
            self.schedules.remove_where(|schedule| schedule.playlist_id == id);
            let showing: Vec<String> = self
                .displays
                .iter()
                .filter(|display| display.current_playlist.as_deref() == Some(id))
                .map(|display| display.id.clone())
                .collect();
            for id in showing {
                if let Some(display) = self.displays.get_mut(&id) {
                    display.current_playlist = None;
                }
            }
        }
        gone
    }

    /// Removes a content item with its places in playlists; pointers to it become empty.
    pub(crate) fn remove_content(&mut self, id: &str) -> bool {
        let Some(gone) = self.content.remove(id) else { return false };
        self.organisation.used_bytes -= gone.size_bytes;
        for playlist in self.playlists_of(id) {
            if let Some(playlist) = self.playlists.get_mut(&playlist) {
                playlist.items.retain(|item| item.content_id != id);
            }
        }
        for other in self.content.iter_mut() {
            let cleared = |pointer: &mut Option<String>| {
                if pointer.as_deref() == Some(id) {
                    *pointer = None;
                }
            };
            cleared(&mut other.replacement);
            cleared(&mut other.previous_version);
        }
        true
    }
}
