//! Guarding text as it arrives: filters in a row, each seeing its held tail and the new text.
//!
//! The host holds the text. A filter answers with edits and a watermark; what lies below the watermark is
//! released to the next filter, the rest stays here. Invariants:
//! - **Streamed output equals whole-body output**: what a filter released is never shown to it again, what
//!   it held is shown again in full, and the end of a text is always told.
//! - Nothing is lost by a failure: the window of a failed call is either passed on as it was (`skip`) or the
//!   answer ends there (`reject`), and then nothing held is released.
//! - Hold-back is bounded in bytes and in time by each filter's [`Hold`].
//!
//! Never knows what a filter is: a component in production, a closure in the property tests.

use crate::chat::TextAt;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// What becomes of held text when its bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverflow {
    /// The answer ends with an error: nothing undecided reaches the client.
    Reject,
    /// The filter is told that nothing more will join the text, and it is released.
    Release,
}

/// How much a filter may hold back, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Bytes of one text.
    pub bytes: usize,
    /// Time since the oldest held byte arrived.
    pub time: Duration,
    /// What happens at either bound.
    pub on_overflow: OnOverflow,
}

/// What becomes of an exchange when a plugin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Fail closed.
    Reject,
    /// Fail open: go on as if the plugin were not there.
    Skip,
}

/// Replaces the bytes `start..end` of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// What stands there instead.
    pub to: String,
}

/// What a filter decided about a window. Edits are in order, do not overlap and lie below `safe`; all
/// offsets are character boundaries. Whoever builds one has checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<R> {
    /// Release the bytes below `safe`, with the edits applied.
    Pass {
        /// The watermark.
        safe: usize,
        /// The replacements.
        edits: Vec<Edit>,
    },
    /// End the answer here.
    Stop(R),
}

/// One filter of the row.
pub trait Filter: Sync {
    /// Why it says no.
    type Rejection: Send;
    /// Why it failed.
    type Failure: Send;

    /// Looks at a window: the held tail, then the new text from byte `fresh` on.
    fn inspect(
        &self,
        at: &TextAt,
        text: &str,
        fresh: usize,
        last: bool,
    ) -> impl Future<Output = Result<Verdict<Self::Rejection>, Self::Failure>> + Send;

    /// Its bounds.
    fn hold(&self) -> Hold;

    /// What its failure means.
    fn on_error(&self) -> OnError;
}

/// Why a guarded answer ends before its end. Names the filter by its place in the row.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop<R, E> {
    /// A filter said no.
    Rejected {
        /// Which.
        filter: usize,
        /// What it said.
        rejection: R,
    },
    /// A filter failed, and fails closed.
    Failed {
        /// Which.
        filter: usize,
        /// How.
        failure: E,
    },
    /// A filter held more than its bound, or longer.
    HeldTooMuch {
        /// Which.
        filter: usize,
    },
}

type StopOf<F> = Stop<<F as Filter>::Rejection, <F as Filter>::Failure>;

/// What one filter holds of one text.
#[derive(Debug, Default)]
struct Held {
    text: String,
    since: Option<Instant>,
}

/// The row of filters over one answer.
#[derive(Debug)]
pub struct Guard<F> {
    filters: Vec<F>,
    texts: HashMap<TextAt, Vec<Held>>,
    /// The order in which texts began, so that their ends are told in a fixed order.
    order: Vec<TextAt>,
}

impl<F: Filter> Guard<F> {
    /// A guard over one answer; the first filter sees the provider's text.
    #[must_use]
    pub fn new(filters: Vec<F>) -> Self {
        Self { filters, texts: HashMap::new(), order: Vec::new() }
    }

    /// The filter in this place of the row.
    #[must_use]
    pub fn filter(&self, place: usize) -> Option<&F> {
        self.filters.get(place)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Adds text, and gives what is released.
    ///
    /// # Errors
    /// [`Stop`] ends the answer; the guard must not be used again.
    pub async fn push(&mut self, at: &TextAt, text: &str) -> Result<String, StopOf<F>> {
        self.advance(at, text.to_owned(), false).await
    }

    /// Tells the end of every text of an item (a choice), and gives what is released, in the order in which
    /// the texts began.
    ///
    /// # Errors
    /// As [`Guard::push`].
    pub async fn finish_item(&mut self, item: u32) -> Result<Vec<(TextAt, String)>, StopOf<F>> {
        self.finish(|at| at.item == item).await
    }

    /// Tells the end of one text, and gives what is released.
    ///
    /// # Errors
    /// As [`Guard::push`].
    pub async fn finish_text(&mut self, at: &TextAt) -> Result<String, StopOf<F>> {
        let released = self.finish(|known| known == at).await?;
        Ok(released.into_iter().map(|(_, text)| text).collect())
    }

    /// Tells the end of every text of an item and a channel, and gives what is released, in the order in which the texts
    /// began.
    ///
    /// # Errors
    /// As [`Guard::push`].
    pub async fn finish_channel(
        &mut self,
        item: u32,
        channel: &str,
    ) -> Result<Vec<(TextAt, String)>, StopOf<F>> {
        self.finish(|at| at.item == item && at.channel == channel).await
    }

    async fn finish(&mut self, ends: impl Fn(&TextAt) -> bool) -> Result<Vec<(TextAt, String)>, StopOf<F>> {
        let ended: Vec<TextAt> = self.order.iter().filter(|at| ends(at)).cloned().collect();
        self.order.retain(|at| !ends(at));
        let mut released = Vec::with_capacity(ended.len());
        for at in ended {
            let text = self.advance(&at, String::new(), true).await?;
            self.texts.remove(&at);
            if !text.is_empty() {
                released.push((at, text));
            }
        }
        Ok(released)
    }

    /// Filters a whole text at once.
    ///
    /// # Errors
    /// As [`Guard::push`].
    pub async fn whole(&mut self, at: &TextAt, text: &str) -> Result<String, StopOf<F>> {
        let released = self.advance(at, text.to_owned(), true).await;
        self.texts.remove(at);
        self.order.retain(|known| known != at);
        released
    }

    /// When the first held text reaches its bound of time.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        let holds = self.texts.values().flat_map(|stages| stages.iter().zip(&self.filters));
        holds.filter_map(|(held, filter)| Some(held.since? + filter.hold().time)).min()
    }

