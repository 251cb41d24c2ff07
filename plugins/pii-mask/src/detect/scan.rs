//! The pass over a text: stops at each word and at the few signs that begin or join an entity, asks the
//! detectors that the class of characters calls for, and keeps the best offer of each place.
//!
//! Invariants: what is found is in order and does not overlap; the cost of a place is bounded. Never
//! allocates but for the list of finds and one list of offers.

use super::context::SURE;
use super::cursor::{at, before, digits_end};
use super::entity::{
    BIC, CARD, CRYPTO, DATE_OF_BIRTH, DRIVING_LICENCE, EMAIL, IBAN, IP, MAC, PASSPORT, PHONE, SECRET,
    URL_CREDENTIALS,
};
use super::groups::Groups;
use super::{Found, Scanner, bic, card, crypto, date, email, iban, ip, mac, national, phone, secret, url};

use text_kit::ascii;

/// What a value that is the whole text is worth more: somebody typed it into a field.
const ALONE: u8 = 14;
/// What a number with letters is worth as a passport or a licence before any word speaks for it.
const DOCUMENT: u8 = 16;

/// One pass.
pub struct Scan<'a> {
    scanner: &'a Scanner,
    text: &'a str,
    b: &'a [u8],
    lead: &'a str,
    /// The text without the white space around it.
    whole: (usize, usize),
    out: &'a mut Vec<Found>,
    /// Where our finds begin in `out`.
    first: usize,
    offers: Vec<Found>,
}

