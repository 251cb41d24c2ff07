//! One part of a text: what the rules decide and what the classifier finds, joined.
//!
//! Invariants: where a head of the classifier may stop or mask, no text is released before its unit is complete and
//! judged; elsewhere the classifier holds nothing. What was seen only ever rises.

use crate::classify::{Memory, Scored};
use crate::model::{Model, NAMES};
use crate::settings::{Action, Guard, Settings, Severity};
use crate::sums::HEADS;
use crate::view;
use crate::window::{Before, Change, Decided, decide};

/// The score of each category.
pub type Scores<'s> = Vec<(&'s str, f32)>;
/// The highest severity of each category that was seen.
pub type Severities<'s> = Vec<(&'s str, Severity)>;

/// What is kept of a text between its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// For the rules.
    pub before: Before,
    /// For the classifier.
    pub memory: Memory,
    /// The highest severity of each category so far: 0 for none, 1 for low and so on.
    pub levels: Vec<u8>,
}

impl State {
    /// The form that is kept.
    pub fn encode(&self) -> Vec<u8> {
        let before = self.before.encode();
        let mut out = vec![length(before.len()), length(self.levels.len())];
        out.extend(before);
        out.extend(&self.levels);
        out.extend(self.memory.encode());
        out
    }

    /// Reads what [`State::encode`] wrote; anything else is a fresh start.
    pub fn decode(bytes: &[u8]) -> State {
        let read = || {
            let ([before, levels], rest) = bytes.split_first_chunk()?;
            let (before, rest) = rest.split_at_checked(usize::from(*before))?;
            let (levels, rest) = rest.split_at_checked(usize::from(*levels))?;
            Some(State {
                before: Before::decode(before),
                memory: Memory::decode(rest),
                levels: levels.to_vec(),
            })
        };
        read().unwrap_or_default()
    }

    /// Takes over what another text rose to.
    pub fn join(&mut self, other: &State) {
        let scores = self.memory.scores.iter_mut().zip(other.memory.scores);
        scores.for_each(|(most, score)| *most = most.max(score));
        self.levels.resize(self.levels.len().max(other.levels.len()), 0);
        self.levels.iter_mut().zip(&other.levels).for_each(|(level, other)| *level = (*level).max(*other));
    }

    /// Whether anything was found.
    pub fn found(&self) -> bool {
        self.levels.iter().any(|level| *level > 0)
    }

    /// Notes a category with a severity.
    fn see(&mut self, category: usize, severity: Severity) {
        if self.levels.len() <= category {
            self.levels.resize(category + 1, 0);
        }
        if let Some(level) = self.levels.get_mut(category) {
            *level = (*level).max(severity as u8 + 1);
        }
    }

    /// The score of each category and the highest severity, by name; the first is "unwanted at all".
    pub fn scores<'s>(&self, settings: &'s Settings) -> (Scores<'s>, Severities<'s>) {
        let guards = settings.guards.iter();
        let mut scores: Vec<(&str, f32)> = guards
            .filter_map(|guard| Some((*NAMES.get(guard.head)?, *self.memory.scores.get(guard.head)?)))
            .collect();
        let mut seen: Vec<(&str, Severity)> = Vec::new();
        for (level, category) in self.levels.iter().zip(&settings.categories) {
            let severity = match level {
                0 => continue,
                1 => Severity::Low,
                2 => Severity::Medium,
                _ => Severity::High,
            };
            match seen.iter_mut().find(|(name, _)| *name == category.name) {
                Some((_, known)) => *known = severity.max(*known),
                None => seen.push((&category.name, severity)),
            }
        }
        if let Some((_, severity)) = seen.iter().find(|(name, _)| *name == "profanity") {
            scores.push(("profanity", if *severity == Severity::Low { MILD } else { PROFANE }));
        }
        (scores, seen)
    }

    /// How probable it is that anything is unwanted.
    pub fn score(&self, settings: &Settings) -> f32 {
        let [any, ..] = self.memory.scores;
        let any = if settings.guards.is_empty() { 0.0 } else { any };
        let (scores, _) = self.scores(settings);
        // Swearing by itself is little; what else is in the text says more.
        let profane =
            scores.iter().filter(|(name, _)| *name == "profanity").map(|(_, score)| score * SWEARING);
        profane.fold(any, f32::max)
    }
}

