//! Whether a text that is still coming can become JSON (RFC 8259): a pushdown lexer that can be put away between
//! two pieces and taken up again.
//!
//! Invariants: every prefix of a JSON text is let through, and the first byte that no JSON text could have at its
//! place is told, however the text is cut; work is linear in the new bytes, and the state is bounded.
//! It never builds a value and never knows a schema (see `toplevel`): it tells what stands at the top two levels.

use crate::repair::MAX_DEPTH;
use serde::{Deserialize, Serialize};

/// How much of a key or a scalar is kept to be told.
const MAX_TOLD_BYTES: usize = 512;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Next {
    /// A value.
    #[default]
    Value,
    /// A value, or the end of an array that has none yet.
    FirstItem,
    /// A key, or the end of an object that has none yet.
    FirstKey,
    /// A key.
    Key,
    /// The colon behind a key.
    Colon,
    /// A comma or an end.
    Ending,
    /// More of a string.
    Text,
    /// What is escaped.
    Escape,
    /// This many hexadecimal digits.
    Hex(u8),
    /// A digit, behind a minus.
    Minus,
    /// Behind a leading zero.
    Zero,
    /// More digits.
    Digits,
    /// The first digit behind a point.
    Point,
    /// More digits behind a point.
    Fraction,
    /// A sign or a digit behind an `e`.
    Exponent,
    /// A digit behind the sign of an exponent.
    ExponentSign,
    /// More digits of an exponent.
    ExponentDigits,
    /// The rest of `true`, `false` or `null`: which, and from which byte.
    Literal(u8, u8),
}

/// What stands at the top, or directly in an object there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// A value of this kind begins (`depth` 0 is the top).
    Begins {
        /// How many brackets are open around it.
        depth: usize,
        /// Its first byte: `{`, `[`, `"`, `-` or a digit, `t`, `f`, `n`.
        first: u8,
    },
    /// A key is complete; as it was written, or none where it is too long.
    Key(Option<&'a str>),
    /// A string, number or literal is complete; as it was written, or none where it is too long.
    Scalar(Option<&'a str>),
}

/// The state between two pieces of a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lexer {
    next: Next,
    /// The brackets that are open.
    open: String,
    /// Whether the string is a key.
    key: bool,
    /// The beginning of the token that will be told, unless it became too long.
    token: Option<String>,
    telling: bool,
}

/// Where a text went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible {
    /// The byte of the piece.
    pub at: usize,
    /// Whether JSON could not go on here; otherwise what was seen did not suit.
    pub syntax: bool,
}

impl Lexer {
    /// Whether the text could end here.
    pub fn complete(&self) -> bool {
        let number = matches!(self.next, Next::Zero | Next::Digits | Next::Fraction | Next::ExponentDigits);
        self.open.is_empty() && (self.next == Next::Ending || number)
    }

