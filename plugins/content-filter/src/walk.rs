//! Reads a text from one position along the tree of words, through disguises: `l33t`, look-alikes, invisible characters,
//! repeated letters, stars, letters and parts set apart.
//!
//! What is no disguise but another word is not taken: see [`Trail::is_word`]. Invariant: what a walk finds depends on the
//! text from its start to one character past its furthest step; where that has not come, it says so.

use crate::trie::{End, Letter, Trie, is_unspaced, letter};
use std::sync::LazyLock;

/// Signs between two letters at most.
const SIGNS: u8 = 3;
/// Invisible characters in a row, and repetitions of a letter, at most.
const RUN: u8 = 24;
/// Ways to read one start at most: a bound on work, never reached by ordinary text.
const STEPS: usize = 400;
/// Letters that are seldom doubled: two of them may stand for one.
const SELDOM: &str = "aiuhjkqvwxyz";
/// Short words of everyday: parts that are all of these are words, not a split one.
const EVERYDAY: &str = " a i o u an as at am be by do go he hi if in is it me mi my no of oh ok on or so to up us we al el la le de \
    en es un da du et il im ja la los las les des der die das den dem du er sie es con que por una uno per che non the and \
    for are but not you all any can had her was one our out day get has him his how man new now old see two way who boy did \
    its let put say she too use pen rap hit cut cum con bit ten tin pot pin sin sun son ten tit top tap nut put part her ring \
    red fox king sing ping ding wing that this with have from they been were your what when will would there their about ";

/// A word that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The byte after its last.
    pub end: usize,
    /// Its rule.
    pub rule: usize,
}

/// How a walk came where it is.
#[derive(Clone, Copy, Debug)]
pub struct Trail {
    node: u32,
    start: usize,
    at: usize,
    /// Letters read, those among them that are plainly written, that are digits, that are stars.
    letters: u8,
    plain: u8,
    digits: u8,
    stars: u8,
    /// The last letter, and how often in a row the text and the word have it.
    last: char,
    in_text: u8,
    in_word: u8,
    /// Parts so far, the beginning of this one, whether all before had one letter, and whether any was no word.
    parts: u8,
    part: usize,
    singles: bool,
    odd: bool,
    /// Whether a line ended between two parts.
    lines: bool,
    /// Invisible characters in a row.
    gone: u8,
}

/// What a walk tells.
#[derive(Debug, Default)]
pub struct Walk {
    /// The words that start here.
    pub found: Vec<Found>,
    /// Whether more text could still make a word or unmake one.
    pub open: bool,
}

/// Bytes that a walk may read, given the letters of the longest word.
pub fn reach(longest: usize) -> usize {
    (longest + 1) * 4 * (2 * usize::from(RUN) + usize::from(SIGNS) + 1)
}

/// Reads the words that start at the byte `start`.
///
/// `todo` is room to work in: what is in it is thrown away.
pub fn walk(trie: &Trie, text: &str, start: usize, last: bool, todo: &mut Vec<Trail>) -> Walk {
    let mut walk = Walk::default();
    let first = Trail {
        node: 0,
        start,
        at: start,
        letters: 0,
        plain: 0,
        digits: 0,
        stars: 0,
        last: '\0',
        in_text: 0,
        in_word: 0,
        parts: 1,
        part: start,
        singles: true,
        odd: false,
        lines: false,
        gone: 0,
    };
    todo.clear();
    todo.push(first);
    let mut steps = 0;
    while let Some(trail) = todo.pop() {
        steps += 1;
        if steps > STEPS {
            break;
        }
        trail.ends(trie, text, last, &mut walk);
        trail.step(trie, text, last, todo, &mut walk.open);
    }
    walk
}

impl Trail {
    /// Notes the words that end here.
    fn ends(&self, trie: &Trie, text: &str, last: bool, walk: &mut Walk) {
        let ends = trie.node(self.node).map_or(&[][..], |node| &node.ends);
        if ends.is_empty() || !self.run_is_right() {
            return;
        }
        let mut after =
            text.get(self.at..).unwrap_or_default().chars().filter(|c| letter(*c) != Letter::Gone);
        let next = after.next();
        if next.is_none() && !last {
            walk.open = true;
            return;
        }
        if !ends.iter().any(|end| self.is_word(end, text, next)) {
            return;
        }
        if self.parts > 1 && self.letters < 4 && !is_unspaced(self.last) {
            let rest: Vec<char> = text.get(self.at..).unwrap_or_default().chars().take(3).collect();
            walk.open |= rest.len() < 3 && !last;
            if walk.open || self.is_in_a_row(text, &rest) {
                return;
            }
        }
        for end in ends.iter().filter(|end| self.is_word(end, text, next)) {
            let found = Found { end: self.at, rule: end.rule };
            if !walk.found.contains(&found) {
                walk.found.push(found);
            }
        }
    }