/// Scores of swear words.
const MILD: f32 = 0.4;
const PROFANE: f32 = 0.9;
/// What swearing counts for in the score of everything.
const SWEARING: f32 = 0.2;

/// The classifier with what it is for; judges nothing when no head is looked at.
pub fn inspect(
    settings: &Settings,
    model: Option<&Model>,
    text: &str,
    json: bool,
    last: bool,
    state: &mut State,
) -> Decided {
    let before = state.before;
    let mut decided = decide(settings, text, json, last, before);
    for category in &decided.seen {
        let severity = settings.categories.get(*category).map_or(Severity::Low, |c| c.severity);
        state.see(*category, severity);
    }
    let Some(model) = model.filter(|_| !settings.guards.is_empty()) else {
        state.before = decided.before;
        return decided;
    };
    let hold = settings.guards.iter().any(|guard| matches!(guard.action, Action::Stop | Action::Mask));
    let units = state.memory.advance(model, text, last, hold, decided.safe);
    if hold && !last {
        let done = units.last().map_or(0, |unit| unit.end);
        hold_from(&mut decided, text, json, before, done);
    }
    for unit in &units {
        let (mut stop, mut mask) = (None, false);
        for guard in &settings.guards {
            let Some(severity) = severity_of(guard, &unit.scores) else { continue };
            state.see(guard.category, severity);
            if severity >= guard.min_severity {
                stop = stop.or((guard.action == Action::Stop).then_some(guard.category));
                mask |= guard.action == Action::Mask && is_at_fault(guard, unit);
            }
        }
        decided.stop = decided.stop.or(stop);
        // In a JSON text a whole unit cannot give way without breaking it.
        if mask && !json {
            mask_unit(&mut decided, text, unit.start, unit.end, &settings.mask);
        }
    }
    state.before = decided.before;
    decided
}

/// Whether a unit is what the score is about, and does not merely stand behind it.
fn is_at_fault(guard: &Guard, unit: &Scored) -> bool {
    let of = |scores: &[f32; HEADS]| scores.get(guard.head).copied().unwrap_or(0.0);
    of(&unit.alone) >= guard.threshold || of(&unit.scores) > of(&unit.before)
}

fn severity_of(guard: &Guard, scores: &[f32; HEADS]) -> Option<Severity> {
    guard.severity(*scores.get(guard.head)?)
}

/// Releases nothing from `done` on, nor a mask that crosses it.
fn hold_from(decided: &mut Decided, text: &str, json: bool, before: Before, done: usize) {
    if done >= decided.safe {
        return;
    }
    let crossing = decided.changes.iter().find(|change| change.start < done && change.end > done);
    let safe = crossing.map_or(done, |change| change.start);
    decided.changes.retain(|change| change.end <= safe);
    decided.safe = safe;
    decided.before = at(text, json, before, safe);
}

/// What stands before the byte `safe` of a text.
fn at(text: &str, json: bool, before: Before, safe: usize) -> Before {
    let released = text.get(..safe).unwrap_or_default();
    if released.is_empty() {
        return before;
    }
    let char = |text: &str| text.chars().next_back();
    if !json {
        return Before { char: char(released), in_string: false };
    }
    let stretches = view::json(released, before.in_string, true);
    let first = stretches.len() == 1;
    stretches.last().map_or(before, |open| Before {
        char: char(&open.text).or(before.char.filter(|_| first)),
        in_string: open.form == view::Form::Quoted,
    })
}

/// Puts the mask in place of a whole unit but the white space around it.
fn mask_unit(decided: &mut Decided, text: &str, start: usize, end: usize, mask: &str) {
    let unit = text.get(start..end).unwrap_or_default();
    let lead = unit.len() - unit.trim_start().len();
    let (from, to) = (start + lead, start + unit.trim_end().len());
    if from < to && to <= decided.safe {
        decided.changes.retain(|change| change.end <= from || change.start >= to);
        let place = decided.changes.partition_point(|change| change.start < from);
        decided.changes.insert(place, Change { start: from, end: to, to: mask.to_owned() });
    }
}

fn length(len: usize) -> u8 {
    u8::try_from(len).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
