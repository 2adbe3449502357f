//! What `opsctl init` tells a program.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::documents::Examined;

/// First settings that were written, and what they can reach.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Initialised {
    /// The settings file.
    pub settings: PathBuf,
    /// Where the file that was there before is kept.
    pub kept: Option<PathBuf>,
    /// The secrets that were written, each into a file of its own.
    pub credentials: Vec<PathBuf>,
    /// What the environment of the agents must give, and does not give here.
    pub wanted: Vec<String>,
    /// What was tried.
    pub found: Vec<Examined>,
}
