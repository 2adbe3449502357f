//! The asker's own organisation and its storage.

use serde_json::{Value, json};

use super::call::Call;
use super::route::Route;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/organizations/current", current),
    Route::get("/organizations/storage", storage).only(Dialect::Vizora),
    Route::get("/organizations/feature-flags", flags),
    Route::get("/organizations/:id", by_id).id("Organization"),
];

fn row(tenant: &Tenant) -> Value {
    let own = &tenant.organisation;
    json!({
        "id": own.id, "name": own.name, "slug": own.slug, "logoUrl": null,
        "subscriptionTier": "enterprise", "screenQuota": tenant.displays.len().max(1000),
        "paymentProvider": null, "country": "US", "billingEmail": null, "trialEndsAt": null,
        "subscriptionStatus": own.subscription, "entitlementStateSince": null,
        "mfaRequired": false, "storageUsedBytes": own.used_bytes,
        "storageQuotaBytes": own.quota_bytes,
        "settings": {"ops": {"defaultPlaylist": "seeded"}},
        "createdAt": own.created, "updatedAt": own.updated,
        "_count": {
            "users": tenant.users.len(), "displays": tenant.displays.len(),
            "content": tenant.content.len(), "playlists": tenant.playlists.len(),
        },
    })
}

fn current(call: &mut Call<'_>) -> Reply {
    Reply::ok(&row(call.tenant()))
}

fn by_id(call: &mut Call<'_>) -> Reply {
    let wanted = call.id().to_owned();
    if call.tenant().organisation.id != wanted {
        return Reply::error(403, "You can only access your own organization");
    }
    current(call)
}

/// Used and free bytes; archiving anything changes neither.
fn storage(call: &mut Call<'_>) -> Reply {
    let own = &call.tenant().organisation;
    let percent = own.used_bytes.saturating_mul(100) / own.quota_bytes.max(1);
    Reply::ok(&json!({
        "usedBytes": own.used_bytes, "quotaBytes": own.quota_bytes,
        "availableBytes": (own.quota_bytes - own.used_bytes).max(0), "usagePercent": percent,
    }))
}

fn flags(_call: &mut Call<'_>) -> Reply {
    Reply::ok(&json!({}))
}
