//! A tolerant JSON reader: what a model meant, and what had to be mended to read it.
//!
//! Invariants: text that is JSON already is read as it is, with no mends; reading always ends and never goes
//! deeper than [`MAX_DEPTH`]; nothing is invented except closing brackets and quotes, and whatever was left
//! out, cut off or guessed is told by [`Mended::lossy`].
//! It never looks for the JSON in prose (see `extract`) and never judges the value (see `judge`).

mod ahead;
mod scalar;
mod strict;

use ahead::{closing_quote, starts_with_key, starts_with_literal, starts_with_quoted_key};
use serde_json::{Map, Value};
use std::iter::Peekable;
use std::str::CharIndices;

/// How deep values may nest: a component's stack is small.
pub const MAX_DEPTH: usize = 128;

/// How often the rest of a text is looked through for its brackets.
const MAX_SCANS: u8 = 16;

/// A value and the names of the mends it took, each named once.
#[derive(Debug, Clone, PartialEq)]
pub struct Mended {
    /// What was read.
    pub value: Value,
    /// What was wrong: `trailing-comma`, `single-quotes`, `truncated`, ….
    pub mends: Vec<&'static str>,
    /// The byte after the value.
    pub end: usize,
    /// Whether something of the content is surely or likely lost: a cut string, `NaN`, an ellipsis. Brackets
    /// that are missing at the very end, behind a whole value, lose nothing.
    pub lossy: bool,
}

/// Reads the value at the start of `text`; what follows it is left alone.
pub fn read(text: &str) -> Option<Mended> {
    if let Some(mended) = strict::read(text) {
        return Some(mended);
    }
    let chars = text.char_indices().peekable();
    let mut reader = Reader { text, chars, mends: Vec::new(), lossy: false, arrays: 0, objects: 0, scans: 0 };
    let value = reader.value(0, Within::Nothing)?;
    let end = reader.at();
    // A bracket too many in the middle: what follows belongs to the value.
    let rest = text.get(end..).unwrap_or_default().trim_start();
    let goes_on = rest.strip_prefix([',', ':']).is_some_and(|more| !more.trim().is_empty());
    Some(Mended { value, mends: reader.mends, end, lossy: reader.lossy || goes_on })
}

/// Whether JSON seems to begin here, rather than a bracket of prose.
pub fn begins(text: &str) -> bool {
    let inside = |open: char| text.strip_prefix(open).map(str::trim_start);
    inside('{').is_some_and(starts_with_key)
        || inside('[').is_some_and(|more| more.starts_with(['{', '[', '"']))
}

