//! What the platform does by itself on its own clock. Marks of silence and stale pairings need no job here: a
//! display's row is worked out when it is read.

use super::content::ContentStatus;
use super::tenant::Tenant;
use super::world::World;
use crate::sandbox::time::{HOUR, Stamp};

/// Does everything that fell due until `now`.
pub(crate) fn catch_up(world: &mut World, now: Stamp, expiry: bool) {
    while world.next_expiry <= now {
        let due = world.next_expiry;
        if expiry {
            world.tenants.iter_mut().for_each(|tenant| expire(tenant, due));
        }
        world.next_expiry = due.plus(HOUR);
    }
}

/// Marks what is past its time and takes it out of every playlist, for its replacement where that is active.
fn expire(tenant: &mut Tenant, now: Stamp) {
    let due = tenant.content.iter().filter(|content| {
        content.status == ContentStatus::Active && content.expires.is_some_and(|end| end <= now)
    });
    let due: Vec<(String, Option<String>)> =
        due.map(|content| (content.id.clone(), content.replacement.clone())).collect();
    for (id, replacement) in due {
        if let Some(content) = tenant.content.get_mut(&id) {
            content.status = ContentStatus::Expired;
            content.updated = now;
        }
        let active = |other: &String| {
            tenant.content.get(other).is_some_and(|row| row.status == ContentStatus::Active)
        };
        let replacement = replacement.filter(active);
        swap_in_playlists(tenant, &id, replacement.as_deref(), now);
    }
}

/// Puts `replacement` where `id` was shown, or nothing.
pub(crate) fn swap_in_playlists(
    tenant: &mut Tenant,
    id: &str,
    replacement: Option<&str>,
    now: Stamp,
) {
    for playlist in tenant.playlists_of(id) {
        let Some(playlist) = tenant.playlists.get_mut(&playlist) else { continue };
        match replacement {
            Some(replacement) => {
                for item in playlist.items.iter_mut().filter(|item| item.content_id == id) {
                    replacement.clone_into(&mut item.content_id);
                }
            }
            None => playlist.items.retain(|item| item.content_id != id),
        }
        playlist.updated = now;
    }
}
