//! What of the settings of resilience cannot be meant.

use crate::config::model::resilience::{Degrade, Resilience};

/// Each with its place below the settings.
pub fn faults(settings: &Resilience) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut refuse = |at: &str, message: &str| faults.push((at.to_owned(), message.to_owned()));
    let share = |share: f64| (0.0..=1.0).contains(&share);
    if let Some(breaker) = &settings.breaker {
        for (name, rate) in [
            ("error_rate", breaker.error_rate),
            ("slow_rate", breaker.slow_rate),
            ("outlier_rate", breaker.outlier_rate),
        ] {
            if !share(rate) {
                refuse(&format!("/breaker/{name}"), "a share is from 0 to 1");
            }
        }
        if breaker.error_rate == 0.0 || breaker.slow_rate == 0.0 {
            refuse("/breaker", "a target that is left alone from a rate of 0 on is never asked");
        }
        if breaker.max_open_ms < breaker.open_ms {
            refuse("/breaker/max_open_ms", "the most must not be less than `open_ms`");
        }
    }
    if let Some(retries) = &settings.retries {
        if !share(retries.share) {
            refuse("/retries/share", "a share is from 0 to 1");
        }
        if retries.max_pause_ms < retries.pause_ms {
            refuse("/retries/max_pause_ms", "the most must not be less than `pause_ms`");
        }
    }
    if let Some(budget) = &settings.latency_budget
        && let (Some(first), Some(total)) = (budget.first_token_ms, budget.total_ms)
        && first > total
    {
        refuse("/latency_budget/first_token_ms", "the first token cannot have more time than all of them");
    }
    for (n, step) in settings.degrade.iter().flatten().enumerate() {
        match step {
            Degrade::Answer(text) if text.trim().is_empty() => {
                refuse(&format!("/degrade/{n}/answer"), "the answer must say something");
            }
            Degrade::Targets(targets) if targets.is_empty() => {
                refuse(&format!("/degrade/{n}/targets"), "there must be a target");
            }
            _ => {}
        }
    }
    faults
}
