//! What the classifier sees of a text: hashed words, their beginnings, pairs and triples of its beginning and its end, and
//! its shape.
//!
//! What is asked for stands at either end of a request; what lies between is what it is done with. Invariants: a pure
//! function of the text, the same in training and in use; work is bounded, whatever the length. Changing anything here
//! makes the shipped weights worthless: train again.

/// Words that are read at either end.
const END: usize = 40;
/// Bytes of either end that are looked at for words.
const END_BYTES: usize = 2_048;

/// Calls `each` with every feature of a text.
pub fn features(text: &str, mut each: impl FnMut(u32)) {
    let text = text.trim();
    let head = floor(text, END_BYTES);
    let mut words = Vec::with_capacity(END);
    let rest = tokens(head, END, &mut words);
    of_words(&words, 1, &mut each);
    // What the beginning has shown already is not read again.
    let seen = head.len() - rest.len();
    let tail = text.get(seen..).unwrap_or_default();
    let tail = tail.get(ceil(tail, tail.len().saturating_sub(END_BYTES))..).unwrap_or_default();
    words.clear();
    tokens(tail, usize::MAX, &mut words);
    let last = words.get(words.len().saturating_sub(END)..).unwrap_or_default();
    of_words(last, 2, &mut each);
    shape(text, head, &mut each);
}

/// A word: a hash of all of it, and one of how it begins.
#[derive(Clone, Copy, Default)]
struct Word {
    whole: u32,
    stem: u32,
}

fn of_words(words: &[Word], end: u32, each: &mut impl FnMut(u32)) {
    let (mut before, mut further) = (Word::default(), Word::default());
    for (at, &word) in words.iter().enumerate() {
        each(mix(1, word.stem, 0));
        if word.whole != word.stem {
            each(mix(2, word.whole, 0));
        }
        each(mix(3, word.stem, before.stem));
        each(mix(4, mix(0, word.stem, before.stem), further.stem));
        // A request says what it wants first, or last.
        if end == 1 && at < 2 {
            each(mix(5, word.stem, 0));
        }
        (further, before) = (before, word);
    }
    if end == 2 {
        each(mix(6, before.stem, 0));
    }
}

/// The words of a text, as hashes of their lower case: runs of letters and digits; each letter alone where words are not
/// parted by spaces; a number is a number. Gives what is left of the text after `most` words.
fn tokens<'t>(text: &'t str, most: usize, words: &mut Vec<Word>) -> &'t str {
    let (mut word, mut letters) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() && !stands_alone(c) {
            let folded = if c.is_numeric() { '0' } else { c.to_lowercase().next().unwrap_or(c) };
            let Word { whole, stem } = word.unwrap_or(NOTHING);
            let repeats = folded == '0' && whole == hash(NOTHING.whole, '0');
            let whole = if repeats { whole } else { hash(whole, folded) };
            letters += 1;
            word = Some(Word { whole, stem: if letters > STEM { stem } else { whole } });
            continue;
        }
        words.extend(word.take());
        letters = 0;
        if stands_alone(c) {
            let whole = hash(NOTHING.whole, c);
            words.push(Word { whole, stem: whole });
        }
        if words.len() >= most {
            return text.get(at + c.len_utf8()..).unwrap_or_default();
        }
    }
    words.extend(word);
    ""
}

/// The hash of no letters. Source: FNV-1a, 32 bits.
const NOTHING: Word = Word { whole: 0x811C_9DC5, stem: 0x811C_9DC5 };
/// Letters that a word begins with.
const STEM: usize = 5;

/// Han, kana, Thai: scripts without spaces.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

/// The text's shape: its length, lines, signs of code and of sums, how it ends.
fn shape(text: &str, head: &str, each: &mut impl FnMut(u32)) {
    let (mut signs, mut digits, mut sums, mut lines) = (0_u32, 0_u32, 0_u32, 0_u32);
    for byte in head.bytes() {
        match byte {
            b'{' | b'}' | b';' | b'<' | b'>' | b'_' | b'`' | b'\\' | b'$' | b'&' | b'|' => signs += 1,
            b'0'..=b'9' => digits += 1,
            b'+' | b'=' | b'*' | b'^' | b'/' | b'%' => sums += 1,
            b'\n' => lines += 1,
            _ => {}
        }
    }
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let size = u32::try_from(head.len()).unwrap_or(u32::MAX).max(1);
    let share = |count: u32| (count * 40 / size).min(6);
    each(mix(10, magnitude(length), 0));
    each(mix(11, share(signs), signs.min(3)));
    each(mix(12, share(digits), 0));
    each(mix(13, sums.min(4), 0));
    each(mix(14, magnitude(lines), 0));
    each(mix(15, u32::from(head.contains("```")), 0));
    each(mix(16, text.chars().next_back().map_or(0, u32::from), 0));
}

/// The logarithm to the base of two, in whole numbers; 0 for 0.
fn magnitude(number: u32) -> u32 {
    number.checked_ilog2().unwrap_or(0)
}

/// At most so many bytes from the beginning, at a character's edge.
fn floor(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

fn ceil(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at)
}

/// One step of FNV-1a over a character.
fn hash(so_far: u32, c: char) -> u32 {
    (so_far ^ u32::from(c)).wrapping_mul(0x0100_0193)
}

/// Mixes two hashes into one of a kind.
fn mix(kind: u32, a: u32, b: u32) -> u32 {
    let x = (a ^ kind.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B) ^ b.wrapping_mul(0xC2B2_AE35);
    let x = (x ^ x >> 15).wrapping_mul(0x2C1B_3C6D);
    x ^ x >> 13
}
