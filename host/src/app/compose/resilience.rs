//! What a route does when a target fails: from the file's names and milliseconds to places and durations.

use crate::balance::{BreakerSettings, BudgetSettings};
use crate::config::RouteTarget;
use crate::config::resilience as file;
use crate::error::Cause;
use crate::route::{
    Degrade, Hedge, HedgeAfter, LatencyBudget, MidStream, Prefill, Resilience, Retries, Target, Timeouts,
};
use std::sync::Arc;
use std::time::Duration;

/// The targets that the settings name beside a route's own, each once.
pub(super) fn reserves(own: &[RouteTarget], settings: &file::Resilience) -> Vec<RouteTarget> {
    let mut reserves: Vec<RouteTarget> = Vec::new();
    for (_, id) in settings.targets() {
        let known = own.iter().chain(&reserves).any(|target| target.id() == id);
        if !known {
            reserves.push(RouteTarget::Id(id.to_owned()));
        }
    }
    reserves
}

/// The settings of a route whose targets are `own`, and behind them the reserves.
pub(super) fn settings(own: &[RouteTarget], settings: &file::Resilience, targets: &[Target]) -> Resilience {
    let places = |ids: &[String]| {
        ids.iter().filter_map(|id| targets.iter().position(|target| target.id == *id)).collect::<Vec<_>>()
    };
    let is_own = |target: &&Target| own.iter().any(|own| own.id() == target.id);
    let mut resilience = Resilience {
        ranked: targets.iter().take_while(is_own).count(),
        timeouts: timeouts(settings.timeouts.as_ref()),
        fallback: fallback(settings, places),
        hedge: settings.hedge.as_ref().map(hedge),
        mid_stream: match settings.mid_stream {
            Some(file::MidStream::Continue) => MidStream::Continue,
            Some(file::MidStream::Error) | None => MidStream::Error,
        },
        degrade: settings.degrade.iter().flatten().map(|step| degrade(step, places)).collect(),
        ..Resilience::default()
    };
    if let Some(breaker) = &settings.breaker {
        resilience.breaker = BreakerSettings {
            error_rate: breaker.error_rate,
            slow: breaker.slow_ms.map(Duration::from_millis),
            slow_rate: breaker.slow_rate,
            min_calls: breaker.min_calls,
            open: Duration::from_millis(breaker.open_ms),
            longest: Duration::from_millis(breaker.max_open_ms),
            probes: breaker.probes,
            outlier_rate: Some(breaker.outlier_rate).filter(|rate| *rate > 0.0),
        };
    }
    if let Some(retries) = &settings.retries {
        resilience.retries = Retries {
            pause: Duration::from_millis(retries.pause_ms),
            longest: Duration::from_millis(retries.max_pause_ms),
            budget: BudgetSettings { share: retries.share, per_second: retries.per_second },
        };
    }
    if let Some(budget) = &settings.latency_budget {
        resilience.latency = LatencyBudget {
            first_token: budget.first_token_ms.map(Duration::from_millis),
            total: budget.total_ms.map(Duration::from_millis),
        };
    }
    resilience
}

/// Timeouts, where something is said of them.
pub(super) fn timeouts(timeouts: Option<&file::Timeouts>) -> Timeouts {
    let Some(timeouts) = timeouts else { return Timeouts::default() };
    Timeouts {
        connect: timeouts.connect_ms.map(Duration::from_millis),
        first_token: timeouts.first_token_ms.map(Duration::from_millis),
        between_tokens: timeouts.between_tokens_ms.map(Duration::from_millis),
        total: timeouts.total_ms.map(Duration::from_millis),
    }
}

pub(super) const fn prefill(prefill: file::Prefill) -> Prefill {
    match prefill {
        file::Prefill::Message => Prefill::Message,
        file::Prefill::Prefix => Prefill::Prefix,
        file::Prefill::ContinueFinalMessage => Prefill::ContinueFinal,
    }
}

fn fallback(
    settings: &file::Resilience,
    places: impl Fn(&[String]) -> Vec<usize>,
) -> Vec<(Cause, Vec<usize>)> {
    let lists = settings.fallback.iter().flat_map(file::Fallback::lists);
    let named = lists.filter_map(|(name, ids)| {
        let cause = Cause::NAMED.into_iter().find(|cause| cause.name() == name)?;
        Some((cause, places(ids)))
    });
    named.filter(|(_, places)| !places.is_empty()).collect()
}

fn hedge(hedge: &file::Hedge) -> Hedge {
    Hedge {
        after: match hedge.after_ms {
            Some(ms) => HedgeAfter::Fixed(Duration::from_millis(ms)),
            None => HedgeAfter::Share(hedge.after_percentile),
        },
        least: Duration::from_millis(hedge.min_ms),
    }
}

fn degrade(step: &file::Degrade, places: impl Fn(&[String]) -> Vec<usize>) -> Degrade {
    match step {
        file::Degrade::Wait(wait) => Degrade::Wait {
            longest: Duration::from_millis(wait.max_ms),
            most: wait.max_waiting,
            waiting: Arc::default(),
        },
        file::Degrade::Targets(ids) => Degrade::Targets(places(ids)),
        file::Degrade::Stale(stale) => Degrade::Stale { oldest: Duration::from_secs(stale.max_age_s) },
        file::Degrade::Answer(text) => Degrade::Answer(text.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> file::Resilience {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_part_that_says_nothing_is_the_part_that_is_not_there() {
        let said = settings(&[], &read(json!({ "breaker": {}, "retries": {}, "latency_budget": {} })), &[]);
        let unsaid = settings(&[], &file::Resilience::default(), &[]);
        assert_eq!((said.breaker, said.retries), (unsaid.breaker, unsaid.retries));
        assert_eq!(unsaid.breaker, BreakerSettings::default());
        assert_eq!(unsaid.retries, Retries::default());
        assert_eq!((said.timeouts, said.mid_stream), (Timeouts::default(), MidStream::Error));
        assert!(said.hedge.is_none() && said.degrade.is_empty() && said.fallback.is_empty());
    }

    #[test]
    fn a_routes_own_parts_replace_those_of_the_top() {
        let top = read(json!({ "breaker": { "error_rate": 0.9 }, "mid_stream": "continue", "hedge": {} }));
        let own = read(json!({ "breaker": { "min_calls": 7 }, "hedge": { "after_ms": 30 } }));
        let both = settings(&[], &own.or(&top), &[]);
        assert_eq!(both.breaker, BreakerSettings { min_calls: 7, ..BreakerSettings::default() });
        assert_eq!(both.mid_stream, MidStream::Continue);
        let after = HedgeAfter::Fixed(Duration::from_millis(30));
        assert_eq!(both.hedge, Some(Hedge { after, least: Duration::from_millis(50) }));
    }

    #[test]
    fn targets_that_policies_name_are_added_once_and_behind_the_routes_own() {
        let own = [RouteTarget::Id("a/1".into()), RouteTarget::Id("a/2".into())];
        let named = read(json!({
            "fallback": { "timeout": ["a/2", "b/1"], "refused": ["b/1"] },
            "degrade": [{ "targets": ["c/1", "a/1"] }, { "answer": "sorry" }],
        }));
        let reserves = reserves(&own, &named);
        assert_eq!(reserves.iter().map(RouteTarget::id).collect::<Vec<_>>(), ["b/1", "c/1"]);
    }
}
