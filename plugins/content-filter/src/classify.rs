//! Runs the classifier along a text as it comes, unit by unit, and keeps what the next part of the text needs.
//!
//! Invariant: a unit is judged once, when it is complete, by its own text and the sums of the units before it; so
//! however a stream is cut, the same units get the same scores. So does the text as it stands: what is known of it is
//! the sums of its units and its loudest windows. Never keeps more than one incomplete unit of text.

use crate::model::{Model, UNITS, window_of};
use crate::sums::{HEADS, Sum, Whole};
use crate::units::units;

/// Bytes of a sum as it is kept.
const KEPT: usize = 4 * HEADS + 16;
/// Bytes of what is kept of the whole text.
const WHOLE: usize = 12 * HEADS + 8;

/// What is kept of a text between its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The released beginning of a unit that is not complete.
    pub pending: String,
    /// The newest units.
    sums: Vec<Sum>,
    /// What is known of all of it.
    whole: Whole,
    /// The scores of all of it, as far as it has come.
    pub scores: [f32; HEADS],
}

/// A unit, where it lies in the text with what was pending before it, and its scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// A probability a head.
    pub scores: [f32; HEADS],
    /// The same of the unit alone, and of what stood before it.
    pub alone: [f32; HEADS],
    pub before: [f32; HEADS],
}

impl Memory {
    /// Judges the units that are complete. Where nothing may be released before it is judged (`hold`), nothing is
    /// pending either, and units beyond `until` wait.
    pub fn advance(
        &mut self,
        model: &Model,
        text: &str,
        last: bool,
        hold: bool,
        until: usize,
    ) -> Vec<Scored> {
        let joined;
        let text = if self.pending.is_empty() {
            text
        } else {
            joined = format!("{}{text}", self.pending);
            &joined
        };
        let mut out = Vec::new();
        let mut done = 0;
        let mut reading = model.reading(text.len());
        for (start, end) in units(text, last) {
            if hold && end > until {
                break;
            }
            self.sums.push(model.unit(&mut reading, text.get(start..end).unwrap_or_default()));
            let keep = window_of(self.sums.iter().map(|sum| sum.words));
            self.sums.drain(..self.sums.len() - keep);
            let margins = model.margins(&self.sums);
            self.whole.hear(margins);
            self.sums.last().into_iter().for_each(|unit| self.whole.add(unit));
            let scores = model.verdict(&Whole::of(&self.sums, margins));
            let (mut alone, mut before) = ([0.0; HEADS], [0.0; HEADS]);
            if let Some((unit, earlier)) = self.sums.split_last().filter(|_| hold) {
                alone = model.probabilities(std::slice::from_ref(unit));
                before = model.probabilities(earlier);
            }
            out.push(Scored { start, end, scores, alone, before });
            done = end;
        }
        if !out.is_empty() {
            self.scores = model.verdict(&self.whole);
        }
        let pending = if hold { String::new() } else { text.get(done..).unwrap_or_default().to_owned() };
        self.pending = pending;
        out
    }

    /// The form that is kept.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(WHOLE + 1 + self.sums.len() * KEPT + self.pending.len());
        let whole = self.whole;
        for numbers in [self.scores, whole.loudest, whole.heads] {
            out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        out.extend(whole.features.to_le_bytes());
        out.extend(whole.words.to_le_bytes());
        out.push(u8::try_from(self.sums.len()).unwrap_or(0));
        for sum in &self.sums {
            out.extend(sum.heads.iter().flat_map(|weight| weight.to_le_bytes()));
            out.extend(sum.features.to_le_bytes());
            out.extend(sum.words.to_le_bytes());
            out.extend(sum.classes.to_le_bytes());
        }
        out.extend(self.pending.bytes());
        out
    }

    /// Reads what [`Memory::encode`] wrote; anything else is a fresh start.
    pub fn decode(bytes: &[u8]) -> Memory {
        Self::read(bytes).unwrap_or_default()
    }

    fn read(mut bytes: &[u8]) -> Option<Memory> {
        let mut memory = Memory::default();
        let Memory { scores, whole, .. } = &mut memory;
        for number in scores.iter_mut().chain(&mut whole.loudest).chain(&mut whole.heads) {
            *number = f32::from_le_bytes(take(&mut bytes)?);
        }
        whole.features = f32::from_le_bytes(take(&mut bytes)?);
        whole.words = f32::from_le_bytes(take(&mut bytes)?);
        let [count] = take(&mut bytes)?;
        for _ in 0..usize::from(count).min(UNITS) {
            let mut sum = Sum::default();
            for weight in &mut sum.heads {
                *weight = f32::from_le_bytes(take(&mut bytes)?);
            }
            sum.features = u32::from_le_bytes(take(&mut bytes)?);
            sum.words = u32::from_le_bytes(take(&mut bytes)?);
            sum.classes = u64::from_le_bytes(take(&mut bytes)?);
            memory.sums.push(sum);
        }
        memory.pending = std::str::from_utf8(bytes).ok()?.to_owned();
        Some(memory)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests;
