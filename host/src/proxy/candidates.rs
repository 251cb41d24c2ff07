//! What a router may know of the targets that it orders: what is configured, what was measured, what users said, prices.
//!
//! Never works out what nobody asks for.

use super::Gateway;
use super::life::Life;
use crate::balance::FIGURES;
use crate::chat::Prompt;
use crate::plugin::{Candidates, Signal, TargetView};
use crate::route::rule::Plan;
use crate::route::{Route, Target};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// The flag, and the signal, of what kind of task an exchange is.
pub(super) const TASK: &str = "task";

const TURN: &str = "turn";
const WEIGHT: &str = "weight";
const QUALITY: &str = "quality";
const PRICES: [&str; 2] = ["price.input", "price.output"];

/// The targets of one exchange.
pub(super) struct Ranking {
    gateway: Arc<Gateway>,
    route: Arc<Route>,
    tenant: Arc<str>,
    prompt: Arc<Prompt>,
    plan: Option<Arc<Plan>>,
    places: Vec<usize>,
    turn: u64,
    /// What kind of task it is, where a guard said so.
    task: Option<String>,
    /// One look at the clock for all that is measured.
    now: Instant,
}

impl Ranking {
    /// Those at these places of an exchange's route.
    pub fn new(life: &Life, places: Vec<usize>) -> Self {
        Self {
            gateway: life.gateway.clone(),
            route: life.route.clone(),
            tenant: life.exchange.tenant().clone(),
            prompt: life.exchange.prompt(),
            plan: life.course.plan.clone(),
            places,
            turn: life.route.rankings.turns.fetch_add(1, Ordering::Relaxed),
            task: life.exchange.flagged(TASK),
            now: Instant::now(),
        }
    }

    fn targets(&self) -> impl Iterator<Item = (usize, &Target)> {
        self.places.iter().filter_map(|place| Some((*place, self.route.targets.get(*place)?)))
    }

    fn signal<'a>(&'a self, place: usize, target: &'a Target, name: &str) -> Option<Signal<'a>> {
        let fact = || target.fact(name).map(|text| Signal::Text(text.into()));
        match name {
            WEIGHT => self.planned(place).or_else(fact),
            TURN => Some(whole(self.turn)),
            TASK => Some(Signal::Text(self.task.as_deref()?.into())),
            _ if name.starts_with(QUALITY) => self.quality(target, name).or_else(fact),
            _ => fact().or_else(|| self.measured(target, name)),
        }
    }

    /// From now on it matters what users say of answers.
    fn tells_quality(&self) {
        let told = &self.route.rankings.by_quality;
        if !told.load(Ordering::Relaxed) {
            told.store(true, Ordering::Relaxed);
        }
    }

    /// The weight that a rule gives a target.
    fn planned(&self, place: usize) -> Option<Signal<'static>> {
        let (_, weight) = self.plan.as_ref()?.weights.iter().find(|(at, _)| *at == place)?;
        Some(Signal::Text(weight.to_string().into()))
    }

    /// What users said of the target's quality at a kind of task, on top of what is configured.
    fn quality(&self, target: &Target, name: &str) -> Option<Signal<'static>> {
        let feedback = &self.gateway.feedback;
        if feedback.is_empty() {
            return None;
        }
        let task = match name.strip_prefix(QUALITY)? {
            "" => "",
            rest => rest.strip_prefix('.')?,
        };
        let configured = target.fact(name);
        // Of what nobody configured only the task at hand matters.
        if configured.is_none() && (task.is_empty() || self.task.as_deref() != Some(task)) {
            return None;
        }
        let known = configured.and_then(|value| value.parse().ok());
        let said = feedback.quality(&self.tenant, &target.id, task, known)?;
        Some(Signal::Number { value: said, places: Some(4) })
    }

    fn measured(&self, target: &Target, name: &str) -> Option<Signal<'static>> {
        if PRICES.contains(&name) {
            let price = target.price(&self.gateway.prices, self.prompt.model())?;
            let value = if name == "price.input" { price.input } else { price.output };
            return Some(Signal::Number { value: value?.usd_per_token(), places: None });
        }
        let figure = target.health.figure(name, self.now)?;
        Some(Signal::Number { value: figure.value, places: Some(figure.places) })
    }

    /// The names of all that may be known of a target.
    fn names<'a>(&'a self, target: &'a Target) -> Vec<Cow<'a, str>> {
        let mut names: Vec<Cow<'a, str>> = Vec::with_capacity(target.facts.len() + 2 * FIGURES.len());
        let task = self.task.as_ref().map(|task| format!("{QUALITY}.{task}").into());
        let facts = target.facts.iter().map(|(name, _)| name.as_str().into());
        let live = [WEIGHT, TURN, TASK].into_iter().chain(FIGURES).chain(PRICES).map(Cow::from);
        for name in facts.chain(task).chain(live) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Candidates for Ranking {
    fn views(&self, signals: bool) -> Vec<TargetView> {
        if signals {
            self.tells_quality();
        }
        let view = |(place, target): (usize, &Target)| {
            let names = if signals { self.names(target) } else { Vec::new() };
            let known = |name: Cow<'_, str>| {
                let text = self.signal(place, target, &name)?.text();
                Some((name.into_owned(), text))
            };
            TargetView {
                id: target.id.clone(),
                provider: target.provider.name.to_string(),
                model: target.model_for(self.prompt.model()).to_owned(),
                signals: names.into_iter().filter_map(known).collect(),
            }
        };
        self.targets().map(view).collect()
    }

    fn signals<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = Option<Signal<'a>>> + 'a> {
        if name.starts_with(QUALITY) {
            self.tells_quality();
        }
        Box::new(self.targets().map(move |(place, target)| self.signal(place, target, name)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "turns are far fewer than 2^52")]
fn whole(number: u64) -> Signal<'static> {
    Signal::Number { value: number as f64, places: Some(0) }
}
