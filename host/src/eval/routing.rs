//! The order of targets: is a request that needs the strong model sent to it, and no other?
//!
//! Two targets are offered, a cheap weak model and a dear strong one, with their prices as signals; the first of the
//! component's ranking is taken. The line says which of the two would have answered rightly. Says nothing about
//! latency, load or failover, which no file can show.

use super::cases::label;
use super::component::{Component, number};
use super::metrics::share;
use super::tally::Tally;
use super::{Problem, Trial};
use crate::plugin::TargetView;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// USD per token of the two: input, output.
const WEAK_PRICE: (&str, &str) = ("0.00000015", "0.0000006");
const STRONG_PRICE: (&str, &str) = ("0.0000025", "0.00001");
/// The place of the strong target.
const STRONG: u32 = 1;

/// A line.
#[derive(Debug, Deserialize)]
pub struct Case {
    text: String,
    weak_ok: Value,
    strong_ok: Value,
    #[serde(default, alias = "cat")]
    bench: Option<String>,
}

/// The trial.
pub struct Routing {
    targets: Arc<Vec<TargetView>>,
    seen: Seen,
}

/// Sums over all cases.
#[derive(Debug, Default)]
struct Seen {
    cases: u64,
    strong: u64,
    right: u64,
    weak_right: u64,
    strong_right: u64,
    either_right: u64,
}

impl Default for Routing {
    fn default() -> Self {
        let target = |name: &str, price: (&str, &str)| TargetView {
            id: format!("eval/{name}"),
            provider: "eval".into(),
            model: name.into(),
            signals: [("price.input", price.0), ("price.output", price.1)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        };
        let targets = Arc::new(vec![target("weak", WEAK_PRICE), target("strong", STRONG_PRICE)]);
        Self { targets, seen: Seen::default() }
    }
}

impl Trial for Routing {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let weak = label(&case.weak_ok, &[], &[]).map_err(Problem::Case)?;
        let strong = label(&case.strong_ok, &[], &[]).map_err(Problem::Case)?;
        let body = json!({ "model": "eval", "messages": [{ "role": "user", "content": case.text }] });
        let x = component.exchange(body);
        let ranked = component.rank(&x, self.targets.clone()).await?;
        // No opinion is the order of the configuration: the weak one first.
        let to_strong = ranked.order.first() == Some(&STRONG);
        let needs = strong && !weak;
        let right = if to_strong { strong } else { weak };

        self.seen.cases += 1;
        self.seen.strong += u64::from(to_strong);
        self.seen.right += u64::from(right);
        self.seen.weak_right += u64::from(weak);
        self.seen.strong_right += u64::from(strong);
        self.seen.either_right += u64::from(weak || strong);

        let classes: Vec<String> = case.bench.iter().map(|bench| format!("bench {bench}")).collect();
        tally.case(&classes, needs, to_strong);
        let score = number(&x.flags(), "router.score");
        tally.all.scores.extend(score.map(|score| (score, needs)));
        if needs != to_strong {
            let what = if needs { "sent to the weak one" } else { "sent to the strong one in vain" };
            let score = score.unwrap_or(0.5);
            tally.mistake(line, if needs { 1.0 - score } else { score }, what, &case.text);
        }
        Ok(())
    }

    fn finish(&mut self, tally: &mut Tally) {
        let seen = &self.seen;
        let of = |part: u64| share(part, seen.cases);
        let (weak, strong, sent) = (of(seen.weak_right), of(seen.strong_right), of(seen.strong));
        let by_chance =
            weak.zip(strong).zip(sent).map(|((weak, strong), sent)| weak + sent * (strong - weak));
        let gap = weak
            .zip(strong)
            .zip(of(seen.right))
            .map(|((weak, strong), right)| (right - weak) / (strong - weak));
        for (name, value) in [
            ("sent_to_strong", sent),
            ("right", of(seen.right)),
            ("right_if_always_weak", weak),
            ("right_if_always_strong", strong),
            ("right_if_sent_by_chance", by_chance),
            ("right_at_best", of(seen.either_right)),
            ("gap_recovered", gap.filter(|gap| gap.is_finite())),
        ] {
            tally.facts.insert(name.into(), value.into());
        }
    }
}
