//! What decides the answers: any function of the request, or a sequence.

use crate::{Recorded, Reply};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Decides what a request is answered.
pub trait Handler: Send + Sync + 'static {
    /// The answer to a request.
    fn reply(&self, request: &Recorded) -> Reply;
}

impl<F: Fn(&Recorded) -> Reply + Send + Sync + 'static> Handler for F {
    fn reply(&self, request: &Recorded) -> Reply {
        self(request)
    }
}

/// A sequence of replies, whatever the requests; the last one repeats.
#[derive(Debug)]
pub struct Script {
    replies: Vec<Reply>,
    next: AtomicUsize,
}

impl Script {
    /// A sequence of replies. An empty one answers every request with status 500.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect(), next: AtomicUsize::new(0) }
    }

    /// The next reply.
    pub fn next(&self) -> Reply {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let reply = self.replies.get(turn).or(self.replies.last());
        reply.cloned().unwrap_or_else(|| Reply::error(500, "the script is empty"))
    }
}

impl Handler for Script {
    fn reply(&self, _: &Recorded) -> Reply {
        self.next()
    }
}
