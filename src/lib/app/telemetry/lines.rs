//! One event, one line: JSON for files, a compact form for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::adapters::redact::Redactor;
use crate::app::out;
use crate::ports::clock::Clock;
use crate::render::style::{Style, Tone};
use crate::render::table::clean;

/// A value longer than this many characters is cut: a log line is for reading.
const LONGEST_VALUE: usize = 4_096;

/// Writes every event as one line to each of its two places.
pub struct Lines {
    agent: String,
    run: String,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
    file: Option<Mutex<Box<dyn Write + Send>>>,
    human: Option<Style>,
}

impl Lines {
    /// Lines for `file` and, where a style is given, for standard error.
    #[must_use]
    pub fn new(
        agent: String,
        run: String,
        redactor: Redactor,
        clock: Arc<dyn Clock>,
        file: Option<Box<dyn Write + Send>>,
        human: Option<Style>,
    ) -> Self {
        Self { agent, run, redactor, clock, file: file.map(Mutex::new), human }
    }

    fn json(&self, at: Timestamp, level: Level, fields: Fields) -> String {
        let mut line = String::from("{");
        let head = [
            ("time", Value::from(at.to_string())),
            ("level", Value::from(level.as_str().to_lowercase())),
            ("agent.name", Value::from(self.agent.as_str())),
            ("run.id", Value::from(self.run.as_str())),
            ("message", Value::from(fields.message)),
        ];
        let named = head.iter().map(|(name, value)| (*name, value));
        let others = fields.others.iter().map(|(name, value)| (name.as_str(), value));
        let others = others.filter(|(name, _)| head.iter().all(|(taken, _)| taken != name));
        for (name, value) in named.chain(others) {
            let comma = if line.len() == 1 { "" } else { "," };
            let _ = write!(line, "{comma}{}:{value}", Value::from(name));
        }
        line.push_str("}\n");
        line
    }
}

fn human(style: Style, at: Timestamp, level: Level, fields: &Fields) -> String {
    let (word, tone) = match level {
        Level::ERROR => ("error", Tone::Bad),
        Level::WARN => ("warn ", Tone::Warn),
        Level::INFO => ("info ", Tone::Good),
        Level::DEBUG => ("debug", Tone::Dim),
        Level::TRACE => ("trace", Tone::Dim),
    };
    let time = at.strftime("%H:%M:%S").to_string();
    let mut line = format!(
        "{} {} {}",
        style.paint(Tone::Dim, &time),
        style.paint(tone, word),
        clean(&fields.message)
    );
    for (name, value) in &fields.others {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(line, " {}{}", style.paint(Tone::Dim, &format!("{name}=")), clean(&text));
    }
    line
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.others.extend(of_span.others.clone());
            }
        }
        event.record(&mut fields);
        fields.clean(&self.redactor);
        let (at, level) = (self.clock.now(), *event.metadata().level());
        if let Some(style) = self.human {
            out::complain(&human(style, at, level, &fields));
        }
        if let Some(file) = &self.file {
            let line = self.json(at, level, fields);
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // One write per line, so that processes that share the file do not mix theirs. A full disk must not
            // stop a run that is about to repair it.
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: BTreeMap<String, Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else {
            self.others.insert(field.name().to_owned(), value);
        }
    }

    /// Redacts, then cuts: the other way round, half of a secret could stay at the cut.
    fn clean(&mut self, redactor: &Redactor) {
        self.message = short(&redactor.redact(&self.message));
        for (name, value) in &mut self.others {
            if let Some(text) = value.as_str() {
                *value =
                    short(&redactor.redact(&without_named_secret(redactor, name, text))).into();
            }
        }
    }
}

/// The value of a field. The name is part of what is looked at: it may tell that the whole value is a secret.
fn without_named_secret(redactor: &Redactor, name: &str, value: &str) -> String {
    let prefix = format!("{name}=");
    let quoted = Value::from(value).to_string();
    let clean = redactor.redact(&format!("{prefix}{quoted}"));
    let rest = clean.strip_prefix(&prefix).unwrap_or("***");
    serde_json::from_str(rest).unwrap_or_else(|_| "***".to_owned())
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }
}
