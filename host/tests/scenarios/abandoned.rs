//! Clients that go away at any moment: while they wait for their turn, between attempts, beside a hedge, within an answer.
//! Nothing of them stays behind, and each is recorded once.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, pass, streamed};
use lockgate::limit::{Amounts, Dimension, Subject, Unit};
use lockgate_upstream::{Recorded, Reply};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const NAMES: [&str; 2] = ["p0", "p1"];

/// What targets answer in turn.
fn replies() -> impl Strategy<Value = Vec<Reply>> {
    let reply = prop_oneof![
        Just(Reply::error(500, "oops")),
        Just(Reply::error(429, "slow down").with_header("retry-after-ms", "900")),
        Just(Reply::hang()),
        Just(Reply::stalled_after(["one ", "two "])),
        Just(Reply::truncated(["one ", "two "]).paced_by(Duration::from_millis(100))),
        Just(Reply::text("one two three four").paced_by(Duration::from_millis(150))),
        (1_u64..900).prop_map(|ms| Reply::text("one two").after(Duration::from_millis(ms))),
    ];
    prop::collection::vec(reply, 1..12)
}

/// A client: when it comes, how long it stays, in milliseconds, and whether it asks for a stream.
type Visit = (u64, u64, bool);

struct World {
    stage: Arc<Stage>,
    script: Arc<Mutex<Vec<Reply>>>,
}

impl World {
    async fn new() -> Self {
        let script = Arc::<Mutex<Vec<Reply>>>::default();
        let handler = || {
            let script = script.clone();
            move |_: &Recorded| script.lock().pop().unwrap_or_else(|| Reply::text("well"))
        };
        let providers: Vec<Provider> = NAMES.iter().map(|_| Provider::new(handler())).collect();
        let all: Vec<_> = NAMES.into_iter().zip(&providers).collect();
        let stage = Stage::configured(&all, |config| {
            config["routes"]["smart"] = json!({
                "targets": NAMES.map(|name| json!({ "target": format!("{name}/m"), "prefill": "message" })),
                "attempts": 5,
                "resilience": {
                    "hedge": { "after_ms": 300 },
                    "mid_stream": "continue",
                    "timeouts": { "first_token_ms": 800, "between_tokens_ms": 700 },
                    "degrade": [{ "wait": { "max_ms": 2_000, "max_waiting": 2 } }],
                },
            });
            config["rate_limits"] = json!({
                "busy": { "concurrent": 2, "over": "queue", "queue": { "size": 3, "wait_ms": 3_000 } },
                "target": { "by": ["target"], "concurrent": 50 },
            });
            config["budgets"] = json!({ "all": { "usd": 100.0, "per": "month", "rolling": true } });
        })
        .await;
        Self { stage: Arc::new(stage), script }
    }

    /// What limits hold: exchanges at the same time, and money.
    fn held(&self, unit: Unit) -> u64 {
        let gateway = self.stage.app.gateway();
        let subject = Subject::default().with(Dimension::Tenant, Some("acme"));
        let rules = gateway.limits.look(&subject, Amounts::default());
        let levels = rules.filter(|(rule, ..)| rule.unit == unit);
        levels.map(|(_, _, level)| level.map_or(0, |level| level.used)).sum()
    }

    async fn check(&self, replies: Vec<Reply>, visits: Vec<Visit>) -> TestCaseResult {
        *self.script.lock() = replies;
        let before = self.held(Unit::Nanodollars);
        let count = visits.len();
        let mut clients = JoinSet::new();
        for (comes, stays, streams) in visits {
            let stage = self.stage.clone();
            clients.spawn(async move {
                pass(comes).await;
                let body = if streams { streamed("two words") } else { ask("two words") };
                let _ = tokio::time::timeout(Duration::from_millis(stays), stage.ask(&body)).await;
            });
        }
        clients.join_all().await;
        let mut nanos = 0;
        for _ in 0..count {
            nanos += self.stage.record().await.cost.unwrap().nanos();
        }
        let more = tokio::time::timeout(Duration::from_secs(1), self.stage.record()).await;
        prop_assert!(more.is_err(), "recorded twice: {:?}", more);
        prop_assert_eq!(self.held(Unit::Nanodollars) - before, nanos, "what is booked is what is used");
        prop_assert_eq!(self.held(Unit::Exchanges), 0, "a place is held by nobody");
        prop_assert_eq!(self.stage.app.shared().waiting.len(), 0, "nobody waits");
        for name in NAMES {
            let under_way = self.stage.health(&format!("{name}/m")).in_flight();
            prop_assert_eq!(under_way, 0, "{} is still asked", name);
        }
        Ok(())
    }
}

#[test]
fn whoever_goes_away_leaves_nothing_behind() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let world = runtime.block_on(World::new());
    let visit = (0_u64..3_000, 1_u64..6_000, any::<bool>());
    let cases = (replies(), prop::collection::vec(visit, 1..8));
    let config = Config { cases: 96, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let held = TestRunner::new(config).run(&cases, |(replies, visits)| {
        runtime.block_on(async {
            world.check(replies, visits).await?;
            // Whoever was left alone is well again: nobody took the place of a probe with it.
            tokio::time::sleep(Duration::from_secs(600)).await;
            world.script.lock().clear();
            prop_assert_eq!(world.stage.ask(&ask("hi")).await.text(), "well");
            prop_assert_eq!(&world.stage.record().await.target, "p0/m");
            Ok(())
        })
    });
    if let Err(broken) = held {
        panic!("{broken}");
    }
}
