//! Places: displays that go dark together.

use std::collections::BTreeMap;

use super::settings::{FleetManager, Place};
use crate::agent::tenant::{TenantLook, rows};
use crate::domain::platform::DisplayRow;

/// The places of a tenant that are large enough to be called dark, with the displays that are expected to play there.
pub(super) fn places<'a>(
    settings: &FleetManager,
    look: &'a TenantLook,
) -> BTreeMap<String, Vec<&'a DisplayRow>> {
    let expected = || rows(&look.displays).iter().filter(|display| display.excused().is_none());
    let mut places: BTreeMap<String, Vec<&DisplayRow>> = BTreeMap::new();
    match settings.place {
        Place::Location => {
            for display in expected() {
                let place =
                    display.location.as_deref().map(str::trim).filter(|place| !place.is_empty());
                if let Some(place) = place {
                    places.entry(place.to_owned()).or_default().push(display);
                }
            }
        }
        Place::Group => {
            let by_id: BTreeMap<&str, &DisplayRow> =
                expected().map(|display| (display.id.as_str(), display)).collect();
            for group in rows(&look.groups) {
                let members =
                    group.displays.iter().filter_map(|id| by_id.get(id.as_str()).copied());
                places.entry(group.name.clone()).or_default().extend(members);
            }
        }
        Place::Organization => {
            places.insert(look.tenant.clone(), expected().collect());
        }
    }
    let least = settings.place_displays as usize;
    places.retain(|_, displays| displays.len() >= least);
    places
}
