//! From the limits and budgets of a configuration to the rules that are looked at.

use crate::config::Config;
use crate::config::limit::{Amount, Budget, Only, Period, RateLimit, Window};
use crate::config::over;
use crate::limit::{Calendar, Counters, Dimension, Over, Part, Patience, Rule, Span, Terms, Unit};
use crate::price::{Currency, Usd};
use crate::proxy::Approvals;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// All rules, or the places of those that make no sense, and why.
///
/// # Errors
/// As said.
pub fn rules(config: &Config) -> Result<Vec<Rule>, Vec<(String, String)>> {
    let mut made = Made { currency: currency(config), ..Made::default() };
    if config.prices.currency.is_some() && made.currency.is_none() {
        made.refuse(&["prices", "currency"], "this must be three capitals, and a rate above 0");
    }
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
                amount: own.amount,
                per: own.per,
                rolling: own.rolling,
                timezone: own.timezone.clone(),
                soft: own.soft,
                warn_at: own.warn_at.clone(),
                cut_off: own.cut_off,
                over: own.over,
                to: own.to.clone(),
            };
            made.budget(&["tenants", name, "budget"], &format!("tenant {name}"), &budget);
        }
    }
    if made.faults.is_empty() { Ok(made.rules) } else { Err(made.faults) }
}

/// The currency that costs are said in beside dollars.
pub fn currency(config: &Config) -> Option<Currency> {
    config.prices.currency.as_ref().and_then(|given| Currency::new(&given.code, given.usd))
}

/// What somebody must approve of first.
pub fn approvals(config: &Config, counters: &Arc<dyn Counters>) -> Option<Approvals> {
    let given = config.approval.as_ref()?;
    let above = Usd::from_nanos(nanos(given.above_usd).unwrap_or_default());
    let downgrades = given.otherwise == over::Otherwise::Downgrade;
    Some(Approvals::new(above, downgrades, &given.secret, counters.clone()))
}

#[derive(Default)]
struct Made {
    rules: Vec<Rule>,
    currency: Option<Currency>,
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
        let terms = self.terms(name, given);
        let rule = |what: &str, unit, limit, span| Rule {
            // Each counts apart, and two of them are one limit to people.
            name: format!("{name} {what}").into(),
            unit,
            limit,
            span,
            applies: applies(&given.only),
            per: given.by.clone(),
            budget: false,
            terms: terms.clone(),
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
        let limit = match (given.usd, given.amount, &self.currency) {
            (Some(usd), None, _) => nanos(usd).ok_or(("usd", AMOUNT)),
            (None, Some(amount), Some(currency)) => {
                currency.in_usd(amount).map(Usd::nanos).ok_or(("amount", AMOUNT))
            }
            (None, Some(_), None) => Err(("amount", "`prices` name no currency")),
            (Some(_), Some(_), _) => Err(("amount", "`usd` and `amount` say the same: leave one out")),
            (None, None, _) => Err(("usd", "say how much: `usd`, or `amount` in the currency of `prices`")),
        };
        let limit = match limit {
            Ok(limit) => limit,
            Err((field, message)) => return self.refuse(&in_place(field), message),
        };
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
        let terms = self.terms_of_budget(at, given);
        self.rules.push(Rule {
            name: format!("budget {name}").into(),
            unit: Unit::Nanodollars,
            limit,
            span,
            applies: applies(&given.only),
            per: given.by.clone(),
            budget: true,
            terms,
        });
    }

