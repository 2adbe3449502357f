//! Displays, the players behind them, and groups. What a player did is worked out when somebody looks, so that a
//! fleet of any size costs nothing while nobody does.

use serde::Serialize;
use serde_json::Value;

use super::table::Row;
use crate::sandbox::time::{MINUTE, SECOND, Stamp};

/// What the platform says of a display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DisplayStatus {
    Online,
    Offline,
    Pairing,
    Error,
    Inactive,
}

impl DisplayStatus {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "online" => Self::Online,
            "offline" => Self::Offline,
            "pairing" => Self::Pairing,
            "error" => Self::Error,
            "inactive" => Self::Inactive,
            _ => return None,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Pairing => "pairing",
            Self::Error => "error",
            Self::Inactive => "inactive",
        }
    }
}

/// A beat is written to the row at most this often.
const PERSISTED_EVERY: i64 = MINUTE;
/// A display that was silent for longer is marked offline.
pub(crate) const SILENCE: i64 = 120 * SECOND;
/// A player beats this often.
pub(crate) const BEAT: i64 = 15 * SECOND;
/// A pairing that took longer is given up.
pub(crate) const PAIRING: i64 = 30 * MINUTE;
/// A player that is pinged needs this long to come back.
pub(crate) const RECONNECT: i64 = 2 * SECOND;

/// The machine behind a display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Player {
    /// Beats, since that moment.
    Beating(Stamp),
    /// Does not beat; comes back when it is pinged.
    Silent,
    /// Does not beat, whatever is sent to it.
    Deaf,
}

/// One display.
#[derive(Clone, Debug)]
pub(crate) struct Display {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) nickname: String,
    pub(crate) description: Option<String>,
    pub(crate) location: Option<String>,
    /// As it was written last, and when.
    pub(crate) status: DisplayStatus,
    pub(crate) status_since: Stamp,
    pub(crate) orientation: String,
    pub(crate) resolution: String,
    pub(crate) timezone: String,
    /// The last beat before the player fell silent.
    pub(crate) heartbeat: Option<Stamp>,
    pub(crate) is_disabled: bool,
    pub(crate) current_playlist: Option<String>,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
    pub(crate) paired: Option<Stamp>,
    pub(crate) unpaired: Option<Stamp>,
    pub(crate) metadata: Value,
    pub(crate) token: String,
    pub(crate) pairing_code: Option<String>,
    pub(crate) pairing_expires: Option<Stamp>,
    pub(crate) player: Player,
}

/// What a reader sees of a display at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: DisplayStatus,
    pub(crate) heartbeat: Option<Stamp>,
    pub(crate) updated: Stamp,
}

impl Row for Display {
    fn id(&self) -> &str {
        &self.id
    }
    fn rank(&self) -> (i64, i64) {
        (0, -self.created.0)
    }
}

impl Display {
    /// The row as it stands at `now`, with the beats and the marks that happened meanwhile.
    pub(crate) fn seen(&self, now: Stamp) -> Seen {
        let heartbeat = match self.player {
            Player::Beating(since) if since <= now => {
                let phase = i64::from(self.id.as_bytes().first().copied().unwrap_or(0)) * 211;
                let persisted = now.minus((now.0 + phase) % PERSISTED_EVERY);
                Some(persisted.max(since))
            }
            Player::Beating(_) | Player::Silent | Player::Deaf => self.heartbeat,
        };
        let beats = matches!(self.player, Player::Beating(since) if since <= now);
        let fell_silent = heartbeat.is_none_or(|beat| now.since(beat) > SILENCE);
        let status = match self.status {
            DisplayStatus::Online if !beats && fell_silent => DisplayStatus::Offline,
            DisplayStatus::Offline | DisplayStatus::Inactive
                if beats && now.since(self.status_since) >= BEAT && !self.is_disabled =>
            {
                DisplayStatus::Online
            }
            DisplayStatus::Pairing if self.pairing_is_stale(now) => DisplayStatus::Offline,
            status => status,
        };
        let updated = heartbeat.map_or(self.updated, |beat| beat.max(self.updated));
        Seen { status, heartbeat, updated }
    }

    fn pairing_is_stale(&self, now: Stamp) -> bool {
        now.since(self.status_since) > PAIRING
    }

    /// Writes a status.
    pub(crate) fn set_status(&mut self, status: DisplayStatus, now: Stamp) {
        self.status = status;
        self.status_since = now;
    }

    /// Whether it is a display that somebody set up and wants to run.
    pub(crate) fn is_judged(&self) -> bool {
        self.paired.is_some() && self.unpaired.is_none() && !self.is_disabled
    }

    /// A ping arrives: whether a player took it.
    pub(crate) fn pinged(&mut self, now: Stamp) -> bool {
        match self.player {
            Player::Beating(_) => true,
            Player::Silent => {
                self.player = Player::Beating(now.plus(RECONNECT));
                self.set_status(DisplayStatus::Online, now.plus(RECONNECT));
                true
            }
            Player::Deaf => false,
        }
    }
}

/// Displays under one name.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
    pub(crate) displays: Vec<String>,
}

impl Row for Group {
    fn id(&self) -> &str {
        &self.id
    }
    fn rank(&self) -> (i64, i64) {
        (0, -self.created.0)
    }
}
