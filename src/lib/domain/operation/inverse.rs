//! What takes an operation back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Guard, Operation, TargetState};
use crate::domain::platform::{Dialect, Field, RowState};

/// What takes an operation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// This operation restores exactly what was.
    Exact(Operation),
    /// This operation comes close.
    Approximate {
        /// The operation.
        operation: Operation,
        /// What it does not restore.
        why: String,
    },
    /// Nothing does.
    None {
        /// Why not.
        why: String,
    },
}

impl Inverse {
    /// Why it does not restore exactly what was, if so.
    #[must_use]
    pub fn falls_short(&self) -> Option<&str> {
        match self {
            Self::Exact(_) => None,
            Self::Approximate { why, .. } | Self::None { why } => Some(why),
        }
    }
}

impl Operation {
    /// What takes it back as far as its guard tells, for the guard names what the target must be then; `None` where only
    /// the target itself tells.
    #[must_use]
    pub fn foreseen_inverse(&self, guard: &Guard, dialect: Dialect) -> Option<Inverse> {
        let (Some(row), Guard::SameRow { fields }) = (self.row(), guard) else {
            let lost = self.inverse(&TargetState::Missing, dialect);
            return self.row().is_none().then_some(lost);
        };
        let needed = match self {
            Self::ArchiveContent(_) => Some(Field::Status),
            Self::AssignPlaylist { .. } => Some(Field::CurrentPlaylist),
            Self::RestartProcess(_)
            | Self::ReloadProcess(_)
            | Self::PingDisplay(_)
            | Self::ReloadDisplay(_)
            | Self::ResetDisplay(_)
            | Self::RestoreContent { .. }
            | Self::DeactivateSchedule(_)
            | Self::ActivateSchedule(_)
            | Self::Upkeep { .. } => None,
        };
        let told = needed.is_none_or(|field| fields.contains_key(&field));
        let (row, fields) = (row.clone(), fields.clone());
        let before = TargetState::Row(RowState { row, name: String::new(), fields });
        told.then(|| self.inverse(&before, dialect))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::domain::platform::{RowKind, RowRef};
    use crate::domain::process::{ManagerKind, ProcessRef};

    fn guard(fields: &[(Field, Option<&str>)]) -> Guard {
        let fields = fields.iter().map(|(field, value)| (*field, value.map(str::to_owned)));
        Guard::SameRow { fields: fields.collect() }
    }

    /// `exact`, `unknown`, or why it falls short.
    fn told(operation: &Operation, guard: &Guard, dialect: Dialect) -> String {
        match operation.foreseen_inverse(guard, dialect) {
            None => "unknown".to_owned(),
            Some(inverse) => inverse.falls_short().unwrap_or("exact").to_owned(),
        }
    }

    #[test]
    fn what_a_guard_names_tells_whether_an_act_can_be_taken_back() {
        let row = RowRef::new(RowKind::Content, "shop", "c");
        let archive = Operation::ArchiveContent(row.clone());
        let active = guard(&[(Field::Status, Some("active"))]);
        let draft = guard(&[(Field::Status, Some("draft"))]);
        assert_eq!(told(&archive, &active, Dialect::Vizora), "exact");
        assert_eq!(told(&archive, &draft, Dialect::Reference), "exact");
        let why = told(&archive, &draft, Dialect::Vizora);
        assert!(why.contains("not to draft"), "{why}");
        let silent = guard(&[(Field::Global, Some("false"))]);
        assert_eq!(told(&archive, &silent, Dialect::Vizora), "unknown", "only the row tells");
        let assign = Operation::AssignPlaylist { display: row, playlist: Some("p".to_owned()) };
        assert_eq!(told(&assign, &silent, Dialect::Vizora), "unknown");
        let none = guard(&[(Field::CurrentPlaylist, None)]);
        assert_eq!(told(&assign, &none, Dialect::Vizora), "exact");
    }

    #[test]
    fn nothing_brings_a_process_back() {
        let process =
            ProcessRef { manager: ManagerKind::Pm2, name: "shop".to_owned(), instance: None };
        let guard = Guard::SameProcess { status: BTreeSet::new(), identity: None };
        let restart = Operation::RestartProcess(process);
        let why = told(&restart, &guard, Dialect::Vizora);
        assert!(why.contains("cannot be brought back"), "{why}");
        let of_row = Guard::SameRow { fields: BTreeMap::new() };
        assert_eq!(told(&restart, &of_row, Dialect::Vizora), why);
    }
}
