//! The plan carried out: one action after the other, while time and ledger last.

use super::perform::Performed;
use super::progress::Progress;
use super::run::Engine;
use crate::domain::plan::Plan;
use crate::domain::run::Ruling;
use crate::domain::spec::Spec;

impl Engine {
    /// Carries out the plan, one action after the other, while time and ledger last.
    pub(super) async fn remediate(&self, spec: &Spec, plan: &Plan, progress: &mut Progress) {
        let mut done = Vec::new();
        for action in &plan.actions {
            if self.time_left().is_zero() {
                let why = "no time is left in this run; the next one decides anew".to_owned();
                progress.not_sent(action, Ruling::Left { why });
                continue;
            }
            match self.perform(spec, action, &done).await {
                Performed::Sent(id) => {
                    done.push(action.operation.clone());
                    progress.sent(id, action);
                }
                Performed::Failed { id, before, why } => {
                    done.push(action.operation.clone());
                    progress.failed(id, action, &before, why);
                }
                Performed::NotSent(ruling) => progress.not_sent(action, ruling),
                Performed::LedgerFailed(error) => {
                    tracing::error!("{error}");
                    progress.ledger_failed(&error);
                    return;
                }
            }
            self.recording.keep(self.so_far(progress));
        }
    }
}