    /// Whether what was read is this word, and not something else that looks a little like it.
    fn is_word(&self, end: &End, text: &str, next: Option<char>) -> bool {
        let ends_here = next.is_none_or(|next| end.anywhere || !continues(self.last, next));
        let disguised = self.letters - self.plain;
        let readable = self.plain > 0 || self.digits == 0;
        let stars = self.stars == 0 || self.letters >= 4 && self.stars * 2 <= self.letters;
        let whole = match self.parts {
            1 => true,
            _ if self.singles && self.part_len(text) == 1 => {
                (self.letters >= 3 || is_unspaced(self.last)) && disguised <= self.letters / 2
            }
            // In "it's hit or miss" nothing is split.
            _ if text.get(..self.start).is_some_and(|before| before.ends_with(['\'', '’'])) => false,
            _ => end.split && self.letters >= 4 && !self.lines && (self.odd || !everyday(self.part_of(text))),
        };
        ends_here && readable && stars && whole
    }

    /// Whether more single letters stand on either side: a longer word is spelled, of which this is a part.
    fn is_in_a_row(&self, text: &str, rest: &[char]) -> bool {
        let sign = text.get(..self.part).and_then(|before| before.chars().next_back());
        let before = text.get(..self.start).and_then(|before| before.chars().next_back());
        let single = rest.get(1).is_some_and(|c| c.is_alphanumeric())
            && rest.get(2).is_none_or(|c| !c.is_alphanumeric());
        sign.is_some() && (before == sign || rest.first().copied() == sign && single)
    }

    /// Whether the last letter stands as often as the word has it, or so often that it is drawn out.
    fn run_is_right(&self) -> bool {
        let (text, word) = (self.in_text, self.in_word);
        text == word || text > word && (text >= 3 || word == 1 && SELDOM.contains(self.last))
    }

