//! From the limits and budgets of a configuration to the rules that are looked at.

use crate::config::Config;
use crate::config::limit::{Amount, Budget, Only, Period, RateLimit, Window};
use crate::limit::{Calendar, Dimension, Part, Rule, Span, Unit};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// All rules, or the places of those that make no sense, and why.
///
/// # Errors
/// As said.
pub fn rules(config: &Config) -> Result<Vec<Rule>, Vec<(String, String)>> {
    let mut made = Made::default();
    for (name, limit) in &config.rate_limits {
        made.rate_limit(name, limit);
    }
    for (name, budget) in &config.budgets {
        made.budget(&["budgets", name], name, budget);
    }
    for (name, tenant) in &config.tenants {
        if let Some(own) = &tenant.budget {
            let budget = Budget {
                only: Only { tenant: Some(name.clone()), ..Only::default() },
                by: Vec::new(),
                usd: own.usd,
                per: own.per,
                rolling: own.rolling,
                timezone: own.timezone.clone(),
            };
            made.budget(&["tenants", name, "budget"], &format!("tenant {name}"), &budget);
        }
    }
    if made.faults.is_empty() { Ok(made.rules) } else { Err(made.faults) }
}

#[derive(Default)]
struct Made {
    rules: Vec<Rule>,
    faults: Vec<(String, String)>,
}

impl Made {
    fn refuse(&mut self, place: &[&str], message: impl Into<String>) {
        self.faults.push((super::compose::pointer(place), message.into()));
    }

    fn rate_limit(&mut self, name: &str, given: &RateLimit) {
        let window = match given.per {
            Window::Second => Duration::from_secs(1),
            Window::Minute => Duration::from_secs(60),
            Window::Hour => Duration::from_secs(3600),
            Window::Day => DAY,
        };
        let at = ["rate_limits", name];
        let rule = |what: &str, unit, limit, span| Rule {
            // Each counts apart, and two of them are one limit to people.
            name: format!("{name} {what}").into(),
            unit,
            limit,
            span,
            applies: applies(&given.only),
            per: given.by.clone(),
            budget: false,
        };
        let mut rules = Vec::new();
        for (what, unit, amount) in
            [("requests", Unit::Requests, given.requests), ("tokens", Unit::Tokens, given.tokens)]
        {
            match amount {
                None => {}
                Some(Amount::Sliding(limit)) => rules.push(rule(what, unit, limit, Span::Sliding(window))),
                Some(Amount::Bucket(bucket)) => {
                    if bucket.limit == 0 || bucket.burst == 0 {
                        self.refuse(&[at[0], name, what], "`limit` and `burst` must be at least 1");
                    }
                    let span = Span::Bucket { window, burst: bucket.burst };
                    rules.push(rule(what, unit, bucket.limit, span));
                }
            }
        }
        if let Some(usd) = given.usd {
            match nanos(usd) {
                Some(limit) => rules.push(rule("usd", Unit::Nanodollars, limit, Span::Sliding(window))),
                None => self.refuse(&[at[0], name, "usd"], AMOUNT),
            }
        }
        if let Some(limit) = given.concurrent {
            rules.push(rule("concurrent", Unit::Exchanges, limit, Span::AtOnce));
        }
        if rules.is_empty() {
            self.refuse(&at, "this limits nothing: say `requests`, `tokens`, `usd` or `concurrent`");
        }
        self.rules.append(&mut rules);
    }

    fn budget(&mut self, at: &[&str], name: &str, given: &Budget) {
        let in_place = |field| at.iter().copied().chain([field]).collect::<Vec<_>>();
        let Some(limit) = nanos(given.usd) else { return self.refuse(&in_place("usd"), AMOUNT) };
        let span = if given.rolling {
            Span::Sliding(match given.per {
                Period::Day => DAY,
                Period::Week => 7 * DAY,
                Period::Month => 30 * DAY,
            })
        } else {
            let Some(zone) = Calendar::zone(&given.timezone) else {
                let message = format!("there is no time zone `{}`", given.timezone);
                return self.refuse(&in_place("timezone"), message);
            };
            let part = match given.per {
                Period::Day => Part::Day,
                Period::Week => Part::Week,
                Period::Month => Part::Month,
            };
            Span::Calendar(Calendar::new(part, zone))
        };
        self.rules.push(Rule {
            name: format!("budget {name}").into(),
            unit: Unit::Nanodollars,
            limit,
            span,
            applies: applies(&given.only),
            per: given.by.clone(),
            budget: true,
        });
    }
}

const AMOUNT: &str = "this must be an amount of dollars, of 18 billion at most";

/// An amount in billionths of a dollar.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn nanos(usd: f64) -> Option<u64> {
    (usd.is_finite() && (0.0..=18e9).contains(&usd)).then(|| (usd * 1e9).round() as u64)
}

fn applies(only: &Only) -> Vec<(Dimension, Box<str>)> {
    only.said().map(|(dimension, value)| (dimension, value.into())).collect()
}
