//! The checks of content-lifecycle, and the series that it compares with.

use std::time::Duration;

use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId};

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("content-lifecycle");

/// Content is past its expiry, and still active.
pub const CONTENT_EXPIRED: CheckId = CheckId::of("content_expired");
/// Active content that nothing refers to.
pub const CONTENT_ORPHANED: CheckId = CheckId::of("content_orphaned");
/// Active content without a thumbnail.
pub const THUMBNAIL_MISSING: CheckId = CheckId::of("thumbnail_missing");
/// A thumbnail's address answers that there is nothing.
pub const THUMBNAIL_DEAD: CheckId = CheckId::of("thumbnail_dead");
/// Active content that is very large.
pub const CONTENT_OVERSIZED: CheckId = CheckId::of("content_oversized");
/// Content that nobody plays holds space that its full tenant lacks.
pub const CONTENT_IDLE: CheckId = CheckId::of("content_idle");
/// A tenant's storage is nearly used up.
pub const STORAGE_HIGH: CheckId = CheckId::of("storage_high");

/// The checks that ask every active piece of content.
pub(super) const OF_CONTENT: [&CheckId; 5] =
    [&CONTENT_EXPIRED, &CONTENT_ORPHANED, &THUMBNAIL_MISSING, &THUMBNAIL_DEAD, &CONTENT_OVERSIZED];

/// How many pieces of content a tenant has.
pub const CONTENT_SERIES: &str = "content_total";
/// How many playlists it has.
pub const PLAYLISTS_SERIES: &str = "playlists_total";
/// How much it stores.
pub const STORAGE_SERIES: &str = "storage_used_bytes";

/// What the platform wrote can be read at once; evidence must only be newer than the act.
const SETTLE: Duration = Duration::from_secs(1);

const fn check(id: CheckId, summary: &'static str, worst: Severity) -> CheckSpec {
    // The platform's records do not flicker: one look tells.
    CheckSpec {
        id,
        summary,
        worst,
        class: CheckClass::Incident,
        raise: 1,
        clear: 1,
        settle: SETTLE,
    }
}

/// Every check, in the order of the documents.
const CHECKS: &[CheckSpec] = &[
    check(CONTENT_EXPIRED, "a piece of content has expired and is still active", Severity::Warning),
    check(CONTENT_ORPHANED, "nothing refers to an active piece of content", Severity::Info),
    check(THUMBNAIL_MISSING, "an active piece of content has no thumbnail", Severity::Info),
    check(THUMBNAIL_DEAD, "the thumbnail of an active piece of content is gone", Severity::Info),
    check(CONTENT_OVERSIZED, "an active piece of content is very large", Severity::Info),
    check(CONTENT_IDLE, "inactive content holds space that its tenant lacks", Severity::Info),
    check(STORAGE_HIGH, "a tenant's storage is nearly used up", Severity::Critical),
];

/// What content-lifecycle is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "finds expired, orphaned and broken content, archives what nothing shows, and proves it",
    cron: "*/15 * * * *",
    checks: CHECKS,
    series: &[(CONTENT_SERIES, 10), (PLAYLISTS_SERIES, 10), (STORAGE_SERIES, 10)],
    watches: false,
};
