//! Who is told when a budget is used up to a part, and when it refuses.
//!
//! Invariant: once for each part and period, on all replicas that share the counters, and after a restart where they are
//! kept: that it was told is itself counted. Never delays an exchange: what must be asked of the counters is asked in a task.

use super::counters::{Counters, Demand, Settlement};
use super::meter::{Level, Meter, Micros};
use super::rule::{Dimension, Rule};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Counters of which is remembered what was told of them; past that the counters are asked again.
const REMEMBERED: usize = 100_000;
/// What stands for a refusal among the parts.
const REFUSED: u16 = u16::MAX;

/// Something about a budget that somebody wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Whose counter it is, where each has one.
    pub of: Vec<(Dimension, String)>,
    /// The part that is used, in thousandths; none where a request was refused.
    pub part: Option<u16>,
    /// What was used, in the rule's unit.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// When its period ends, in microseconds since the Unix epoch; none where it never begins anew.
    pub until: Option<Micros>,
}

/// Who wants to know. Never waits.
pub trait Listener: Send + Sync {
    /// Tells it.
    fn hear(&self, notice: Notice);
}

/// Tells each thing once.
pub struct Notices {
    counters: Arc<dyn Counters>,
    listener: Option<Arc<dyn Listener>>,
    /// By counter: the period, and the highest part in it.
    told: Mutex<HashMap<Arc<str>, (Micros, u16)>>,
}

impl Notices {
    pub(super) fn new(counters: Arc<dyn Counters>, listener: Option<Arc<dyn Listener>>) -> Self {
        Self { counters, listener, told: Mutex::default() }
    }

    /// A part of a limit is used.
    pub(super) fn reached(&self, rule: &Rule, demand: &Demand, level: &Level, part: u16, now: Micros) {
        self.tell(rule, demand, level, part, now);
    }

    /// A budget refused a request.
    pub(super) fn refused(&self, rule: &Rule, demand: &Demand, level: &Level, now: Micros) {
        if rule.budget {
            self.tell(rule, demand, level, REFUSED, now);
        }
    }

    fn tell(&self, rule: &Rule, demand: &Demand, level: &Level, part: u16, now: Micros) {
        let Some(listener) = &self.listener else { return };
        let (period, marks, until) = match demand.meter {
            Meter::Period { from, to, .. } => (from, Meter::Period { limit: 1, from, to }, Some(to)),
            Meter::Window { window, .. } | Meter::Bucket { window, .. } => {
                let length = u64::try_from(window.as_micros()).unwrap_or(u64::MAX).max(1);
                (now / length, Meter::Window { limit: 1, window: window.max(Duration::from_secs(1)) }, None)
            }
            Meter::AtOnce { .. } => return,
        };
        // That a budget refuses says nothing of the parts of it that are used, and is remembered apart.
        let own: Arc<str> = match part {
            REFUSED => format!("{}!refused", demand.key).into(),
            _ => demand.key.text().clone(),
        };
        {
            let mut told = self.told.lock();
            if told.get(&own).is_some_and(|(known, highest)| *known == period && *highest >= part) {
                return;
            }
            if told.len() >= REMEMBERED {
                told.clear();
            }
            told.insert(own, (period, part));
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mark =
            Demand { key: format!("{}!{part}", demand.key).into(), meter: marks, amount: 1, soft: false };
        let notice = Notice {
            rule: rule.name.clone(),
            of: rule.values(&demand.key),
            part: (part != REFUSED).then_some(part),
            used: level.used,
            limit: level.limit,
            until,
        };
        let (counters, listener) = (self.counters.clone(), listener.clone());
        runtime.spawn(async move {
            // Where the counters cannot say whether it was told, it is not: the next start would tell it.
            if counters.take(std::slice::from_ref(&mark), now).await.is_ok() {
                counters.settle(&[Settlement { demand: mark, taken: now, used: 1 }], now);
                listener.hear(notice);
            }
        });
    }
}
