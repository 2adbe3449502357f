//! What a route was told of one thing: read off its notifications.

use jiff::Timestamp;

use super::notification::{Kind, Notification, NotificationState, ToldFacts};

/// One telling that arrived, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Why it was told.
    pub kind: Kind,
    /// When it left.
    pub at: Timestamp,
    /// What was true then.
    pub told: ToldFacts,
}

/// What a route was told of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The last alert.
    pub alert: Option<Telling>,
    /// How many alerts there were.
    pub alerts: u32,
    /// When it was last told that it is over, if that was the last thing it heard.
    pub over: Option<Timestamp>,
    /// When an alert about it was last given up.
    pub given_up: Option<Timestamp>,
    /// When word of its end was last given up.
    pub end_given_up: Option<Timestamp>,
}

impl Heard {
    /// Reads it off every notification of one route about one thing, in whatever order.
    #[must_use]
    pub fn of<'n>(rows: impl IntoIterator<Item = &'n Notification>) -> Self {
        let mut rows: Vec<&Notification> = rows.into_iter().collect();
        rows.sort_by_key(|row| (row.finished_at, row.created_at, &row.id));
        let mut heard = Self::default();
        for row in rows {
            let Some(at) = row.finished_at else { continue };
            match row.state {
                NotificationState::Sent | NotificationState::Unknown => heard.add(row, at),
                NotificationState::Dead if row.kind == Kind::Recovered => {
                    heard.end_given_up = Some(at);
                }
                NotificationState::Dead => heard.given_up = Some(at),
                NotificationState::Pending
                | NotificationState::Failed
                | NotificationState::Suppressed
                | NotificationState::Digested => {}
            }
        }
        heard
    }

    /// The same, where the channel last took something at that moment: what was given up before is no reason to wait any more.
    #[must_use]
    pub fn since_it_works(self, last_ok: Option<Timestamp>) -> Self {
        let still = |at: Option<Timestamp>| at.filter(|at| last_ok.is_none_or(|ok| ok <= *at));
        Self { given_up: still(self.given_up), end_given_up: still(self.end_given_up), ..self }
    }

    fn add(&mut self, row: &Notification, at: Timestamp) {
        if row.kind == Kind::Recovered {
            self.over = Some(at);
        } else if let (true, Some(told)) = (row.kind.is_alert(), &row.told) {
            self.alert = Some(Telling { kind: row.kind, at, told: told.clone() });
            self.alerts += 1;
            self.over = None;
        }
    }

    /// Whether it was told that something is wrong, and not yet that this is over.
    #[must_use]
    pub const fn waits_for_the_end(&self) -> bool {
        self.alert.is_some() && self.over.is_none()
    }
}
