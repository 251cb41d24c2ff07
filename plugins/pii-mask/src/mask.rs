//! Plans and writes the masked request: first everything is found, then anything is changed.
//!
//! Finding comes first because a rejection must leave nothing half done, and because a placeholder must
//! not be one that a later text contains by itself. JSON stays JSON: inside a document only the insides of
//! strings and whole bare numbers are replaced.

use crate::detect::entity::is_impersonal;
use crate::detect::{Detector, Found};
use crate::digest;
use crate::fake;
use crate::json::{escape_into, is_document, pieces, unescape};
use crate::names::again::Again;
use crate::names::is_kind;
use crate::settings::{Action, Settings};
use crate::vault::Vault;
use std::collections::BTreeMap;

/// How a find is written, which decides how its replacement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As it is.
    Plain,
    /// Inside a JSON string.
    Quoted,
    /// A bare JSON number: the replacement brings its quotes.
    Bare,
}

/// A find in a text of the request.
#[derive(Debug)]
struct Hit {
    start: usize,
    end: usize,
    kind: usize,
    /// How sure it is, per cent.
    score: u8,
    form: Form,
    /// The value, where it is not what the raw text says.
    decoded: Option<String>,
}

/// What was found in all texts of a request.
#[derive(Debug)]
pub struct Plan {
    hits: Vec<Vec<Hit>>,
    counts: Vec<usize>,
}

impl Plan {
    /// Looks through the texts.
    pub fn new<'a>(settings: &Settings, texts: impl Iterator<Item = &'a str>) -> Plan {
        let texts: Vec<&str> = texts.collect();
        let mut hits: Vec<Vec<Hit>> = texts
            .iter()
            .map(|text| {
                find(
                    text,
                    |text, lead, words| {
                        if words { settings.find(text, lead) } else { settings.values(text, lead) }
                    },
                )
            })
            .collect();
        repeat(settings, &texts, &mut hits);
        let mut counts = vec![0; settings.kinds().len()];
        for hit in hits.iter().flatten() {
            if let Some(count) = counts.get_mut(hit.kind) {
                *count += 1;
            }
        }
        Plan { hits, counts }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.hits.iter().all(Vec::is_empty)
    }

    /// Whether every text stays as it is.
    pub fn changes_nothing(&self, settings: &Settings) -> bool {
        let stays = |kind: usize| settings.kind(kind).is_none_or(|k| k.action == Action::Flag);
        self.counts().all(|(kind, _)| stays(kind))
    }

    /// How often each kind was found: the kind's index and the count, where it is not zero.
    pub fn counts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.counts.iter().copied().enumerate().filter(|&(_, count)| count > 0)
    }

    /// The name of a kind that was found and is to be refused.
    pub fn refused<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        let mut found = self.counts().filter_map(|(kind, _)| settings.kind(kind));
        found.find(|kind| kind.action == Action::Reject).map(|kind| kind.name.as_str())
    }

    /// The text number `n` with its finds replaced, or `None` when it stays as it is.
    pub fn rewrite(&self, settings: &Settings, n: usize, text: &str, vault: &mut Vault) -> Option<String> {
        let mut out = String::new();
        let mut done = 0;
        for hit in self.hits.get(n)? {
            let raw = text.get(hit.start..hit.end)?;
            let value = hit.decoded.as_deref().unwrap_or(raw);
            let Some(to) = replacement(settings, hit.kind, value, vault) else { continue };
            out.push_str(text.get(done..hit.start)?);
            match hit.form {
                Form::Plain => out.push_str(&to),
                Form::Quoted => escape_into(&mut out, &to),
                Form::Bare if settings.kind(hit.kind).is_some_and(|k| k.action == Action::Replace) => {
                    out.push_str(&to);
                }
                Form::Bare => {
                    out.push('"');
                    escape_into(&mut out, &to);
                    out.push('"');
                }
            }
            done = hit.end;
        }
        if done == 0 {
            return None;
        }
        out.push_str(text.get(done..)?);
        Some(out)
    }
}

/// What stands in place of a value; `None` when the value stays.
fn replacement(settings: &Settings, kind: usize, value: &str, vault: &mut Vault) -> Option<String> {
    let entity = settings.kind(kind)?;
    match entity.action {
        Action::Mask => Some(vault.placeholder(kind, &entity.label, value)),
        Action::Redact => Some(format!("[{} REDACTED]", entity.label)),
        Action::Hash => {
            let digest = digest::of(&settings.key, &settings.salt, &entity.label, value);
            let prefix = digest.iter().take(6).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
            Some(format!("<{}:{prefix:012x}>", entity.label))
        }
        Action::Replace => Some(vault.fake(kind, value, |n| fake::of(settings, kind, value, n))),
        Action::Reject | Action::Flag => None,
    }
}

