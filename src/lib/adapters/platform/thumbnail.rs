//! Whether thumbnails answer. They may lie on other hosts, as far as the operator named these; none ever sees a token.

use std::sync::Arc;

use reqwest::Url;

use super::answer::Answer;
use super::ask::Asker;
use super::cache::Sort;
use super::dialect::Verb;
use super::failure::Failure;
use super::limiter::{Share, THUMBNAIL};
use super::origins::Place;
use super::pace::Pace;
use super::retry::{TRIES, pause};
use super::sweep::{Look, Sweep};
use super::transport::Sending;
use crate::domain::platform::{Thumbnails, Wanted};
use crate::domain::sight::Sight;

/// How often one address may send us on, within its own origin.
const HOPS: u32 = 3;
/// What is kept of a thumbnail that is not there.
const NOT_THERE: &str = "0";

/// Whether these thumbnails answer.
pub(super) async fn thumbnails(
    asker: &Arc<Asker>,
    tenant: &str,
    wanted: &[(Wanted, String)],
) -> Sight<Thumbnails> {
    let mut thumbnails = Thumbnails::default();
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for (row, address) in wanted {
        let origin = match asker.origins.place(address) {
            Place::Inline => {
                thumbnails.inline.insert(row.id.clone());
                continue;
            }
            Place::Foreign(origin) => {
                thumbnails.foreign.entry(origin).or_default().insert(row.id.clone());
                continue;
            }
            Place::Allowed(origin) => origin,
            // Nobody is asked; the look says why.
            Place::Nowhere => "",
        };
        rows.push(row.clone());
        places.push((origin, address.as_str()));
    }
    let sweep = Sweep {
        asker,
        tenant,
        sort: Sort::Thumbnail,
        what: "thumbnails",
        share: Share::Whole,
        origin: &|index| places[index].0,
    };
    let (mut swept, unread) = sweep.begin(&rows).await?;
    let pace = asker.limiter.bucket(THUMBNAIL, unread.len());
    if !unread.is_empty() {
        let look = |index: usize| look(asker, &pace, places[index].1);
        swept = sweep.go_on(swept, (&rows, unread), look).await;
    }
    thumbnails.cut_short = swept.cut_short;
    for (row, (origin, _)) in rows.into_iter().zip(places) {
        if let Some(doc) = swept.known.remove(&row.id) {
            let of_origin = thumbnails.answered.entry(origin.to_owned()).or_default();
            of_origin.insert(row.id, doc.as_deref() != Some(NOT_THERE));
        }
    }
    Ok(thumbnails)
}

async fn look(asker: &Asker, pace: &Pace<'_>, address: &str) -> Result<Look, Failure> {
    let mut at = asker.origins.url(address)?;
    for _ in 0..=HOPS {
        let answer = patiently(asker, pace, &at).await?;
        match answer.status {
            200..=299 => return Ok(Look::Doc(None)),
            404 | 410 => return Ok(Look::Doc(Some(NOT_THERE.to_owned()))),
            301 | 302 | 303 | 307 | 308 => {
                let next = answer.location.as_deref().and_then(|next| at.join(next).ok());
                let next = next.filter(|next| next.origin() == at.origin());
                at = next.ok_or_else(|| {
                    Failure::Shape("an address of a thumbnail leads to another host".to_owned())
                })?;
            }
            status => {
                let why = format!("an address of a thumbnail answered {status}");
                return Err(Failure::Shape(why));
            }
        }
    }
    Err(Failure::Shape("an address of a thumbnail leads on and on".to_owned()))
}

async fn patiently(asker: &Asker, pace: &Pace<'_>, url: &Url) -> Result<Answer, Failure> {
    let mut tried = 0;
    loop {
        tried += 1;
        let result = match ask(asker, pace, url, Verb::Head).await {
            Ok(answer) if matches!(answer.status, 405 | 501) => {
                ask(asker, pace, url, Verb::Get).await
            }
            result => result,
        };
        let failure = match result {
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                Failure::Said(answer.status, String::new())
            }
            Ok(answer) => return Ok(answer),
            Err(failure) if failure.is_passing() => failure,
            Err(failure) => return Err(failure),
        };
        let wait = pause(tried);
        if tried >= TRIES || asker.clock().elapsed() + wait >= asker.deadline() {
            return Err(failure);
        }
        asker.clock().sleep(wait).await;
    }
}

async fn ask(asker: &Asker, pace: &Pace<'_>, url: &Url, verb: Verb) -> Result<Answer, Failure> {
    pace.next(asker.deadline()).await?;
    let sent_at = asker.clock().elapsed();
    let sending = Sending {
        verb,
        url: url.clone(),
        route: THUMBNAIL,
        bearer: None,
        cookie: None,
        json: None,
        first_byte_only: verb == Verb::Get,
        timeout: asker.timeout()?,
    };
    let answer = asker.transport.exchange(sending).await?;
    if answer.status == 429 {
        asker.limiter.refused(pace.bucket(), sent_at, answer.retry_after).await;
    }
    Ok(answer)
}
