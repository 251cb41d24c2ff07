//! Whatever targets answer, in whatever order: who is asked, how often and when.
//!
//! Random routes, failures and budgets, each run as a whole exchange.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, ms, streamed};
use lockgate::ledger::Record;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const NAMES: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];
/// Milliseconds to the first token.
const FIRST_TOKEN: u64 = 1_000;
/// The longest pause before somebody is asked again, and before the first time.
const LONGEST: u64 = 1_500;
const PAUSE: u64 = 100;
/// Milliseconds for a whole exchange.
const TOTAL: u64 = 4_500;

/// What a target answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Well,
    Busy,
    BusyFor(u64),
    Fails,
    Resets,
    Page,
    Hangs,
    Missing,
    NoCredential,
    TooLong,
    Mistake,
}

impl Says {
    fn reply(self) -> Reply {
        let busy = Reply::error(429, "slow down");
        match self {
            Self::Well => Reply::text("very well"),
            Self::Busy => busy,
            Self::BusyFor(ms) => busy.with_header("retry-after-ms", &ms.to_string()),
            Self::Fails => Reply::error(500, "oops"),
            Self::Resets => Reply::reset(),
            Self::Page => Reply::raw(200, "text/html", "<html>Please sign in.</html>"),
            Self::Hangs => Reply::hang(),
            Self::Missing => Reply::error(404, "no such model"),
            Self::NoCredential => Reply::error(401, "no"),
            Self::TooLong => Reply::error(400, "This model's maximum context length is 8 tokens."),
            Self::Mistake => Reply::error(400, "temperature must be a number"),
        }
    }

    /// Whether the same target may do better a moment later.
    fn passes(self) -> bool {
        matches!(self, Self::Busy | Self::BusyFor(_) | Self::Fails | Self::Resets | Self::Page)
    }
}

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![
        2 => Just(Says::Well),
        2 => Just(Says::Busy),
        2 => (1_u64..3_000).prop_map(Says::BusyFor),
        3 => Just(Says::Fails),
        1 => Just(Says::Resets),
        1 => Just(Says::Page),
        2 => Just(Says::Hangs),
        1 => Just(Says::Missing),
        1 => Just(Says::NoCredential),
        1 => Just(Says::TooLong),
        1 => Just(Says::Mistake),
    ]
}

/// A route, and what its targets answer in turn.
#[derive(Debug, Clone)]
struct Case {
    /// Its targets, in order, and whether the exchange may be sent to each.
    targets: Vec<(usize, bool)>,
    attempts: usize,
    /// How many a second may be asked again.
    again: u32,
    says: Vec<Vec<Says>>,
    streamed: bool,
}

impl Case {
    /// Whom the exchange may be sent to, in order.
    fn may(&self) -> Vec<usize> {
        self.targets.iter().filter(|(_, allowed)| *allowed).map(|(place, _)| *place).collect()
    }
}

fn case() -> impl Strategy<Value = Case> {
    let order = Just((0..NAMES.len()).collect::<Vec<_>>()).prop_shuffle();
    let allowed = prop::collection::vec(prop::bool::weighted(0.8), NAMES.len());
    let says = prop::collection::vec(prop::collection::vec(says(), 1..4), NAMES.len());
    (order, 1..=NAMES.len(), allowed, 1_usize..8, 0_u32..6, says, any::<bool>()).prop_map(
        |(order, count, allowed, attempts, again, says, streamed)| {
            let mut targets: Vec<_> = order.into_iter().take(count).zip(allowed).collect();
            // A route of which nothing may be asked is refused when it is loaded.
            if targets.iter().all(|(_, allowed)| !allowed) {
                targets[0].1 = true;
            }
            Case { targets, attempts, again, says, streamed }
        },
    )
}

/// One asking: of whom, when, and what came of it.
type Asked = Arc<Mutex<Vec<(usize, Instant, Says)>>>;

struct World {
    stage: Stage,
    asked: Asked,
    says: Arc<Mutex<Vec<Vec<Says>>>>,
}

