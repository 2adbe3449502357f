//! The described platform answers as the port promises.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::world_tests::{List, Tenant, World, our_now, platform_now};
use crate::domain::platform::{
    ContentDetail, ContentRow, ContentState, Details, Dialect, DisplayRow, GroupRow, Listing,
    PlaylistRow, ScheduleRow, Storage, TenantStanding, Thumbnails, Wanted,
};
use crate::domain::sight::{Blind, Sight};
use crate::ports::Pending;
use crate::ports::platform::Platform;

impl Tenant {
    fn sees(&self, list: List) -> Sight<()> {
        self.blind.get(&list).map_or(Ok(()), |why| Err(Blind::because(why.clone())))
    }

    fn shows(&self, list: List, id: &str) -> bool {
        !self.cut.contains_key(&list) || !self.hidden.contains(id)
    }

    fn listing<T>(&self, list: List, items: Vec<T>) -> Sight<Listing<T>> {
        self.sees(list)?;
        Ok(Listing {
            total: u64::try_from(items.len()).unwrap(),
            items,
            cut_short: self.cut.get(&list).cloned(),
            platform_now: platform_now(),
            at: our_now(),
        })
    }

    fn rows(&self) -> impl Iterator<Item = &(ContentRow, ContentDetail)> {
        self.content.iter()
    }

    fn details(&self, wanted: &[Wanted]) -> Sight<Details> {
        self.sees(List::Details)?;
        let asked = |id: &str| wanted.iter().any(|wanted| wanted.id == id);
        let shown = self.rows().filter(|(row, _)| {
            asked(&row.id) && self.shows(List::Details, &row.id) && !self.vanished.contains(&row.id)
        });
        Ok(Details {
            known: shown.map(|(row, detail)| (row.id.clone(), detail.clone())).collect(),
            gone: self.vanished.iter().filter(|id| asked(id)).cloned().collect(),
            cut_short: self.cut.get(&List::Details).cloned(),
        })
    }

    fn thumbnails(&self, wanted: &[(Wanted, String)]) -> Sight<Thumbnails> {
        self.sees(List::Thumbnails)?;
        let mut found = Thumbnails {
            cut_short: self.cut.get(&List::Thumbnails).cloned(),
            ..Thumbnails::default()
        };
        let ids = wanted.iter().map(|(wanted, _)| wanted.id.clone());
        let (inline, asked) = ids.partition(|id| self.inline.contains(id));
        found.inline = inline;
        let asked: BTreeSet<String> = asked;
        for id in asked.into_iter().filter(|id| self.shows(List::Thumbnails, id)) {
            if let Some(origin) = self.foreign.get(&id) {
                found.foreign.entry(origin.clone()).or_default().insert(id);
                continue;
            }
            let origin = self.origins.get(&id).map_or("https://shop.example.test", String::as_str);
            let of_origin = found.answered.entry(origin.to_owned()).or_default();
            of_origin.insert(id.clone(), !self.dead.contains(&id));
        }
        Ok(found)
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Pending<'a, T> {
    Box::pin(std::future::ready(value))
}

fn unasked<'a, T: Send + 'a>() -> Pending<'a, Sight<T>> {
    ready(Err(Blind::because("this agent never asks for it")))
}

impl Platform for World {
    fn until(&self, _deadline: std::time::Duration) {}

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn tenants(&self) -> Vec<String> {
        self.tenants.keys().cloned().collect()
    }

    fn displays<'a>(&'a self, _: &'a str) -> Pending<'a, Sight<Listing<DisplayRow>>> {
        unasked()
    }

    fn content<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<ContentRow>>> {
        let tenant = &self.tenants[tenant];
        let shown = tenant.rows().filter(|(row, _)| tenant.shows(List::Content, &row.id));
        ready(tenant.listing(List::Content, shown.map(|(row, _)| row.clone()).collect()))
    }

    fn content_states<'a>(&'a self, _: &'a str) -> Pending<'a, Sight<Listing<ContentState>>> {
        unreachable!("this agent wants whole rows")
    }

    fn layouts<'a>(
        &'a self,
        tenant: &'a str,
    ) -> Pending<'a, Sight<Listing<(String, ContentDetail)>>> {
        let tenant = &self.tenants[tenant];
        let layouts = tenant.rows().filter(|(row, _)| row.kind == "layout");
        let shown = layouts.filter(|(row, _)| tenant.shows(List::Layouts, &row.id));
        let rows = shown.map(|(row, detail)| (row.id.clone(), detail.clone())).collect();
        ready(tenant.listing(List::Layouts, rows))
    }

    fn playlists<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Listing<PlaylistRow>>> {
        let tenant = &self.tenants[tenant];
        let all = tenant.playlists.iter();
        let shown = all.filter(|playlist| tenant.shows(List::Playlists, &playlist.id));
        ready(tenant.listing(List::Playlists, shown.cloned().collect()))
    }

    fn schedules<'a>(&'a self, _: &'a str) -> Pending<'a, Sight<Listing<ScheduleRow>>> {
        unasked()
    }

    fn groups<'a>(&'a self, _: &'a str) -> Pending<'a, Sight<Listing<GroupRow>>> {
        unasked()
    }

    fn storage<'a>(&'a self, tenant: &'a str) -> Pending<'a, Sight<Storage>> {
        let tenant = &self.tenants[tenant];
        ready(tenant.sees(List::Storage).map(|()| tenant.storage))
    }

    fn details<'a>(&'a self, tenant: &'a str, wanted: &'a [Wanted]) -> Pending<'a, Sight<Details>> {
        self.asked.lock().unwrap().extend(wanted.iter().map(|wanted| wanted.id.clone()));
        ready(self.tenants[tenant].details(wanted))
    }

    fn thumbnails<'a>(
        &'a self,
        tenant: &'a str,
        wanted: &'a [(Wanted, String)],
    ) -> Pending<'a, Sight<Thumbnails>> {
        ready(self.tenants[tenant].thumbnails(wanted))
    }

    fn display<'a>(&'a self, _: &'a str, _: &'a str) -> Pending<'a, Sight<Option<DisplayRow>>> {
        unasked()
    }

    fn one_content<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
    ) -> Pending<'a, Sight<Option<(ContentRow, ContentDetail, Vec<String>)>>> {
        self.singles.lock().unwrap().push(id.to_owned());
        let tenant = &self.tenants[tenant];
        let holds = |playlist: &&PlaylistRow| playlist.items.iter().any(|item| item.content == id);
        let held = tenant.playlists.iter().filter(holds).map(|playlist| playlist.id.clone());
        let found = tenant.rows().find(|(row, _)| row.id == id);
        let found = found.map(|(row, detail)| (row.clone(), detail.clone(), held.collect()));
        ready(tenant.sees(List::Details).map(|()| found))
    }

    fn schedule<'a>(&'a self, _: &'a str, _: &'a str) -> Pending<'a, Sight<Option<ScheduleRow>>> {
        unasked()
    }

    fn platform_now(&self) -> Option<Timestamp> {
        Some(platform_now())
    }

    fn standing(&self) -> Vec<TenantStanding> {
        Vec::new()
    }

    fn release(&self) -> Pending<'_, Vec<(String, String)>> {
        ready(Vec::new())
    }
}
