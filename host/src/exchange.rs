//! One client request and everything done for it until it is accounted for: the state that the pipeline
//! and the plugins share.
//!
//! Invariants: scratch is seen by the binding that wrote it alone, and bounded; flags are bounded; a prompt
//! that a failed call changed can be put back ([`Exchange::prompt`] hands out the version before it). A
//! lock here is held for the length of one copy, never across an await.

use crate::chat::{Prompt, PromptError};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

mod draft;

/// Which binding of the running configuration; unique within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(pub u32);

/// Flags past this number are dropped: they end in a header and a log line.
const MAX_FLAGS: usize = 64;
/// Bytes of one flag's key and value together.
const MAX_FLAG_BYTES: usize = 256;

/// Marks of a binding at most: each makes a copy of the answer.
const MAX_KEEPS: usize = 16;

/// That the answer is to be kept, as a plugin asked through `responses.keep`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The id, already in the tenant's namespace.
    pub id: String,
    /// How long.
    pub ttl: Duration,
    /// Labels to invalidate by.
    pub tags: Vec<String>,
}

/// The state of one exchange. Shared by `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct Exchange {
    id: String,
    tenant: Arc<str>,
    deadline: Instant,
    text_bytes: usize,
    prompt: Mutex<Arc<Prompt>>,
    /// Shared with forks and drafts until one of them sets a fact.
    attrs: Mutex<Arc<Vec<(&'static str, String)>>>,
    flags: Mutex<Vec<(String, String)>>,
    scratch: Mutex<HashMap<BindingId, HashMap<String, Vec<u8>>>>,
    keeps: Mutex<Vec<(BindingId, Keep)>>,
    gather: AtomicBool,
    /// The bindings that have nothing to do with the answer.
    passing: Mutex<Vec<BindingId>>,
    lost_flags: AtomicBool,
    /// Of a draft that has calls ahead of its own.
    ahead: Option<draft::Ahead>,
}

/// A write to the scratch was refused: the binding's bound would be passed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the scratch of this binding is bounded to {limit} bytes")]
pub struct ScratchFull {
    /// The bound, in bytes.
    pub limit: usize,
}

/// A mark was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("at most {MAX_KEEPS} marks are set by a binding")]
pub struct KeepsFull;

impl Exchange {
    /// A new exchange.
    #[must_use]
    pub fn new(id: String, tenant: Arc<str>, prompt: Prompt, deadline: impl Into<Instant>) -> Self {
        Self {
            id,
            tenant,
            deadline: deadline.into(),
            text_bytes: prompt.text_bytes(),
            prompt: Mutex::new(Arc::new(prompt)),
            attrs: Mutex::default(),
            flags: Mutex::default(),
            scratch: Mutex::default(),
            keeps: Mutex::default(),
            gather: AtomicBool::new(false),
            passing: Mutex::default(),
            lost_flags: AtomicBool::new(false),
            ahead: None,
        }
    }

