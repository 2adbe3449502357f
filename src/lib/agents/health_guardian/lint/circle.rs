//! Services that depend on each other in a circle: none of them can ever be seen healthy first.

use std::collections::BTreeMap;

use crate::agent::Problem;
use crate::agents::health_guardian::settings::HealthGuardian;

/// A dependency: its place in the service's list, and the service that it names.
type Edge = (usize, usize);

/// How far the search has come with a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    OnTheWay,
    Done,
}

/// One problem for each circle, at its first dependency in the order of the file.
pub(super) fn problems(all: &HealthGuardian) -> Vec<Problem> {
    let names: Vec<&str> = all.services.iter().map(|service| service.name.as_str()).collect();
    let edges = edges(all);
    circles(&edges).iter().filter_map(|circle| problem(&names, &edges, circle)).collect()
}

/// What each service depends on. Itself and unknown names are told elsewhere.
fn edges(all: &HealthGuardian) -> Vec<Vec<Edge>> {
    let mut place_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, service) in all.services.iter().enumerate() {
        place_of.entry(service.name.as_str()).or_insert(place);
    }
    let of_service = |(from, dependencies): (usize, Option<&Vec<String>>)| {
        dependencies
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(place, name)| Some((place, *place_of.get(name.as_str())?)))
            .filter(|(_, to)| *to != from)
            .collect()
    };
    all.services
        .iter()
        .map(|service| service.dependencies.as_ref())
        .enumerate()
        .map(of_service)
        .collect()
}

/// The circles that a search in depth meets; every service is entered once.
fn circles(edges: &[Vec<Edge>]) -> Vec<Vec<usize>> {
    let mut seen = vec![Seen::Not; edges.len()];
    let mut found = Vec::new();
    for start in 0..edges.len() {
        if seen[start] != Seen::Not {
            continue;
        }
        seen[start] = Seen::OnTheWay;
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((service, next)) = way.last_mut() {
            let Some((_, to)) = edges[*service].get(*next) else {
                seen[*service] = Seen::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match seen[*to] {
                Seen::Not => {
                    seen[*to] = Seen::OnTheWay;
                    way.push((*to, 0));
                }
                Seen::OnTheWay => {
                    found.push(way.iter().map(|(on, _)| *on).skip_while(|on| on != to).collect());
                }
                Seen::Done => {}
            }
        }
    }
    found
}

fn problem(names: &[&str], edges: &[Vec<Edge>], circle: &[usize]) -> Option<Problem> {
    let first = circle.iter().enumerate().min_by_key(|(_, service)| **service)?.0;
    let mut circle = circle.to_vec();
    circle.rotate_left(first);
    let from = *circle.first()?;
    circle.push(from);
    let (place, _) = edges[from].iter().find(|(_, to)| *to == circle[1])?;
    let way: Vec<String> = circle.iter().map(|at| format!("`{}`", names[*at])).collect();
    Some(Problem {
        path: format!("services[{from}].dependencies[{place}]"),
        message: format!(
            "these depend on each other in a circle: {}; leave out the one that can work without \
             the other",
            way.join(" → ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[&[usize]]) -> Vec<Vec<usize>> {
        let edges: Vec<Vec<Edge>> =
            edges.iter().map(|to| to.iter().copied().enumerate().collect()).collect();
        circles(&edges)
    }

    #[test]
    fn every_circle_is_met_once_and_a_diamond_is_none() {
        assert_eq!(found(&[&[1, 2], &[3], &[3], &[]]), Vec::<Vec<usize>>::new());
        assert_eq!(found(&[&[1], &[0]]), [vec![0, 1]]);
        assert_eq!(found(&[&[1], &[2], &[1, 0]]), [vec![1, 2], vec![0, 1, 2]]);
        assert_eq!(found(&[&[], &[2], &[1], &[4], &[3]]), [vec![1, 2], vec![3, 4]]);
    }

    #[test]
    fn a_very_long_chain_is_followed_to_its_end() {
        let count = 20_000;
        let edges: Vec<Vec<Edge>> = (0..count).map(|at| vec![(0, (at + 1) % count)]).collect();
        assert_eq!(circles(&edges).len(), 1);
    }
}
