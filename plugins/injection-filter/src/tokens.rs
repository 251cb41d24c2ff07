//! Reads a text into tokens: for each word the sets it belongs to, and whether it stands in quotes.
//!
//! Undone on the way: look-alikes and invisible characters (see `text_kit::fold`), `l33t` spelling, words spelled
//! with spaces or dots between the letters, words run together. Invariant: the work is linear in the text;
//! unknown words keep their place with no sets, so gaps count them. The classifier sees of a word only two
//! hashes; the words themselves are not kept.

use crate::lexicon::{Lexicon, Sets};
use text_kit::ascii;
use text_kit::fold::{Fold, fold};
use text_kit::memo::Memo;

/// Runs of letters longer than this may be words run together.
const GLUED: usize = 16;
/// So many single letters in a row are a spelled-out word.
const SPELLED: usize = 4;

/// What stands between two words, by how much it separates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// A space, a hyphen, a comma.
    #[default]
    None,
    /// A colon.
    Colon,
    /// A line's end, a cell's edge.
    Line,
    /// A full stop.
    Stop,
    /// A question mark.
    Question,
}

/// Of longer words so many bytes are the beginning.
const STEM: usize = 5;

/// A word of a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Token {
    /// What stands before it.
    pub edge: Edge,
    /// The hash of the word as it is read; digits count alike.
    pub word: u32,
    /// The hash of its beginning.
    pub stem: u32,
    /// The sets it belongs to.
    pub sets: Sets,
    /// Whether it stands in quotes or code marks.
    pub quoted: bool,
}

/// A text as the rules see it.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The words.
    pub all: Vec<Token>,
    /// How many characters were smuggled in as invisible tags.
    pub tags: usize,
    /// What stands after the last word.
    pub end: Edge,
}

/// Reads a text.
pub fn read(lexicon: &Lexicon, text: &str) -> Tokens {
    let mut reader = Reader {
        lexicon,
        met: Memo::for_text(text.len()),
        out: Tokens::default(),
        word: String::new(),
        leet: false,
        spelled: String::new(),
        read_as: String::new(),
        quote: None,
        edge: Edge::None,
        spelled_edge: Edge::None,
    };
    let mut before = ' ';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphanumeric() {
            let (run, after) = rest.split_at(ascii::alphanumerics(rest.as_bytes()));
            if reader.word.is_empty() && is_whole(run, after) {
                reader.end_spelling();
                reader.take(run);
            } else {
                reader.plain(run);
            }
            before = run.bytes().next_back().map_or(c, char::from);
            rest = after;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match fold(c) {
            Fold::Letter(letter) => {
                reader.leet |= letter.is_ascii_digit();
                reader.word.push(letter);
            }
            Fold::Tag(letter) => {
                reader.out.tags += 1;
                match fold(letter) {
                    Fold::Letter(letter) => reader.word.push(letter),
                    _ => reader.end_word(),
                }
            }
            Fold::Word(c) => {
                reader.end_word();
                reader.word.push(c);
                reader.end_word();
            }
            Fold::Gone => continue,
            Fold::Gap => {
                let next = rest.chars().next().unwrap_or(' ');
                if matches!(c, '@' | '$') && next.is_alphanumeric()
                    || (c == '!' && reader.word.is_empty() && next.is_ascii_alphabetic())
                {
                    reader.leet = true;
                    reader.word.push(c);
                } else if !(matches!(c, '\'' | '’' | 'ʼ')
                    && !reader.word.is_empty()
                    && next.is_alphanumeric())
                {
                    reader.end_word();
                    reader.mark(c, before, next);
                    reader.edge = reader.edge.max(edge(c, next));
                }
            }
        }
        before = c;
    }
    reader.end_word();
    reader.end_spelling();
    reader.out.end = reader.edge;
    reader.out
}

/// What is the same of a word wherever it stands.
#[derive(Clone, Copy, Debug, Default)]
struct Met<'l> {
    sets: Option<&'l Sets>,
    hashes: (u32, u32),
}

struct Reader<'l> {
    lexicon: &'l Lexicon,
    met: Memo<Met<'l>>,
    out: Tokens,
    word: String,
    leet: bool,
    /// Single letters in a row that may spell a word.
    spelled: String,
    /// Room for a word read in another way.
    read_as: String,
    /// The mark that ends the quotation we are in.
    quote: Option<char>,
    /// What stands before the next word, and before the spelled-out one.
    edge: Edge,
    spelled_edge: Edge,
}

