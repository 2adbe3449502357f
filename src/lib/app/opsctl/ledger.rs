//! `opsctl ledger verify` and `opsctl state import`.

use std::path::Path;

use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, ImportSource, Unmapped, import, verify};
use crate::app::documents::{Imported, LedgerCheck, LeftOut, TakenOver};
use crate::app::exit::Exit;
use crate::ports::store::Store;
use crate::render::page::Page;
use crate::render::style::Tone;

impl Desk<'_> {
    pub(super) async fn verify(&self) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadOnly).await?;
        let report = verify(&store).await?;
        store.close().await?;
        let mut page = Page::new(self.style);
        for finding in &report.findings {
            page.item(Tone::Bad, "damaged", &finding.to_string());
        }
        if report.omitted > 0 {
            page.line(&format!("and {} more", report.omitted));
        }
        let summary =
            format!("{} events folded, {} entities compared", report.events, report.entities);
        let (verdict, exit) = if report.is_clean() {
            (self.style.paint(Tone::Good, "the ledger is intact"), Exit::Clean)
        } else {
            (self.style.paint(Tone::Bad, "the ledger is damaged"), Exit::Findings)
        };
        page.line(&format!("{verdict}: {summary}"));
        let json = json!(LedgerCheck {
            clean: report.is_clean(),
            events: report.events,
            entities: report.entities,
            findings: report.findings.iter().map(ToString::to_string).collect(),
            omitted: report.omitted,
        });
        Ok(Told { text: page.into_text(), json, exit })
    }

    pub(super) async fn import(&self, file: &Path) -> Result<Told, Trouble> {
        let source =
            ImportSource::read(file).map_err(|error| Trouble::incomplete(error.to_string()))?;
        let store = self.store(Access::ReadWrite).await?;
        let report = import(&store, &source, &self.person()).await?;
        store.publish(self.clock.now()).await?;
        store.close().await?;
        let mut page = Page::new(self.style);
        for (theirs, ours) in &report.imported {
            page.item(Tone::Good, &ours.to_string(), &format!("was {theirs}"));
        }
        for skipped in &report.skipped {
            page.item(Tone::Warn, "left out", &format!("{}: {}", skipped.id, skipped.why));
        }
        page.line(&format!(
            "{} incidents taken over, {} left out, {} had ended already and stay in the file",
            report.imported.len(),
            report.skipped.len(),
            report.resolved
        ));
        let exit = if report.skipped.is_empty() { Exit::Clean } else { Exit::Findings };
        let taken = |(theirs, ours)| TakenOver { theirs, ours };
        let left = |one: Unmapped| LeftOut { id: one.id, why: one.why };
        let json = json!(Imported {
            imported: report.imported.into_iter().map(taken).collect(),
            skipped: report.skipped.into_iter().map(left).collect(),
            resolved: report.resolved,
        });
        Ok(Told { text: page.into_text(), json, exit })
    }
}