impl World {
    async fn new() -> Self {
        let asked = Asked::default();
        let says = Arc::<Mutex<Vec<Vec<Says>>>>::default();
        let providers: Vec<Provider> = (0..NAMES.len())
            .map(|own| {
                let (asked, says) = (asked.clone(), says.clone());
                Provider::new(move |_: &Recorded| {
                    let mut asked = asked.lock();
                    // A connection that was used before and ends at once may just have grown old: the request goes out
                    // once more, on a new one, and is no other attempt.
                    if asked.last() == Some(&(own, Instant::now(), Says::Resets)) {
                        return Reply::reset();
                    }
                    let turn = asked.iter().filter(|(other, ..)| *other == own).count();
                    let script = says.lock()[own].clone();
                    let said = script[turn.min(script.len() - 1)];
                    asked.push((own, Instant::now(), said));
                    said.reply()
                })
            })
            .collect();
        let all: Vec<_> = NAMES.into_iter().zip(&providers).collect();
        let stage =
            Stage::configured(&all, |config| config["limits"] = json!({ "total_timeout_ms": TOTAL })).await;
        Self { stage, asked, says }
    }

    /// Runs a case under policies that are laid over the usual ones: what the client got, after how many milliseconds, what
    /// the ledger has of it, and who was asked.
    async fn run(
        &self,
        case: &Case,
        policies: &Value,
    ) -> (Answer, u64, Arc<Record>, Vec<(usize, Instant, Says)>) {
        *self.says.lock() = case.says.clone();
        self.asked.lock().clear();
        self.stage
            .rearrange(|config| {
                let target = |(place, allowed): &(usize, bool)| {
                    let region = if *allowed { "eu-west1" } else { "us-east1" };
                    json!({ "target": format!("{}/m", NAMES[*place]), "region": region })
                };
                config["routes"]["smart"] = json!({
                    "targets": case.targets.iter().map(target).collect::<Vec<_>>(),
                    "residency": ["eu"],
                    "attempts": case.attempts,
                    "resilience": {
                        "timeouts": { "first_token_ms": FIRST_TOKEN },
                        "retries": {
                            "pause_ms": PAUSE, "max_pause_ms": LONGEST, "share": 0, "per_second": case.again,
                        },
                    },
                });
                let resilience = config["routes"]["smart"]["resilience"].as_object_mut().unwrap();
                resilience.extend(policies.as_object().cloned().unwrap_or_default());
            })
            .await;
        let body = if case.streamed { streamed("hi") } else { ask("hi") };
        let from = Instant::now();
        let answer = self.stage.ask(&body).await;
        let took = ms(from.elapsed());
        let record = self.stage.record().await;
        let asked = self.asked.lock().clone();
        (answer, took, record, asked)
    }

    async fn check(&self, case: &Case) -> TestCaseResult {
        let (answer, took, record, asked) = self.run(case, &json!({})).await;
        let places: Vec<usize> = asked.iter().map(|(place, ..)| *place).collect();
        let may = case.may();

        prop_assert!(took <= TOTAL + 20, "{took} ms");
        prop_assert!(!asked.is_empty() && asked.len() <= case.attempts, "{places:?}");
        prop_assert_eq!(record.attempts as usize, asked.len());
        let in_turn = asked.len().min(may.len());
        prop_assert_eq!(&places[..in_turn], &may[..in_turn], "each once, in order, and nobody else");
        for at in in_turn..asked.len() {
            let (place, now, _) = asked[at];
            let (_, then, said) =
                asked[..at].iter().rev().find(|(other, ..)| *other == place).copied().unwrap();
            prop_assert!(said.passes(), "{said:?} does not pass: {places:?}");
            let pause = match said {
                Says::BusyFor(ms) => ms,
                _ => 0,
            };
            let waited = ms(now.duration_since(then));
            prop_assert!(waited >= pause, "it was asked again after {waited} of {pause} ms");
            let since_last = ms(now.duration_since(asked[at - 1].1));
            prop_assert!(since_last >= PAUSE / 2, "nobody is asked again without a pause: {since_last}");
        }
        let again = u32::try_from(asked.len() - in_turn).unwrap();
        prop_assert!(case.again > 0 || again == 0, "no budget, and nobody asked again");

        let (_, _, last) = *asked.last().unwrap();
        let is_over = |said: Says| matches!(said, Says::Well | Says::Mistake);
        prop_assert!(asked[..asked.len() - 1].iter().all(|(.., said)| !is_over(*said)), "{places:?}");
        prop_assert_eq!(answer.status == 200, last == Says::Well, "{}", answer.body);
        if last == Says::Mistake {
            prop_assert_eq!(answer.status.as_u16(), 400);
        }
        if !is_over(last) && took < TOTAL {
            prop_assert!(
                asked.len() == case.attempts || asked.len() >= may.len(),
                "given up too soon: {places:?}"
            );
            if asked.iter().any(|(.., said)| *said == Says::TooLong) {
                prop_assert_eq!(answer.status.as_u16(), 400, "what the client can mend is what it is told");
            }
        }

        let given_up = asked.iter().any(|(.., said)| *said == Says::Hangs);
        let basis = match (given_up, last) {
            (true, _) => "estimate",
            (false, Says::Well) => "provider",
            (false, _) => "none",
        };
        prop_assert_eq!(record.basis, basis);
        let tokens = record.usage.input + record.usage.output;
        prop_assert_eq!(record.cost.map(|cost| cost.nanos()), Some(tokens * 1_000));
        if !given_up {
            prop_assert_eq!(tokens, if last == Says::Well { 3 } else { 0 }, "what fails charges nothing");
        }
        Ok(())
    }
}

