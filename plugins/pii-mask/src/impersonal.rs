//! Finds what identifies nobody by itself and is written by rule: dates and times, URLs and domains, professions behind
//! names.
//!
//! It runs last and only beside what was found before: it never hides a private value. Most bytes of a text cost it
//! an eighth of a look. Places that everybody knows belong to names
//! (`names::public`).

mod link;
mod title;
mod when;

use crate::detect::Found;
use crate::detect::entity::{DATE_TIME, PERSON, TITLE, URL};
use text_kit::ascii;

/// How sure these finds are: they are what they look like.
const SCORE: u8 = 80;
/// The bytes that a date or a URL can be recognised by: signs and digits from `.` to `:`, and the end of a day.
const TRIGGERS: [[u8; 2]; 3] = [*b".:", *b"yy", *b"YY"];

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Impersonal {
    dates: bool,
    urls: bool,
    titles: bool,
    threshold: u8,
}

impl Impersonal {
    /// For the entities whose bit is set; `None` when there is none of these.
    pub fn new(on: u128, threshold: u8) -> Option<Impersonal> {
        let has = |kind: usize| on >> kind & 1 == 1;
        let (dates, urls, titles) = (has(DATE_TIME), has(URL), has(TITLE));
        (dates || urls || titles).then_some(Impersonal { dates, urls, titles, threshold })
    }

    /// Appends what is found beside the finds in `out`, which are in order, and puts all in order.
    pub fn detect(&self, text: &str, out: &mut Vec<Found>) {
        if self.threshold > SCORE {
            return;
        }
        let b = text.as_bytes();
        if self.titles {
            titles(text, out);
        }
        let known = out.len();
        let (mut i, mut floor, mut near) = (0, 0, 0);
        while let Some(step) = b.get(i..).and_then(|rest| ascii::find(rest, TRIGGERS)) {
            i += step;
            let (kind, found) = match b.get(i) {
                Some(b':') if self.urls => (URL, link::with_scheme(b, i)),
                Some(b'.') if self.urls => (URL, link::domain(b, i)),
                Some(b'y' | b'Y') if self.dates => (DATE_TIME, when::weekday(b, i)),
                Some(b'0'..=b'9') if self.dates => (DATE_TIME, when::number(b, i)),
                _ => (URL, None),
            };
            let digits = b.get(i..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
            let next = i + digits.max(1);
            let Some((start, end)) = found.filter(|(start, _)| *start >= floor) else {
                i = next;
                continue;
            };
            while out.get(near).is_some_and(|f| near < known && f.end <= start) {
                near += 1;
            }
            let other = out.get(near).filter(|f| near < known && f.start < end);
            // The first part of a URL that holds something private is still one.
            let end = other.map_or(end, |f| if kind == URL { f.start } else { start });
            if end > start {
                out.push(Found { start, end, kind, score: SCORE });
                floor = end;
            }
            i = next.max(end);
        }
        if out.len() > known {
            out.sort_unstable_by_key(|f| f.start);
        }
    }
}

/// Puts the titles behind the names in `out` in their places.
fn titles(text: &str, out: &mut Vec<Found>) {
    let known = out.len();
    for n in 0..known {
        let Some(person) = out.get(n).copied().filter(|f| f.kind == PERSON) else { continue };
        let Some((start, end)) = title::behind(text, person.end) else { continue };
        if out.get(n + 1).is_none_or(|next| n + 1 >= known || next.start >= end) {
            out.push(Found { start, end, kind: TITLE, score: SCORE });
        }
    }
    if out.len() > known {
        out.sort_unstable_by_key(|f| f.start);
    }
}

#[cfg(test)]
mod tests;
