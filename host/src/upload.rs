//! A file on its way through the gateway: its bytes as they come, for whoever reads them, from the beginning.
//!
//! Who sends it on need not wait for its end, and may start over: what came is kept until nobody needs it any more.
//! Invariants: every reader sees the same bytes; one that breaks off ends with an error for all; its bound is whoever's
//! writes it.

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Why it did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is larger than allowed.
    #[error("the upload is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the upload is too slow")]
    TooSlow,
    /// It broke off, or was no form.
    #[error("the upload broke off")]
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    Whole,
    Broken(Broken),
}

struct Shared {
    pieces: Mutex<Vec<Bytes>>,
    /// What stood behind it in its form.
    late: Mutex<Vec<(String, String)>>,
    /// How many pieces there are, and what is to be expected.
    grown: watch::Sender<(usize, State)>,
}

/// A file that comes. Clones are the same file.
#[derive(Clone)]
pub struct Upload(Arc<Shared>);

/// Without what is in it.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").field(&*self.0.grown.borrow()).finish()
    }
}

/// The other end: whoever reads the client. Dropped before the end, it breaks the upload off.
pub struct Writer(Arc<Shared>);

impl Upload {
    /// A file that comes, and who brings it.
    #[must_use]
    pub fn coming() -> (Self, Writer) {
        let (grown, _) = watch::channel((0, State::Coming));
        let shared = Arc::new(Shared { pieces: Mutex::default(), late: Mutex::default(), grown });
        (Self(shared.clone()), Writer(shared))
    }

    /// Whether all of it is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.grown.borrow().1 == State::Whole
    }

    /// Why it broke off; none while it did not.
    #[must_use]
    pub fn broken(&self) -> Option<Broken> {
        match self.0.grown.borrow().1 {
            State::Broken(why) => Some(why),
            State::Coming | State::Whole => None,
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not come to it.
    pub async fn ended(&self) -> Result<(), Broken> {
        let mut grown = self.0.grown.subscribe();
        let ended = grown.wait_for(|(_, state)| *state != State::Coming).await.map(|now| now.1);
        match ended {
            Ok(State::Broken(why)) => Err(why),
            Ok(_) => Ok(()),
            Err(_) => Err(Broken::Off),
        }
    }

    /// The fields that stood behind it in its form, once it has ended.
    #[must_use]
    pub fn late(&self) -> Vec<(String, String)> {
        self.0.late.lock().clone()
    }

    /// Its bytes from the beginning, as they come.
    pub fn pieces(&self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + use<> {
        let start = (self.0.clone(), self.0.grown.subscribe(), 0_usize);
        stream::unfold(Some(start), |reader| async {
            let (shared, mut grown, read) = reader?;
            let now = grown
                .wait_for(|(count, state)| *count > read || *state != State::Coming)
                .await
                .map(|now| *now);
            let piece = shared.pieces.lock().get(read).cloned();
            match (piece, now) {
                (Some(piece), _) => Some((Ok(piece), Some((shared, grown, read + 1)))),
                (None, Ok((_, State::Broken(why)))) => Some((Err(why), None)),
                (None, Ok(_)) => None,
                (None, Err(_)) => Some((Err(Broken::Off), None)),
            }
        })
    }
}

impl Writer {
    /// The next bytes.
    pub fn push(&self, piece: Bytes) {
        self.0.pieces.lock().push(piece);
        self.0.grown.send_modify(|(count, _)| *count += 1);
    }

    /// All of it is there, and what stood behind it.
    pub fn end(self, late: Vec<(String, String)>) {
        *self.0.late.lock() = late;
        self.0.grown.send_modify(|(_, state)| *state = State::Whole);
    }

    /// It will not come to its end.
    pub fn fail(self, why: Broken) {
        self.0.grown.send_modify(|(_, state)| *state = State::Broken(why));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.grown.send_if_modified(|(_, state)| {
            let abandoned = *state == State::Coming;
            if abandoned {
                *state = State::Broken(Broken::Off);
            }
            abandoned
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Broken, Upload};
    use futures_util::StreamExt as _;

    #[tokio::test]
    async fn every_reader_gets_all_of_it_while_it_comes() {
        let (upload, writer) = Upload::coming();
        writer.push("a".into());
        let mut early = Box::pin(upload.pieces());
        assert_eq!(early.next().await, Some(Ok("a".into())));
        let waiting = tokio::spawn(async move { (early.next().await, early.next().await) });
        tokio::task::yield_now().await;
        writer.push("b".into());
        assert!(!upload.is_whole());
        writer.end(vec![("model".into(), "m".into())]);
        assert_eq!(waiting.await.unwrap(), (Some(Ok("b".into())), None));
        assert_eq!(upload.pieces().collect::<Vec<_>>().await, [Ok("a".into()), Ok("b".into())]);
        assert_eq!((upload.ended().await, upload.late().len(), upload.is_whole()), (Ok(()), 1, true));
    }

    #[tokio::test]
    async fn one_that_breaks_off_ends_with_an_error() {
        let (upload, writer) = Upload::coming();
        writer.push("a".into());
        drop(writer);
        assert_eq!(upload.pieces().collect::<Vec<_>>().await, [Ok("a".into()), Err(Broken::Off)]);
        let (upload, writer) = Upload::coming();
        writer.fail(Broken::TooLarge);
        assert_eq!((upload.ended().await, upload.broken()), (Err(Broken::TooLarge), Some(Broken::TooLarge)));
    }
}
