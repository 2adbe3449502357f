//! All that is wrong in all tenants.

use super::entry::TruthEntry;
use super::resolve::Plan;
use super::{content, fleet, schedules};
use crate::sandbox::effects::Act;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::model::world::World;
use crate::sandbox::options::Dialect;
use crate::sandbox::time::Stamp;

/// What a check needs to know.
pub(super) struct Scene<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) dead_thumbnails: &'a std::collections::BTreeSet<String>,
    pub(super) dialect: Dialect,
    pub(super) now: Stamp,
    pub(super) plan: Plan<'a>,
}

impl Scene<'_> {
    /// A fault of one of this tenant's rows.
    pub(super) fn entry(
        &self,
        agent: &str,
        check: &str,
        kind: &str,
        id: &str,
        allowed: Vec<Act>,
    ) -> TruthEntry {
        let subject = format!("{kind}:{}/{id}", self.tenant.name);
        TruthEntry {
            agent: agent.to_owned(),
            check: check.to_owned(),
            subject,
            allowed,
            optional: false,
        }
    }
}

/// Every fault at `now`, by agent, check and subject.
pub(crate) fn derive(world: &World, dialect: Dialect, now: Stamp) -> Vec<TruthEntry> {
    let mut found = Vec::new();
    for tenant in &world.tenants {
        let plan = Plan::of(tenant, now);
        let dead_thumbnails = &world.dead_thumbnails;
        let scene = Scene { tenant, dead_thumbnails, dialect, now, plan };
        found.extend(content::faults(&scene));
        found.extend(fleet::faults(&scene));
        found.extend(schedules::faults(&scene));
    }
    found.sort_by(|a, b| (&a.agent, &a.check, &a.subject).cmp(&(&b.agent, &b.check, &b.subject)));
    found
}
