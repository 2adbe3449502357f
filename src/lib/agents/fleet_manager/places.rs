//! Places: displays that go dark together.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::{FleetManager, Place};
use crate::agent::tenant::{TenantLook, rows};
use crate::domain::platform::DisplayRow;

/// A place, and the displays that are expected to play there.
pub(super) struct Hall<'a> {
    /// What people call it. Two groups may have one name.
    pub(super) name: &'a str,
    pub(super) displays: Vec<&'a DisplayRow>,
}

/// The places of a tenant that are large enough to be called dark, by what tells one from the other.
pub(super) fn places<'a>(
    settings: &FleetManager,
    look: &'a TenantLook,
) -> BTreeMap<&'a str, Hall<'a>> {
    let expected = || rows(&look.displays).iter().filter(|display| display.excused().is_none());
    let mut places: BTreeMap<&str, Hall<'a>> = BTreeMap::new();
    match settings.place {
        Place::Location => {
            for display in expected() {
                let place =
                    display.location.as_deref().map(str::trim).filter(|place| !place.is_empty());
                if let Some(place) = place {
                    let hall = || Hall { name: place, displays: Vec::new() };
                    places.entry(place).or_insert_with(hall).displays.push(display);
                }
            }
        }
        Place::Group => {
            let by_id: BTreeMap<&str, &DisplayRow> =
                expected().map(|display| (display.id.as_str(), display)).collect();
            for group in rows(&look.groups) {
                let ids: BTreeSet<&str> = group.displays.iter().map(String::as_str).collect();
                let displays = ids.into_iter().filter_map(|id| by_id.get(id).copied()).collect();
                places.insert(&group.id, Hall { name: &group.name, displays });
            }
        }
        Place::Organization => {
            let displays = expected().collect();
            places.insert(&look.tenant, Hall { name: &look.tenant, displays });
        }
    }
    let least = settings.place_displays as usize;
    places.retain(|_, hall| hall.displays.len() >= least);
    places
}
