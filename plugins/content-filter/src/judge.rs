//! Applies all rules to a stretch of text: what must stop, what is flagged, what is masked, and how much
//! of it is decided.
//!
//! Every decision about a position depends on the character before it and on a bounded text after it, and
//! is made only when that text is there; so cutting the text differently changes no decision. Rules that
//! stop or flag see every position, whatever is masked there. Masks are taken from left to right, the
//! longest first, without overlaps.

use crate::patterns::{Pattern, floor};
use crate::settings::{Action, Settings};
use crate::words::Hit;

/// What was decided about a stretch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The category that stops the exchange.
    pub stop: Option<usize>,
    /// The categories that were seen.
    pub seen: Vec<usize>,
    /// The ranges to be masked, all below `safe`.
    pub masks: Vec<(usize, usize)>,
    /// Everything before this is decided.
    pub safe: usize,
}

/// Judges `text` from the byte `from` on; what stands before that is only context. `last` says that
/// nothing more will join the text.
pub fn judge(settings: &Settings, text: &str, from: usize, last: bool) -> Judgement {
    let until = if last { text.len() } else { undecided_from(settings, text, from) };
    let hits = settings.words.hits(text, from, until);
    let mut out = Judgement { safe: until, ..Judgement::default() };

    let noted = |action: Action| matches!(action, Action::Stop | Action::Flag);
    for hit in &hits {
        note(settings, hit.rule, noted, &mut out);
    }
    for (pattern, rule) in &settings.patterns {
        let concerns = settings.rule(*rule).is_some_and(|r| {
            noted(r.action) && (r.action == Action::Stop || !out.seen.contains(&r.category))
        });
        if concerns && pattern.find(text, from, until).is_some() {
            note(settings, *rule, noted, &mut out);
        }
    }
    if out.stop.is_none() {
        mask(settings, text, from, until, &hits, &mut out);
    }
    out.seen.sort_unstable();
    out.seen.dedup();
    out
}

/// The first position whose decision needs text that has not come.
fn undecided_from(settings: &Settings, text: &str, from: usize) -> usize {
    let words = settings.words.held_from(text, from);
    if settings.patterns.is_empty() {
        return words;
    }
    let patterns = floor(text, (text.len() + 1).saturating_sub(Pattern::reach(settings.max)));
    words.min(patterns).max(from)
}

/// Records a match of a rule whose action is `wanted`.
fn note(settings: &Settings, rule: usize, wanted: impl Fn(Action) -> bool, out: &mut Judgement) {
    let Some(rule) = settings.rule(rule).filter(|r| wanted(r.action)) else { return };
    out.seen.push(rule.category);
    if rule.action == Action::Stop {
        out.stop.get_or_insert(rule.category);
    }
}

/// Takes the masks from left to right.
fn mask(settings: &Settings, text: &str, from: usize, until: usize, hits: &[Hit], out: &mut Judgement) {
    let masks = |rule: usize| settings.rule(rule).is_some_and(|r| r.action == Action::Mask);
    let mut words = hits.iter().filter(|h| masks(h.rule)).copied().peekable();
    // The next match of each pattern; searched again only once it has been passed.
    let find = |pattern: &Pattern, rule, from| {
        pattern.find(text, from, until).map(|(start, end)| Hit { start, end, rule })
    };
    let masking = settings.patterns.iter().filter(|(_, rule)| masks(*rule));
    let mut nexts: Vec<_> =
        masking.map(|(pattern, rule)| (pattern, *rule, find(pattern, *rule, from))).collect();
    let mut pos = from;
    loop {
        while words.next_if(|h| h.start < pos).is_some() {}
        for (pattern, rule, next) in &mut nexts {
            if next.is_some_and(|hit| hit.start < pos) {
                *next = find(pattern, *rule, pos);
            }
        }
        let candidates = nexts.iter().filter_map(|(_, _, next)| *next);
        let Some(best) = candidates
            .chain(words.peek().copied())
            .min_by_key(|h| (h.start, std::cmp::Reverse(h.end), h.rule))
        else {
            break;
        };
        if best.end > until {
            // It begins where all is decided and ends where not: hold it whole, and decide it again.
            out.safe = best.start;
            break;
        }
        out.masks.push((best.start, best.end));
        note(settings, best.rule, |_| true, out);
        pos = best.end;
    }
}

#[cfg(test)]
mod tests;
