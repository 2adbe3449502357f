//! Everything that one sandbox holds.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::content::ContentStatus;
use super::display::{DisplayStatus, Player};
use super::session::{Sessions, Who};
use super::tenant::{Tenant, User};
use crate::sandbox::effects::{Act, Effect, Effects};
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{HOUR, Stamp};

/// How long a reported state is kept.
const OPS_STATUS_LIFE: i64 = HOUR;

/// The state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) sessions: Sessions,
    pub(crate) effects: Effects,
    pub(crate) seeded: Seeded,
    pub(crate) began: Stamp,
    /// When the platform's own expiry runs next.
    pub(crate) next_expiry: Stamp,
    /// Thumbnails that are gone, by their path.
    pub(crate) dead_thumbnails: std::collections::BTreeSet<String>,
    /// Fleet commands of the last minute, by tenant.
    pub(crate) commands: HashMap<usize, VecDeque<Stamp>>,
    /// Failed logins in a row, by address.
    pub(crate) failures: HashMap<String, (u32, Stamp)>,
    /// Whether writes of this request are answered and not kept.
    pub(crate) lies: bool,
    ops_status: Option<(Value, Stamp)>,
}

impl World {
    pub(crate) fn new(tenants: Vec<Tenant>, seeded: Seeded, now: Stamp) -> Self {
        Self {
            tenants,
            sessions: Sessions::default(),
            effects: Effects::default(),
            seeded,
            began: now,
            next_expiry: now.plus(HOUR),
            dead_thumbnails: std::collections::BTreeSet::new(),
            commands: HashMap::new(),
            failures: HashMap::new(),
            lies: false,
            ops_status: None,
        }
    }

    pub(crate) fn user(&self, who: Who) -> &User {
        &self.tenants[who.tenant].users[who.user]
    }

    /// The account with this address.
    pub(crate) fn account(&self, email: &str) -> Option<Who> {
        self.tenants.iter().enumerate().find_map(|(tenant, row)| {
            let user = row.users.iter().position(|user| user.email == email)?;
            Some(Who { tenant, user })
        })
    }

    /// Notes that something was changed.
    pub(crate) fn record(&mut self, who: Who, at: Stamp, act: Act, before: &str, after: &str) {
        let effect = Effect {
            at: at.to_string(),
            tenant: self.tenants[who.tenant].name.clone(),
            account: self.user(who).email.clone(),
            act,
            before: before.to_owned(),
            after: after.to_owned(),
            undoes: false,
            applied: !self.lies,
        };
        self.effects.record(effect);
    }

    pub(crate) fn set_ops_status(&mut self, state: Value, now: Stamp) {
        self.ops_status = Some((state, now));
    }

    /// The state that was reported last, while it is fresh.
    pub(crate) fn ops_status(&self, now: Stamp) -> Option<&Value> {
        let fresh = |kept: &&(Value, Stamp)| now.since(kept.1) < OPS_STATUS_LIFE;
        self.ops_status.as_ref().filter(fresh).map(|(state, _)| state)
    }

    /// Puts rows in front of a list, or takes them away again: what happens to a reader of pages while others work.
    pub(crate) fn shift_rows(&mut self, path: &str, now: Stamp) {
        let Some(tenant) = self.tenants.first_mut() else { return };
        let mark = "Passing row";
        if path.ends_with("/content") {
            let like = tenant.content.iter().next().cloned();
            let away = tenant.content.remove_where(|row| row.name == mark) > 0;
            if let Some(like) = like.filter(|_| !away) {
                for _ in 0..PASSING {
                    let mut row = like.clone();
                    row.id = self.seeded.cuid();
                    mark.clone_into(&mut row.name);
                    "image".clone_into(&mut row.kind);
                    row.status = ContentStatus::Draft;
                    (row.created, row.updated) = (now, now);
                    (row.replacement, row.previous_version) = (None, None);
                    tenant.content.insert(row);
                }
            }
        } else if path.ends_with("/displays") {
            let like = tenant.displays.iter().next().cloned();
            let away = tenant.displays.remove_where(|row| row.nickname == mark) > 0;
            if let Some(like) = like.filter(|_| !away) {
                for _ in 0..PASSING {
                    let mut row = like.clone();
                    row.id = self.seeded.uuid();
                    mark.clone_into(&mut row.nickname);
                    row.status = DisplayStatus::Pairing;
                    row.player = Player::Silent;
                    (row.created, row.updated, row.status_since) = (now, now, now);
                    (row.paired, row.unpaired, row.heartbeat) = (None, None, None);
                    tenant.displays.insert(row);
                }
            }
        } else if path.ends_with("/schedules") {
            let like = tenant.schedules.iter().next().cloned();
            let away = tenant.schedules.remove_where(|row| row.name == mark) > 0;
            if let Some(like) = like.filter(|_| !away) {
                for _ in 0..PASSING {
                    let mut row = like.clone();
                    row.id = self.seeded.cuid();
                    mark.clone_into(&mut row.name);
                    row.is_active = false;
                    row.priority = 1000;
                    (row.created, row.updated) = (now, now);
                    tenant.schedules.insert(row);
                }
            }
        }
    }
}

/// How many rows come and go at once.
const PASSING: usize = 3;
