//! A tolerant JSON reader: what a model meant, and what had to be mended to read it.
//!
//! Invariants: text that is JSON already is read as it is, with no mends; reading always ends and never goes
//! deeper than [`MAX_DEPTH`]; nothing is invented except closing brackets and quotes.
//! It never looks for the JSON in prose (see `extract`) and never judges the value (see `judge`).

mod scalar;

use scalar::closing_quote;
use serde_json::{Map, Value};
use std::iter::Peekable;
use std::str::CharIndices;

/// How deep values may nest: a component's stack is small.
pub const MAX_DEPTH: usize = 128;

/// A value and the names of the mends it took, each named once.
#[derive(Debug, Clone, PartialEq)]
pub struct Mended {
    /// What was read.
    pub value: Value,
    /// What was wrong: `trailing-comma`, `single-quotes`, `truncated`, ….
    pub mends: Vec<&'static str>,
    /// The byte after the value.
    pub end: usize,
}

/// Reads the value at the start of `text`; what follows it is left alone.
pub fn read(text: &str) -> Option<Mended> {
    let mut reader = Reader { text, chars: text.char_indices().peekable(), mends: Vec::new() };
    let value = reader.value(0)?;
    let end = reader.at();
    Some(Mended { value, mends: reader.mends, end })
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    mends: Vec<&'static str>,
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

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip();
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            c if closing_quote(c).is_some() => self.string().map(Value::String),
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            _ => self.word(),
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
                    self.mend("truncated");
                    break;
                }
                Some('}') => {
                    if after_comma {
                        self.mend("trailing-comma");
                    }
                    self.chars.next();
                    break;
                }
                Some(']') => {
                    self.mend("wrong-bracket");
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
                    self.mend("truncated");
                    break;
                }
                Some(_) => return None,
            }
            self.skip();
            match self.peek() {
                None => {
                    self.mend("truncated");
                    break;
                }
                Some(',' | '}') => {
                    self.mend("missing-value");
                    map.insert(key, Value::Null);
                }
                Some(_) => {
                    let value = self.value(depth + 1)?;
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
                    self.mend("truncated");
                    break;
                }
                Some(']') => {
                    if after_comma {
                        self.mend("trailing-comma");
                    }
                    self.chars.next();
                    break;
                }
                Some('}') => {
                    self.mend("wrong-bracket");
                    break;
                }
                Some(',') => {
                    if after_comma || items.is_empty() {
                        self.mend("extra-comma");
                    }
                    after_comma = true;
                    self.chars.next();
                    continue;
                }
                Some(_) => {}
            }
            if !after_comma && !items.is_empty() {
                self.mend("missing-comma");
            }
            items.push(self.value(depth + 1)?);
            after_comma = false;
        }
        Some(Value::Array(items))
    }

    fn key(&mut self) -> Option<String> {
        if self.peek().and_then(closing_quote).is_some() {
            return self.string();
        }
        self.mend("unquoted-key");
        let mut key = String::new();
        while let Some((_, c)) =
            self.chars.next_if(|&(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.'))
        {
            key.push(c);
        }
        (!key.is_empty()).then_some(key)
    }
}

#[cfg(test)]
mod tests;
