//! One window of a channel: its stretches judged, and the judgements turned into edits of the raw text.
//!
//! What must be known about released text (the character before the window, and whether a JSON string is
//! open there) is in [`Before`], which the caller keeps between windows.

use crate::judge::judge;
use crate::settings::Settings;
use crate::view::{self, Stretch, replacement};
use std::borrow::Cow;

/// What stands before a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The character, where it belongs to the same stretch.
    pub char: Option<char>,
    /// Whether a JSON string is open.
    pub in_string: bool,
}

impl Before {
    /// The form that is kept.
    pub fn encode(self) -> Vec<u8> {
        let mut out = vec![u8::from(self.in_string)];
        out.extend(self.char.map(String::from).unwrap_or_default().bytes());
        out
    }

    /// Reads what [`Before::encode`] wrote; nothing is a fresh start.
    pub fn decode(bytes: &[u8]) -> Before {
        let (flag, rest) = bytes.split_first().map_or((0, bytes), |(flag, rest)| (*flag, rest));
        Before { char: std::str::from_utf8(rest).ok().and_then(|s| s.chars().next()), in_string: flag == 1 }
    }
}

/// A replacement: bytes from `start` up to `end` become `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What stands there instead.
    pub to: String,
}

/// What was decided about a window.
#[derive(Debug, Default)]
pub struct Decided {
    /// The category that stops the exchange.
    pub stop: Option<usize>,
    /// The categories that were seen.
    pub seen: Vec<usize>,
    /// The replacements, in order, below `safe`.
    pub changes: Vec<Change>,
    /// How far the window may be released.
    pub safe: usize,
    /// What stands before the rest.
    pub before: Before,
}

/// Judges a window.
pub fn decide(settings: &Settings, window: &str, json: bool, last: bool, before: Before) -> Decided {
    let stretches = if json { view::json(window, before.in_string, last) } else { vec![view::plain(window)] };
    let mut out = Decided { before, ..Decided::default() };
    let mut context = before.char;
    for stretch in &stretches {
        stretch_into(settings, stretch, context.take(), last, &mut out);
        if out.stop.is_some() {
            break;
        }
    }
    if last {
        out.safe = window.len();
        out.before = Before::default();
    }
    out.seen.sort_unstable();
    out.seen.dedup();
    out
}

/// Judges one stretch and adds what was decided.
fn stretch_into(
    settings: &Settings,
    stretch: &Stretch<'_>,
    context: Option<char>,
    last: bool,
    out: &mut Decided,
) {
    // The character before the stretch stands in front of it, as context only.
    let text = match context {
        Some(context) => Cow::Owned(format!("{context}{}", stretch.text)),
        None => Cow::Borrowed(stretch.text.as_ref()),
    };
    let from = text.len() - stretch.text.len();
    let judgement = judge(settings, &text, from, last || stretch.closed);
    let raw = |at: usize| stretch.raw(at.saturating_sub(from));
    for (start, end) in judgement.masks {
        let old = text.get(start..end).unwrap_or_default();
        let to = replacement(stretch.form, old, &settings.mask);
        if to != old || stretch.form != view::Form::Bare {
            out.changes.push(Change { start: raw(start), end: raw(end), to });
        }
    }
    out.stop = judgement.stop;
    out.seen.extend(judgement.seen);
    out.safe = raw(judgement.safe);
    let char = text.get(..judgement.safe).and_then(|t| t.chars().next_back());
    out.before = Before { char, in_string: stretch.form == view::Form::Quoted };
}

/// The part of the window that is released, with the changes made.
pub fn apply(window: &str, decided: &Decided) -> String {
    let mut out = String::with_capacity(window.len());
    let mut done = 0;
    for change in &decided.changes {
        out.push_str(window.get(done..change.start).unwrap_or_default());
        out.push_str(&change.to);
        done = change.end;
    }
    out.push_str(window.get(done..decided.safe).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
