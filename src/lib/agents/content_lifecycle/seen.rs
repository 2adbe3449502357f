//! One tenant's content as judgement asks for it.

use std::collections::BTreeMap;

use super::fault::{Fault, Replacement};
use super::snapshot::{ContentLook, Item};
use crate::domain::platform::{Asked, Roll, RowKind, RowRef};
use crate::domain::subject::{CheckId, Subject, SubjectKind};

/// What is said where details are missing and nobody said why.
const UNREAD: &str = "not every piece of content was looked at closely";

/// One tenant's content.
pub(super) struct Seen<'a> {
    pub(super) tenant: &'a str,
    pub(super) look: &'a ContentLook,
    /// Why the list of content is not whole, or is not believed.
    pub(super) cut_short: Option<String>,
    by_id: BTreeMap<&'a str, &'a Item>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(tenant: &'a str, look: &'a ContentLook, cut_short: Option<String>) -> Self {
        let by_id = look.items.iter().map(|item| (item.id.as_str(), item)).collect();
        Self { tenant, look, cut_short, by_id }
    }

    pub(super) fn subject(&self, item: &Item) -> Subject {
        RowRef::new(RowKind::Content, self.tenant, &item.id).subject()
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &'a Item> {
        self.look.items.iter().filter(|item| item.is_active())
    }

    /// Why some details are not known.
    pub(super) fn unread(&self) -> &str {
        self.look.details_cut.as_deref().unwrap_or(UNREAD)
    }

    /// What takes the place of content when it expires.
    pub(super) fn replacement(&self, id: Option<&str>) -> Replacement {
        let Some(id) = id else { return Replacement::None };
        let found = match (self.by_id.get(id), &self.cut_short) {
            (Some(item), _) => Ok(Some(*item)),
            (None, None) => Ok(None),
            (None, Some(why)) => Err(why.as_str()),
        };
        Replacement::of(id, found, self.look.platform_now)
    }

    /// Answers what is asked about a check of active content and has no finding. `stands` says it of that alone.
    pub(super) fn settle(
        &self,
        roll: &mut Roll<Fault>,
        check: &CheckId,
        stands: impl Fn(&Item) -> Asked,
    ) {
        let of_any = |item: &Item| if item.is_active() { stands(item) } else { Asked::Well };
        self.settle_each(roll, check, of_any);
    }

    /// The same of a check that asks other content, too.
    pub(super) fn settle_each(
        &self,
        roll: &mut Roll<Fault>,
        check: &CheckId,
        stands: impl Fn(&Item) -> Asked,
    ) {
        roll.settle(check, self.tenant, self.look.at, |subject| {
            let is_row = subject.kind() == SubjectKind::Content;
            match self.by_id.get(subject.id()).filter(|_| is_row) {
                Some(item) => stands(item),
                None => match &self.cut_short {
                    None => Asked::Gone,
                    Some(why) => Asked::Unseen(why.clone()),
                },
            }
        });
    }

    /// Says how complete a check is that asks every active piece of content: whole, where the list is.
    pub(super) fn cover(&self, roll: &mut Roll<Fault>, check: &CheckId) {
        match &self.cut_short {
            Some(why) => roll.partial(check, why),
            None => self.census(roll, check),
        }
    }

    /// Says how many pieces of content a check asks. Only for a list that is whole.
    pub(super) fn census(&self, roll: &mut Roll<Fault>, check: &CheckId) {
        roll.census(check, self.tenant, self.active().count());
    }
}
