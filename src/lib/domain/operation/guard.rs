//! What must still hold of a target when it is acted on.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TargetState;
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
            (Self::SameProcess { .. }, TargetState::Row(_))
            | (Self::SameRow { .. }, TargetState::Process(_)) => {
                Err("the target is of another kind".to_owned())
            }
        }
    }
}

fn same_row(fields: &BTreeMap<Field, Option<String>>, state: &RowState) -> Result<(), String> {
    let text = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
    for (field, wanted) in fields {
        let found = state.field(*field);
        if found != wanted.as_deref() {
            let (found, wanted) = (text(found), text(wanted.as_deref()));
            return Err(format!("its {} is {found} now, not {wanted}", field.as_str()));
        }
    }
    Ok(())
}
