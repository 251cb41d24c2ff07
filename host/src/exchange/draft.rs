//! Drafts of an exchange: what a call works on that begins before those ahead of it have ended.
//!
//! A draft shows what the exchange will be if those ahead change nothing, and keeps what its own call says. Nothing
//! of it is the exchange's before it is taken over, so a draft that comes to nothing has left no trace.

use super::{BindingId, Exchange};
use crate::chat::Prompt;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Deeds that a draft puts off at most; who has more to do waits.
const MAX_LATER: usize = 1_024;

/// What a draft knows of the calls ahead of its own.
pub(super) struct Ahead {
    /// Turns true once all of them have let the request pass; its sender is dropped where the draft comes to nothing.
    passed: watch::Receiver<bool>,
    /// What is done once that is so, or the draft is taken over.
    later: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    /// Nanoseconds that were waited for it.
    waited: AtomicU64,
}

impl Ahead {
    fn of(passed: watch::Receiver<bool>) -> Self {
        Self { passed, later: Mutex::default(), waited: AtomicU64::new(0) }
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("passed", &self.passed).finish_non_exhaustive()
    }
}

impl Exchange {
    /// A draft for a call of `binding`, with that prompt. `passed` turns true once all calls ahead have let the request
    /// pass; its sender is dropped where the draft comes to nothing. Without one, nothing is ahead.
    #[must_use]
    pub fn draft(
        &self,
        binding: BindingId,
        prompt: Arc<Prompt>,
        passed: Option<watch::Receiver<bool>>,
    ) -> Self {
        let scratch = self.scratch.lock().get(&binding).map(|mine| (binding, mine.clone()));
        let keeps = self.keeps.lock().iter().filter(|(whose, _)| *whose == binding).cloned().collect();
        Self {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            deadline: self.deadline,
            text_bytes: self.text_bytes,
            prompt: Mutex::new(prompt),
            attrs: Mutex::new(self.attrs.lock().clone()),
            flags: Mutex::default(),
            scratch: Mutex::new(scratch.into_iter().collect()),
            keeps: Mutex::new(keeps),
            gather: AtomicBool::new(false),
            passing: Mutex::default(),
            lost_flags: AtomicBool::new(false),
            ahead: passed.map(Ahead::of),
        }
    }

    /// Takes over what the call of a draft has said. Of one that failed, neither its changes to the prompt count nor
    /// that the answer is nothing to it.
    pub fn take(&self, draft: &Self, binding: BindingId, failed: bool) {
        for (key, value) in draft.flags.lock().drain(..) {
            self.flag(&key, &value);
        }
        self.lost_flags.fetch_or(draft.lost_flags(), Ordering::Relaxed);
        if let Some(mine) = draft.scratch.lock().remove(&binding) {
            self.scratch.lock().insert(binding, mine);
        }
        let mut keeps = self.keeps.lock();
        keeps.retain(|(whose, _)| *whose != binding);
        keeps.append(&mut draft.keeps.lock());
        drop(keeps);
        self.gather.fetch_or(draft.gathers(), Ordering::Relaxed);
        self.face_answer(binding);
        if !failed {
            self.restore_prompt(draft.prompt());
            if draft.passes_answer(binding) {
                self.pass_answer(binding);
            }
        }
        draft.catch_up();
    }

    /// Does something that must not be undone: at once, but for a draft that is not certain; then when it is, or never.
    /// What may be said without end asks for room first ([`has_room`](Self::has_room)).
    pub fn once_certain(&self, deed: impl FnOnce() + Send + 'static) {
        match &self.ahead {
            Some(ahead) if !self.is_certain() => ahead.later.lock().push(Box::new(deed)),
            _ => {
                self.catch_up();
                deed();
            }
        }
    }

    /// Whether one more deed may be put off, or none need be.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let full = |ahead: &Ahead| ahead.later.lock().len() >= MAX_LATER;
        self.is_certain() || !self.ahead.as_ref().is_some_and(full)
    }

    /// Does what was put off, in its order.
    fn catch_up(&self) {
        let later = self.ahead.as_ref().map(|ahead| std::mem::take(&mut *ahead.later.lock()));
        later.into_iter().flatten().for_each(|deed| deed());
    }

    /// Whether the exchange has got as far as this: always, but for a draft.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.ahead.as_ref().is_none_or(|ahead| *ahead.passed.borrow())
    }

    /// Waits until the exchange has got as far as this; for ever, where it never will.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn certain(&self) {
        let Some(ahead) = &self.ahead else { return };
        let since = Instant::now();
        if ahead.passed.clone().wait_for(|passed| *passed).await.is_err() {
            std::future::pending().await
        }
        let waited = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        ahead.waited.fetch_add(waited, Ordering::Relaxed);
    }

    /// How long it was waited for those ahead.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let nanos = self.ahead.as_ref().map_or(0, |ahead| ahead.waited.load(Ordering::Relaxed));
        Duration::from_nanos(nanos)
    }
}