    /// Deals with the held texts whose time is over at `now`, and gives what is released.
    ///
    /// # Errors
    /// As [`Guard::push`].
    pub async fn expire(&mut self, now: Instant) -> Result<Vec<(TextAt, String)>, StopOf<F>> {
        let mut released = Vec::new();
        for at in self.order.clone() {
            for stage in 0..self.filters.len() {
                let over =
                    match (self.texts.get(&at).and_then(|stages| stages.get(stage)), self.filters.get(stage))
                    {
                        (Some(held), Some(filter)) => {
                            held.since.is_some_and(|since| since + filter.hold().time <= now)
                        }
                        _ => false,
                    };
                if over {
                    let text = self.force(&at, stage).await?;
                    let text = self.advance_from(&at, stage + 1, text, false).await?;
                    if !text.is_empty() {
                        released.push((at.clone(), text));
                    }
                }
            }
        }
        Ok(released)
    }

    async fn advance(&mut self, at: &TextAt, text: String, last: bool) -> Result<String, StopOf<F>> {
        if self.filters.is_empty() {
            return Ok(text);
        }
        if !self.texts.contains_key(at) {
            let stages = self.filters.iter().map(|_| Held::default()).collect();
            self.texts.insert(at.clone(), stages);
            self.order.push(at.clone());
        }
        self.advance_from(at, 0, text, last).await
    }

    async fn advance_from(
        &mut self,
        at: &TextAt,
        first: usize,
        mut text: String,
        last: bool,
    ) -> Result<String, StopOf<F>> {
        for stage in first..self.filters.len() {
            if text.is_empty() && !last {
                break;
            }
            text = self.step(at, stage, &text, last).await?;
        }
        Ok(text)
    }

    /// Shows one filter its held tail and `fresh` text, and gives what it releases.
    async fn step(
        &mut self,
        at: &TextAt,
        stage: usize,
        fresh: &str,
        last: bool,
    ) -> Result<String, StopOf<F>> {
        let (Some(filter), Some(held)) =
            (self.filters.get(stage), self.texts.get_mut(at).and_then(|stages| stages.get_mut(stage)))
        else {
            return Ok(fresh.to_owned());
        };
        let start = held.text.len();
        held.text.push_str(fresh);
        let verdict = match filter.inspect(at, &held.text, start, last).await {
            Ok(verdict) => verdict,
            Err(failure) => match filter.on_error() {
                OnError::Reject => return Err(Stop::Failed { filter: stage, failure }),
                OnError::Skip => Verdict::Pass { safe: held.text.len(), edits: Vec::new() },
            },
        };
        let (safe, edits) = match verdict {
            Verdict::Stop(rejection) => return Err(Stop::Rejected { filter: stage, rejection }),
            Verdict::Pass { edits, .. } if last => (held.text.len(), edits),
            Verdict::Pass { safe, edits } => (safe, edits),
        };
        let tail = held.text.split_off(safe);
        let window = std::mem::replace(&mut held.text, tail);
        held.since = match (held.text.is_empty(), held.since) {
            (true, _) => None,
            // What was held before and is held still keeps its age; a released tail starts anew.
            (false, Some(since)) if safe == 0 => Some(since),
            (false, _) => Some(Instant::now()),
        };
        let released = apply(window, &edits);
        let hold = filter.hold();
        if held.text.len() <= hold.bytes {
            return Ok(released);
        }
        let forced = self.force(at, stage).await?;
        Ok(released + &forced)
    }

    /// Ends the holding of one filter at its bound.
    async fn force(&mut self, at: &TextAt, stage: usize) -> Result<String, StopOf<F>> {
        let (Some(filter), Some(held)) =
            (self.filters.get(stage), self.texts.get_mut(at).and_then(|stages| stages.get_mut(stage)))
        else {
            return Ok(String::new());
        };
        if filter.hold().on_overflow == OnOverflow::Reject {
            return Err(Stop::HeldTooMuch { filter: stage });
        }
        let window = std::mem::take(&mut held.text);
        held.since = None;
        match filter.inspect(at, &window, window.len(), true).await {
            Ok(Verdict::Pass { edits, .. }) => Ok(apply(window, &edits)),
            Ok(Verdict::Stop(rejection)) => Err(Stop::Rejected { filter: stage, rejection }),
            Err(failure) => match filter.on_error() {
                OnError::Reject => Err(Stop::Failed { filter: stage, failure }),
                OnError::Skip => Ok(window),
            },
        }
    }
}

/// The window with the edits applied; without edits the window itself, not a copy.
fn apply(window: String, edits: &[Edit]) -> String {
    if edits.is_empty() {
        return window;
    }
    let mut out = String::with_capacity(window.len());
    let mut from = 0;
    for edit in edits {
        out.push_str(window.get(from..edit.start).unwrap_or_default());
        out.push_str(&edit.to);
        from = edit.end;
    }
    out.push_str(window.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
