//! One request on its way through a handler.

use serde::Serialize;
use serde_json::{Map, Value};

use super::route::Route;
use crate::sandbox::effects::Act;
use crate::sandbox::model::session::Who;
use crate::sandbox::model::table::{Row, Table};
use crate::sandbox::model::tenant::{Tenant, User};
use crate::sandbox::model::world::World;
use crate::sandbox::options::{Dialect, Options};
use crate::sandbox::serve::reply::{Asked, Reply};
use crate::sandbox::time::Stamp;

/// Everything that a handler works with.
pub(super) struct Call<'a> {
    pub(super) world: &'a mut World,
    pub(super) options: &'a Options,
    pub(super) asked: &'a Asked,
    pub(super) route: &'static Route,
    pub(super) params: Vec<&'a str>,
    pub(super) query: Map<String, Value>,
    pub(super) body: Value,
    pub(super) who: Option<Who>,
    pub(super) now: Stamp,
}

/// A list with what it says about itself.
#[derive(Serialize)]
struct Page<T> {
    data: Vec<T>,
    meta: Meta,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    page: usize,
    limit: usize,
    total: usize,
    total_pages: usize,
}

const DEFAULT_LIMIT: usize = 10;

impl Call<'_> {
    pub(super) fn dialect(&self) -> Dialect {
        self.options.dialect
    }

    /// The first parameter of the path.
    pub(super) fn id(&self) -> &str {
        self.params.first().copied().unwrap_or("")
    }

    /// Who asks; the first account of all where the route is open to everybody.
    pub(super) fn who(&self) -> Who {
        self.who.unwrap_or(Who { tenant: 0, user: 0 })
    }

    pub(super) fn user(&self) -> &User {
        self.world.user(self.who())
    }

    pub(super) fn tenant(&mut self) -> &mut Tenant {
        let place = self.who().tenant;
        &mut self.world.tenants[place]
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.body.get(name).and_then(Value::as_i64)
    }

    /// A field that may be cleared: none where it was not given, none inside where it was null or empty.
    #[expect(clippy::option_option, reason = "left out and cleared are two things here")]
    pub(super) fn pointer(&self, name: &str) -> Option<Option<String>> {
        let given = self.body.get(name)?;
        Some(given.as_str().filter(|id| !id.is_empty()).map(str::to_owned))
    }

    pub(super) fn ids(&self, name: &str) -> Vec<String> {
        let given = self.body.get(name).and_then(Value::as_array);
        let ids = given.into_iter().flatten().filter_map(Value::as_str);
        ids.map(str::to_owned).collect()
    }

    /// Notes an act upon a row.
    pub(super) fn did(&mut self, row: &str, what: impl Into<String>, before: &str, after: &str) {
        let act = Act::new(self.route.method, self.route.pattern, row, what);
        let (who, now) = (self.who(), self.now);
        self.world.record(who, now, act, before, after);
    }

    /// Which page of how many rows is wanted.
    fn paging(&self) -> (usize, usize) {
        let number = |name: &str| self.query.get(name).and_then(Value::as_u64);
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        (number("page").map_or(1, size), number("limit").map_or(DEFAULT_LIMIT, size))
    }

    /// Answers one page of a table.
    pub(super) fn page<T: Row, R: Serialize>(
        &mut self,
        table: fn(&mut Tenant) -> &mut Table<T>,
        wanted: Option<&dyn Fn(&T) -> bool>,
        row: impl for<'r> Fn(&'r Tenant, &'r T) -> R,
        read: fn(&Tenant) -> &Table<T>,
    ) -> Reply {
        let (page, limit) = self.paging();
        let tenant = self.tenant();
        table(tenant).settle();
        let tenant: &Tenant = tenant;
        let (rows, total) = read(tenant).page(wanted, (page - 1).saturating_mul(limit), limit);
        let data: Vec<R> = rows.into_iter().map(|found| row(tenant, found)).collect();
        let meta = Meta { page, limit, total, total_pages: total.div_ceil(limit) };
        Reply::ok(&Page { data, meta })
    }
}

/// The refusal for a row that is not there, or not the asker's.
pub(super) fn not_found(row: &str) -> Reply {
    Reply::error(404, format!("{row} not found"))
}