impl World {
    /// What holds whoever is asked beside, ahead, or first for a cause.
    async fn check_under(&self, case: &Case, policies: &Policies) -> TestCaseResult {
        let (answer, took, record, asked) = self.run(case, &policies.settings()).await;
        let said = |wanted: Says| asked.iter().any(|(.., said)| *said == wanted);
        let may = case.may();
        let longest = policies.budget.unwrap_or(TOTAL);
        prop_assert!(took <= longest + 20, "{took} ms of {longest}");
        prop_assert!(asked.len() <= case.attempts, "{asked:?}");
        prop_assert_eq!(record.attempts as usize, asked.len());
        prop_assert!(asked.iter().all(|(place, ..)| may.contains(place)), "{asked:?} {may:?}");
        prop_assert_eq!(answer.status == 200, said(Says::Well), "{}", answer.body);
        let tokens = record.usage.input + record.usage.output;
        prop_assert_eq!(record.cost.map(|cost| cost.nanos()), Some(tokens * 1_000));
        let basis = match (said(Says::Hangs), said(Says::Well)) {
            (true, _) => "estimate",
            (false, true) => "provider",
            (false, false) => "none",
        };
        prop_assert_eq!(record.basis, basis);
        let guesses = asked.iter().filter(|(.., said)| *said == Says::Hangs).count() as u64;
        // Two letters are a token, as an estimate, and so is the word that is counted.
        let answered = if said(Says::Well) { 3 } else { 0 };
        prop_assert_eq!(tokens, answered + guesses, "each is paid for once: {:?}", asked);
        Ok(())
    }
}

/// What a route may do besides asking one after another.
#[derive(Debug, Clone)]
struct Policies {
    hedge: Option<u64>,
    /// Milliseconds to the first token, of all attempts together.
    budget: Option<u64>,
}

impl Policies {
    fn settings(&self) -> Value {
        let mut settings = json!({});
        if let Some(after) = self.hedge {
            settings["hedge"] = json!({ "after_ms": after });
        }
        if let Some(budget) = self.budget {
            settings["latency_budget"] = json!({ "first_token_ms": budget });
        }
        settings
    }
}

fn policies() -> impl Strategy<Value = Policies> {
    let ms = |from: u64, to: u64| prop::option::of(from..to);
    (ms(50, 1_200), ms(200, 4_000)).prop_map(|(hedge, budget)| Policies { hedge, budget })
}

/// Runs a property over cases, each as a whole exchange, with the same world.
fn holds<T: std::fmt::Debug>(
    cases: &impl Strategy<Value = T>,
    property: impl AsyncFn(&World, T) -> TestCaseResult,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config { cases: 128, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let held = TestRunner::new(config).run(cases, |case| {
        runtime.block_on(async {
            let held = property(&world, case).await;
            // What somebody is still waiting for is over before the next begins.
            tokio::time::sleep(Duration::from_secs(60)).await;
            held
        })
    });
    if let Err(broken) = held {
        panic!("{broken}");
    }
}

#[test]
fn whatever_targets_say_a_plan_is_kept() {
    holds(&case(), async |world, case| world.check(&case).await);
}

#[test]
fn whatever_is_asked_beside_nobody_is_asked_too_often_or_paid_twice() {
    holds(&(case(), policies()), async |world, (case, policies)| world.check_under(&case, &policies).await);
}
