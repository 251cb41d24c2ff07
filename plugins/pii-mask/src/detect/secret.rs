//! Keys and passwords: tokens with a known prefix, JSON web tokens, private keys, and values that a name such as
//! `password:` or `api_key=` stands before.
//!
//! Source: the prefixes as the issuers document them (OpenAI, Anthropic, AWS, GitHub, GitLab, Slack, Google,
//! Stripe, Hugging Face, npm, PyPI, SendGrid, Twilio, DigitalOcean, Databricks, Shopify, Telegram).

use super::cursor::{at, before};

/// A prefix, the least and most characters after it, and whether the alphabet has `-` and `_` too.
struct Prefix(&'static str, usize, usize, bool);

/// Longer prefixes come before those that they begin with.
const PREFIXES: &[Prefix] = &[
    Prefix("sk-ant-", 20, 200, true),
    Prefix("sk-", 20, 220, true),
    Prefix("sk_live_", 16, 250, false),
    Prefix("sk_test_", 16, 250, false),
    Prefix("rk_live_", 16, 250, false),
    Prefix("rk_test_", 16, 250, false),
    Prefix("whsec_", 24, 64, false),
    Prefix("ghp_", 36, 255, false),
    Prefix("gho_", 36, 255, false),
    Prefix("ghu_", 36, 255, false),
    Prefix("ghs_", 36, 255, false),
    Prefix("ghr_", 36, 255, false),
    Prefix("github_pat_", 50, 120, true),
    Prefix("glpat-", 20, 64, true),
    Prefix("xoxb-", 20, 250, true),
    Prefix("xoxp-", 20, 250, true),
    Prefix("xoxa-", 20, 250, true),
    Prefix("xoxr-", 20, 250, true),
    Prefix("xoxs-", 20, 250, true),
    Prefix("xapp-", 20, 250, true),
    Prefix("AKIA", 16, 16, false),
    Prefix("ASIA", 16, 16, false),
    Prefix("AIza", 35, 35, true),
    Prefix("ya29.", 20, 400, true),
    Prefix("GOCSPX-", 28, 28, true),
    Prefix("hf_", 30, 40, false),
    Prefix("npm_", 36, 36, false),
    Prefix("pypi-", 50, 250, true),
    Prefix("SG.", 60, 80, true),
    Prefix("dop_v1_", 64, 64, false),
    Prefix("dapi", 32, 34, false),
    Prefix("shpat_", 32, 32, false),
    Prefix("gsk_", 40, 64, false),
    Prefix("xai-", 40, 120, true),
    Prefix("pplx-", 40, 64, false),
];

/// Names of what must be at least eight characters, and of what may be a word that people choose.
const KEYS: &[&str] = &[
    "accesskey",
    "apikey",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "key",
    "privatekey",
    "secret",
    "secretkey",
    "token",
];
const PASSWORDS: &[&str] =
    &["contraseña", "kennwort", "passphrase", "passwd", "password", "passwort", "pwd", "senha", "wachtwoord"];
/// What must stand before "key" to make it a secret one.
const KEY_KINDS: &[&str] = &["access", "account", "api", "auth", "client", "encryption", "private", "secret"];

/// The end of the token with a known prefix that starts at `i`.
pub fn prefixed(b: &[u8], i: usize) -> Option<usize> {
    let rest = b.get(i..)?;
    if rest.starts_with(b"eyJ") {
        return web_token(b, i);
    }
    let Prefix(prefix, least, most, wide) = PREFIXES.iter().find(|p| rest.starts_with(p.0.as_bytes()))?;
    let body = rest.get(prefix.len()..)?;
    let inner = |c: &u8| c.is_ascii_alphanumeric() || (*wide && matches!(c, b'-' | b'_' | b'.'));
    let mut len = body.iter().take_while(|c| inner(c)).count();
    while len > 0 && matches!(body.get(len - 1), Some(b'.' | b'-')) {
        len -= 1;
    }
    let body = body.get(..len)?;
    let random = body.iter().any(u8::is_ascii_digit) || body.iter().any(u8::is_ascii_uppercase);
    ((*least..=*most).contains(&len) && random).then_some(i + prefix.len() + len)
}

/// Three parts of URL-safe Base64; the first is a JSON object.
fn web_token(b: &[u8], i: usize) -> Option<usize> {
    let part = |from: usize| {
        let rest = b.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')).count()
    };
    let head = part(i);
    let body = part(head + 1);
    let dots = at(b, head) == b'.' && at(b, body) == b'.';
    let end = part(body + 1);
    (dots && head - i >= 16 && body - head > 8 && end - body > 8).then_some(end)
}

/// The end of the private key whose armour starts at `i`.
pub fn private_key(b: &[u8], i: usize) -> Option<usize> {
    let rest = b.get(i..)?;
    let line = rest.strip_prefix(b"-----BEGIN ")?;
    let label = line.get(..line.iter().take(60).position(|c| *c == b'-')?)?;
    if !label.ends_with(b"PRIVATE KEY") && !label.ends_with(b"PRIVATE KEY BLOCK") {
        return None;
    }
    // Without its last line a key is still a key: to the end of what looks like one.
    let mark = b"-----END ";
    let foot = rest.windows(mark.len()).take(20_000).position(|w| w == mark);
    let Some(foot) = foot else {
        let body = rest.iter().take_while(|c| c.is_ascii_graphic() || c.is_ascii_whitespace()).count();
        return (body > label.len() + 60).then_some(i + body);
    };
    let tail = rest.get(foot + mark.len()..)?;
    let close = tail.windows(5).take(60).position(|w| w == b"-----")?;
    Some(i + foot + mark.len() + close + 5)
}

/// Whether [`assigned`] may find anything: behind nearly all words stands just another word, and that is soon seen.
pub fn may_be_assigned(b: &[u8], i: usize, end: usize) -> bool {
    let word_follows = at(b, end) == b' ' && at(b, end + 1).is_ascii_alphabetic();
    !word_follows || b.get(end + 1..end + 4) == Some(b"is ") || end - i == b"bearer".len()
}

/// The value behind the name whose last word is `i..end`: its range and score.
pub fn assigned(b: &[u8], i: usize, end: usize) -> Option<(usize, usize, u8)> {
    let mut j = end;
    let skip = |j: &mut usize, set: &[u8], most: usize| {
        let from = *j;
        while *j - from < most && set.contains(&at(b, *j)) {
            *j += 1;
        }
        *j > from
    };
    skip(&mut j, b"\"'`]* ", 4);
    let mut bound = skip(&mut j, b":=>", 2);
    let is_bearer = b.get(i..end)?.eq_ignore_ascii_case(b"bearer");
    let told = !bound && b.get(j..j + 3) == Some(b"is ");
    // Nearly all words stop here, so names are looked for behind it.
    if !bound && !told && !is_bearer {
        return None;
    }
    let password = is_name(b, i, end)?;
    if told && password {
        (j, bound) = (j + 3, true);
    }
    if !bound && !is_bearer {
        return None;
    }
    skip(&mut j, b" *\t", 3);
    // `Authorization: Bearer …`: the next word says it again.
    if b.get(j..j + 6)?.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let quote = matches!(at(b, j), b'"' | b'\'' | b'`').then(|| at(b, j));
    j += usize::from(quote.is_some());
    let rest = b.get(j..)?;
    let stops = |c: u8| match quote {
        Some(quote) => c == quote || c == b'\n',
        None => {
            c.is_ascii_whitespace()
                || matches!(c, b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'&' | b'}' | b')')
        }
    };
    let mut len = rest.iter().take(300).take_while(|c| !stops(**c)).count();
    if quote.is_none() && matches!(rest.get(len.wrapping_sub(1)), Some(b'.' | b'?' | b'!')) {
        len -= 1;
    }
    let value = rest.get(..len)?;
    worth(value, password).map(|score| (j, j + len, score))
}

/// The score of a whole text as the value of the JSON key `lead`.
pub fn led(text: &str, lead: &str) -> Option<u8> {
    let b = lead.as_bytes();
    let start = b.iter().rposition(|c| !c.is_ascii_alphabetic() && *c < 0x80).map_or(0, |k| k + 1);
    worth(text.as_bytes(), is_name(b, start, b.len())?)
}

/// Whether the word `i..end` names a password (`true`) or a key (`false`); `None` when it names neither.
fn is_name(b: &[u8], i: usize, end: usize) -> Option<bool> {
    let word = b.get(i..end)?;
    let is = |known: &&str| word.eq_ignore_ascii_case(known.as_bytes());
    if PASSWORDS.iter().any(is) || ends(word, "Password") {
        return Some(true);
    }
    if !KEYS.iter().any(is) && !["Token", "Secret", "Key"].iter().any(|tail| ends(word, tail)) {
        return None;
    }
    let key = word.eq_ignore_ascii_case(b"key");
    let qualified = || {
        let from = i.saturating_sub(1);
        let joined = matches!(at(b, from), b'_' | b'-' | b' ' | b'.');
        joined
            && KEY_KINDS.iter().any(|kind| {
                from.checked_sub(kind.len())
                    .and_then(|s| b.get(s..from))
                    .is_some_and(|w| w.eq_ignore_ascii_case(kind.as_bytes()))
            })
    };
    (!key || (i > 0 && qualified())).then_some(false)
}

/// Whether a camel-case word ends so: `dbPassword`, `accessToken`.
fn ends(word: &[u8], tail: &str) -> bool {
    word.len() > tail.len() && word.ends_with(tail.as_bytes())
}

/// The score of a value as a secret: made of several kinds of characters, and not code.
fn worth(value: &[u8], password: bool) -> Option<u8> {
    let count = |f: fn(&u8) -> bool| value.iter().filter(|c| f(c)).count();
    let digits = count(u8::is_ascii_digit);
    let letters = count(u8::is_ascii_alphabetic);
    let plain = count(|c| matches!(c, b'.' | b'_' | b'-' | b'/' | b' '));
    let signs = value.len() - digits - letters - plain;
    let template = matches!(value.first(), Some(b'$' | b'{' | b'<' | b'%' | b'[' | b'(' | b'*'))
        || value.starts_with(b"os.");
    let code = value.iter().any(|c| matches!(c, b'(' | b'[' | b'{')) && !password;
    let least = if password { 5 } else { 10 };
    if value.len() < least || template || code || value.contains(&b' ') || value.ends_with(b"()") {
        return None;
    }
    let kinds = usize::from(digits > 0) + usize::from(signs > 0) + usize::from(letters > 0);
    let cases = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    let good = if password {
        kinds >= 2 || (digits > 0 && digits == value.len() && digits >= 6)
    } else {
        digits > 0 && (kinds >= 2 || cases) && distinct(value) >= 7
    };
    good.then_some(if password { 72 } else { 70 })
}

/// How many different characters there are.
fn distinct(value: &[u8]) -> u32 {
    value.iter().fold(0_u128, |set, c| set | 1 << (c & 127)).count_ones()
}

/// Whether a token may start at `i`.
pub fn may_start(b: &[u8], i: usize) -> bool {
    let prev = before(b, i, 1);
    !prev.is_ascii_alphanumeric() && !matches!(prev, b'_' | b'-' | b'/' | b'+')
}

#[cfg(test)]
mod tests {
    use super::{assigned, may_be_assigned};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_assigned_is_looked_for(
            name in "password|bearer|Bearer|api_key|token|the",
            behind in r#"( |: | is | ?[:=>]{1,2} ?|['"` *\]]{0,4}|b|i|is|bearer ){0,3}[a-zA-Z0-9!]{0,20}"#,
        ) {
            let text = format!("{name}{behind}");
            let from = name.rfind('_').map_or(0, |at| at + 1);
            let b = text.as_bytes();
            assert!(assigned(b, from, name.len()).is_none() || may_be_assigned(b, from, name.len()), "{text:?}");
        }
    }
}
