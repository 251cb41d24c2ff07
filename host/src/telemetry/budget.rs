//! The figures of budgets: how often somebody was told.

use super::metrics::register;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The families.
#[derive(Debug, Clone)]
pub(super) struct BudgetFamilies {
    notices: Family<NoticeLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabels {
    budget: String,
    /// The part that is used, or `refused`.
    part: String,
}

impl BudgetFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        let help =
            "How often a part of a budget was used up, or a budget refused for the first time in its period.";
        Self { notices: register(registry, "budget_notices", help, Family::default()) }
    }

    /// Somebody is told of a budget.
    pub fn notice(&self, budget: &str, part: &str) {
        let labels = NoticeLabels { budget: budget.to_owned(), part: part.to_owned() };
        self.notices.get_or_create(&labels).inc();
    }
}
