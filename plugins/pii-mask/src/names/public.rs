//! Tells places that everybody knows from those that say where somebody is.
//!
//! "What is the capital of France?" is about nobody, and a placeholder in it could not be answered. A country, a
//! continent, a capital or a city of millions is a public place as long as its sentence is about nobody; otherwise it
//! stays the location that the tagger found. Never makes anything public that is not in `data/public-places.txt`,
//! and nothing in a field of a record.

use crate::detect::Found;
use crate::detect::entity::{LOCATION, ORGANIZATION, PUBLIC_PLACE, is_impersonal};

const BUILT_IN: &str = include_str!("../../data/public-places.txt");
/// So far a sentence is followed, in bytes.
const FAR: usize = 400;
/// The longest name that is looked up.
const LONGEST: usize = 48;
/// A sentence with one of these is about somebody: a city in it is where somebody is. Of countries, which say little
/// by themselves, a private value says that alone.
const SOMEBODY: &[&str] = &[
    "i", "my", "mine", "we", "our", "ours", "us", "he", "his", "him", "she", "her", "hers", "live", "lives",
    "lived", "living", "born", "resident", "resides", "home", "address", "im",
];

/// The places, each list in order.
#[derive(Debug)]
pub struct Places {
    countries: Vec<&'static str>,
    others: Vec<&'static str>,
}

impl Places {
    /// The places that ship with the plugin.
    pub fn built_in() -> Places {
        let (countries, others) = BUILT_IN.split_once("\n\n").unwrap_or_default();
        Places { countries: countries.lines().collect(), others: others.lines().collect() }
    }

    /// Makes public places of the locations among `finds`, which are in order, that stand in sentences about nobody.
    pub fn settle(&self, text: &str, lead: &str, finds: &mut [Found]) {
        // A place is of no weight for another: both may be public.
        let open = |f: &Found| f.kind == LOCATION && self.knows(text, f).is_some();
        let weighs = |f: &Found| !is_impersonal(f.kind) && f.kind != ORGANIZATION && !open(f);
        let Some(first) = finds.iter().position(open) else { return };
        let weights: Vec<bool> = finds.iter().map(weighs).collect();
        for n in first..finds.len() {
            let Some(found) = finds.get(n).copied().filter(open) else { continue };
            // A field of a record says whose it is.
            let field = !lead.is_empty() && text.trim().len() <= found.end - found.start + 2;
            let Some((start, end)) = sentence(text, found.start, found.end).filter(|_| !field) else {
                continue;
            };
            let from = finds.partition_point(|other| other.end <= start);
            let near = finds.iter().zip(&weights).skip(from).take_while(|(other, _)| other.start < end);
            let private = near.into_iter().any(|(_, weighs)| *weighs);
            let country = self.knows(text, &found) == Some(true);
            let about = || !country && is_about_somebody(text.get(start..end).unwrap_or(text));
            if !private && !about() {
                finds.iter_mut().skip(n).take(1).for_each(|f| f.kind = PUBLIC_PLACE);
            }
        }
    }

    /// Whether a find's text is in the lists, and whether in the one of countries.
    fn knows(&self, text: &str, found: &Found) -> Option<bool> {
        let value = text.get(found.start..found.end).filter(|value| value.len() <= LONGEST)?.to_lowercase();
        let value = value.strip_prefix("the ").unwrap_or(&value);
        let within = |list: &[&str]| list.binary_search(&value).is_ok();
        if within(&self.countries) { Some(true) } else { within(&self.others).then_some(false) }
    }
}

/// The sentence around `start..end`, with the lines next to its line: forms and letter heads have no sentences. `None`
/// where it is too long to be sure.
fn sentence(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let b = text.as_bytes();
    let floor = start.saturating_sub(FAR);
    let from = match edge(b, (floor..start).rev()) {
        Some(i) => i + 1,
        None => (floor == 0).then_some(0)?,
    };
    let ceiling = b.len().min(end + FAR);
    let to = edge(b, end..ceiling).or_else(|| (ceiling == b.len()).then_some(ceiling))?;
    Some((from, to))
}

/// The first place of these where a sentence ends, or the line after the next line.
fn edge(b: &[u8], mut places: impl Iterator<Item = usize>) -> Option<usize> {
    let mut lines = 0;
    places.find(|i| {
        let before = |n: usize| i.checked_sub(n).and_then(|k| b.get(k));
        let spaced = b.get(i + 1).is_none_or(u8::is_ascii_whitespace);
        match b.get(*i) {
            Some(b'\n') => {
                lines += 1;
                lines > 1 || before(1) == Some(&b'\n')
            }
            Some(b'?' | b'!') => spaced,
            // `U.S. `, `Dr. `: a letter or two before a dot are no sentence's end.
            Some(b'.') => spaced && (1..=3).all(|n| before(n).is_some_and(u8::is_ascii_alphanumeric)),
            _ => false,
        }
    })
}

fn is_about_somebody(sentence: &str) -> bool {
    let words = sentence.split(|c: char| !c.is_ascii_alphanumeric());
    let known = |word: &str| SOMEBODY.iter().any(|known| word.eq_ignore_ascii_case(known)) && word != "US";
    words.filter(|word| word.len() <= 8).any(known)
}

#[cfg(test)]
mod tests;