    fn part_of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.part..self.at).unwrap_or_default()
    }

    fn part_len(&self, text: &str) -> usize {
        self.part_of(text).chars().filter(|c| letter(*c) != Letter::Gone).count()
    }

    /// Adds the ways to go on.
    fn step(&self, trie: &Trie, text: &str, last: bool, todo: &mut Vec<Trail>, open: &mut bool) {
        let Some(c) = text.get(self.at..).and_then(|rest| rest.chars().next()) else {
            *open |=
                !last && (self.letters > 0 && (!trie.children(self.node).is_empty() || self.in_text > 0));
            return;
        };
        let next = Trail { at: self.at + c.len_utf8(), gone: 0, ..*self };
        let read = letter(c);
        if read == Letter::Gone {
            if self.gone < RUN && self.letters > 0 {
                todo.push(Trail { gone: self.gone + 1, ..next });
            }
            return;
        }
        let mut go = |as_letter: char, plain: bool| next.read(trie, as_letter, plain, c, todo);
        match read {
            Letter::Is(is) => {
                go(is, !is.is_ascii_digit());
                imitated(c).chars().for_each(|as_letter| go(as_letter, false));
            }
            _ => {
                go(if c.is_whitespace() { ' ' } else { c }, true);
                imitated(c).chars().for_each(|as_letter| go(as_letter, false));
            }
        }
        if c == '*' && self.letters > 0 && self.stars < 3 && self.run_is_right() {
            for (as_letter, child) in trie.children(self.node).iter().filter(|(c, _)| c.is_alphabetic()) {
                let star = Trail { node: *child, last: *as_letter, in_text: 1, in_word: 1, ..next };
                todo.push(Trail { letters: self.letters.saturating_add(1), stars: self.stars + 1, ..star });
            }
        }
        if read == Letter::Gap && self.letters > 0 && self.run_is_right() {
            self.part_ends(trie, text, last, todo, open);
        }
        // In a phrase the space may be any sign or none.
        let phrase = trie
            .child(self.node, ' ')
            .filter(|_| self.last != ' ' && self.letters > 0 && self.run_is_right());
        if let Some(node) = phrase {
            let space = Trail { node, last: ' ', in_text: 1, in_word: 1, ..*self };
            if read == Letter::Gap {
                todo.push(Trail { at: next.at, ..space });
            } else if self.letters >= 3 {
                todo.push(space);
            }
        }
    }

    /// Reads a character as a letter of the word.
    fn read(&self, trie: &Trie, as_letter: char, plain: bool, c: char, todo: &mut Vec<Trail>) {
        let counted = |trail: Trail| Trail {
            letters: trail.letters.saturating_add(1),
            plain: trail.plain.saturating_add(u8::from(plain)),
            digits: trail.digits.saturating_add(u8::from(c.is_ascii_digit())),
            ..trail
        };
        let same = as_letter == self.last;
        if let Some(node) =
            trie.child(self.node, as_letter).filter(|_| same || self.letters == 0 || self.run_is_right())
        {
            let (in_text, in_word) = if same { (self.in_text + 1, self.in_word + 1) } else { (1, 1) };
            todo.push(counted(Trail { node, last: as_letter, in_text, in_word, ..*self }));
        }
        if same && self.in_text < RUN && (as_letter.is_alphabetic() || as_letter == ' ') {
            // Drawn out: read, but no letter of the word.
            todo.push(Trail {
                in_text: if as_letter == ' ' { self.in_text } else { self.in_text + 1 },
                ..*self
            });
        }
    }

    /// Passes the signs between two parts of a word.
    fn part_ends(&self, trie: &Trie, text: &str, last: bool, todo: &mut Vec<Trail>, open: &mut bool) {
        if trie.children(self.node).is_empty() || self.part_len(text) == 0 {
            return;
        }
        let (mut at, mut signs, mut lines) = (self.at, 0, false);
        let rest = text.get(self.at..).unwrap_or_default();
        for c in rest.chars() {
            match letter(c) {
                Letter::Gap if signs < SIGNS && c != '*' => {
                    signs += 1;
                    lines |= c == '\n';
                    at += c.len_utf8();
                }
                Letter::Gap => return,
                _ => break,
            }
        }
        if at == text.len() {
            *open |= !last;
            return;
        }
        let single = self.part_len(text) == 1;
        todo.push(Trail {
            at,
            part: at,
            parts: self.parts.saturating_add(1),
            singles: self.singles && single,
            odd: self.odd || !everyday(self.part_of(text)),
            lines: self.lines || lines,
            gone: 0,
            ..*self
        });
    }
}

/// Whether a letter behind (or before) another continues a word.
pub fn continues(a: char, b: char) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let kana = |c: char| matches!(c, '\u{30A0}'..='\u{30FF}');
    let unspaced = is_unspaced(a) != is_unspaced(b) || is_unspaced(a) && is_unspaced(b) && kana(a) != kana(b);
    is_word(a) && is_word(b) && !unspaced
}

fn everyday(part: &str) -> bool {
    let part = part.trim_matches(|c: char| !c.is_alphanumeric());
    part.chars().all(|c| c.is_ascii_digit())
        || packed(part).is_some_and(|part| EVERYDAY_PACKED.binary_search(&part).is_ok())
}

/// The everyday words in a form that is quickly looked up, sorted.
static EVERYDAY_PACKED: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut words: Vec<u64> = EVERYDAY.split_ascii_whitespace().filter_map(packed).collect();
    words.sort_unstable();
    words
});

/// A word of eight ASCII letters at most, in small letters, as a number.
fn packed(word: &str) -> Option<u64> {
    if word.len() > 8 || !word.is_ascii() {
        return None;
    }
    Some(word.bytes().fold(0, |packed, byte| packed << 8 | u64::from(byte.to_ascii_lowercase())))
}

/// What a character may be read as at the beginning of a word.
pub fn readings(c: char) -> impl Iterator<Item = char> {
    let itself = match letter(c) {
        Letter::Is(letter) => letter,
        _ if c.is_whitespace() => ' ',
        _ => c,
    };
    std::iter::once(itself).chain(imitated(c).chars())
}

/// The letters that a character imitates.
fn imitated(c: char) -> &'static str {
    match c {
        '0' => "o",
        '1' | '!' | '|' => "il",
        '3' | '€' => "e",
        '4' | '@' => "a",
        '5' | '$' => "s",
        '7' | '+' => "t",
        '8' => "b",
        '9' => "g",
        'v' | 'V' => "u",
        _ => "",
    }
}
