//! `opsctl ledger verify` and `opsctl state import`.

use std::path::Path;

use serde_json::json;

use super::{Desk, Told, Trouble};
use crate::adapters::store::{Access, import, verify};
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
        let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        let json = json!({
            "clean": report.is_clean(), "events": report.events, "entities": report.entities,
            "findings": findings, "omitted": report.omitted,
        });
        Ok(Told { text: page.into_text(), json, exit })
    }

    pub(super) async fn import(&self, file: &Path) -> Result<Told, Trouble> {
        let store = self.store(Access::ReadWrite).await?;
        let report = import(&store, file, &self.person()).await?;
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
        let imported: Vec<_> = report
            .imported
            .iter()
            .map(|(theirs, ours)| json!({ "theirs": theirs, "ours": ours }))
            .collect();
        let skipped: Vec<_> =
            report.skipped.iter().map(|one| json!({ "id": one.id, "why": one.why })).collect();
        let exit = if report.skipped.is_empty() { Exit::Clean } else { Exit::Findings };
        let json = json!({ "imported": imported, "skipped": skipped, "resolved": report.resolved });
        Ok(Told { text: page.into_text(), json, exit })
    }
}
