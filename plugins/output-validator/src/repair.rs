//! A tolerant JSON reader: what a model meant, and what had to be mended to read it.
//!
//! Invariants: text that is JSON already is read as it is, with no mends; reading always ends and never goes
//! deeper than [`MAX_DEPTH`]; nothing is invented except closing brackets and quotes.
//! It never looks for the JSON in prose (see `extract`) and never judges the value (see `judge`).

use serde_json::{Map, Number, Value};
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

    fn string(&mut self) -> Option<String> {
        let (_, open) = self.chars.next()?;
        let close = closing_quote(open)?;
        match open {
            '"' => {}
            '\'' => self.mend("single-quotes"),
            '`' => self.mend("backquotes"),
            _ => self.mend("typographic-quotes"),
        }
        let mut out = String::new();
        while let Some((_, c)) = self.chars.next() {
            match c {
                '\\' => match self.escape() {
                    Some(c) => out.push(c),
                    None => {
                        self.mend("truncated");
                        return Some(out);
                    }
                },
                c if c == close => {
                    if self.ends_here() {
                        return Some(out);
                    }
                    self.mend("unescaped-quote");
                    out.push(c);
                }
                c if c < ' ' => {
                    self.mend("unescaped-control");
                    out.push(c);
                }
                c => out.push(c),
            }
        }
        self.mend("truncated");
        Some(out)
    }

    /// Whether the quote just read can be the end of its string: what follows must go on like JSON. A quote
    /// followed by more words is one that the model forgot to escape.
    fn ends_here(&mut self) -> bool {
        let rest = self.rest();
        let next = rest.trim_start();
        match next.chars().next() {
            None | Some(',' | ':' | '}' | ']' | '=') => true,
            Some('/') => next.starts_with("//") || next.starts_with("/*"),
            Some('#' | '"' | '\'') => rest.len() != next.len(),
            // A missing comma at the end of a line.
            Some(_) => rest.get(..rest.len() - next.len()).is_some_and(|gap| gap.contains('\n')),
        }
    }

    /// What an escape stands for; `None` when the text ends inside it.
    fn escape(&mut self) -> Option<char> {
        let (_, c) = self.chars.next()?;
        Some(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let Some(high) = self.hex() else {
                    self.peek()?;
                    self.mend("bad-escape");
                    return Some(char::REPLACEMENT_CHARACTER);
                };
                if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
                    self.chars.next();
                    self.chars.next();
                    let low = self.hex().unwrap_or_default();
                    let pair = 0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                    char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER)
                } else {
                    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
            }
            '"' | '\\' | '/' => c,
            other => {
                self.mend("bad-escape");
                other
            }
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let (_, c) = self.chars.next_if(|&(_, c)| c.is_ascii_hexdigit())?;
            code = code * 16 + c.to_digit(16)?;
        }
        Some(code)
    }

    fn number(&mut self) -> Option<Value> {
        let mut raw = String::new();
        while let Some((_, c)) =
            self.chars.next_if(|&(_, c)| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
        {
            raw.push(c);
        }
        if let Ok(number) = serde_json::from_str::<Number>(&raw) {
            return Some(Value::Number(number));
        }
        if raw.trim_start_matches(['-', '+']).eq_ignore_ascii_case("infinity") {
            self.mend("not-a-number");
            return Some(Value::Null);
        }
        let ended = self.peek().is_none();
        let mut clean = raw.replace('_', "");
        if let Some(rest) = clean.strip_prefix('+') {
            clean = rest.to_owned();
        }
        if let Some(at) = clean.find('.').filter(|&at| !clean.get(..at).is_some_and(ends_in_digit)) {
            clean.insert(at, '0');
        }
        let clean = clean.trim_end_matches(['.', 'e', 'E', '+', '-']);
        match serde_json::from_str::<Number>(clean) {
            Ok(number) => {
                self.mend(if ended { "truncated" } else { "odd-number" });
                Some(Value::Number(number))
            }
            Err(_) if ended && clean.is_empty() => {
                self.mend("truncated");
                Some(Value::Null)
            }
            // A date or a version: a string that lost its quotes.
            Err(_) => {
                self.mend("unquoted-string");
                Some(Value::String(raw))
            }
        }
    }

    /// A literal of JSON or Python, or a string that lost its quotes.
    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some((_, c)) =
            self.chars.next_if(|&(_, c)| !matches!(c, ',' | '}' | ']' | '{' | '[' | ':' | '\n' | '"'))
        {
            word.push(c);
        }
        let word = word.trim_end();
        match word {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "null" => return Some(Value::Null),
            "" => return None,
            _ => {}
        }
        match word.to_ascii_lowercase().as_str() {
            lower @ ("true" | "false") => {
                self.mend("foreign-literal");
                return Some(Value::Bool(lower == "true"));
            }
            "none" | "null" | "nil" | "undefined" | "nan" | "infinity" => {
                self.mend("foreign-literal");
                return Some(Value::Null);
            }
            _ => {}
        }
        if self.peek().is_none() {
            self.mend("truncated");
            let whole =
                [("true", true), ("false", false)].into_iter().find(|(full, _)| full.starts_with(word));
            return Some(whole.map_or(Value::Null, |(_, value)| Value::Bool(value)));
        }
        self.mend("unquoted-string");
        Some(Value::String(word.to_owned()))
    }
}

fn ends_in_digit(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
}

fn closing_quote(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '\u{201c}' | '\u{201d}' => Some('\u{201d}'),
        '\u{2018}' | '\u{2019}' => Some('\u{2019}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
