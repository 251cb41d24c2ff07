//! `pre-request` over a chain: gate after gate, and as if so where two of them compute at the same time.
//!
//! A gate that only computes, and of late let nearly everything pass as it was, may do so on a thread beside while those
//! behind it begin. They work on drafts; words are given in the order of the chain, and a draft is taken over only
//! when its turn comes. If one ahead changed the prompt or said anything but "go on", the drafts behind it are
//! dropped and nothing of them is left, not even in the memory of a plugin. What others would see waits for its turn
//! ([`certain`](Exchange::certain), [`once_certain`](Exchange::once_certain)). So nobody can tell from the outcome what
//! ran beside what, and no gate learns what one ahead of it would have kept from it.

use super::gate::{Gate, open_or_closed, rejected};
use crate::chat::Prompt;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::plugin::{Beside, CallError, Decision, Follows, Rejection};
use pace::Pace;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
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

    /// Whether those behind it may begin before it has ended.
    fn may_be_beside(&self) -> bool {
        let binding = &self.gate.binding;
        binding.only_computes() && self.pace.restless() <= binding.side().restless
    }

    /// How long steps are likely to take, one after the other, with that much text.
    fn expected(steps: &[Self], bytes: usize) -> Duration {
        steps.iter().map(|step| step.pace.expected(bytes)).sum()
    }
}

/// What a call of `pre-request` said.
type Said = Result<Decision, CallError>;

/// How far a chain has come.
enum Reached {
    /// Up to this step, which is next.
    Step(usize),
    /// To its end.
    End(Admission),
}

/// Runs `pre-request` of all steps.
pub(super) async fn admit(steps: &[Step], x: &Arc<Exchange>) -> Result<Admission, Error> {
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        let base = x.prompt();
        let reached = match Open::beside(steps, next, &base, x, &VecDeque::new()) {
            Some(first) => overlap(steps, first, x).await?,
            None => in_turn(step, next, &base, x).await?,
        };
        match reached {
            Reached::Step(step) => next = step,
            Reached::End(admission) => return Ok(admission),
        }
    }
    Ok(Admission::Forward)
}

/// One call by itself, on the exchange.
async fn in_turn(
    Step { gate, pace }: &Step,
    at: usize,
    base: &Arc<Prompt>,
    x: &Arc<Exchange>,
) -> Result<Reached, Error> {
    // What it said of another request, before a reroute, is over.
    x.face_answer(gate.binding.id());
    let began = Instant::now();
    let said = gate.binding.on_request(x).await;
    pace.took(began.elapsed(), x.text_bytes());
    pace.said(is_quiet(&said, base, x));
    if said.is_err() {
        x.restore_prompt(base.clone());
        x.face_answer(gate.binding.id());
    }
    meant(gate, at, said)
}

/// A call that was begun before its turn.
struct Open<'a> {
    step: &'a Step,
    at: usize,
    /// The prompt that it was given.
    base: Arc<Prompt>,
    draft: Arc<Exchange>,
    /// Tells the draft that all ahead have let the request pass; none where nothing was ahead.
    passed: Option<watch::Sender<bool>>,
    word: Word,
}

/// The word of a call.
enum Word {
    Coming(Beside),
    Come(Said),
}

impl<'a> Open<'a> {
    /// Begins the call of a step on a thread beside, if that is open to it and worth it, and there is one.
    fn beside(
        steps: &'a [Step],
        at: usize,
        base: &Arc<Prompt>,
        x: &Exchange,
        ahead: &VecDeque<Open<'_>>,
    ) -> Option<Self> {
        let (step, behind) = steps.get(at..)?.split_first()?;
        let (binding, bytes) = (&step.gate.binding, x.text_bytes());
        let settings = binding.side();
        if behind.is_empty() || !step.may_be_beside() {
            return None;
        }
        let (own, meanwhile) = (step.pace.expected(bytes), Step::expected(behind, bytes));
        if own.min(meanwhile) < settings.worth {
            return None;
        }
        let computing = || ahead.iter().filter_map(Open::computing);
        let before = computing().map(|(_, step)| step.pace.expected(bytes)).sum::<Duration>();
        let follows = Follows {
            ended: ahead.iter().rev().find_map(Open::coming).filter(|last| last.is_finished()),
            // Not where they would be waited for then.
            computing: computing().map(|(call, _)| call).next().filter(|_| before + own <= meanwhile),
        };
        let more = behind.split_last().is_some_and(|(_, behind)| behind.iter().any(Step::may_be_beside));
        let (passed, told) = (!ahead.is_empty()).then(|| watch::channel(false)).unzip();
        let draft = Arc::new(x.draft(binding.id(), base.clone(), told));
        let word = Word::Coming(binding.begin_request(&draft, follows, more)?);
        Some(Self { step, at, base: base.clone(), draft, passed, word })
    }

