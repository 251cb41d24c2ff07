//! URLs, and domains that stand alone.
//!
//! A host needs a dot and a top-level domain: `http://localhost` and `file.rs` are none of these. Behind a scheme any
//! top-level domain will do; alone only one that is no file's ending and no word. Source: RFC 3986.

use crate::detect::cursor::{at, before};

/// Top-level domains of domains that stand alone.
const TOP: &[&str] = &[
    "com", "org", "net", "edu", "gov", "mil", "info", "biz", "io", "dev", "app", "ai", "tv", "eu", "uk",
    "de", "fr", "it", "es", "nl", "be", "ch", "at", "us", "ca", "au", "jp", "cn", "ru", "br", "se", "no",
    "dk", "fi", "cz", "pt", "gr", "ie", "nz", "kr", "mx", "tr", "za", "hu", "ro", "il", "in",
];
/// A URL, and a host, are looked at up to so many bytes.
const LONGEST: usize = 2048;
const LONGEST_HOST: usize = 253;
/// A scheme, with room for `postgresql`.
const LONGEST_SCHEME: usize = 12;

/// The URL around the colon at `i`.
pub fn with_scheme(b: &[u8], i: usize) -> Option<(usize, usize)> {
    if at(b, i + 1) != b'/' || at(b, i + 2) != b'/' {
        return None;
    }
    let letters = b.get(..i)?.iter().rev().take(LONGEST_SCHEME + 1).take_while(|c| c.is_ascii_alphabetic());
    let scheme = letters.count();
    // The host first: only where it is one is the rest worth a look.
    let sign = |c: &&u8| {
        c.is_ascii_graphic() && !matches!(c, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'`' | b'\\')
    };
    let authority = b.get(i + 3..)?.iter().take(LONGEST_HOST).take_while(|c| sign(c) || **c >= 0x80).count();
    let authority = b.get(i + 3..i + 3 + authority)?;
    let host = authority
        .rsplit(|c| *c == b'@')
        .next()?
        .split(|c| matches!(c, b':' | b')' | b']' | b',' | b'\''))
        .next()?;
    let host = host.strip_suffix(b".").unwrap_or(host);
    ((2..=LONGEST_SCHEME).contains(&scheme) && is_host(host)).then(|| (i - scheme, url_end(b, i + 3)))
}

/// The domain, with what follows of a URL, whose first dot is at `i`.
pub fn domain(b: &[u8], i: usize) -> Option<(usize, usize)> {
    if !before(b, i, 1).is_ascii_alphanumeric() || !at(b, i + 1).is_ascii_alphanumeric() {
        return None;
    }
    let label = |c: &&u8| c.is_ascii_alphanumeric() || **c == b'-';
    let start = i - b.get(..i)?.iter().rev().take(64).take_while(label).count();
    let rest = b.get(start..)?.iter().take(LONGEST_HOST);
    let host = rest.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.')).count();
    let host = b.get(start..start + host)?.trim_ascii_end();
    let host = host.strip_suffix(b".").unwrap_or(host);
    let end = start + host.len();
    let top = host.rsplit(|c| *c == b'.').next()?;
    let known = TOP.iter().any(|known| top.eq_ignore_ascii_case(known.as_bytes()));
    let web = host.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"www."));
    let dots = host.iter().filter(|c| **c == b'.').count();
    let clean = !matches!(before(b, start, 1), b'@' | b'.' | b'_' | b'/' | b'\\' | b'$' | b'(' | b'[')
        && !matches!(at(b, end), b'_' | b'(' | b'=' | b'[' | b'@');
    // `e.g.in` and `at.least`: two letters before a dot are an abbreviation, two behind it may be a word.
    let whole = top.len() > 2 || host.len() >= 7 && !top.iter().any(u8::is_ascii_uppercase);
    let right = if web { dots >= 2 } else { known && whole };
    (clean && right && is_host(host)).then(|| {
        let on = matches!(at(b, end), b'/' | b'?' | b':');
        (start, if on { url_end(b, end) } else { end })
    })
}

/// Whether a host has a dot, whole labels and a top-level domain, or is four numbers.
fn is_host(host: &[u8]) -> bool {
    let labels = || host.split(|c| *c == b'.');
    let whole = labels()
        .all(|l| !l.is_empty() && l.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-' || *c >= 0x80));
    let top = labels().next_back().unwrap_or_default();
    let letters = top.len() >= 2 && top.iter().all(|c| c.is_ascii_alphabetic() || *c >= 0x80);
    let punycode = top.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"));
    let count = labels().count();
    whole
        && (count >= 2 && (letters || punycode)
            || count == 4 && labels().all(|l| l.iter().all(u8::is_ascii_digit)))
}

/// Where the URL ends that goes on at `i`: signs that end a sentence or close a bracket are not part of it.
fn url_end(b: &[u8], i: usize) -> usize {
    let rest = b.get(i..).unwrap_or_default();
    let inside = |c: &&u8| {
        c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'`' | b'\\' | b'{' | b'}' | b'|')
    };
    let length = rest.iter().take(LONGEST).take_while(inside).count();
    let run = rest.get(..length).unwrap_or_default();
    let loose = |c: &&u8| matches!(c, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'\'' | b'*');
    i + length - run.iter().rev().take_while(loose).count()
}
