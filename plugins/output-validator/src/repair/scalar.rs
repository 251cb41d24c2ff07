//! Strings, numbers and words of the tolerant reader.
//!
//! Invariants: a scalar that is JSON is read as JSON reads it; one that is cut off is closed where it ends, and
//! told. How far one looks ahead is bounded, so that reading stays linear.

use super::ahead::{
    closes_too, closing_quote, starts_with_key, starts_with_literal, starts_with_quoted_key,
    starts_with_scalar,
};
use super::{Reader, Within};
use serde_json::{Number, Value};

impl Reader<'_> {
    pub(super) fn string(&mut self, within: Within) -> Option<String> {
        let (_, open) = self.chars.next()?;
        let close = closing_quote(open)?;
        match open {
            '"' => {}
            '\'' => self.mend("single-quotes"),
            '`' => self.mend("backquotes"),
            _ => self.mend("typographic-quotes"),
        }
        let mut out = String::new();
        // Where the string may have ended without its quote: a key before its first colon, a value of an object
        // before its last comma.
        let mut mark = None;
        let mut inner_quotes = 0_usize;
        while let Some(c) = self.peek() {
            match (within, c) {
                (Within::Key, ':') if mark.is_none() => mark = Some((self.chars.clone(), out.len())),
                (Within::Object, ',') => mark = Some((self.chars.clone(), out.len())),
                _ => {}
            }
            self.chars.next();
            match c {
                '\\' => {
                    if !self.escape(&mut out) {
                        self.cut();
                        return Some(out);
                    }
                }
                c if c == close || closes_too(open, c) => {
                    if self.ends_here(within, c) {
                        // Quotes come in pairs: one alone may have been the end.
                        self.lossy |= inner_quotes % 2 == 1;
                        return Some(out);
                    }
                    if let Some((chars, length)) =
                        mark.take_if(|mark| self.lacks_end(within, &out, mark.1, c))
                    {
                        self.mend("missing-quote");
                        self.chars = chars;
                        out.truncate(length);
                        return Some(out);
                    }
                    if c == close {
                        self.mend("unescaped-quote");
                        inner_quotes += usize::from(c == '"');
                        // A quote written twice, or a comma left out.
                        self.lossy |= c == '"' && self.peek() == Some('"');
                    }
                    out.push(c);
                }
                c if c < ' ' => {
                    self.mend("unescaped-control");
                    out.push(c);
                }
                c => out.push(c),
            }
        }
        self.cut();
        Some(out)
    }

    /// Whether the quote just read is not of this string, which ended at `length` without one: what stands there
    /// is a name and the quote begins its value, or the quote begins the next key.
    fn lacks_end(&mut self, within: Within, out: &str, length: usize, quote: char) -> bool {
        let (own, behind) =
            (out.get(..length).unwrap_or_default(), out.get(length + 1..).unwrap_or_default());
        if within == Within::Key {
            let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.');
            return !own.is_empty() && own.chars().all(name);
        }
        let from = self.at() - quote.len_utf8();
        behind.trim().is_empty() && starts_with_quoted_key(self.text.get(from..).unwrap_or_default())
    }

    /// Whether the quote just read can be the end of its string: what follows must go on like JSON, at this
    /// place. A quote followed by more words is one that the model forgot to escape.
    fn ends_here(&mut self, within: Within, quote: char) -> bool {
        let rest = self.rest();
        let next = rest.trim_start();
        let gap = rest.get(..rest.len() - next.len()).unwrap_or_default();
        let Some(c) = next.chars().next() else { return true };
        if next.starts_with("//") || next.starts_with("/*") || (c == '#' && !gap.is_empty()) {
            return true;
        }
        if within == Within::Key {
            return matches!(c, ':' | '=');
        }
        match c {
            // A bracket in a text has the rest of the text behind it, and its quote.
            '}' | ']' => {
                let behind = next.trim_start_matches(|c: char| matches!(c, '}' | ']') || c.is_whitespace());
                let between = next.get(..next.len() - behind.len()).unwrap_or_default();
                !behind.starts_with(quote)
                    || behind.starts_with("```")
                    || between.contains('\n')
                    || starts_with_key(behind)
            }
            ',' => {
                let more = next.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
                match within {
                    Within::Object => {
                        more.starts_with(['}', ']', '{', '/', '#'])
                            || more.is_empty()
                            || starts_with_key(more)
                    }
                    Within::Array => {
                        let quoted_next = more.chars().next().is_some_and(|c| closing_quote(c).is_some());
                        // `'a', ' b'`: an opening quote has no space behind it more often than a closing one.
                        quoted_next
                            || !more.starts_with(|c: char| c.is_alphabetic())
                            || starts_with_literal(more)
                    }
                    _ => true,
                }
            }
            // A missing comma; or in an array, its missing end.
            c if closing_quote(c).is_some() && within == Within::Object => starts_with_key(next),
            c if closing_quote(c).is_some() && !gap.is_empty() => {
                gap.contains('\n') || !next.get(c.len_utf8()..).is_some_and(|n| n.starts_with(' '))
            }
            ':' | '=' => false,
            // A missing comma at the end of a line.
            _ if within == Within::Object => gap.contains('\n') && starts_with_key(next),
            // A missing comma before a number or a literal.
            _ if within == Within::Array && !gap.is_empty() && starts_with_scalar(next) => true,
            _ => gap.contains('\n'),
        }
    }

    /// Adds what an escape stands for; `false` when the text ends inside it.
    fn escape(&mut self, out: &mut String) -> bool {
        let Some((_, c)) = self.chars.next() else { return false };
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => return self.unicode(out),
            '"' | '\\' | '/' => out.push(c),
            // Python's.
            'x' => {
                self.mend("bad-escape");
                match self.hex(2).and_then(char::from_u32) {
                    Some(c) => out.push(c),
                    None => self.replacement(out),
                }
            }
            // A backslash that should have been two: `\d`, `C:\dir`.
            other if other.is_alphanumeric() => {
                self.mend("bad-escape");
                out.push('\\');
                out.push(other);
            }
            other => {
                self.mend("bad-escape");
                out.push(other);
            }
        }
        true
    }

    fn unicode(&mut self, out: &mut String) -> bool {
        let Some(high) = self.hex(4) else {
            if self.peek().is_none() {
                return false;
            }
            self.mend("bad-escape");
            self.replacement(out);
            return true;
        };
        let mut code = high;
        if (0xd800..0xdc00).contains(&high) {
            if !self.rest().starts_with("\\u") {
                let ended = matches!(self.rest(), "" | "\\");
                self.replacement(out);
                return !ended;
            }
            self.chars.next();
            self.chars.next();
            let low = self.hex(4).unwrap_or_default();
            if (0xdc00..0xe000).contains(&low) {
                code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        match char::from_u32(code) {
            Some(c) => out.push(c),
            None => self.replacement(out),
        }
        true
    }

    /// What was meant here is not known.
    fn replacement(&mut self, out: &mut String) {
        self.lossy = true;
        out.push(char::REPLACEMENT_CHARACTER);
    }

    fn hex(&mut self, digits: u8) -> Option<u32> {
        let mut code = 0;
        for _ in 0..digits {
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
        // The end of the text may be in the middle of the number.
        let ended = self.peek().is_none();
        if let Ok(number) = serde_json::from_str::<Number>(&raw) {
            self.lossy |= ended;
            return Some(Value::Number(number));
        }
        if raw.trim_start_matches(['-', '+']).eq_ignore_ascii_case("infinity") {
            self.mend("not-a-number");
            self.lossy = true;
            return Some(Value::Null);
        }
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
                // `1e` says that something is missing; `1.` does not.
                self.lossy |= ended || !raw.ends_with(|c: char| c == '.' || c.is_ascii_digit());
                self.mend(if ended { "truncated" } else { "odd-number" });
                Some(Value::Number(number))
            }
            Err(_) if ended && clean.is_empty() => {
                self.cut();
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
    pub(super) fn word(&mut self, within: Within) -> Option<Value> {
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if self.rest().strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
                for _ in word.chars() {
                    self.chars.next();
                }
                return Some(value);
            }
        }
        let mut raw = String::new();
        while let Some((_, c)) =
            self.chars.next_if(|&(_, c)| !matches!(c, ',' | '}' | ']' | '{' | '[' | ':' | '\n' | '"'))
        {
            raw.push(c);
            let comment = c.is_whitespace() && (self.peek() == Some('#') || self.rest().starts_with("//"));
            if comment || self.rest().starts_with("/*") {
                break;
            }
        }
        let word = raw.trim_end();
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
                self.lossy |=
                    word.to_ascii_lowercase().starts_with(['i', 'u']) || word.len() == 3 && word != "nil";
                return Some(Value::Null);
            }
            _ => {}
        }
        if self.peek().is_none() {
            self.cut();
            let whole =
                [("true", true), ("false", false)].into_iter().find(|(full, _)| full.starts_with(word));
            return Some(whole.map_or(Value::Null, |(_, value)| Value::Bool(value)));
        }
        // Only the quote before it is missing.
        if self.chars.next_if(|&(_, c)| c == '"').is_some() {
            self.mend("missing-quote");
            let text = serde_json::from_str(&format!("\"{raw}\"")).ok()?;
            return self.ends_here(within, '"').then_some(Value::String(text));
        }
        self.mend("unquoted-string");
        self.lossy |= word.contains('\\');
        Some(Value::String(word.to_owned()))
    }
}

fn ends_in_digit(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
}
