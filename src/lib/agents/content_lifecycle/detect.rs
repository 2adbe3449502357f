//! From a snapshot to verdicts: tenant by tenant, check by check.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::{AGENT, CONTENT_SERIES, OF_CONTENT, PLAYLISTS_SERIES, SPEC};
use super::detect_orphan::Completeness;
use super::detect_storage::StorageJudge;
use super::fault::Fault;
use super::seen::Seen;
use super::settings::ContentLifecycle;
use super::snapshot::{ContentLook, Look, Snapshot, TenantLook};
use super::{detect_content, detect_orphan, detect_proof};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::platform::{Asked, Dialect, Roll, Tally};
use crate::domain::run::Recall;
use crate::domain::sight::Blind;
use crate::domain::subject::{Key, Subject};

/// Judges everything that was seen.
pub(super) fn detect(
    settings: &ContentLifecycle,
    snapshot: &Snapshot,
    recall: &Recall,
) -> Diagnosis<Fault> {
    match (&snapshot.look, &snapshot.dialect) {
        (Look::Proof(look), dialect) => {
            let blind = dialect.as_ref().err().map(|blind| blind.why.as_str());
            detect_proof::proof(settings, look, blind, open(recall))
        }
        (Look::Everything(tenants), Ok(dialect)) => everything(settings, *dialect, tenants, recall),
        (Look::Everything(_), Err(Blind { why })) => nothing_seen(why, recall),
    }
}

/// The findings with an active incident.
fn open(recall: &Recall) -> impl Iterator<Item = &Key> {
    recall.incidents.iter().map(|incident| &incident.key).filter(|key| key.agent == AGENT)
}

/// There was nobody to ask: every question is open.
fn nothing_seen(why: &str, recall: &Recall) -> Diagnosis<Fault> {
    let mut roll = Roll::new(&SPEC, open(recall));
    let tenants: BTreeSet<String> =
        open(recall).map(|key| key.subject.scope().to_owned()).collect();
    for check in SPEC.checks {
        roll.blind(&check.id, "platform", why);
        for tenant in &tenants {
            let unseen = |_: &Subject| Asked::Unseen(why.to_owned());
            roll.settle(&check.id, tenant, jiff::Timestamp::UNIX_EPOCH, unseen);
        }
    }
    roll.into_diagnosis(&tenants.into_iter().collect::<Vec<_>>())
}

fn everything(
    settings: &ContentLifecycle,
    dialect: Dialect,
    tenants: &BTreeMap<String, TenantLook>,
    recall: &Recall,
) -> Diagnosis<Fault> {
    let mut roll = Roll::new(&SPEC, open(recall));
    for (tenant, look) in tenants {
        let judge = TenantJudge { settings, dialect, tenant, look, recall };
        judge.judge(&mut roll);
    }
    roll.into_diagnosis(&tenants.keys().cloned().collect::<Vec<_>>())
}

struct TenantJudge<'a> {
    settings: &'a ContentLifecycle,
    dialect: Dialect,
    tenant: &'a str,
    look: &'a TenantLook,
    recall: &'a Recall,
}

impl TenantJudge<'_> {
    fn judge(&self, roll: &mut Roll<Fault>) {
        let seen = match &self.look.content {
            Ok(content) => Ok(Seen::new(self.tenant, content, self.population(content, roll))),
            Err(Blind { why }) => Err(why.as_str()),
        };
        let playlists = self.playlists(roll);
        match &seen {
            Err(why) => {
                for check in OF_CONTENT {
                    roll.blind(check, self.tenant, why);
                }
            }
            Ok(seen) => {
                detect_content::expired(self.settings, seen, roll);
                detect_content::listed(self.settings, seen, roll);
                detect_content::thumbnails(seen, roll);
                detect_orphan::orphans(self.settings, seen, self.look, &playlists, roll);
            }
        }
        let storage = StorageJudge {
            settings: self.settings,
            dialect: self.dialect,
            tenant: self.tenant,
            look: &self.look.storage,
            content: seen.as_ref().map_err(|why| *why),
            recall: self.recall,
        };
        storage.judge(roll);
    }

    /// Counts the tenant's content. Returns why its list is not taken for whole, if so.
    fn population(&self, content: &ContentLook, roll: &mut Roll<Fault>) -> Option<String> {
        let tally = Tally {
            tenant: self.tenant,
            what: "content",
            series: CONTENT_SERIES,
            rows: u64::try_from(content.items.len()).unwrap_or(u64::MAX),
            cut_short: content.cut_short.as_deref(),
            at: content.at,
        };
        tally.count(self.recall, roll)
    }

    /// Counts the tenant's playlists. Why their list is not taken for whole, if so.
    fn playlists(&self, roll: &mut Roll<Fault>) -> Completeness {
        let playlists = self.look.playlists.as_ref().map_err(Clone::clone)?;
        let tally = Tally {
            tenant: self.tenant,
            what: "playlists",
            series: PLAYLISTS_SERIES,
            rows: playlists.rows,
            cut_short: playlists.cut_short.as_deref(),
            at: playlists.at,
        };
        Ok(tally.count(self.recall, roll))
    }
}
