//! `pre-request` over a chain: gate after gate, and as if so where several of them compute at the same time.
//!
//! Behind gates that have nobody to wait for, and of late let nearly everything pass as it was, others begin before those
//! have ended. They work on drafts; words are given in the order of the chain, and a draft is taken over only when its turn comes. If one
//! ahead changed the prompt or said anything but "go on", the drafts behind it are dropped and nothing of them is left,
//! not even in the memory of a plugin. What others would see waits for its turn
//! ([`certain`](Exchange::certain), [`once_certain`](Exchange::once_certain)). So nobody can tell from the outcome what
//! ran beside what, and no gate learns what one ahead of it would have kept from it.
//!
//! A gate that only computes is called by whoever is free, the exchange's own thread or one beside. Those that use
//! services are called by the exchange's own, one after another. Behind one whose services may have to be waited for nobody
//! begins before it has ended: while a service stalls, instances would pile up that wait for its word.

use super::gate::{Gate, open_or_closed, rejected};
use crate::chat::Prompt;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::plugin::side::{Call, Calls, Help, Here, Place, Said, SideSettings, Word};
use crate::plugin::{Decision, Rejection};
use futures_util::FutureExt as _;
use pace::Pace;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::watch;

mod pace;

/// What `pre-request` made of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask a provider.
    Forward,
    /// Answer with this text.
    Answer(String),
    /// Answer with this kept answer.
    Replay(String),
    /// Start over on this route.
    Reroute(String),
    /// Keep the request for review, and tell the client.
    Quarantine(Rejection),
}

/// A gate that reads requests, and how it has fared.
pub(super) struct Step {
    gate: Gate,
    pace: Pace,
}

impl Step {
    pub(super) fn new(gate: Gate) -> Self {
        Self { gate, pace: Pace::default() }
    }

    /// Whether another thread may make its call.
    fn may_be_beside(&self) -> bool {
        self.gate.binding.only_computes()
    }

    /// Whether those behind it may begin before it has ended.
    fn may_be_overtaken(&self) -> bool {
        !self.gate.binding.may_wait() && self.pace.restless() <= self.gate.binding.side().settings().restless
    }
}

/// How far a chain has come.
enum Reached {
    /// Up to this step, which is next.
    Step(usize),
    /// To its end.
    End(Admission),
}

/// Runs `pre-request` of all steps.
pub(super) async fn admit(steps: &[Step], x: &Arc<Exchange>) -> Result<Admission, Error> {
    let (mut next, mut help) = (0, Help::default());
    while let Some(step) = steps.get(next) {
        let stretch = Stretch::from(steps, next);
        let reached = match stretch.places(&help, x.text_bytes()) {
            Some(places) => stretch.together(&mut help, places, x).await?,
            None => in_turn(step, next, x).await?,
        };
        match reached {
            Reached::Step(step) => next = step,
            Reached::End(admission) => return Ok(admission),
        }
    }
    Ok(Admission::Forward)
}

/// One call by itself, on the exchange.
async fn in_turn(Step { gate, pace }: &Step, at: usize, x: &Arc<Exchange>) -> Result<Reached, Error> {
    let base = x.prompt();
    // What it said of another request, before a reroute, is over.
    x.face_answer(gate.binding.id());
    let began = Instant::now();
    let said = gate.binding.on_request(x).await;
    pace.took(began.elapsed(), x.text_bytes());
    pace.said(is_quiet(&said, &base, x));
    if said.is_err() {
        x.restore_prompt(base);
        x.face_answer(gate.binding.id());
    }
    meant(gate, at, said)
}

/// Steps that may be at work at the same time: up to the first that may not be overtaken, and that one.
struct Stretch<'a> {
    first: usize,
    steps: &'a [Step],
    behind: &'a [Step],
}

/// A call whose word is still to be given.
struct Open<'a> {
    step: &'a Step,
    at: usize,
    draft: Arc<Exchange>,
    /// Tells the draft that all ahead have let the request pass; none where nothing was ahead.
    passed: Option<watch::Sender<bool>>,
    word: Word,
}