/// Finds the names that were found anywhere wherever else they stand.
fn repeat(settings: &Settings, texts: &[&str], hits: &mut [Vec<Hit>]) {
    let Some(names) = settings.names() else { return };
    let kinds = agreed(texts, hits);
    let mut again = Again::default();
    for (value, (_, _, kind)) in &kinds {
        again.add(names, value, *kind);
    }
    if again.is_empty() {
        return;
    }
    for (text, hits) in texts.iter().zip(hits) {
        let others = find(text, |text, lead, words| {
            let mut found = Vec::new();
            if words {
                again.detect(text, lead, &mut found);
            }
            settings.without_allowed(text, found)
        });
        for other in others {
            let from = hits.partition_point(|hit| hit.end <= other.start);
            let to = hits.partition_point(|hit| hit.start < other.end);
            let within = |hit: &Hit| is_kind(hit.kind) && hit.start >= other.start && hit.end <= other.end;
            // What identifies nobody and stays hides no name.
            let stays = |hit: &Hit| settings.kind(hit.kind).is_some_and(|k| k.action == Action::Flag);
            let idle = |hit: &Hit| is_impersonal(hit.kind) && stays(hit);
            let inside = |hit: &Hit| within(hit) || idle(hit);
            let equal = |hit: &Hit| hit.start == other.start && hit.end == other.end && !idle(hit);
            // A whole name takes the place of the parts of it that were found.
            if hits.get(from..to).is_some_and(|over| over.iter().all(inside) && !over.iter().any(equal)) {
                hits.splice(from..to, [other]);
            }
        }
    }
}

/// The names that were found, each with its best score and kind, which becomes the kind of all its occurrences: the same
/// value has one placeholder. A place that is private anywhere is public nowhere.
fn agreed(texts: &[&str], hits: &mut [Vec<Hit>]) -> BTreeMap<String, (bool, u8, usize)> {
    let value = |text: &str, hit: &Hit| {
        let raw = text.get(hit.start..hit.end).unwrap_or_default();
        hit.decoded.clone().unwrap_or_else(|| raw.to_owned())
    };
    let mut kinds = BTreeMap::new();
    for (text, hits) in texts.iter().zip(hits.iter()) {
        for hit in hits.iter().filter(|hit| is_kind(hit.kind)) {
            let rank = (!is_impersonal(hit.kind), hit.score, hit.kind);
            let best = kinds.entry(value(text, hit)).or_insert(rank);
            *best = (*best).max(rank);
        }
    }
    for (text, hits) in texts.iter().zip(hits) {
        for hit in hits.iter_mut().filter(|hit| is_kind(hit.kind)) {
            hit.kind = kinds.get(&value(text, hit)).map_or(hit.kind, |(_, _, kind)| *kind);
        }
    }
    kinds
}

/// Everything that `look` finds in one text: it is shown a part, the key before it, and whether it is words.
fn find(text: &str, look: impl Fn(&str, &str, bool) -> Vec<Found>) -> Vec<Hit> {
    if !is_document(text) {
        return look(text, "", true).into_iter().map(|f| hit(&f, 0, Form::Plain, None)).collect();
    }
    let mut hits = Vec::new();
    let mut key = String::new();
    let pieces = pieces(text);
    for (n, piece) in pieces.iter().enumerate() {
        let raw = text.get(piece.start..piece.end).unwrap_or_default();
        if !piece.string {
            let bare = |f: &Found| is_whole_number(raw.as_bytes(), f.start, f.end);
            let found = look(raw, &key, false).into_iter().filter(bare);
            hits.extend(found.map(|f| hit(&f, piece.start, Form::Bare, None)));
            continue;
        }
        let next = pieces.get(n + 1).and_then(|next| text.get(next.start..next.end)).unwrap_or_default();
        let is_key = next.trim_start().trim_start_matches('"').trim_start().starts_with(':');
        let lead = if is_key { "" } else { key.as_str() };
        // A key is a name only if it cannot be a field.
        let field = is_key && !raw.contains(' ');
        let first = hits.len();
        if raw.contains('\\') {
            escaped(&look, piece.start, raw, lead, &mut hits);
        } else {
            let found = look(raw, lead, true);
            hits.extend(found.iter().map(|f| hit(f, piece.start, Form::Quoted, None)));
        }
        if field {
            let ours = hits.split_off(first);
            hits.extend(ours.into_iter().filter(|hit| !is_kind(hit.kind) && !is_impersonal(hit.kind)));
        }
        if is_key {
            raw.clone_into(&mut key);
        }
    }
    hits
}

fn hit(f: &Found, offset: usize, form: Form, decoded: Option<String>) -> Hit {
    Hit { start: offset + f.start, end: offset + f.end, kind: f.kind, score: f.score, form, decoded }
}

/// What is private in the inside of a string that has escapes.
fn escaped(
    look: impl Fn(&str, &str, bool) -> Vec<Found>,
    offset: usize,
    raw: &str,
    lead: &str,
    hits: &mut Vec<Hit>,
) {
    let Some((text, from)) = unescape(raw) else { return };
    for f in look(&text, lead, true) {
        let ends = (from.get(f.start), from.get(f.end), text.get(f.start..f.end));
        if let (Some(&start), Some(&end), Some(value)) = ends {
            hits.push(hit(&Found { start, end, ..f }, offset, Form::Quoted, Some(value.to_owned())));
        }
    }
}

/// Whether the range is all of a JSON number, so that a string may stand in its place.
fn is_whole_number(b: &[u8], start: usize, end: usize) -> bool {
    let delimits = |c: Option<&u8>| {
        c.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, b',' | b':' | b'[' | b']' | b'{' | b'}'))
    };
    let digits = b.get(start..end).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    digits && delimits(start.checked_sub(1).and_then(|k| b.get(k))) && delimits(b.get(end))
}

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
