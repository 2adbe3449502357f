//! The columns that every dialect fills.

/// The verbs of HTTP that can be sent at all. None of them deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Verb {
    /// Reads.
    Get,
    /// Asks whether there is something to read.
    Head,
    /// Does something.
    Post,
    /// Changes fields.
    Patch,
}

impl Verb {
    /// The word on the wire.
    pub(in crate::adapters::platform) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// A route, as the platform counts requests: a verb and a pattern with `:id` in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) struct Route {
    /// The verb.
    pub(in crate::adapters::platform) verb: Verb,
    /// The path below the API's own.
    pub(in crate::adapters::platform) pattern: &'static str,
}

impl Route {
    pub(in crate::adapters::platform) const fn get(pattern: &'static str) -> Self {
        Self { verb: Verb::Get, pattern }
    }

    pub(in crate::adapters::platform) const fn post(pattern: &'static str) -> Self {
        Self { verb: Verb::Post, pattern }
    }

    pub(in crate::adapters::platform) const fn patch(pattern: &'static str) -> Self {
        Self { verb: Verb::Patch, pattern }
    }

    /// What limits are counted by.
    pub(in crate::adapters::platform) fn key(self) -> String {
        format!("{} {}", self.verb.as_str(), self.pattern)
    }

    /// The path for one row.
    ///
    /// # Errors
    ///
    /// An id that could lead elsewhere.
    pub(in crate::adapters::platform) fn path(self, id: &str) -> Result<String, String> {
        if !self.pattern.contains(":id") {
            return Ok(self.pattern.to_owned());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        // A longer one than this is none of the platform's.
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return Err("the id is of no form that the platform has".to_owned());
        }
        Ok(self.pattern.replace(":id", id))
    }
}

/// What a write carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Body {
    /// Nothing.
    Nothing,
    /// One field with a JSON boolean: the platform takes the text `"false"` for true.
    Flag(&'static str, bool),
    /// One field with a fixed word.
    Word(&'static str, &'static str),
    /// One field with what the operation names, empty for nothing.
    Given(&'static str),
    /// A command to one device.
    Command(&'static str),
}

/// How an operation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Deed {
    /// Not at all, and why.
    Absent(&'static str),
    /// By one request. `only` is the one value that the operation may ask for, where the route takes none.
    Call {
        /// Where to.
        route: Route,
        /// With what.
        body: Body,
        /// The value that the route stands for.
        only: Option<&'static str>,
    },
    /// By the realtime gateway.
    Socket,
}

impl Deed {
    pub(in crate::adapters::platform) const fn call(route: Route, body: Body) -> Self {
        Self::Call { route, body, only: None }
    }
}

/// A dialect.
#[derive(Debug)]
pub(in crate::adapters::platform) struct Table {
    /// Pages of displays.
    pub(in crate::adapters::platform) displays: Route,
    /// Pages of content.
    pub(in crate::adapters::platform) content: Route,
    /// Whether a page of content shows what otherwise only a single look shows.
    pub(in crate::adapters::platform) content_is_full: bool,
    /// Pages of layouts.
    pub(in crate::adapters::platform) layouts: Route,
    /// Pages of playlists.
    pub(in crate::adapters::platform) playlists: Route,
    /// Pages of schedules.
    pub(in crate::adapters::platform) schedules: Route,
    /// The field that tells whether a schedule is in force.
    pub(in crate::adapters::platform) schedule_flag: &'static str,
    /// Pages of groups.
    pub(in crate::adapters::platform) groups: Route,
    /// What is stored.
    pub(in crate::adapters::platform) storage: Route,
    /// Whether it stands in a member `storage` of a larger answer.
    pub(in crate::adapters::platform) storage_is_inside: bool,
    /// One display.
    pub(in crate::adapters::platform) display: Route,
    /// One piece of content.
    pub(in crate::adapters::platform) one_content: Route,
    /// One schedule, where the platform knows the route.
    pub(in crate::adapters::platform) schedule: Route,
    /// Ping a display.
    pub(in crate::adapters::platform) ping: Deed,
    /// Reload a display.
    pub(in crate::adapters::platform) reload: Deed,
    /// Reset a display.
    pub(in crate::adapters::platform) reset: Deed,
    /// Give a display a playlist.
    pub(in crate::adapters::platform) assign: Deed,
    /// Archive content.
    pub(in crate::adapters::platform) archive: Deed,
    /// Restore content.
    pub(in crate::adapters::platform) restore: Deed,
    /// Take a schedule out of force.
    pub(in crate::adapters::platform) deactivate: Deed,
    /// Put it in force.
    pub(in crate::adapters::platform) activate: Deed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_lead_elsewhere_has_no_path() {
        let route = Route::get("/content/:id");
        assert_eq!(route.path("c1-x_2").unwrap(), "/content/c1-x_2");
        for id in ["", "..", "a/b", "a%2fb", "a?x", "ü", &"a".repeat(65)] {
            assert!(route.path(id).is_err(), "{id}");
        }
        assert_eq!(Route::post("/fleet/commands").path("../x").unwrap(), "/fleet/commands");
        assert_eq!(route.key(), "GET /content/:id");
    }
}