/// Where a value stands: what may follow it depends on that.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Nothing,
    Array,
    Object,
    /// Not a value, but a key.
    Key,
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    mends: Vec<&'static str>,
    lossy: bool,
    /// How many arrays and objects are open.
    arrays: usize,
    objects: usize,
    /// How often the rest of the text was looked through.
    scans: u8,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|&(_, c)| c)
    }

    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn rest(&mut self) -> &str {
        let at = self.at();
        self.text.get(at..).unwrap_or_default()
    }

    /// The text ended inside the value: something is missing, nobody knows what.
    fn cut(&mut self) {
        self.mend("truncated");
        self.lossy = true;
    }

    fn mend(&mut self, what: &'static str) {
        if !self.mends.contains(&what) {
            self.mends.push(what);
        }
    }

    /// Skips white space and comments.
    fn skip(&mut self) {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() || c == '\u{feff}' => {
                    self.chars.next();
                }
                Some('#') => self.comment_line(),
                Some('/') if self.rest().starts_with("//") => self.comment_line(),
                Some('/') if self.rest().starts_with("/*") => {
                    self.mend("comment");
                    let length = self.rest().find("*/").map_or(usize::MAX, |end| end + 2);
                    let until = self.at().saturating_add(length);
                    while self.chars.next_if(|&(at, _)| at < until).is_some() {}
                }
                _ => return,
            }
        }
    }

    fn comment_line(&mut self) {
        self.mend("comment");
        while self.chars.next_if(|&(_, c)| c != '\n').is_some() {}
    }

    fn value(&mut self, depth: usize, within: Within) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip();
        match self.peek()? {
            '{' => {
                self.objects += 1;
                let object = self.object(depth);
                self.objects -= 1;
                object
            }
            '[' => {
                self.arrays += 1;
                let array = self.array(depth);
                self.arrays -= 1;
                array
            }
            c if closing_quote(c).is_some() => self.string(within).map(Value::String),
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            _ => self.word(within),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.chars.next();
        let mut map = Map::new();
        let mut after_comma = false;
        loop {
            self.skip();
            match self.peek() {
                None => {
                    self.ended(after_comma || map.is_empty());
                    break;
                }
                Some('}') => {
                    if after_comma {
                        self.mend("trailing-comma");
                    }
                    self.chars.next();
                    break;
                }
                Some(']') if self.arrays == 0 && !self.is_last_bracket() => {
                    self.mend("extra-bracket");
                    self.chars.next();
                    continue;
                }
                Some(']') => {
                    self.mend("wrong-bracket");
                    if self.arrays == 0 || self.enough_brackets() {
                        self.chars.next();
                    }
                    break;
                }
                // The next item of the array around: this object was never closed.
                Some('{' | '[') if self.arrays > 0 && !map.is_empty() => {
                    self.mend("missing-bracket");
                    break;
                }
                Some(',') => {
                    if after_comma || map.is_empty() {
                        self.mend("extra-comma");
                    }
                    after_comma = true;
                    self.chars.next();
                    continue;
                }
                Some(_) => {}
            }
            if !after_comma && !map.is_empty() {
                self.mend("missing-comma");
            }
            let key = self.key()?;
            self.skip();
            match self.peek() {
                Some(':') => {
                    self.chars.next();
                }
                Some('=') => {
                    self.mend("equals-sign");
                    self.chars.next();
                    self.chars.next_if(|&(_, c)| c == '>');
                }
                // The answer ended inside or right after a key: there is no value to keep.
                None => {
                    self.cut();
                    break;
                }
                Some(_) => return None,
            }
            self.skip();
            match self.peek() {
                None => {
                    self.cut();
                    break;
                }
                Some(',' | '}') => {
                    self.mend("missing-value");
                    self.lossy = true;
                    map.insert(key, Value::Null);
                }
                Some(_) => {
                    let value = self.value(depth + 1, Within::Object)?;
                    map.insert(key, value);
                }
            }
            after_comma = false;
        }
        Some(Value::Object(map))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.chars.next();
        let mut items = Vec::new();
        let mut after_comma = false;
        loop {
            self.skip();
            match self.peek() {
                None => {
                    self.ended(after_comma || items.is_empty());
                    break;
                }
                Some(']') => {
                    if after_comma {
                        self.mend("trailing-comma");
                    }
                    self.chars.next();
                    break;
                }
                Some('}') if self.objects == 0 && !self.is_last_bracket() => {
                    self.mend("extra-bracket");
                    self.chars.next();
                    continue;
                }
                Some('}') => {
                    self.mend("wrong-bracket");
                    if self.objects == 0 || self.enough_brackets() {
                        self.chars.next();
                    } else {
                        self.unclosed(&items);
                    }
                    break;
                }
                Some(',') => {
                    if after_comma || items.is_empty() {
                        self.mend("extra-comma");
                    }
                    // Here was a value, or the end of the array.
                    self.lossy |= items.is_empty();
                    after_comma = true;
                    self.chars.next();
                    continue;
                }
                Some('.' | '…') if self.ellipsis() => {
                    after_comma = false;
                    continue;
                }
                // The next key of the object around: this array was never closed.
                Some(_) if self.objects > 0 && self.is_key() => {
                    self.mend("missing-bracket");
                    self.unclosed(&items);
                    break;
                }
                // Words behind a value are not the next item.
                Some(c)
                    if c.is_alphabetic()
                        && !after_comma
                        && !items.is_empty()
                        && !starts_with_literal(self.rest()) =>
                {
                    return None;
                }
                Some(_) => {}
            }
            if !after_comma && !items.is_empty() {
                self.mend("missing-comma");
            }
            items.push(self.value(depth + 1, Within::Array)?);
            after_comma = false;
        }
        Some(Value::Array(items))
    }

    fn key(&mut self) -> Option<String> {
        if self.peek().and_then(closing_quote).is_some() {
            return self.string(Within::Key);
        }
        self.mend("unquoted-key");
        let mut key = String::new();
        while let Some((_, c)) =
            self.chars.next_if(|&(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.'))
        {
            key.push(c);
        }
        if self.chars.next_if(|&(_, c)| c == '"').is_some() {
            self.mend("missing-quote");
        }
        (!key.is_empty()).then_some(key)
    }

    /// The text ended between values: behind a whole one only brackets are missing; behind a comma, a bracket or
    /// the indentation of a next line more is.
    fn ended(&mut self, more: bool) {
        self.mend("truncated");
        self.lossy |= more || self.text.ends_with([' ', '\t']);
    }

    /// An array has no end: whether it is this one or the last within it, nobody knows.
    fn unclosed(&mut self, items: &[Value]) {
        self.lossy |= items.last().is_some_and(Value::is_array);
    }

    /// Whether the bracket here is the last thing of the text.
    fn is_last_bracket(&mut self) -> bool {
        self.rest().get(1..).is_none_or(|rest| !rest.contains([',', '}', ']', ':', '"']))
    }

    /// Whether the brackets that follow close all that is open: then the one here is wrong, otherwise the one
    /// that should stand before it is missing.
    fn enough_brackets(&mut self) -> bool {
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return false;
        }
        let (mut inside, mut escaped) = (false, false);
        // What is open here, less what is closed; the lowest counts.
        let (mut open, mut lowest) = (0_i64, 0_i64);
        for byte in self.rest().bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = inside,
                b'"' => inside = !inside,
                b'{' | b'[' if !inside => open += 1,
                b'}' | b']' if !inside => open -= 1,
                _ => {}
            }
            lowest = lowest.min(open);
        }
        lowest.unsigned_abs() >= (self.arrays + self.objects) as u64
    }

    /// Skips an ellipsis: the model left something out.
    fn ellipsis(&mut self) -> bool {
        let length = if self.rest().starts_with("...") { 3 } else { 1 };
        let is = length == 3 || self.peek() == Some('…');
        if is {
            self.mend("ellipsis");
            self.lossy = true;
            for _ in 0..length {
                self.chars.next();
            }
        }
        is
    }

    /// Whether a quoted key and its colon stand here.
    fn is_key(&mut self) -> bool {
        starts_with_quoted_key(self.rest())
    }
}

#[cfg(test)]
mod tests;
