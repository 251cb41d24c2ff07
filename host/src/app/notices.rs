//! Who is told of budgets: the log, the metrics and the webhooks.

use crate::config::{Config, over};
use crate::limit::{Listener, Notice};
use crate::price::Usd;
use crate::store::journal::Journal;
use crate::telemetry::Metrics;
use crate::webhook::{Hook, Webhooks};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Tells them.
pub struct Notifier {
    metrics: Arc<Metrics>,
    hooks: Webhooks,
}

impl Notifier {
    /// Everybody whom a configuration names, or the places of those that cannot be told, and why. No webhook is told anything
    /// before [`Notifier::start`].
    ///
    /// # Errors
    /// As said.
    pub fn new(
        config: &Config,
        metrics: Arc<Metrics>,
        journal: Option<&Arc<Journal>>,
    ) -> Result<Self, Vec<(String, String)>> {
        let (mut hooks, mut faults) = (Vec::new(), Vec::new());
        for (name, webhook) in &config.webhooks {
            let events = webhook.events.iter().map(|event| occasion(*event)).collect();
            let settings = super::services::plain_settings(&webhook.url);
            match Hook::new(name, settings, webhook.secret.clone(), events) {
                Ok(hook) => hooks.push(hook),
                Err(error) => {
                    let at = super::compose::pointer(&["webhooks", name, "url"]);
                    faults.push((at, super::services::chain(&error)));
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { metrics, hooks: Webhooks::new(hooks, journal) })
    }

    /// The configuration serves: webhooks are told, and first what has waited for them.
    pub fn start(&self) {
        self.hooks.start();
    }
}

const fn occasion(event: over::Occasion) -> &'static str {
    match event {
        over::Occasion::Threshold => "budget.threshold",
        over::Occasion::Refused => "budget.refused",
    }
}

impl Listener for Notifier {
    fn hear(&self, notice: Notice) {
        let Notice { rule, of, part, used, limit, until } = notice;
        let budget = rule.strip_prefix("budget ").unwrap_or(&rule);
        let (used, limit) = (Usd::from_nanos(used), Usd::from_nanos(limit));
        let name = part.map_or_else(|| "refused".to_owned(), |part| (f64::from(part) / 1_000.0).to_string());
        self.metrics.budget_notice(budget, &name);
        let of: Map<String, Value> =
            of.into_iter().map(|(dimension, value)| (dimension.name().to_owned(), value.into())).collect();
        let whose = Value::Object(of.clone()).to_string();
        let event = match part {
            Some(_) => {
                tracing::warn!(budget, of = whose, part = name, %used, %limit, "a part of a budget is used");
                "budget.threshold"
            }
            None => {
                tracing::warn!(budget, of = whose, %used, %limit, "a budget refuses requests");
                "budget.refused"
            }
        };
        let until = until.and_then(|at| jiff::Timestamp::from_microsecond(i64::try_from(at).ok()?).ok());
        let facts = json!({
            "budget": budget,
            "of": of,
            "part": part.map(|part| f64::from(part) / 1_000.0),
            "used_usd": used.to_string(),
            "limit_usd": limit.to_string(),
            "until": until.map(|at| at.to_string()),
        });
        self.hooks.tell(event, facts);
    }
}