impl<'a> Scan<'a> {
    /// A pass over `text`, which `lead` comes before.
    pub fn new(scanner: &'a Scanner, text: &'a str, lead: &'a str, out: &'a mut Vec<Found>) -> Scan<'a> {
        let start = text.len() - text.trim_start().len();
        let whole = (start, text.trim_end().len());
        Scan { scanner, text, b: text.as_bytes(), lead, whole, first: out.len(), out, offers: Vec::new() }
    }

    /// Looks at everything.
    pub fn run(mut self) {
        let b = self.b;
        if !self.lead.is_empty() && self.scanner.looks_for(SECRET) {
            let (start, end) = self.whole;
            let score = self.text.get(start..end).and_then(|value| secret::led(value, self.lead));
            if let Some(score) = score {
                self.out.push(Found { start, end, kind: SECRET, score });
                return;
            }
        }
        let mut i = 0;
        while let Some(step) = b.get(i..).and_then(|rest| rest.iter().position(|&c| is_trigger(c))) {
            i += step;
            let next = match at(b, i) {
                b'@' => self.address(i),
                b':' => self.colon(i),
                b'+' => self.offer_end(i, PHONE, |b| phone::international(b, i)),
                b'(' => self.offer_end(i, PHONE, |b| phone::bracketed(b, i)),
                b'-' => self.offer_end(i, SECRET, |b| secret::private_key(b, i).map(|end| (end, 99))),
                _ => self.word(i),
            };
            i = self.settle(next);
        }
    }

    /// The end of the last find.
    fn floor(&self) -> usize {
        self.out.get(self.first..).and_then(|f| f.last()).map_or(0, |f| f.end)
    }

    fn offer(&mut self, kind: usize, start: usize, end: usize, score: u8) {
        self.offers.push(Found { start, end, kind, score });
    }

    /// Offers what a detector finds at the sign `i`; the next place is the one after it.
    fn offer_end(&mut self, i: usize, kind: usize, find: impl FnOnce(&[u8]) -> Option<(usize, u8)>) -> usize {
        if self.scanner.looks_for(kind)
            && let Some((end, score)) = find(self.b)
        {
            self.offer(kind, i, end, score);
        }
        i + 1
    }

    /// Takes the best offer, if it reaches the threshold, and says where to go on.
    fn settle(&mut self, next: usize) -> usize {
        let Some(first) = self.offers.first() else { return next };
        // Nothing that stands around could change this.
        if self.offers.len() == 1 && first.score >= SURE.max(self.scanner.threshold) {
            self.out.push(*first);
            let end = first.end;
            self.offers.clear();
            return next.max(end);
        }
        let near = self.scanner.words.near(self.b, self.lead, first.start, first.end);
        let (whole, lead) = (self.whole, self.lead);
        let scored = self.offers.iter().map(|offer| {
            let alone = (offer.start, offer.end) == whole && lead.is_empty();
            let score = near.score(offer.kind, offer.score) + if alone { ALONE } else { 0 };
            Found { score: score.min(100), ..*offer }
        });
        let best = scored.max_by_key(|f| (f.score, f.end - f.start));
        self.offers.clear();
        match best.filter(|f| f.score >= self.scanner.threshold) {
            Some(best) => {
                self.out.push(best);
                next.max(best.end)
            }
            None => next,
        }
    }

    /// An address around `@`; a number that turns out to be part of it is taken back.
    fn address(&mut self, i: usize) -> usize {
        let ours = self.out.get(self.first..).unwrap_or_default();
        let floor = ours.iter().rev().find(|f| f.kind == EMAIL).map_or(0, |f| f.end);
        let find = self.scanner.looks_for(EMAIL).then(|| email::find(self.b, i, floor)).flatten();
        let Some((start, end)) = find else { return i + 1 };
        let inner = |f: &Found| f.start >= start && f.kind != EMAIL && f.kind != URL_CREDENTIALS;
        while self.out.len() > self.first && self.out.last().is_some_and(inner) {
            self.out.pop();
        }
        if self.floor() <= start {
            self.offer(EMAIL, start, end, 95);
        }
        i + 1
    }

    /// Credentials in a URL, or an IPv6 address.
    fn colon(&mut self, i: usize) -> usize {
        let (b, floor) = (self.b, self.floor());
        if self.scanner.looks_for(URL_CREDENTIALS)
            && let Some((start, end)) = url::credentials(b, i)
        {
            self.offer(URL_CREDENTIALS, start, end, 92);
            return i + 1;
        }
        let possible = at(b, i + 1) == b':' || at(b, i + 1).is_ascii_hexdigit();
        if possible
            && self.scanner.looks_for(IP)
            && let Some((start, end, score)) = ip::v6(self.text, i, floor)
        {
            self.offer(IP, start, end, score);
        }
        i + 1
    }

    /// Whatever the run of letters and digits at `i` starts.
    fn word(&mut self, i: usize) -> usize {
        let b = self.b;
        let rest = b.get(i..).unwrap_or_default();
        let len = ascii::alphanumerics(rest);
        let run = rest.get(..len).unwrap_or_default();
        let plain = ascii::letters(run) == len;
        let digits = if plain { 0 } else { run.iter().filter(|c| c.is_ascii_digit()).count() };
        let end = i + len;
        self.hardware(i, len);
        if digits == len {
            self.number(i, end);
        } else {
            self.letters(i, end, digits);
        }
        let numeric = digits > 0 || (len <= 3 && at(b, end + 1).is_ascii_digit());
        if numeric && national::may_start(b, i) {
            self.national(i, len);
            if digits > 0 {
                self.document(i);
            }
        }
        end
    }

    /// A hardware address that starts with the run of `len` characters at `i`.
    fn hardware(&mut self, i: usize, len: usize) {
        let (b, kind) = (self.b, MAC);
        let shape = (len == 2 && matches!(at(b, i + 2), b':' | b'-')) || (len == 4 && at(b, i + 4) == b'.');
        if shape
            && at(b, i).is_ascii_hexdigit()
            && self.scanner.looks_for(kind)
            && let Some(end) = mac::find(b, i)
        {
            self.offer(kind, i, end, 88);
        }
    }

    /// A run of digits.
    fn number(&mut self, i: usize, end: usize) {
        let b = self.b;
        let mut groups = Groups::parse(b, i);
        groups.continued =
            before(b, i, 1) == b' ' && before(b, i, 2).is_ascii_digit() && self.floor() + 1 != i;
        if self.scanner.looks_for(IP)
            && let Some(stop) = ip::v4(b, i)
        {
            self.offer(IP, i, stop, 76);
        }
        if self.scanner.looks_for(CARD)
            && let Some(stop) = card::find(b, i, &groups)
        {
            // Twelve digits are few for one check digit.
            let plain = if end - i == 12 { 44 } else { 82 };
            self.offer(CARD, i, stop, if stop == end { plain } else { 92 });
        }
        if self.scanner.looks_for(PHONE)
            && let Some((stop, score)) = phone::national(b, i, &groups)
        {
            self.offer(PHONE, i, stop, score);
        }
        if self.scanner.looks_for(DATE_OF_BIRTH) && end - i <= 4 && national::may_start(b, i) {
            let stop = date::numeric(b, &groups).or_else(|| date::day_first(b, i, end));
            if let Some(stop) = stop {
                self.offer(DATE_OF_BIRTH, i, stop, date::SCORE);
            }
        }
        if (26..=35).contains(&(end - i)) {
            self.coin(i, end);
        }
    }

    /// A run of letters, or of letters and digits.
    fn letters(&mut self, i: usize, end: usize, digits: usize) {
        let (b, len) = (self.b, end - i);
        let word = b.get(i..end).unwrap_or_default();
        if digits > 0
            && len >= 4
            && self.scanner.looks_for(IBAN)
            && at(b, i + 2).is_ascii_digit()
            && let Some((start, stop)) = iban::find(b, i + 2)
        {
            self.offer(IBAN, start, stop, 96);
        }
        if matches!(len, 8 | 11)
            && self.scanner.looks_for(BIC)
            && national::may_start(b, i)
            && let Some(score) = bic::score(word)
        {
            self.offer(BIC, i, end, score);
        }
        if len >= 14 {
            self.coin(i, end);
        }
        if self.scanner.looks_for(SECRET) {
            let joined = matches!(at(b, end), b'-' | b'_' | b'.') && len <= 8;
            if (joined || len >= 20)
                && secret::may_start(b, i)
                && let Some(stop) = secret::prefixed(b, i)
            {
                self.offer(SECRET, i, stop, 94);
            }
            let named = matches!(at(b, end), b':' | b'=' | b'"' | b'\'' | b' ' | b'`' | b']' | b'*');
            if named
                && digits == 0
                && (3..=24).contains(&len)
                && secret::may_be_assigned(b, i, end)
                && let Some((start, stop, score)) = secret::assigned(b, i, end)
            {
                self.offer(SECRET, start, stop, score);
            }
        }
        if (1..=2).contains(&digits)
            && len == digits + 2
            && self.scanner.looks_for(DATE_OF_BIRTH)
            && national::may_start(b, i)
            && let Some(stop) = date::day_first(b, i, digits_end(b, i))
        {
            self.offer(DATE_OF_BIRTH, i, stop, date::SCORE);
        }
        if digits == 0
            && (3..=9).contains(&len)
            && matches!(at(b, end), b' ' | b'.')
            && (at(b, end + 1).is_ascii_digit() || at(b, end + 2).is_ascii_digit())
            && self.scanner.looks_for(DATE_OF_BIRTH)
            && let Some(stop) = date::month_first(b, i, end)
        {
            self.offer(DATE_OF_BIRTH, i, stop, date::SCORE);
        }
    }

    fn coin(&mut self, i: usize, end: usize) {
        if self.scanner.looks_for(CRYPTO)
            && let Some((stop, score)) = crypto::find(self.b, i, end)
        {
            self.offer(CRYPTO, i, stop, score);
        }
    }

    /// Identifiers of states whose first run has `len` characters.
    fn national(&mut self, i: usize, len: usize) {
        let scanner = self.scanner;
        for spec in scanner.national.at(self.b, i, len) {
            if let Some((end, score)) = spec.find(self.b, i) {
                self.offer(spec.kind, i, end, score);
            }
        }
    }

    /// A passport or a licence: any number that is long enough, if a word says so.
    fn document(&mut self, i: usize) {
        let b = self.b;
        let (mut end, mut digits, mut len) = (i, 0, 0);
        while len < 20 {
            let c = at(b, end);
            if c.is_ascii_alphanumeric() {
                digits += usize::from(c.is_ascii_digit());
                len += 1;
            } else if !(c == b'-' && at(b, end + 1).is_ascii_alphanumeric()) {
                break;
            }
            end += 1;
        }
        let plausible = (6..=18).contains(&len) && digits >= 4 && !at(b, end).is_ascii_alphanumeric();
        let dated = end - i == 10 && matches!(at(b, i + 4), b'-')
            || digits_end(b, i) - i < 3 && len == 8 && digits == 8;
        if !plausible || dated {
            return;
        }
        for (kind, least) in [(PASSPORT, 8), (DRIVING_LICENCE, 6)] {
            if len >= least && self.scanner.looks_for(kind) {
                self.offer(kind, i, end, DOCUMENT);
            }
        }
    }
}

/// Whether an entity can begin at, or be recognised by, this byte.
fn is_trigger(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b':' | b'@' | b'+' | b'(' | b'-')
}
