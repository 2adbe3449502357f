//! What must still hold of a target when it is acted on.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataState, Measure, TargetState};
use crate::domain::platform::{Field, RowState};
use crate::domain::process::{ProcessStatus, Startable};

/// What must still hold of the target, read again immediately before acting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The process is still the one that was judged.
    SameProcess {
        /// The states in which the operation makes sense.
        status: BTreeSet<ProcessStatus>,
        /// The identity that was judged; `None` where the manager gave none.
        identity: Option<String>,
    },
    /// The row still has these values in these fields.
    SameRow {
        /// Field to value.
        fields: BTreeMap<Field, Option<String>>,
    },
    /// The object of a data store still has these measures.
    SameData {
        /// Measure to value; one without a value must have none.
        measures: BTreeMap<Measure, Option<String>>,
    },
}

impl Guard {
    /// `Err` with the reason where the target has moved on.
    ///
    /// # Errors
    ///
    /// The text says what was expected and what was found.
    pub fn holds(&self, found: &TargetState) -> Result<(), String> {
        match (self, found) {
            (Self::SameProcess { .. }, TargetState::Missing) => {
                Err("the manager no longer knows the process".to_owned())
            }
            (Self::SameProcess { status, identity }, TargetState::Process(reading)) => {
                if !status.contains(&reading.status) {
                    return Err(format!("the process is {} now", reading.status.as_str()));
                }
                if *identity != reading.identity {
                    return Err("somebody else has started the process anew".to_owned());
                }
                if let Startable::Blocked { why } = &reading.startable {
                    return Err(format!("the process could not start again: {why}"));
                }
                Ok(())
            }
            (Self::SameRow { .. }, TargetState::Missing) => {
                Err("the platform no longer has the row".to_owned())
            }
            (Self::SameRow { fields }, TargetState::Row(state)) => same_row(fields, state),
            (Self::SameData { .. }, TargetState::Missing) => {
                Err("the store no longer has it".to_owned())
            }
            (Self::SameData { measures }, TargetState::Data(state)) => same_data(measures, state),
            (
                Self::SameProcess { .. } | Self::SameRow { .. } | Self::SameData { .. },
                TargetState::Row(_) | TargetState::Process(_) | TargetState::Data(_),
            ) => Err("the target is of another kind".to_owned()),
        }
    }
}

fn same_data(
    measures: &BTreeMap<Measure, Option<String>>,
    state: &DataState,
) -> Result<(), String> {
    let compared = measures.iter();
    same(compared.map(|(measure, wanted)| (measure.as_str(), wanted, state.measure(*measure))))
}

fn same_row(fields: &BTreeMap<Field, Option<String>>, state: &RowState) -> Result<(), String> {
    let compared = fields.iter();
    same(compared.map(|(field, wanted)| (field.as_str(), wanted, state.field(*field))))
}

/// Whether everything that is named has the value that is wanted.
fn same<'a>(
    compared: impl IntoIterator<Item = (&'a str, &'a Option<String>, Option<&'a str>)>,
) -> Result<(), String> {
    let text = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
    for (name, wanted, found) in compared {
        if found != wanted.as_deref() {
            let (found, wanted) = (text(found), text(wanted.as_deref()));
            return Err(format!("its {name} is {found} now, not {wanted}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::platform::{RowKind, RowRef};

    const FIELDS: [(Field, Option<&str>); 4] = [
        (Field::Status, Some("active")),
        (Field::ExpiresAt, Some("2026-11-20T12:00:00Z")),
        (Field::Replacement, None),
        (Field::Playlists, Some("")),
    ];

    fn fields(given: &[(Field, Option<&str>)]) -> BTreeMap<Field, Option<String>> {
        given.iter().map(|(field, value)| (*field, value.map(str::to_owned))).collect()
    }

    fn row(given: &[(Field, Option<&str>)]) -> TargetState {
        let row = RowRef::new(RowKind::Content, "shop", "c");
        TargetState::Row(RowState { row, name: "spring".to_owned(), fields: fields(given) })
    }

    #[test]
    fn a_row_is_the_same_while_every_field_that_was_judged_is() {
        let guard = Guard::SameRow { fields: fields(&FIELDS) };
        assert_eq!(guard.holds(&row(&FIELDS)), Ok(()));
        // What was not judged may be anything.
        let more = [FIELDS.as_slice(), &[(Field::UpdatedAt, Some("now"))]].concat();
        assert_eq!(guard.holds(&row(&more)), Ok(()));
        for (place, (field, value)) in FIELDS.into_iter().enumerate() {
            let mut other = FIELDS;
            other[place].1 = if value.is_some() { None } else { Some("another") };
            let why = guard.holds(&row(&other)).expect_err("it has changed");
            assert!(why.contains(field.as_str()), "{why}");
        }
        let changed = guard.holds(&row(&[(Field::Status, Some("draft"))]));
        assert_eq!(changed, Err("its status is draft now, not active".to_owned()));
    }

    #[test]
    fn a_row_that_is_gone_or_no_row_at_all_is_not_the_same() {
        let guard = Guard::SameRow { fields: BTreeMap::new() };
        assert!(guard.holds(&TargetState::Missing).is_err());
        let process = Guard::SameProcess { status: BTreeSet::new(), identity: None };
        assert!(process.holds(&row(&FIELDS)).is_err());
    }
}