    /// The same exchange for another attempt at the same time: what its adapter remembers is its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            deadline: self.deadline,
            text_bytes: self.text_bytes,
            prompt: Mutex::new(self.prompt()),
            attrs: Mutex::new(self.attrs.lock().clone()),
            flags: Mutex::default(),
            scratch: Mutex::default(),
            keeps: Mutex::default(),
            gather: AtomicBool::new(self.gathers()),
            passing: Mutex::new(self.passing.lock().clone()),
            lost_flags: AtomicBool::new(self.lost_flags()),
            ahead: None,
        }
    }

    /// Takes over what an attempt that won has noted.
    pub fn adopt(&self, fork: &Self) {
        for (key, value) in fork.flags() {
            self.flag(&key, &value);
        }
        self.lost_flags.fetch_or(fork.lost_flags(), Ordering::Relaxed);
        for key in ["attempt", "target.id", "target.model"] {
            if let Some(value) = fork.attr(key) {
                self.set_attr(key, value);
            }
        }
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tenant's name.
    #[must_use]
    pub fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }

    /// When the exchange must be over.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Bytes of text that the request came with: how much there is to look at.
    #[must_use]
    pub const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The prompt as it is now. Holding this makes the next change copy the prompt first, so what was
    /// handed out stays as it was.
    #[must_use]
    pub fn prompt(&self) -> Arc<Prompt> {
        self.prompt.lock().clone()
    }

    /// Puts a prompt back, as after a call that failed halfway through its changes.
    pub fn restore_prompt(&self, prompt: Arc<Prompt>) {
        *self.prompt.lock() = prompt;
    }

    /// Changes the prompt.
    ///
    /// # Errors
    /// Those of `change`; the prompt is then as `change` left it.
    pub fn change_prompt<T>(
        &self,
        change: impl FnOnce(&mut Prompt) -> Result<T, PromptError>,
    ) -> Result<T, PromptError> {
        change(Arc::make_mut(&mut self.prompt.lock()))
    }

    /// A fact about the exchange.
    #[must_use]
    pub fn attr(&self, key: &str) -> Option<String> {
        self.attrs.lock().iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }

    /// Sets a fact, replacing an earlier value.
    pub fn set_attr(&self, key: &'static str, value: impl Into<String>) {
        let mut attrs = self.attrs.lock();
        let attrs = Arc::make_mut(&mut attrs);
        let value = value.into();
        match attrs.iter_mut().find(|(name, _)| *name == key) {
            Some(slot) => slot.1 = value,
            None => attrs.push((key, value)),
        }
    }

    /// Adds a flag to the record, replacing an earlier value of the key. Flags past the bounds are dropped.
    pub fn flag(&self, key: &str, value: &str) {
        if key.len() + value.len() > MAX_FLAG_BYTES {
            self.lost_flags.store(true, Ordering::Relaxed);
            return;
        }
        let mut flags = self.flags.lock();
        let room = flags.len() < MAX_FLAGS;
        match flags.iter_mut().find(|(name, _)| name == key) {
            Some(slot) => value.clone_into(&mut slot.1),
            None if room => flags.push((key.to_owned(), value.to_owned())),
            None => self.lost_flags.store(true, Ordering::Relaxed),
        }
    }

    /// Whether flags were dropped: what they would have said is not known.
    #[must_use]
    pub fn lost_flags(&self) -> bool {
        self.lost_flags.load(Ordering::Relaxed)
    }

    /// What a flag says so far.
    #[must_use]
    pub fn flagged(&self, key: &str) -> Option<String> {
        self.flags.lock().iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    /// The flags so far, in the order they were first set.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        self.flags.lock().clone()
    }

    /// Reads a binding's scratch.
    #[must_use]
    pub fn scratch_get(&self, binding: BindingId, key: &str) -> Option<Vec<u8>> {
        self.scratch.lock().get(&binding)?.get(key).cloned()
    }

    /// Writes a binding's scratch.
    ///
    /// # Errors
    /// [`ScratchFull`] when keys and values together would pass `limit` bytes; nothing is written then.
    pub fn scratch_put(
        &self,
        binding: BindingId,
        key: &str,
        value: Vec<u8>,
        limit: usize,
    ) -> Result<(), ScratchFull> {
        let mut all = self.scratch.lock();
        let mine = all.entry(binding).or_default();
        let others: usize = mine.iter().filter(|(k, _)| *k != key).map(|(k, v)| k.len() + v.len()).sum();
        if others + key.len() + value.len() > limit {
            return Err(ScratchFull { limit });
        }
        mine.insert(key.to_owned(), value);
        Ok(())
    }

    /// Asks for the whole answer to be held back until it is accepted.
    pub fn gather_answer(&self) {
        self.gather.store(true, Ordering::Relaxed);
    }

    /// Whether the whole answer is to be held back until it is accepted.
    #[must_use]
    pub fn gathers(&self) -> bool {
        self.gather.load(Ordering::Relaxed)
    }

    /// Notes that a binding has nothing to do with the answer.
    pub fn pass_answer(&self, binding: BindingId) {
        let mut passing = self.passing.lock();
        if !passing.contains(&binding) {
            passing.push(binding);
        }
    }

    /// Forgets that a binding said so: it is asked anew, or failed.
    pub fn face_answer(&self, binding: BindingId) {
        self.passing.lock().retain(|passing| *passing != binding);
    }

    /// Whether a binding has nothing to do with the answer.
    #[must_use]
    pub fn passes_answer(&self, binding: BindingId) -> bool {
        self.passing.lock().contains(&binding)
    }

    /// Marks the answer to be kept. Of marks with one id the last counts.
    ///
    /// # Errors
    /// [`KeepsFull`] when the binding has set as many marks as it may.
    pub fn keep(&self, binding: BindingId, keep: Keep) -> Result<(), KeepsFull> {
        let mut all = self.keeps.lock();
        let mut own = all.iter_mut().filter(|(whose, _)| *whose == binding);
        if let Some((_, same)) = own.find(|(_, mark)| mark.id == keep.id) {
            *same = keep;
            return Ok(());
        }
        if all.iter().filter(|(whose, _)| *whose == binding).count() >= MAX_KEEPS {
            return Err(KeepsFull);
        }
        all.push((binding, keep));
        Ok(())
    }

    /// Takes the marks.
    #[must_use]
    pub fn take_keeps(&self) -> Vec<Keep> {
        std::mem::take(&mut *self.keeps.lock()).into_iter().map(|(_, keep)| keep).collect()
    }
}
