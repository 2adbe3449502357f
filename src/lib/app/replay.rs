//! `<agent> --replay FILE`: a recorded run is judged again, from the file alone.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;

use super::cli::Output;
use super::config::Environ;
use super::exit::Exit;
use super::out;
use super::registry::Entry;
use crate::engine::tape::Replay;
use crate::render::page::{Page, tone};
use crate::render::style::Tone;

/// A tape may unpack to at most so many bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Judges `file` again and tells whether every decision is the same, byte for byte.
#[must_use]
pub fn replay(entry: &Entry, file: &Path, form: Output, environ: &Environ) -> Exit {
    let bytes = match read(file) {
        Ok(bytes) => bytes,
        Err(why) => {
            let what = format!("failed to read the tape {}: {why}", file.display());
            return out::fail(form, &what, Exit::Incomplete);
        }
    };
    let replay = match (entry.replay)(&bytes) {
        Ok(replay) => replay,
        Err(error) => {
            let what = format!("failed to replay {}: {error}", file.display());
            return out::fail(form, &what, Exit::Incomplete);
        }
    };
    let text = match form {
        Output::Json => format!("{:#}", serde_json::json!(replay)),
        Output::Text => told(&replay, environ),
    };
    let said = out::say(&text);
    match (said, replay.differences.is_empty()) {
        (Ok(()), true) => Exit::Clean,
        (Ok(()), false) => Exit::Findings,
        (Err(error), _) => {
            out::complain(&format!("failed to write the result: {error}"));
            Exit::Incomplete
        }
    }
}

fn told(replay: &Replay, environ: &Environ) -> String {
    let style = out::style(environ);
    let mut page = Page::new(style);
    let name = style.paint(Tone::Strong, replay.agent.as_str());
    page.line(&format!("{name}  replay of a run recorded by version {}", replay.version));
    match replay.differences.as_slice() {
        [] => page.item(
            Tone::Good,
            "same",
            &format!("every decision is the same, byte for byte; passes: {}", replay.passes),
        ),
        different => {
            for difference in different {
                page.item(Tone::Bad, "different", difference);
            }
        }
    }
    for action in &replay.plan.actions {
        page.item(Tone::Strong, "would", &action.operation.to_string());
        page.note("because", &action.why);
    }
    for deferral in &replay.plan.deferrals {
        page.item(tone(deferral.severity), "left alone", &deferral.message);
        page.note("why", &deferral.ruling.reason());
    }
    page.line(&style.paint(Tone::Dim, &format!("run {}", replay.run)));
    page.into_text()
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    GzDecoder::new(opened)
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it is not a compressed tape ({error})"))?;
    Ok(bytes)
}
