//! A route: everything that the pipeline in front of a handler needs to know.

use super::call::Call;
use super::fields::Field;
use crate::sandbox::model::tenant::Role;
use crate::sandbox::options::Dialect;
use crate::sandbox::serve::reply::Reply;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Everybody.
    Public,
    /// Whoever is logged in.
    LoggedIn,
    /// These roles alone.
    Roles(&'static [Role]),
    /// The platform's own people.
    Super,
}

/// The form that the route's id must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdForm {
    /// Not looked at.
    Free,
    /// A UUID.
    Uuid,
    /// A UUID or the other form.
    Any,
}

/// What the body may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// Nothing that anybody looks at.
    Ignored,
    /// These fields.
    Fields(&'static [Field]),
    /// Anything, kept as it is.
    Free,
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path below the prefix, with `:id` for what varies.
    pub(crate) pattern: &'static str,
    pub(super) entry: Entry,
    pub(super) writes: bool,
    pub(super) publishes: bool,
    pub(super) id: IdForm,
    pub(super) query: Option<&'static [Field]>,
    pub(super) body: Body,
    pub(super) status: u16,
    /// The route's own limit of requests in a minute.
    pub(super) per_minute: Option<usize>,
    pub(super) only: Option<Dialect>,
    /// What a row of it is called.
    pub(crate) row: &'static str,
    pub(super) run: fn(&mut Call<'_>) -> Reply,
}

type Run = fn(&mut Call<'_>) -> Reply;

/// Those who may change rows.
pub(super) const EDITORS: &[Role] = &[Role::Admin, Role::Manager];
/// Those who may remove rows.
pub(super) const ADMINS: &[Role] = &[Role::Admin];

impl Route {
    const fn new(method: &'static str, pattern: &'static str, status: u16, run: Run) -> Self {
        Self {
            method,
            pattern,
            entry: Entry::LoggedIn,
            writes: false,
            publishes: false,
            id: IdForm::Free,
            query: None,
            body: Body::Ignored,
            status,
            per_minute: None,
            only: None,
            row: "Row",
            run,
        }
    }

    pub(super) const fn get(pattern: &'static str, run: Run) -> Self {
        Self::new("GET", pattern, 200, run)
    }

    pub(super) const fn post(pattern: &'static str, run: Run) -> Self {
        Self::new("POST", pattern, 201, run)
    }

    pub(super) const fn patch(pattern: &'static str, run: Run) -> Self {
        Self::new("PATCH", pattern, 200, run)
    }

    pub(super) const fn delete(pattern: &'static str, run: Run) -> Self {
        Self::new("DELETE", pattern, 200, run).edits(ADMINS)
    }

    pub(super) const fn public(mut self) -> Self {
        self.entry = Entry::Public;
        self
    }

    pub(super) const fn for_super(mut self) -> Self {
        self.entry = Entry::Super;
        self
    }

    /// Changes rows: for these roles, while the subscription lives.
    pub(super) const fn edits(mut self, roles: &'static [Role]) -> Self {
        self.entry = Entry::Roles(roles);
        self.writes = true;
        self
    }

    pub(super) const fn publishes(mut self) -> Self {
        self.publishes = true;
        self
    }

    pub(super) const fn lists(mut self, fields: &'static [Field]) -> Self {
        self.query = Some(fields);
        self
    }

    pub(super) const fn takes(mut self, fields: &'static [Field]) -> Self {
        self.body = Body::Fields(fields);
        self
    }

    pub(super) const fn takes_anything(mut self) -> Self {
        self.body = Body::Free;
        self
    }

    pub(super) const fn uuid(mut self, row: &'static str) -> Self {
        self.id = IdForm::Uuid;
        self.row = row;
        self
    }

    pub(super) const fn id(mut self, row: &'static str) -> Self {
        self.id = IdForm::Any;
        self.row = row;
        self
    }

    pub(super) const fn answers(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) const fn per_minute(mut self, limit: usize) -> Self {
        self.per_minute = Some(limit);
        self
    }

    pub(super) const fn only(mut self, dialect: Dialect) -> Self {
        self.only = Some(dialect);
        self
    }

    /// The values of the pattern's parameters, where `path` fits.
    pub(super) fn fits<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let mut found = Vec::new();
        let mut given = path.trim_end_matches('/').split('/');
        for part in self.pattern.split('/') {
            let other = given.next()?;
            if part.starts_with(':') && !other.is_empty() {
                found.push(other);
            } else if part != other {
                return None;
            }
        }
        given.next().is_none().then_some(found)
    }
}
