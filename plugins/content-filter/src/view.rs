//! Cuts a window into the stretches of text that rules are applied to.
//!
//! Plain text is one stretch. In a JSON fragment each string's inside, decoded, is a stretch, and so is
//! what lies between strings; no match crosses a quote. Invariants: whatever the window's cut, a string
//! yields the same decoded text; an escape that is not complete is left for later.

use std::borrow::Cow;

/// What a stretch is, which decides how a replacement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain text.
    Plain,
    /// The inside of a JSON string.
    Quoted,
    /// Numbers and punctuation between JSON strings.
    Bare,
}

/// A stretch of a window.
#[derive(Debug, PartialEq, Eq)]
pub struct Stretch<'w> {
    /// What it is.
    pub form: Form,
    /// The text, without escapes.
    pub text: Cow<'w, str>,
    /// Where each byte of the text came from in the window, and where the text ends; nothing where the text is the window.
    from: Option<Vec<usize>>,
    /// Whether a quote ends it: nothing more will join it.
    pub closed: bool,
}

impl Stretch<'_> {
    /// Where a byte of the text, or its end, lies in the window.
    pub fn raw(&self, at: usize) -> usize {
        self.from.as_ref().map_or(at, |from| from.get(at).copied().unwrap_or(0))
    }
}

/// The decoded text of a stretch as it grows, and where each byte of it came from.
struct Open {
    form: Form,
    text: String,
    from: Vec<usize>,
}

impl Open {
    fn new(form: Form, start: usize) -> Open {
        Open { form, text: String::new(), from: vec![start] }
    }

    fn push(&mut self, c: char, raw_start: usize, raw_end: usize) {
        self.text.push(c);
        self.from.pop();
        self.from.extend(std::iter::repeat_n(raw_start, c.len_utf8()));
        self.from.push(raw_end);
    }

    fn end(self, closed: bool) -> Stretch<'static> {
        Stretch { form: self.form, text: Cow::Owned(self.text), from: Some(self.from), closed }
    }
}

/// Whether a text is a JSON object or array.
pub fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// A window of plain text.
pub fn plain(window: &str) -> Stretch<'_> {
    Stretch { form: Form::Plain, text: Cow::Borrowed(window), from: None, closed: false }
}

/// A window of JSON. The last stretch is the open one, and may be empty.
pub fn json(window: &str, in_string: bool, last: bool) -> Vec<Stretch<'static>> {
    let form = |string: bool| if string { Form::Quoted } else { Form::Bare };
    let mut string = in_string;
    let mut done = Vec::new();
    let mut open = Open::new(form(string), 0);
    let mut at = 0;
    while let Some(c) = window.get(at..).and_then(|rest| rest.chars().next()) {
        let mut len = c.len_utf8();
        if c == '"' {
            string = !string;
            done.push(std::mem::replace(&mut open, Open::new(form(string), at + 1)).end(true));
        } else if c == '\\' && string {
            match escape(window.get(at..).unwrap_or_default()) {
                Escape::Char(decoded, raw) => {
                    open.push(decoded, at, at + raw);
                    len = raw;
                }
                Escape::Partial if !last => break,
                Escape::Partial => open.push(c, at, at + len),
            }
        } else {
            open.push(c, at, at + len);
        }
        at += len;
    }
    done.push(open.end(false));
    done
}

/// What a text that starts with a backslash is.
#[derive(Debug, PartialEq, Eq)]
enum Escape {
    /// This character, written in so many bytes.
    Char(char, usize),
    /// The beginning of an escape.
    Partial,
}

fn escape(raw: &str) -> Escape {
    let Some(kind) = raw.chars().nth(1) else { return Escape::Partial };
    match kind {
        'n' => Escape::Char('\n', 2),
        't' => Escape::Char('\t', 2),
        'r' => Escape::Char('\r', 2),
        'b' => Escape::Char('\u{8}', 2),
        'f' => Escape::Char('\u{c}', 2),
        'u' => unicode(raw),
        other => Escape::Char(other, 1 + other.len_utf8()),
    }
}

/// A `\u` escape; two of them where the first is one half of a pair.
fn unicode(raw: &str) -> Escape {
    let unit = |at: usize| raw.get(at..at + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let Some(first) = unit(2) else {
        let short = raw.len() < 6 && raw.bytes().skip(2).all(|c| c.is_ascii_hexdigit());
        return if short { Escape::Partial } else { Escape::Char('u', 2) };
    };
    if (0xD800..0xDC00).contains(&first) {
        let rest = raw.get(6..).unwrap_or_default();
        let begins = rest.len() < 6
            && ("\\u".starts_with(rest)
                || rest.strip_prefix("\\u").is_some_and(|h| h.bytes().all(|c| c.is_ascii_hexdigit())));
        if begins {
            return Escape::Partial;
        }
        let second = if rest.starts_with("\\u") { unit(8) } else { None };
        let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
        return pair.map_or(Escape::Char(char::REPLACEMENT_CHARACTER, 6), |c| Escape::Char(c, 12));
    }
    Escape::Char(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

/// `value` as it must stand in a stretch in place of `old`. Between strings only digits can give way: each
/// becomes a 1, which leaves a number a number.
pub fn replacement(form: Form, old: &str, value: &str) -> String {
    match form {
        Form::Plain => value.to_owned(),
        Form::Bare => old.chars().map(|c| if c.is_ascii_digit() { '1' } else { c }).collect(),
        Form::Quoted => {
            let quoted = serde_json::Value::from(value).to_string();
            quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
