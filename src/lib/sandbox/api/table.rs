//! Every route, in the order in which they are tried.

use super::route::Route;
use super::{auth, content, displays, fleet, health, organisations, playlists, schedules};
use crate::sandbox::options::Options;

/// Where the platform's own routes begin.
pub(crate) const PREFIX: &str = "/api/v1";

const ALL: [&[Route]; 8] = [
    auth::ROUTES,
    health::ROUTES,
    organisations::ROUTES,
    content::ROUTES,
    displays::ROUTES,
    fleet::ROUTES,
    playlists::ROUTES,
    schedules::ROUTES,
];

/// The route for `path` with the values of its parameters.
pub(crate) fn find<'a>(
    options: &Options,
    method: &str,
    path: &'a str,
) -> Option<(&'static Route, Vec<&'a str>)> {
    let below = path.strip_prefix(PREFIX)?;
    let method = if method == "HEAD" { "GET" } else { method };
    let spoken = |route: &&Route| {
        let there = options.schedule_detail || !route.is_schedule_detail();
        route.only.is_none_or(|dialect| dialect == options.dialect) && there
    };
    let mut fitting = ALL.iter().flat_map(|routes| routes.iter()).filter(spoken);
    fitting.find_map(|route| {
        let fits = (route.method == method).then(|| route.fits(below)).flatten();
        fits.map(|values| (route, values))
    })
}