impl Reader<'_> {
    /// Takes in a run of plain letters and digits: what nearly all of nearly all texts is.
    fn plain(&mut self, run: &str) {
        let from = self.word.len();
        self.word.push_str(run);
        if let Some(run) = self.word.get_mut(from..) {
            run.make_ascii_lowercase();
        }
        self.leet |= run.bytes().any(|byte| byte.is_ascii_digit());
    }

    /// Follows quotation and code marks. A line's end does not close one: attacks and quotations both run on.
    fn mark(&mut self, c: char, before: char, next: char) {
        if self.quote == Some(c) {
            self.quote = None;
        } else if self.quote.is_none() {
            self.quote = match c {
                '"' | '`' => Some(c),
                '\'' if !before.is_alphanumeric() && next.is_alphanumeric() => Some('\''),
                '“' | '„' => Some('”'),
                '«' => Some('»'),
                '‘' => Some('’'),
                _ => None,
            };
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let mut word = std::mem::take(&mut self.word);
        let single = word.len() == 1 && word.bytes().all(|c| c.is_ascii_lowercase());
        if single {
            if self.spelled.is_empty() {
                self.spelled_edge = std::mem::take(&mut self.edge);
            }
            self.spelled.push_str(&word);
        } else {
            self.end_spelling();
            self.take(&word);
        }
        word.clear();
        self.word = word;
        self.leet = false;
    }

    /// Adds a word.
    fn take(&mut self, word: &str) {
        let lexicon = self.lexicon;
        let Met { sets, hashes: own } =
            *self.met.of(word, |word| Met { sets: lexicon.get(word), hashes: hash(word) });
        let (mut sets, mut hashes) = (sets.copied().unwrap_or_default(), None);
        if self.leet && word.chars().any(|c| c.is_ascii_alphabetic()) {
            let mut read_as = std::mem::take(&mut self.read_as);
            for one in ['i', 'l'] {
                read_as.clear();
                read_as.extend(word.chars().map(|c| unleet(c, one)));
                let known = self.lexicon.get(&read_as);
                known.into_iter().for_each(|known| sets.join(known));
                if known.is_some() || hashes.is_none() {
                    hashes = Some(hash(&read_as));
                }
            }
            self.read_as = read_as;
            let plain = word.trim_start_matches(['!', '@', '$']);
            self.lexicon.get(plain).into_iter().for_each(|known| sets.join(known));
        }
        if sets.is_empty() && word.len() >= GLUED && self.segment(word) {
            return;
        }
        self.push(sets, hashes.unwrap_or(own));
    }

    fn end_spelling(&mut self) {
        if self.spelled.is_empty() {
            return;
        }
        let mut letters = std::mem::take(&mut self.spelled);
        let after = std::mem::replace(&mut self.edge, self.spelled_edge);
        if letters.len() < SPELLED || !self.segment(&letters) {
            for at in 0..letters.len() {
                let letter = letters.get(at..=at).unwrap_or_default();
                let sets = self.lexicon.get(letter).copied();
                self.push(sets.unwrap_or_default(), hash(letter));
            }
        }
        self.edge = after;
        letters.clear();
        self.spelled = letters;
    }

    /// Adds the known words of a text without spaces; false, and nothing added, when that explains too
    /// little of it.
    fn segment(&mut self, text: &str) -> bool {
        let start = self.out.all.len();
        let (mut at, mut known) = (0, 0);
        while at < text.len() {
            match text.get(at..).and_then(|rest| self.lexicon.longest_at(rest, 3)) {
                Some((len, sets)) => {
                    let sets = *sets;
                    self.push(sets, hash(text.get(at..at + len).unwrap_or_default()));
                    known += len;
                    at += len;
                }
                None => at += 1,
            }
        }
        let explained = known * 2 >= text.len() && known >= SPELLED;
        if !explained {
            self.out.all.truncate(start);
        }
        explained
    }

    fn push(&mut self, sets: Sets, (word, stem): (u32, u32)) {
        let edge = std::mem::take(&mut self.edge);
        self.out.all.push(Token { edge, word, stem, sets, quoted: self.quote.is_some() });
    }
}

/// Whether a run at the beginning of a word is all of it, and reads as it is written.
fn is_whole(run: &str, after: &str) -> bool {
    let ends = |next: &u8| next.is_ascii() && !matches!(next, b'\'' | b'@' | b'$' | b'!');
    run.len() > 1
        && after.as_bytes().first().is_none_or(ends)
        && ascii::small_letters(run.as_bytes()) == run.len()
}

/// The hashes of a word and of its beginning.
fn hash(word: &str) -> (u32, u32) {
    let (mut all, mut stem) = (0x811C_9DC5_u32, 0);
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return (0, 0);
    }
    for (at, byte) in word.bytes().enumerate() {
        if at == STEM {
            stem = all;
        }
        all = (all ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (all, if word.len() <= STEM { all } else { stem })
}

/// What a character between two words says about them.
fn edge(c: char, next: char) -> Edge {
    match c {
        '\n' | '\r' | '|' | '\t' | '•' => Edge::Line,
        '。' | '！' => Edge::Stop,
        '？' => Edge::Question,
        '.' | '!' | ';' if !next.is_alphanumeric() => Edge::Stop,
        '?' if !next.is_alphanumeric() => Edge::Question,
        ':' if !next.is_alphanumeric() => Edge::Colon,
        _ => Edge::None,
    }
}

/// The letter that a digit or sign imitates.
fn unleet(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        c => c,
    }
}

#[cfg(test)]
mod tests;
