//! Strings, numbers and words of the tolerant reader.
//!
//! Invariants: a scalar that is JSON is read as JSON reads it; one that is cut off is closed where it ends.

use super::Reader;
use serde_json::{Number, Value};

impl Reader<'_> {
    pub(super) fn string(&mut self) -> Option<String> {
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

    pub(super) fn number(&mut self) -> Option<Value> {
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
    pub(super) fn word(&mut self) -> Option<Value> {
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

/// The quote that ends a string begun by this one.
pub(super) fn closing_quote(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '\u{201c}' | '\u{201d}' => Some('\u{201d}'),
        '\u{2018}' | '\u{2019}' => Some('\u{2019}'),
        _ => None,
    }
}
