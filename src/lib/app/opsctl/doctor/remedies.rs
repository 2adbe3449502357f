//! Whether what agents may do on the platform would be taken: by the dialect, by the account's role, and by the routes that
//! every act is guarded and proved by. Nothing is changed: a row that cannot be there is read once for each kind.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::super::Desk;
use super::row::{Grade, Row};
use crate::app::wire;
use crate::domain::operation::Operation;
use crate::domain::platform::{Account, RowKind, RowRef};
use crate::domain::sight::Sight;
use crate::ports::platform::{Platform as _, PlatformControl as _};

/// An id that no row has, in the form that the platform asks for.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// One row for each remedy and tenant.
pub(super) async fn remedies(desk: &Desk<'_>) -> Vec<Row> {
    let Some(platform) = &desk.config.platform else { return Vec::new() };
    let Ok(folder) = tempfile::tempdir() else { return Vec::new() };
    let run = wire::new_run_id();
    let clock = Arc::clone(&desk.clock);
    // What keeps it from being asked is told with the agents.
    let Ok(client) = wire::platform_client(desk.config, &run, clock, folder.path()) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for tenant in client.tenants() {
        let mut answers: BTreeMap<RowKind, Sight<()>> = BTreeMap::new();
        for operation in operations(&tenant) {
            let Some(row) = operation.row() else { continue };
            let about = format!("remedy {}, tenant {tenant}", operation.verb());
            if let Err(why) = operation.offered(platform.dialect) {
                rows.push((Grade::Skipped, about, why));
                continue;
            }
            let answer = match answers.entry(row.kind) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(empty) => empty.insert(client.read(row).await.map(|_| ())),
            };
            let standing = client.standing().into_iter().find(|one| one.tenant == tenant);
            let account = standing.map(|one| one.account);
            rows.push(judged(about, account, answer));
        }
    }
    // What a session could not be ended by is told with the agents, too.
    let _left_open = client.release().await;
    rows
}

fn judged(about: String, account: Option<Account>, answer: &Sight<()>) -> Row {
    match (account, answer) {
        (Some(Account::Unfit { why }), _) => (Grade::Blocked, about, why),
        (_, Err(blind)) => (Grade::Blocked, about, blind.why.clone()),
        (Some(Account::Fit), Ok(())) => {
            (Grade::Ok, about, "the role may, and single rows are answered for".to_owned())
        }
        (Some(Account::Unknown { why }), Ok(())) => (Grade::Partial, about, why),
        (None, Ok(())) => (Grade::Partial, about, "the account's role was not told".to_owned()),
    }
}

/// Every operation on the platform that agents propose by themselves.
fn operations(tenant: &str) -> Vec<Operation> {
    let row = |kind| RowRef::new(kind, tenant, NOBODY);
    vec![
        Operation::PingDisplay(row(RowKind::Display)),
        Operation::ReloadDisplay(row(RowKind::Display)),
        Operation::ResetDisplay(row(RowKind::Display)),
        Operation::AssignPlaylist { display: row(RowKind::Display), playlist: None },
        Operation::ArchiveContent(row(RowKind::Content)),
        Operation::DeactivateSchedule(row(RowKind::Schedule)),
    ]
}
