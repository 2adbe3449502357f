//! How many rows a tenant has, held against what earlier runs counted.
//!
//! An account that lost its rights sees a short list that is whole. What people really threw away is believed once the
//! larger counts have left the series, and short counts enter it slowly: people have days to notice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::listing::Listing;
use super::roll::Roll;
use crate::domain::diagnosis::{Fault, Sample};
use crate::domain::run::Recall;
use crate::domain::subject::{Subject, SubjectKind};

/// An implausible count is remembered so long after the one before it: the ten that a series holds are a good three days.
const SLOWLY: SignedDuration = SignedDuration::from_hours(8);

/// How many rows of a kind a run could see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// The tenant.
    pub tenant: String,
    /// What was counted: `displays`, `content` …
    pub what: String,
    /// How many.
    pub seen: u64,
    /// Why that is implausible, if it is.
    pub implausible: Option<String>,
}

/// The length of a list that was read.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// Whose list.
    pub tenant: &'a str,
    /// Of what: `displays`, `content` …
    pub what: &'a str,
    /// The series that remembers the counts.
    pub series: &'a str,
    /// How many rows it has.
    pub rows: u64,
    /// Why rows may be missing, if so.
    pub cut_short: Option<&'a str>,
    /// When the walk ended, on our clock.
    pub at: Timestamp,
}

impl<'a> Tally<'a> {
    /// The length of this list.
    #[must_use]
    pub fn of<R>(tenant: &'a str, what: &'a str, series: &'a str, list: &'a Listing<R>) -> Self {
        let rows = u64::try_from(list.items.len()).unwrap_or(u64::MAX);
        let cut_short = list.cut_short.as_deref();
        Self { tenant, what, series, rows, cut_short, at: list.at }
    }

    /// Counts the list into `roll`, and into the series where it is whole. Returns why it cannot be taken for all that
    /// there is, if so: it was cut short, or holds less than half of the most that was counted lately.
    #[must_use]
    pub fn count<F: Fault>(self, recall: &Recall, roll: &mut Roll<F>) -> Option<String> {
        let Self { tenant, what, series, rows, cut_short, at } = self;
        let subject = Subject::new(SubjectKind::Tenant, tenant, what);
        let before = recall.series.get(series).and_then(|of| of.get(&subject));
        let most = before.into_iter().flatten().map(|sample| sample.value).fold(0.0, f64::max);
        let newest = before.into_iter().flatten().map(|sample| sample.at).max();
        #[expect(clippy::cast_precision_loss, reason = "a count of rows stays far below 2^52")]
        let value = rows as f64;
        let is_short = cut_short.is_none() && value * 2.0 < most;
        let implausible = is_short.then(|| {
            format!("the list of {what} has {rows} rows, and lately had up to {most}: that is implausibly few")
        });
        let diagnosis = roll.diagnosis();
        let early = newest.is_some_and(|newest| at.duration_since(newest) < SLOWLY);
        if cut_short.is_none() && !(is_short && early) {
            let series = series.to_owned();
            diagnosis.samples.push(Sample { series, subject, at, value });
        }
        let why = cut_short.map(str::to_owned).or_else(|| implausible.clone());
        let (tenant, what) = (tenant.to_owned(), what.to_owned());
        diagnosis.populations.push(Population { tenant, what, seen: rows, implausible });
        why
    }
}