impl<'a> Stretch<'a> {
    /// The stretch that begins at `first`.
    fn from(steps: &'a [Step], first: usize) -> Self {
        let steps = steps.get(first..).unwrap_or_default();
        let length = (steps.iter().take_while(|step| step.may_be_overtaken()).count() + 1).min(steps.len());
        let (steps, behind) = steps.split_at_checked(length).unwrap_or_default();
        Self { first, steps, behind }
    }

    /// Threads to make calls of it beside those at hand: as many as are free and worth it. None where nobody would help.
    fn places(&self, help: &Help, bytes: usize) -> Option<Vec<Place>> {
        let [step, _, ..] = self.steps else { return None };
        let side = step.gate.binding.side();
        let costs = self.steps.iter().map(|step| (step.may_be_beside(), step.pace.expected(bytes)));
        let (wanted, at_hand) = (worthwhile(costs, side.settings()), help.at_hand());
        let places = side.take(wanted.saturating_sub(at_hand));
        (wanted.min(at_hand) + places.len() > 0).then_some(places)
    }

    /// Whether what lies behind it is likely to have help, too.
    fn more(&self) -> bool {
        self.behind.len() > 1 && self.behind.iter().any(Step::may_be_beside)
    }

    /// Makes its calls, here and on threads beside, and gives their words until all are given or one of them undoes what
    /// lies behind it.
    async fn together(
        self,
        help: &mut Help,
        places: Vec<Place>,
        x: &Arc<Exchange>,
    ) -> Result<Reached, Error> {
        let (base, bytes) = (x.prompt(), x.text_bytes());
        let mut open = VecDeque::with_capacity(self.steps.len());
        let (mut own, mut offered) = (Vec::new(), Vec::new());
        for (at, step) in (self.first..).zip(self.steps) {
            let binding = &step.gate.binding;
            let (passed, told) = (at > self.first).then(|| watch::channel(false)).unzip();
            let draft = Arc::new(x.draft(binding.id(), base.clone(), told));
            let (call, word) = Call::new(binding.clone(), draft.clone());
            if step.may_be_beside() {
                offered.push((step.pace.expected(bytes), call));
            } else {
                own.push(call);
            }
            open.push_back(Open { step, at, draft, passed, word });
        }
        // Whoever begins the longest first is the sooner done.
        offered.sort_by_key(|(expected, _)| Reverse(*expected));
        let offered: Calls = offered.into_iter().map(|(_, call)| call).collect();
        if let Some(step) = self.steps.first() {
            help.make(step.gate.binding.side(), places, &offered, self.more());
        }
        let in_turn = async {
            for call in &own {
                call.make().await;
            }
        };
        let mut own = pin!(in_turn.fuse());
        let mut here = Here::of(&offered);
        let mut words = Words { open, base: &base, x };
        let reached = poll_fn(|context| {
            loop {
                _ = own.poll_unpin(context);
                here.go_on(context);
                let open = words.open.len();
                match words.give(context) {
                    Poll::Ready(reached) => return Poll::Ready(reached),
                    // Who waited for those ahead may go on.
                    Poll::Pending if words.open.len() < open => {}
                    Poll::Pending if here.begin() || words.look_out() => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
        if !words.open.is_empty() {
            // What still computes does so for nothing.
            *help = Help::default();
        }
        reached
    }
}

/// Calls whose words are still to be given, in their order.
struct Words<'a> {
    open: VecDeque<Open<'a>>,
    base: &'a Arc<Prompt>,
    x: &'a Exchange,
}

impl Words<'_> {
    /// Gives the words that have come and whose turn it is. Says how far the chain has come, where all are given, or
    /// one of them undoes what lies behind it.
    fn give(&mut self, context: &mut Context<'_>) -> Poll<Result<Reached, Error>> {
        while let Some(first) = self.open.front_mut() {
            let (said, took) = ready!(first.word.poll_unpin(context));
            let Some(Open { step, at, draft, .. }) = self.open.pop_front() else { break };
            step.pace.took(took, draft.text_bytes());
            step.pace.said(is_quiet(&said, self.base, &draft));
            self.x.take(&draft, step.gate.binding.id(), said.is_err());
            let reached = meant(&step.gate, at, said)?;
            let holds = matches!(reached, Reached::Step(_)) && Arc::ptr_eq(self.base, &self.x.prompt());
            match self.open.front() {
                Some(next) if holds => next.passed.iter().for_each(|passed| _ = passed.send_replace(true)),
                _ => return Poll::Ready(Ok(reached)),
            }
        }
        Poll::Ready(Err(Error::internal("no call is open")))
    }

    /// Looks out for the next word for a moment. Whether it has come.
    fn look_out(&mut self) -> bool {
        self.open.front_mut().is_some_and(|first| first.word.look_out())
    }
}

/// How many threads beside are worth it for calls that cost so much, each of which may be made there or not.
fn worthwhile(costs: impl Iterator<Item = (bool, Duration)>, settings: &SideSettings) -> usize {
    let (mut own, mut all, mut longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut offered, mut calls) = (0, 0);
    for (may_be_beside, cost) in costs {
        (all, longest, calls) = (all + cost, longest.max(cost), calls + 1);
        if may_be_beside {
            offered += 1;
        } else {
            own += cost;
        }
    }
    // No sooner than this is all of it done.
    let done = |threads: usize| match threads {
        0 => all,
        _ => longest.max(own).max(all / u32::try_from(threads + 1).unwrap_or(u32::MAX)),
    };
    let saves = |threads: &usize| done(*threads).saturating_sub(done(threads + 1)) >= settings.worth;
    // One call is made here.
    (0..offered.min(calls - 1).min(settings.threads)).take_while(saves).count()
}

/// Whether a call let the request pass as it was.
fn is_quiet(said: &Said, base: &Arc<Prompt>, x: &Exchange) -> bool {
    matches!(said, Ok(Decision::Next)) && Arc::ptr_eq(base, &x.prompt())
}

/// What the word of a gate means for the request.
fn meant(gate: &Gate, at: usize, said: Said) -> Result<Reached, Error> {
    let end = match said {
        Ok(Decision::Next) => return Ok(Reached::Step(at + 1)),
        Ok(Decision::Reject(rejection)) => return Err(rejected(gate, rejection)),
        Ok(Decision::Answer(text)) => Admission::Answer(text),
        Ok(Decision::Replay(id)) => Admission::Replay(id),
        Ok(Decision::Reroute(route)) => Admission::Reroute(route),
        Ok(Decision::Quarantine(rejection)) => Admission::Quarantine(rejection),
        Err(failure) => {
            open_or_closed(gate, failure)?;
            return Ok(Reached::Step(at + 1));
        }
    };
    Ok(Reached::End(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_asked_for_as_long_as_each_saves_enough() {
        let micros = Duration::from_micros;
        let settings = |threads| SideSettings { threads, worth: micros(30), restless: 0, while_busy: false };
        let wanted = |threads, costs: &[(bool, u64)]| {
            worthwhile(costs.iter().map(|(beside, cost)| (*beside, micros(*cost))), &settings(threads))
        };
        assert_eq!(wanted(8, &[(true, 100), (true, 100)]), 1, "one is made here");
        assert_eq!(wanted(8, &[(true, 100), (true, 20)]), 0, "20 µs are not worth it");
        assert_eq!(wanted(8, &[(false, 100), (true, 40)]), 1);
        assert_eq!(wanted(8, &[(false, 100), (false, 100)]), 0, "nobody else may make them");
        assert_eq!(wanted(8, &[(true, 100), (true, 100), (true, 100)]), 2);
        assert_eq!(wanted(1, &[(true, 100), (true, 100), (true, 100)]), 1);
        assert_eq!(wanted(0, &[(true, 100), (true, 100)]), 0);
        assert_eq!(wanted(8, &[(false, 300), (true, 100), (true, 100)]), 1, "the 300 µs remain");
        assert_eq!(wanted(8, &[(true, 1_000)]), 0);
    }
}
