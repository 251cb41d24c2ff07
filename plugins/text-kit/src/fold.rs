//! Folds a character to what a reader sees: lower case, without diacritics, look-alikes as the letter they
//! look like, invisible ones gone.
//!
//! Invariant: a pure function of one character, so rules and texts folded alike always meet.
//! Sources: Unicode 16 (default-ignorable code points, compatibility forms), UTS #39 (confusables; the ones
//! that occur in practice).

use std::sync::LazyLock;

/// What a character amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Nothing: invisible.
    Gone,
    /// Something between words.
    Gap,
    /// A letter or digit.
    Letter(char),
    /// A word by itself: scripts without spaces.
    Word(char),
    /// A letter smuggled in as an invisible tag.
    Tag(char),
}

/// Letters and what looks like them.
const LOOK_ALIKES: [(&str, char); 28] = [
    ("àáâãäåāăąǎȁȃạảấầẩẫậắằẳẵặαаɑᴀ", 'a'),
    ("ƀɓвьъβʙ", 'b'),
    ("çćĉċčсϲᴄƈ", 'c'),
    ("ďđɗԁᴅð", 'd'),
    ("èéêëēĕėęěȅȇẹẻẽếềểễệеєεᴇ℮ё", 'e'),
    ("ƒꜰ", 'f'),
    ("ĝğġģǧɡɢ", 'g'),
    ("ĥħнһʜ", 'h'),
    ("ìíîïĩīĭįıǐȉȋịỉιіїɩɪӏ", 'i'),
    ("ĵјϳᴊ", 'j'),
    ("ķĸкκᴋ", 'k'),
    ("ĺļľŀłʟ", 'l'),
    ("мᴍ", 'm'),
    ("ñńņňŉηпɴ", 'n'),
    ("òóôõöøōŏőǒȍȏọỏốồổỗộớờởỡợơοоσᴏө", 'o'),
    ("рρᴘþ", 'p'),
    ("ԛ", 'q'),
    ("ŕŗřȑȓʀг", 'r'),
    ("śŝşšșѕꜱ", 's'),
    ("ţťŧțтτᴛ", 't'),
    ("ùúûüũūŭůűųǔȕȗụủứừửữựưυᴜ", 'u'),
    ("νѵᴠ", 'v'),
    ("ŵωԝшᴡѡ", 'w'),
    ("хχ", 'x'),
    ("ýÿŷỳỵỷỹуγʏү", 'y'),
    ("źżžᴢʐ", 'z'),
    ("ß", 's'),
    ("з", '3'),
];

/// Folds a character.
pub fn fold(c: char) -> Fold {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Fold::Letter(c.to_ascii_lowercase()) } else { Fold::Gap };
    }
    if let Some(tag) = tag(c) {
        return Fold::Tag(tag);
    }
    if is_invisible(c) {
        return Fold::Gone;
    }
    if let Some(letter) = styled(c) {
        return Fold::Letter(letter);
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    if let Some(letter) = look_alike(lower) {
        return Fold::Letter(letter);
    }
    match c {
        '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => Fold::Word(c),
        '’' | 'ʼ' => Fold::Gap,
        _ if c.is_alphanumeric() => Fold::Letter(lower),
        _ => Fold::Gap,
    }
}

/// By the code of a character, the letter that it looks like, or 0. Made while a plugin is configured, which folds its
/// own words.
static ALIKE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let all = || LOOK_ALIKES.iter().flat_map(|(alike, letter)| alike.chars().map(|c| (c as usize, *letter)));
    let mut table = vec![0; all().map(|(code, _)| code + 1).max().unwrap_or(0)];
    for (code, letter) in all() {
        // The first list that has it says what it is.
        if let (Some(slot @ 0), Ok(letter)) = (table.get_mut(code), u8::try_from(letter)) {
            *slot = letter;
        }
    }
    table
});

/// The letter that a small letter looks like.
fn look_alike(c: char) -> Option<char> {
    ALIKE.get(c as usize).filter(|letter| **letter != 0).map(|letter| char::from(*letter))
}

/// The character that an invisible tag stands for.
fn tag(c: char) -> Option<char> {
    match c {
        '\u{E0020}'..='\u{E007E}' => char::from_u32(u32::from(c) - 0xE0000),
        _ => None,
    }
}

/// Characters that are not drawn: zero width, direction, variation, combining marks.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
        | '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// The plain letter of a styled form: full width, mathematical, circled, squared.
fn styled(c: char) -> Option<char> {
    let code = u32::from(c);
    let letter = |n: u32| char::from_u32(u32::from('a') + n % 26);
    match code {
        0xFF10..=0xFF19 => char::from_u32(code - 0xFEE0),
        0xFF21..=0xFF3A => letter(code - 0xFF21),
        0xFF41..=0xFF5A => letter(code - 0xFF41),
        0x1D400..=0x1D6A3 => letter((code - 0x1D400) % 52),
        0x1D7CE..=0x1D7FF => char::from_digit((code - 0x1D7CE) % 10, 10),
        0x249C..=0x24B5 => letter(code - 0x249C),
        0x24B6..=0x24CF => letter(code - 0x24B6),
        0x24D0..=0x24E9 => letter(code - 0x24D0),
        0x1F110..=0x1F129 => letter(code - 0x1F110),
        0x1F130..=0x1F149 => letter(code - 0x1F130),
        0x1F150..=0x1F169 => letter(code - 0x1F150),
        0x1F170..=0x1F189 => letter(code - 0x1F170),
        0x1F1E6..=0x1F1FF => letter(code - 0x1F1E6),
        0x2102 => Some('c'),
        0x210A => Some('g'),
        0x210B..=0x210E => Some('h'),
        0x2110 | 0x2111 => Some('i'),
        0x2112 | 0x2113 => Some('l'),
        0x2115 => Some('n'),
        0x2118 | 0x2119 => Some('p'),
        0x211A => Some('q'),
        0x211B..=0x211D => Some('r'),
        0x2124 => Some('z'),
        0x212C => Some('b'),
        0x212F | 0x2130 => Some('e'),
        0x2131 => Some('f'),
        0x2133 => Some('m'),
        0x2134 => Some('o'),
        _ => None,
    }
}

/// Folds a word of a rule the way texts are folded.
pub fn word(word: &str) -> String {
    word.chars()
        .filter_map(|c| match fold(c) {
            Fold::Letter(c) | Fold::Word(c) | Fold::Tag(c) => Some(c),
            Fold::Gone | Fold::Gap => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
