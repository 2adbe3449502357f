//! A page that the platform cannot give: one row that it stumbles over, or too much at once. It is read in smaller parts,
//! so that such a row hides no other one.

use super::{SIZES, Walker};
use crate::adapters::platform::failure::Failure;
use crate::adapters::platform::rows::{Listed, Seen};

/// Each part of a page is this much smaller.
const PARTS: u64 = 10;
/// A page with more parts than this that cannot be read is not one with a bad row: the platform is not well.
const BAD: u64 = 2;

/// A page, as far as it could be read.
pub(super) struct Part<R> {
    pub(super) rows: Vec<Seen<R>>,
    pub(super) total: u64,
    /// How many of its rows could not be read, and why.
    pub(super) unreadable: Option<(u64, Failure)>,
}

/// Whether a smaller page may do.
fn is_of_the_page(failure: &Failure) -> bool {
    matches!(failure, Failure::Said(500, _) | Failure::Lost(Some(200), _) | Failure::Shape(_))
}

impl Walker<'_> {
    /// A page; in parts, and these in single rows, where the platform cannot give it whole.
    pub(super) async fn whole_page<R: Listed>(
        &self,
        page: u64,
        size: u64,
    ) -> Result<Part<R>, Failure> {
        let failure = match self.page::<R>(page, size).await {
            Ok((rows, total)) => return Ok(Part { rows, total, unreadable: None }),
            Err(failure) => failure,
        };
        if size != SIZES[0] || !is_of_the_page(&failure) {
            return Err(failure);
        }
        let mut all = None;
        let bad = self.parts(&mut all, page, size / PARTS, &failure).await?;
        let mut lost = 0;
        for part in bad {
            let single = size / PARTS / PARTS;
            lost += self.parts(&mut all, part, single.max(1), &failure).await?.len();
        }
        let (rows, total) = all.ok_or_else(|| failure.clone())?;
        let lost = u64::try_from(lost).unwrap_or(u64::MAX);
        Ok(Part { rows, total, unreadable: (lost > 0).then_some((lost, failure)) })
    }

    /// Reads the parts of a page that is ten times their size. Returns those that cannot be read.
    async fn parts<R: Listed>(
        &self,
        all: &mut Option<(Vec<Seen<R>>, u64)>,
        page: u64,
        size: u64,
        failure: &Failure,
    ) -> Result<Vec<u64>, Failure> {
        let mut bad = Vec::new();
        for part in (page - 1) * PARTS + 1..=page * PARTS {
            match self.page::<R>(part, size).await {
                Ok((rows, total)) => match all {
                    None => *all = Some((rows, total)),
                    Some((_, before)) if *before != total => return Err(failure.clone()),
                    Some((more, _)) => more.extend(rows),
                },
                Err(found) if is_of_the_page(&found) && bad.len() as u64 >= BAD => {
                    return Err(found);
                }
                Err(found) if is_of_the_page(&found) => bad.push(part),
                Err(found) => return Err(found),
            }
        }
        Ok(bad)
    }
}
