//! What tenants hold at the start: realistic rows, every kind of fault, and everything that only looks like one.
//!
//! Nothing here says what is wrong: that is worked out from the rows. A scenario only deals out roles.

mod deal;
mod fleet;
mod people;
mod plans;
mod shelf;

use super::model::tenant::{Organisation, Tenant};
use super::model::world::World;
use super::options::{Options, Scenario};
use super::seed::{Seeded, mixed};
use super::time::{DAY, Stamp};
use deal::Deal;

/// The password of every account.
pub const PASSWORD: &str = "correct-horse-battery";

/// A tenant's storage quota.
const QUOTA_BYTES: i64 = 100 * 1024 * 1024 * 1024;
/// How full a broken tenant is, and a healthy one.
const FULL_PERCENT: i64 = 92;
const CALM_PERCENT: i64 = 40;

/// The world that `options` ask for, as of `now`.
pub(crate) fn build(options: &Options, now: Stamp) -> World {
    let mut lost = std::collections::BTreeSet::new();
    let tenants = (0..options.sizes.tenants.max(1)).map(|number| {
        let seed = mixed(options.seed ^ mixed(number as u64 + 1));
        tenant(options, number, &mut Seeded::new(seed), now, &mut lost)
    });
    let tenants = tenants.collect();
    let mut world = World::new(tenants, Seeded::new(mixed(options.seed)), now);
    world.dead_thumbnails = lost;
    world
}

fn tenant(
    options: &Options,
    number: usize,
    seeded: &mut Seeded,
    now: Stamp,
    lost: &mut std::collections::BTreeSet<String>,
) -> Tenant {
    let name = if number == 0 { "default".to_owned() } else { format!("tenant-{}", number + 1) };
    let percent = match (options.storage_percent, options.scenario) {
        (Some(percent), _) => i64::from(percent),
        (None, Scenario::Broken) => FULL_PERCENT,
        (None, Scenario::Healthy | Scenario::Empty) => CALM_PERCENT,
    };
    let organisation = Organisation {
        id: seeded.uuid(),
        name: format!("Sample Signage {}", number + 1),
        slug: format!("sample-signage-{}", number + 1),
        subscription: "active".to_owned(),
        used_bytes: QUOTA_BYTES / 100 * percent,
        quota_bytes: QUOTA_BYTES,
        created: now.minus(400 * DAY),
        updated: now.minus(5 * DAY),
    };
    let users = people::users(number, seeded, now);
    let mut tenant = Tenant::new(name, organisation, users);
    let deal = Deal { options, now };
    let playlists = shelf::stock(&deal, &mut tenant, number, seeded, lost);
    if options.scenario != Scenario::Empty {
        let displays = fleet::hang(&deal, &mut tenant, &playlists, seeded);
        plans::plan(&deal, &mut tenant, &playlists, &displays, seeded);
    }
    tenant.content.settle();
    tenant.playlists.settle();
    tenant.displays.settle();
    tenant.groups.settle();
    tenant.schedules.settle();
    tenant
}
