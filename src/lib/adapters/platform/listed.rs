//! Details that a list of this run showed, so that nobody asks for them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::platform::{ContentDetail, Wanted};

type Details = BTreeMap<String, (Timestamp, ContentDetail)>;

/// Details by tenant and id, each with when the platform had last written the row.
#[derive(Default)]
pub(super) struct Memory {
    tenants: Mutex<BTreeMap<String, Details>>,
}

impl Memory {
    pub(super) fn note(
        &self,
        tenant: &str,
        seen: impl Iterator<Item = (String, Timestamp, ContentDetail)>,
    ) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let details = tenants.entry(tenant.to_owned()).or_default();
        details.extend(seen.map(|(id, updated_at, detail)| (id, (updated_at, detail))));
    }

    /// What is known of these rows as they were last written.
    pub(super) fn known(&self, tenant: &str, wanted: &[Wanted]) -> BTreeMap<String, ContentDetail> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(details) = tenants.get(tenant) else { return BTreeMap::new() };
        let known = |wanted: &Wanted| {
            let (updated_at, detail) = details.get(&wanted.id)?;
            (*updated_at == wanted.updated_at).then(|| (wanted.id.clone(), detail.clone()))
        };
        wanted.iter().filter_map(known).collect()
    }
}