    /// The prompt for the next, as far as can be told; none where there will be no next.
    fn leaves(&self) -> Option<Arc<Prompt>> {
        match &self.word {
            Word::Coming(_) | Word::Come(Err(_)) => Some(self.base.clone()),
            Word::Come(Ok(Decision::Next)) => Some(self.draft.prompt()),
            Word::Come(Ok(_)) => None,
        }
    }

    /// Its call, where the word of that has not been heard.
    fn coming(&self) -> Option<&Beside> {
        match &self.word {
            Word::Coming(beside) => Some(beside),
            Word::Come(_) => None,
        }
    }

    /// Its call, where that still computes, and whose it is.
    fn computing(&self) -> Option<(&Beside, &'a Step)> {
        self.coming().filter(|call| !call.is_finished()).map(|call| (call, self.step))
    }

    /// Waits for its word.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn come(&mut self) {
        if let Word::Coming(beside) = &mut self.word {
            let (said, took) = beside.await;
            self.step.pace.took(took, self.draft.text_bytes());
            self.word = Word::Come(said);
        }
    }

    /// Takes its word, which has come, as the exchange's.
    fn settle(self, x: &Exchange) -> Result<Reached, Error> {
        let Word::Come(said) = self.word else { return Ok(Reached::Step(self.at)) };
        let gate = &self.step.gate;
        self.step.pace.said(is_quiet(&said, &self.base, &self.draft));
        x.take(&self.draft, gate.binding.id(), said.is_err());
        meant(gate, self.at, said)
    }
}

/// Runs a stretch of the chain whose first call is begun on a thread beside, until the words of all that were begun are
/// given, or one of them undoes what lies behind it.
async fn overlap(steps: &[Step], first: Open<'_>, x: &Arc<Exchange>) -> Result<Reached, Error> {
    let mut open = VecDeque::from([first]);
    loop {
        let Some(last) = open.back() else { return Err(Error::internal("no call is open")) };
        let next = last.at + 1;
        let (Some(step), Some(base)) = (steps.get(next), last.leaves()) else {
            match give(&mut open, None, x).await? {
                Some(reached) => return Ok(reached),
                None => continue,
            }
        };
        if let Some(another) = Open::beside(steps, next, &base, x, &open) {
            open.push_back(another);
            continue;
        }
        let (passed, told) = watch::channel(false);
        let draft = Arc::new(x.draft(step.gate.binding.id(), base.clone(), Some(told)));
        let said = {
            let mut call = pin!(step.gate.binding.on_request(&draft));
            loop {
                tokio::select! {
                    biased;
                    said = &mut call => break said,
                    given = give(&mut open, Some(&base), x), if !open.is_empty() => {
                        if let Some(reached) = given? {
                            return Ok(reached);
                        }
                        if open.is_empty() {
                            passed.send_replace(true);
                        }
                    }
                }
            }
        };
        open.push_back(Open { step, at: next, base, draft, passed: Some(passed), word: Word::Come(said) });
        // What has its word already is not worked ahead of any more.
        while matches!(open.front(), Some(Open { word: Word::Come(_), .. })) {
            if let Some(reached) = give(&mut open, None, x).await? {
                return Ok(reached);
            }
        }
    }
}

/// Waits for the word of the first open call, and gives it. Says how far the chain has come, where nothing that is
/// open, or was begun with the prompt `then`, goes on from there.
///
/// # Cancel safety
/// Nothing is lost.
async fn give(
    open: &mut VecDeque<Open<'_>>,
    then: Option<&Arc<Prompt>>,
    x: &Exchange,
) -> Result<Option<Reached>, Error> {
    let Some(first) = open.front_mut() else { return Ok(None) };
    first.come().await;
    let Some(first) = open.pop_front() else { return Ok(None) };
    let reached = first.settle(x)?;
    let goes_on = open.front().map(|next| &next.base).or(then);
    let holds = goes_on.is_some_and(|base| Arc::ptr_eq(base, &x.prompt()));
    if !holds || matches!(reached, Reached::End(_)) {
        return Ok(Some(reached));
    }
    if let Some(Open { passed: Some(passed), .. }) = open.front() {
        passed.send_replace(true);
    }
    Ok(None)
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