    /// Reads the next piece. `suits` is asked about what is seen at the top two levels.
    ///
    /// # Errors
    /// No JSON text goes on like this, or something seen does not suit.
    pub fn feed(&mut self, piece: &str, mut suits: impl FnMut(Seen<'_>) -> bool) -> Result<(), Impossible> {
        // Where the token that is told goes on in this piece.
        let mut from = 0;
        for (at, byte) in piece.bytes().enumerate() {
            let before = self.next;
            if self.ends_number(byte) {
                self.keep(piece, from, at);
                self.next = Next::Ending;
                if !self.tell(&mut suits) {
                    return Err(Impossible { at, syntax: false });
                }
            }
            if !self.step(byte) {
                return Err(Impossible { at, syntax: true });
            }
            let begins = matches!(before, Next::Value | Next::FirstItem) && !is_blank(byte) && byte != b']';
            let begins_key = matches!(before, Next::Key | Next::FirstKey) && byte == b'"';
            if begins || begins_key {
                from = at;
                let bracket = begins && matches!(byte, b'{' | b'[');
                let depth = self.open.len() - usize::from(bracket);
                let watched = depth == 0 || (depth == 1 && self.open.starts_with('{'));
                self.telling = watched && !bracket;
                self.token = self.telling.then(String::new);
                if watched && begins && !suits(Seen::Begins { depth, first: byte }) {
                    return Err(Impossible { at, syntax: false });
                }
            }
            let ended = matches!(before, Next::Text | Next::Literal(..))
                && matches!(self.next, Next::Ending | Next::Colon);
            if ended {
                self.keep(piece, from, at + 1);
                if !self.tell(&mut suits) {
                    return Err(Impossible { at, syntax: false });
                }
            }
        }
        self.keep(piece, from, piece.len());
        Ok(())
    }

    fn keep(&mut self, piece: &str, from: usize, to: usize) {
        if let Some(token) = &mut self.token {
            let more = piece.get(from..to).unwrap_or_default();
            if token.len() + more.len() > MAX_TOLD_BYTES {
                self.token = None;
            } else {
                token.push_str(more);
            }
        }
    }

    fn tell(&mut self, suits: &mut impl FnMut(Seen<'_>) -> bool) -> bool {
        if !std::mem::take(&mut self.telling) {
            return true;
        }
        let token = self.token.take();
        suits(if self.key { Seen::Key(token.as_deref()) } else { Seen::Scalar(token.as_deref()) })
    }

    /// Whether a number ended before this byte.
    fn ends_number(&self, byte: u8) -> bool {
        let more = match self.next {
            Next::Zero => matches!(byte, b'.' | b'e' | b'E'),
            Next::Digits => matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E'),
            Next::Fraction => matches!(byte, b'0'..=b'9' | b'e' | b'E'),
            Next::ExponentDigits => byte.is_ascii_digit(),
            _ => return false,
        };
        !more && (is_blank(byte) || matches!(byte, b',' | b'}' | b']'))
    }

    /// Takes one byte; `false` where it is impossible.
    fn step(&mut self, byte: u8) -> bool {
        let next = match (self.next, byte) {
            (Next::Text, b'"') => {
                if self.key {
                    Next::Colon
                } else {
                    Next::Ending
                }
            }
            (Next::Text, b'\\') => Next::Escape,
            (Next::Text, 0x20..) => Next::Text,
            (Next::Escape, b'u') => Next::Hex(4),
            (Next::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Next::Text,
            (Next::Hex(left), byte) if byte.is_ascii_hexdigit() => {
                if left > 1 {
                    Next::Hex(left - 1)
                } else {
                    Next::Text
                }
            }
            (Next::Minus, b'0') => Next::Zero,
            (Next::Minus, b'1'..=b'9') | (Next::Digits, b'0'..=b'9') => Next::Digits,
            (Next::Zero | Next::Digits, b'.') => Next::Point,
            (Next::Point | Next::Fraction, b'0'..=b'9') => Next::Fraction,
            (Next::Zero | Next::Digits | Next::Fraction, b'e' | b'E') => Next::Exponent,
            (Next::Exponent, b'+' | b'-') => Next::ExponentSign,
            (Next::Exponent | Next::ExponentSign | Next::ExponentDigits, b'0'..=b'9') => Next::ExponentDigits,
            (Next::Literal(which, at), byte) => {
                let word = literal(which);
                if word.get(usize::from(at)) != Some(&byte) {
                    return false;
                }
                if usize::from(at) + 1 == word.len() { Next::Ending } else { Next::Literal(which, at + 1) }
            }
            (
                next @ (Next::Value
                | Next::FirstItem
                | Next::FirstKey
                | Next::Key
                | Next::Colon
                | Next::Ending),
                b,
            ) => {
                return is_blank(b) || self.structure(next, b);
            }
            _ => return false,
        };
        self.next = next;
        true
    }

    /// Takes a byte between tokens.
    fn structure(&mut self, next: Next, byte: u8) -> bool {
        let inside = self.open.bytes().next_back();
        self.next = match (next, byte) {
            (Next::Value | Next::FirstItem, b'{' | b'[') => {
                if self.open.len() >= MAX_DEPTH {
                    return false;
                }
                self.open.push(char::from(byte));
                if byte == b'{' { Next::FirstKey } else { Next::FirstItem }
            }
            (Next::Value | Next::FirstItem, b'"') => {
                self.key = false;
                Next::Text
            }
            (Next::Value | Next::FirstItem, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.key = false;
                match byte {
                    b'-' => Next::Minus,
                    b'0' => Next::Zero,
                    b'1'..=b'9' => Next::Digits,
                    first => Next::Literal(first, 1),
                }
            }
            (Next::FirstKey | Next::Key, b'"') => {
                self.key = true;
                Next::Text
            }
            (Next::Colon, b':') => Next::Value,
            (Next::Ending, b',') if inside == Some(b'{') => Next::Key,
            (Next::Ending, b',') if inside == Some(b'[') => Next::Value,
            (Next::Ending | Next::FirstKey, b'}') if inside == Some(b'{') => self.close(),
            (Next::Ending | Next::FirstItem, b']') if inside == Some(b'[') => self.close(),
            _ => return false,
        };
        true
    }

    fn close(&mut self) -> Next {
        self.open.pop();
        Next::Ending
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn literal(first: u8) -> &'static [u8] {
    match first {
        b't' => b"true",
        b'f' => b"false",
        _ => b"null",
    }
}

#[cfg(test)]
mod tests;
