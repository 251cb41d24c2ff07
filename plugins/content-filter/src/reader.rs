//! Reads the words of a unit the way a person does: folded, `l33t` undone, letters spelled one by one joined.
//!
//! Invariants: a pure function of the unit; the work is linear. Changing anything here makes the shipped weights
//! worth less: train again.

use text_kit::ascii;
use text_kit::fold::{Fold, fold};

/// So many single letters in a row are a spelled-out word.
const SPELLED: usize = 3;
/// Longer words are cut.
const LONGEST: usize = 32;

/// Calls `each` with every word.
pub fn words(unit: &str, mut each: impl FnMut(&str)) {
    let mut reader =
        Reader { word: String::with_capacity(LONGEST), spelled: String::new(), disguised: false };
    let mut rest = unit;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphanumeric() {
            let (run, after) = rest.split_at(ascii::alphanumerics(rest.as_bytes()));
            rest = after;
            if reader.word.is_empty() && is_whole(run, after) {
                reader.end_spelling(&mut each);
                each(run);
            } else {
                reader.plain(run);
            }
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match fold(c) {
            Fold::Letter(letter) | Fold::Tag(letter) => {
                reader.disguised |= !letter.is_alphabetic();
                reader.push(letter);
            }
            Fold::Gone => {}
            Fold::Word(c) => {
                reader.end(&mut each);
                reader.push(c);
                reader.end(&mut each);
            }
            Fold::Gap => {
                let next = || rest.chars().next();
                let inside =
                    !reader.word.is_empty() && next().is_some_and(|c| c.is_alphanumeric() || c == '*');
                match c {
                    '\'' | '’' | 'ʼ' if inside => {}
                    '@' | '$' | '*' if inside || c == '$' && reader.word.is_empty() => {
                        reader.disguised = true;
                        reader.push(c);
                    }
                    _ => reader.end(&mut each),
                }
            }
        }
    }
    reader.end(&mut each);
    reader.end_spelling(&mut each);
}

struct Reader {
    word: String,
    /// Single letters in a row that may spell a word.
    spelled: String,
    /// Whether digits or signs stand in the word.
    disguised: bool,
}

impl Reader {
    /// Takes in a run of plain letters and digits: what nearly all of nearly all texts is.
    fn plain(&mut self, run: &str) {
        self.disguised |= run.bytes().any(|byte| byte.is_ascii_digit());
        let from = self.word.len();
        self.word.push_str(run.get(..run.len().min(LONGEST.saturating_sub(from))).unwrap_or_default());
        if let Some(run) = self.word.get_mut(from..) {
            run.make_ascii_lowercase();
        }
    }

    fn push(&mut self, c: char) {
        if self.word.len() < LONGEST {
            self.word.push(c);
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&str)) {
        if self.word.is_empty() {
            return;
        }
        if self.word.len() == 1 && self.word.bytes().all(|c| c.is_ascii_lowercase()) {
            self.spelled.push_str(&self.word);
        } else {
            self.end_spelling(each);
            if self.disguised && self.word.bytes().any(|c| c.is_ascii_alphabetic()) {
                let plain: String = self.word.chars().map(unleet).collect();
                each(&plain);
            } else {
                each(&self.word);
            }
        }
        self.word.clear();
        self.disguised = false;
    }

    fn end_spelling(&mut self, each: &mut impl FnMut(&str)) {
        if self.spelled.len() >= SPELLED {
            each(&self.spelled);
        } else {
            (0..self.spelled.len()).filter_map(|at| self.spelled.get(at..=at)).for_each(each);
        }
        self.spelled.clear();
    }
}

/// Whether a run at the beginning of a word is all of it, and reads as it is written.
fn is_whole(run: &str, after: &str) -> bool {
    let ends = |next: &u8| next.is_ascii() && !matches!(next, b'\'' | b'@' | b'$' | b'*');
    (2..=LONGEST).contains(&run.len())
        && after.as_bytes().first().is_none_or(ends)
        && ascii::small_letters(run.as_bytes()) == run.len()
}

/// The letter that a digit or sign imitates.
fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '*' => 'u',
        c => c,
    }
}

#[cfg(test)]
mod tests;
