//! Bounds what may stand before a part of a form, or at its head.
//!
//! The reader of forms keeps all that has come until it finds the end of a head, and looks for that from the beginning with
//! every piece that comes: in a head without end, the square of its length. So it is given one piece at a time while it
//! looks for one, and no more of them than a head may have.

use crate::upload::Broken;
use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

/// Bytes of a head, at most; what came with the piece in which that many were passed is looked at, too.
const MAX_HEAD: usize = 16 * 1024;

/// No head is looked for.
const NONE: usize = usize::MAX;

/// Why a form is read no further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    /// It does not come.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A head does not end.
    #[error("the head of a part has more than {MAX_HEAD} bytes")]
    Head,
}

/// Whether a head is looked for, and what has come meanwhile.
#[derive(Clone)]
pub(super) struct Heads(Arc<AtomicUsize>);

impl Heads {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(NONE)))
    }

    /// Looks for the next part.
    pub(super) async fn next_field(
        &self,
        form: &mut multer::Multipart<'static>,
    ) -> multer::Result<Option<multer::Field<'static>>> {
        self.0.store(0, Ordering::Relaxed);
        let field = form.next_field().await;
        self.0.store(NONE, Ordering::Relaxed);
        field
    }

    /// A body that heeds this.
    pub(super) fn bound<S>(&self, body: S) -> Bounded<S> {
        Bounded { body: Box::pin(body), heads: self.clone(), given: false }
    }
}

/// The body of a form on its way to its reader.
pub(super) struct Bounded<S> {
    body: Pin<Box<S>>,
    heads: Heads,
    /// Whether the reader was given a piece that it has not looked at.
    given: bool,
}

impl<S: Stream<Item = Result<Bytes, Broken>>> Stream for Bounded<S> {
    type Item = Result<Bytes, Stopped>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let come = self.heads.0.load(Ordering::Relaxed);
        if come != NONE {
            if std::mem::take(&mut self.given) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if come > MAX_HEAD {
                return Poll::Ready(Some(Err(Stopped::Head)));
            }
        }
        let piece = ready!(self.body.as_mut().poll_next(context));
        if let Some(Ok(piece)) = &piece
            && come != NONE
        {
            self.given = true;
            self.heads.0.store(come.saturating_add(piece.len()), Ordering::Relaxed);
        }
        Poll::Ready(piece.map(|piece| Ok(piece?)))
    }
}
