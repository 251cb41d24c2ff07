//! Decoding frames in batches.
//!
//! What must be remembered between batches goes through the host's scratch as JSON. Invariants: any way of
//! cutting a stream into batches gives the same events; an attempt never sees what an earlier one remembered;
//! after an error nothing is told.

use crate::event::Events;
use lockgate_sdk::prelude::{Event, Exchange, Fault, Frame, ProviderError};
use serde::Serialize;
use serde::de::DeserializeOwned;

const KEY: &str = "decoder";

/// How one provider's frames are read. The value is what is remembered between batches: keep it small.
pub trait Decoder: Default + Serialize + DeserializeOwned {
    /// Reads one frame that is not blank: an event's data, or a whole body.
    fn frame(&mut self, data: &[u8], events: &mut Events);

    /// The same, with the event's name, for providers whose data does not tell what it is. A whole body has none.
    fn named(&mut self, _event: &str, data: &[u8], events: &mut Events) {
        self.frame(data, events);
    }

    /// Told once, after the last frame.
    fn end(&mut self, _events: &mut Events) {}

    /// The error that an answer with a status of 400 or more is.
    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError;
}

/// Where bytes are kept between batches.
pub trait Scratch {
    /// What is kept.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// Keeps.
    ///
    /// # Errors
    /// It is too much.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), Fault>;
}

impl Scratch for Exchange {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        Self::get(self, key)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        Self::put(self, key, value)
    }
}

/// Starts over: what an earlier attempt remembered is forgotten. To be called by `encode`, with what `decode`
/// is to know of the request.
///
/// # Errors
/// The host's.
pub fn begin<D: Decoder>(x: &impl Scratch, decoder: &D) -> Result<(), Fault> {
    let bytes = |decoder: &D| serde_json::to_vec(&(false, decoder)).unwrap_or_default();
    let state = bytes(decoder);
    let untouched = x.get(KEY).is_none_or(|kept| kept.is_empty());
    if untouched && state == bytes(&D::default()) { Ok(()) } else { x.put(KEY, &state) }
}

/// Decodes a batch.
///
/// # Errors
/// The host's, when what is remembered cannot be kept.
pub fn decode<D: Decoder>(
    x: &impl Scratch,
    status: u16,
    headers: &[(String, String)],
    frames: &[Frame],
    last: bool,
) -> Result<Vec<Event>, Fault> {
    let before = x.get(KEY).unwrap_or_default();
    let (mut over, mut decoder): (bool, D) = serde_json::from_slice(&before).unwrap_or_default();
    if over {
        return Ok(Vec::new());
    }
    let mut events = Events::default();
    if status >= 400 {
        if frames.is_empty() && !last {
            return Ok(Vec::new());
        }
        events.error(D::failure(status, headers, frames.first().map_or(&[], |frame| &frame.data)));
    } else {
        for frame in frames.iter().filter(|frame| !is_blank(&frame.data)) {
            decoder.named(&frame.event, &frame.data, &mut events);
        }
        if last {
            decoder.end(&mut events);
        }
    }
    over = events.is_over();
    if !last {
        let after = serde_json::to_vec(&(over, &decoder)).unwrap_or_default();
        if after != before {
            x.put(KEY, &after)?;
        }
    }
    Ok(events.into_vec())
}

fn is_blank(data: &[u8]) -> bool {
    data.iter().all(u8::is_ascii_whitespace)
}
