//! Values that look like the original and are nobody's: the same length, separators and case, other digits and
//! letters, and valid check digits where the last ones can be found by trying.
//!
//! Deterministic: the same key, kind and value give the same fake. E-mail addresses move to `example.com`,
//! IPv4 addresses to 198.18.0.0/15 (RFC 2544), IPv6 to 2001:db8::/32, so nothing real is ever reached.

mod names;

use crate::detect::entity::{EMAIL, IP};
use crate::digest;
use crate::settings::Settings;

/// How many last characters are tried through, and how many beginnings.
const BEGINNINGS: u32 = 12;

/// The fake number `n` for a value.
pub fn of(settings: &Settings, kind: usize, value: &str, n: u32) -> String {
    let label = settings.kind(kind).map_or("", |k| k.label.as_str());
    let random = |round: u32| Random {
        seed: digest::of(&settings.key, &settings.salt, label, &format!("{n}/{round}/{value}")),
        at: 0,
    };
    match kind {
        EMAIL => return email(value, &mut random(0)),
        IP => return address(value, &mut random(0)),
        _ => {
            if let Some(name) = names::of(kind, value, &mut random(0)) {
                return name;
            }
        }
    }
    let is_valid = |fake: &str| {
        settings.find(fake, label).iter().any(|f| f.kind == kind && f.start == 0 && f.end == fake.len())
    };
    let checkable = value.len() <= 40 && is_valid(value);
    for round in 0..if checkable { BEGINNINGS } else { 0 } {
        let fake = shuffled(value, &mut random(round));
        if let Some(fake) = completed(&fake, is_valid) {
            return fake;
        }
    }
    shuffled(value, &mut random(0))
}

/// Tries the last two digits, then the last letter, until the value is a valid one.
fn completed(fake: &str, is_valid: impl Fn(&str) -> bool) -> Option<String> {
    if is_valid(fake) {
        return Some(fake.to_owned());
    }
    let mut bytes = fake.as_bytes().to_vec();
    let places: Vec<usize> =
        bytes.iter().enumerate().rev().filter(|(_, c)| c.is_ascii_digit()).map(|(i, _)| i).take(2).collect();
    let letter = bytes.last().is_some_and(u8::is_ascii_uppercase);
    let attempt = |bytes: &[u8]| std::str::from_utf8(bytes).ok().filter(|f| is_valid(f)).map(str::to_owned);
    if letter {
        for c in b'A'..=b'Z' {
            *bytes.last_mut()? = c;
            if let Some(found) = attempt(&bytes) {
                return Some(found);
            }
        }
        return None;
    }
    for number in 0..100_u8 {
        for (place, digit) in places.iter().zip([number % 10, number / 10]) {
            *bytes.get_mut(*place)? = b'0' + digit;
        }
        if let Some(found) = attempt(&bytes) {
            return Some(found);
        }
    }
    None
}

/// Other digits for digits and letters for letters; the first two characters stay (an issuer, a country), and a
/// number that has no leading zero gets none.
fn shuffled(value: &str, random: &mut Random) -> String {
    let kept = if value.chars().count() > 6 { 2 } else { 0 };
    let other = |(i, c): (usize, char)| match c {
        _ if i < kept && c.is_alphanumeric() => c,
        '0'..='9' => random.pick(if i == 0 { b"123456789" } else { b"0123456789" }),
        'a'..='z' => random.pick(b"abcdefghijklmnopqrstuvwxyz"),
        'A'..='Z' => random.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        c if c.is_alphabetic() => random.pick(b"abcdefghijklmnopqrstuvwxyz"),
        // What JSON would escape: a fake must read the same inside of a string and outside.
        '"' | '\\' => '-',
        c if c.is_control() => ' ',
        c => c,
    };
    value.chars().enumerate().map(other).collect()
}

fn email(value: &str, random: &mut Random) -> String {
    let local = value.split('@').next().unwrap_or_default();
    let name: String = local
        .chars()
        .map(|c| match c {
            '.' | '_' | '-' => c,
            '0'..='9' => random.pick(b"0123456789"),
            _ => random.pick(b"abcdefghijklmnopqrstuvwxyz"),
        })
        .collect();
    format!("{name}@example.com")
}

fn address(value: &str, random: &mut Random) -> String {
    if value.contains(':') {
        return format!("2001:db8::{:x}:{:x}", random.byte(), u16::from(random.byte()) << 8 | 0x11);
    }
    format!("198.{}.{}.{}", 18 + random.byte() % 2, random.byte(), random.byte())
}

/// A stream of bytes from a digest.
struct Random {
    seed: [u8; 32],
    at: usize,
}

impl Random {
    fn byte(&mut self) -> u8 {
        if self.at >= self.seed.len() {
            self.seed = digest::of("", "", "", &self.seed.iter().map(|b| char::from(*b)).collect::<String>());
            self.at = 0;
        }
        self.at += 1;
        self.seed.get(self.at - 1).copied().unwrap_or(0)
    }

    fn pick(&mut self, from: &[u8]) -> char {
        let at = usize::from(self.byte()) % from.len().max(1);
        from.get(at).map_or('0', |c| char::from(*c))
    }
}

#[cfg(test)]
mod tests;
