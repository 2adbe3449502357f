//! Details of content: what only a look at the single piece shows, kept in few bytes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::{Asker, Question};
use super::cache::Sort;
use super::failure::Failure;
use super::limiter::Share;
use super::listed::Memory;
use super::rows::{Full, Listed as _};
use super::sweep::{Look, Sweep};
use super::tenant::Tenant;
use crate::domain::platform::{ContentDetail, Details, Wanted, Zone};
use crate::domain::sight::Sight;

/// A detail as it is kept: most pieces of content have nothing to keep.
#[derive(Serialize, Deserialize)]
struct Doc {
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    replacement: Option<String>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    previous_version: Option<String>,
    #[serde(rename = "g", default, skip_serializing_if = "std::ops::Not::not")]
    global: bool,
    #[serde(rename = "z", default, skip_serializing_if = "Vec::is_empty")]
    zones: Vec<Zone>,
}

fn packed(detail: &ContentDetail) -> Option<String> {
    if *detail == ContentDetail::default() {
        return None;
    }
    let detail = detail.clone();
    let doc = Doc {
        expires_at: detail.expires_at,
        replacement: detail.replacement,
        previous_version: detail.previous_version,
        global: detail.global,
        zones: detail.zones,
    };
    Some(serde_json::to_string(&doc).expect("times, texts and booleans can be written as JSON"))
}

/// `None` where it is not of our making.
fn unpacked(doc: Option<&str>) -> Option<ContentDetail> {
    let Some(doc) = doc else { return Some(ContentDetail::default()) };
    let doc: Doc = serde_json::from_str(doc).ok()?;
    Some(ContentDetail {
        expires_at: doc.expires_at,
        replacement: doc.replacement,
        previous_version: doc.previous_version,
        global: doc.global,
        zones: doc.zones,
    })
}

/// Details of these pieces of content.
pub(super) async fn details(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    memory: &Memory,
    wanted: &[Wanted],
) -> Sight<Details> {
    let listed = memory.known(tenant.name(), wanted);
    let rest: Vec<Wanted> =
        wanted.iter().filter(|wanted| !listed.contains_key(&wanted.id)).cloned().collect();
    let mut details = Details { known: listed, ..Details::default() };
    if rest.is_empty() {
        return Ok(details);
    }
    let sweep = Sweep {
        asker,
        tenant: tenant.name(),
        sort: Sort::Detail,
        what: "details",
        share: Share::Sweep,
        origin: &|_| "",
    };
    let (mut swept, unread) = sweep.begin(&rest).await?;
    let pace = asker.limiter.sweep(asker.table.one_content, unread.len());
    let look = |index: usize| look(asker, tenant, &pace, &rest[index]);
    if !unread.is_empty() {
        swept = sweep.go_on(swept, (&rest, unread), look).await;
    }
    let known = swept.known.into_iter();
    details.known.extend(known.filter_map(|(id, doc)| Some((id, unpacked(doc.as_deref())?))));
    details.gone = swept.gone;
    details.cut_short = swept.cut_short;
    Ok(details)
}

async fn look(
    asker: &Arc<Asker>,
    tenant: &Arc<Tenant>,
    pace: &super::pace::Pace<'_>,
    wanted: &Wanted,
) -> Result<Look, Failure> {
    let question = Question { route: asker.table.one_content, id: &wanted.id, query: "" };
    let answer = match asker.get(tenant, pace, question).await {
        Err(failure) if failure.is_gone() => return Ok(Look::Gone),
        answer => answer?,
    };
    let wire = answer.data("one piece of content")?;
    let full = Full::read(wire, asker.table).map_err(Failure::Shape)?.row;
    if full.row.id != wanted.id {
        return Err(Failure::Shape("the platform answered about another row".to_owned()));
    }
    Ok(Look::Doc(packed(&full.detail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_most_keeps_nothing() {
        let plain = ContentDetail::default();
        assert_eq!(packed(&plain), None);
        let zones = vec![Zone::Playlist("p".into()), Zone::Content("c".into())];
        let full = ContentDetail {
            expires_at: Some("2026-01-02T03:04:05.678Z".parse().unwrap()),
            replacement: Some("r".into()),
            previous_version: Some("v".into()),
            global: true,
            zones,
        };
        for detail in [plain, full] {
            assert_eq!(unpacked(packed(&detail).as_deref()), Some(detail));
        }
        assert_eq!(unpacked(Some("{")), None);
    }
}
