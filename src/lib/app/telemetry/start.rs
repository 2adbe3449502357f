//! Starting the log of a process.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::lines::Lines;
use crate::adapters::redact::Redactor;
use crate::app::out;
use crate::ports::clock::Clock;
use crate::render::style::Style;

/// The variable that chooses what is logged, in the syntax of `tracing_subscriber`'s filters.
pub const FILTER_VARIABLE: &str = "OPSWARDEN_LOG";
/// What is logged where the variable is not set.
pub const DEFAULT_FILTER: &str = "info";

/// Where and what to log.
pub struct Telemetry {
    /// The program or agent: stands in every line.
    pub agent: String,
    /// The run's id: stands in every line.
    pub run: String,
    /// The file for JSON lines; none is written where this is `None`.
    pub file: Option<PathBuf>,
    /// What is logged.
    pub filter: String,
    /// How human lines on standard error look; none are written where this is `None`.
    pub human: Option<Style>,
    /// The values that are never written.
    pub secrets: Vec<String>,
    /// The time of each line.
    pub clock: Arc<dyn Clock>,
}

/// A log that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The file, or its folder, cannot be written.
    #[error("failed to open the log {file}; this user must be able to write it")]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The filter is not one.
    #[error(
        "${FILTER_VARIABLE} is not a filter; write a level like \"debug\", or \"info,opswarden::engine=debug\""
    )]
    Filter {
        /// Why.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
}

impl Telemetry {
    /// The subscriber of this log.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the filter is not one.
    pub fn subscriber(self) -> Result<impl Subscriber + Send + Sync, TelemetryError> {
        let filter = EnvFilter::builder()
            .parse(&self.filter)
            .map_err(|source| TelemetryError::Filter { source })?;
        let file = self.file.as_deref().map(open).transpose()?;
        let lines = Lines::new(
            self.agent,
            self.run,
            Redactor::new(self.secrets),
            self.clock,
            file.map(|file| Box::new(file) as Box<dyn std::io::Write + Send>),
            self.human,
        );
        Ok(Registry::default().with(filter).with(lines))
    }

    /// Makes this the log of the process, and sends panics to it. A process that already has one keeps it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the filter is not one.
    pub fn start(self) -> Result<(), TelemetryError> {
        let subscriber = self.subscriber()?;
        if tracing::subscriber::set_global_default(subscriber).is_ok() {
            log_panics();
        }
        Ok(())
    }
}

/// Logs are of interest to the group of administrators and to nobody else.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

fn open(file: &Path) -> Result<File, TelemetryError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .and_then(|()| OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(file))
        .map_err(|source| TelemetryError::Open { file: file.to_owned(), source })
}

/// A panic is a fault of ours: one line with its place, in the log and on standard error. No frames: they would
/// bury the line, and a debugger has better ones.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "a fault of our own: {text}");
        out::complain(&format!("a fault of our own at {place}: {text}"));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use jiff::Timestamp;

    use crate::ports::Pending;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            "2026-11-20T10:00:00Z".parse().unwrap()
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> Pending<'_, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    fn telemetry(file: PathBuf, filter: &str) -> Telemetry {
        Telemetry {
            agent: "health-guardian".to_owned(),
            run: "run-1".to_owned(),
            file: Some(file),
            filter: filter.to_owned(),
            human: None,
            secrets: vec!["hunter\"2".to_owned()],
            clock: Arc::new(Fixed),
        }
    }

    fn logged(filter: &str, work: impl FnOnce()) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("logs/ops-health-guardian.log");
        let subscriber = telemetry(file.clone(), filter).subscriber().unwrap();
        tracing::subscriber::with_default(subscriber, work);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "others may not read it: {mode:o}");
        std::fs::read_to_string(&file).unwrap()
    }

    #[test]
    fn every_line_is_json_with_the_run_and_the_fields_of_its_spans() {
        let text = logged("info", || {
            let span = tracing::info_span!("phase", check.id = "process_down");
            let _inside = span.enter();
            tracing::info!(duration_ms = 12, "looked");
            tracing::warn!("degraded\nforged: line");
            tracing::debug!("not asked for");
        });
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        for line in &lines {
            assert_eq!(line["run.id"], "run-1");
            assert_eq!(line["agent.name"], "health-guardian");
            assert_eq!(line["check.id"], "process_down");
            assert_eq!(line["time"], "2026-11-20T10:00:00Z");
        }
        assert_eq!(
            (&lines[0]["message"], &lines[0]["duration_ms"]),
            (&"looked".into(), &12.into())
        );
        assert_eq!(lines[1]["level"], "warn");
    }

    #[test]
    fn a_known_secret_reaches_no_line_in_any_form() {
        let text = logged("info", || {
            tracing::info!(url = "http://u:hunter\"2@x", "sent hunter\"2");
            tracing::info!("encoded hunter%222 and {:?}", "hunter\"2");
        });
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.matches("***").count() >= 4, "{text}");
    }

    #[test]
    fn a_field_whose_name_tells_a_secret_is_not_written_and_the_line_stays_json() {
        let text = logged("info", || {
            tracing::info!(password = "open sesame", "header Cookie: sid=1234567890; x=y");
            tracing::info!(port = 5432, name = "web", "plain");
        });
        assert!(!text.contains("sesame") && !text.contains("1234567890"), "{text}");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[1]["port"], &lines[1]["name"]), (&5432.into(), &"web".into()));
    }

    #[test]
    fn a_log_that_cannot_be_written_says_which() {
        let error =
            telemetry(PathBuf::from("/proc/none/x.log"), "info").subscriber().err().unwrap();
        assert!(error.to_string().contains("/proc/none/x.log"));
        let folder = tempfile::tempdir().unwrap();
        let error = telemetry(folder.path().join("a.log"), "x=y=z").subscriber().err().unwrap();
        assert!(error.to_string().contains(FILTER_VARIABLE), "{error}");
    }
}