    fn terms(&mut self, name: &str, given: &RateLimit) -> Terms {
        let at = |field| ["rate_limits", name, field];
        let named = given.only.said().map(|(dimension, _)| dimension).chain(given.by.iter().copied());
        let of_target = named.into_iter().any(Dimension::is_of_target);
        let turns = |over| matches!(over, Some(over::Over::Downgrade | over::Over::Shift));
        if given.queue.is_some() && given.over != Some(over::Over::Queue) {
            self.refuse(&at("queue"), "this is for `over: queue`");
        }
        if !given.to.is_empty() && (of_target || !turns(given.over)) {
            let message = match of_target {
                true => {
                    "of a limit of a provider or target, the next target of the route is asked: leave this out"
                }
                false => "this is for `over: downgrade` and `over: shift`",
            };
            self.refuse(&at("to"), message);
        }
        let over = match given.over {
            None if of_target => Over::Shift,
            None | Some(over::Over::Reject) => Over::Reject,
            Some(over::Over::Queue) => {
                let queue = given.queue.unwrap_or_default();
                Over::Queue(Patience { most: queue.size, wait: Duration::from_millis(queue.wait_ms) })
            }
            Some(over::Over::Shift) if of_target => Over::Shift,
            Some(over::Over::Downgrade) if of_target => {
                self.refuse(
                    &at("over"),
                    "a limit of a provider or target knows `reject`, `queue` and `shift`",
                );
                Over::Reject
            }
            Some(over::Over::Shift) if given.to.is_empty() => {
                self.refuse(&at("over"), "`shift` needs the targets that requests go to: `to`");
                Over::Reject
            }
            Some(over::Over::Shift | over::Over::Downgrade) => Over::Turn(targets(&given.to)),
        };
        Terms { over, ..Terms::default() }
    }

    fn terms_of_budget(&mut self, at: &[&str], given: &Budget) -> Terms {
        let in_place = |field| at.iter().copied().chain([field]).collect::<Vec<_>>();
        let over = match given.over {
            Some(over::Over::Downgrade) => Over::Turn(targets(&given.to)),
            None | Some(over::Over::Reject) => Over::Reject,
            Some(over::Over::Queue | over::Over::Shift) => {
                self.refuse(&in_place("over"), "a budget knows `reject` and `downgrade`");
                Over::Reject
            }
        };
        if !given.to.is_empty() && given.over != Some(over::Over::Downgrade) {
            self.refuse(&in_place("to"), "this is for `over: downgrade`");
        }
        if given.soft && (given.cut_off || given.over.is_some()) {
            self.refuse(
                &in_place("soft"),
                "a soft budget ends and refuses nothing: leave out `cut_off` and `over`",
            );
        }
        let only = given.only.said().map(|(dimension, _)| dimension).chain(given.by.iter().copied());
        if given.cut_off && only.into_iter().any(Dimension::is_of_target) {
            self.refuse(&in_place("cut_off"), "budgets of providers and targets end no streams");
        }
        let mut warn_at = Vec::new();
        for (n, part) in given.warn_at.iter().enumerate() {
            match thousandths(*part) {
                Some(part) => warn_at.push(part),
                None => {
                    let n = n.to_string();
                    let place: Vec<&str> = at.iter().copied().chain(["warn_at", n.as_str()]).collect();
                    self.refuse(&place, "this must be a part of the budget, such as 0.8, and 10 at most");
                }
            }
        }
        warn_at.sort_unstable();
        warn_at.dedup();
        Terms { over, soft: given.soft, warn_at, cut_off: given.cut_off }
    }
}

fn targets(names: &[String]) -> Arc<[Box<str>]> {
    names.iter().map(|name| name.as_str().into()).collect()
}

/// A part in thousandths: more than nothing, and ten times the whole at most.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn thousandths(part: f64) -> Option<u16> {
    (0.001..=10.0).contains(&part).then(|| (part * 1_000.0).round() as u16)
}

const AMOUNT: &str = "this must be an amount of dollars, of 18 billion at most";

/// An amount in billionths of a dollar.
fn nanos(usd: f64) -> Option<u64> {
    Usd::from_f64(usd).map(Usd::nanos)
}

fn applies(only: &Only) -> Vec<(Dimension, Box<str>)> {
    only.said().map(|(dimension, value)| (dimension, value.into())).collect()
}
