//! Western, southern and central Europe, and Türkiye.
//!
//! Sources: NHS data dictionary, HMRC NIM39110 (NINO), BZSt (Steuer-ID), ICAO 9303 (German documents), DRV and
//! § 290 SGB V (insurance numbers), INSEE, Ministerio del Interior (NIF, NIE), Agenzia delle Entrate,
//! gov.pl (PESEL), RvIG (BSN), Belgian national register, Nüfus (T.C. kimlik).

use super::{Spec, spec};
use crate::detect::check::{Check, big, char_at, is_date, is_flat, mod_11_10, num, value, weighted};
use crate::detect::entity::{
    BE_NN, DE_HEALTH_INSURANCE, DE_ID_CARD, DE_SOCIAL_SECURITY, DE_TAX_ID, DRIVING_LICENCE, ES_NIE, ES_NIF,
    FR_NIR, IT_FISCAL_CODE, NL_BSN, PASSPORT, PL_PESEL, PT_NIF, TR_ID, UK_NHS, UK_NINO,
};

/// The table.
pub const SPECS: &[Spec] = &[
    spec(UK_NHS, "9999999999", 42, nhs),
    spec(UK_NHS, "999 999 9999", 62, nhs),
    spec(UK_NHS, "999-999-9999", 58, nhs),
    spec(UK_NINO, "AA999999A", 80, nino),
    spec(UK_NINO, "AA 99 99 99 A", 90, nino),
    spec(UK_NINO, "AA-99-99-99-A", 85, nino),
    spec(DRIVING_LICENCE, "XXXXX999999XXXAA", 75, uk_licence),
    spec(DE_TAX_ID, "99999999999", 44, tax_id),
    spec(DE_TAX_ID, "99 999 999 999", 70, tax_id),
    spec(DE_ID_CARD, "AXXXXXXXX9", 40, id_card),
    spec(DE_ID_CARD, "AXXXXXXX9", 42, id_card),
    spec(PASSPORT, "AXXXXXXX9", 43, de_passport),
    spec(DE_SOCIAL_SECURITY, "99999999A999", 75, pension),
    spec(DE_SOCIAL_SECURITY, "99 999999 A 999", 85, pension),
    spec(DE_HEALTH_INSURANCE, "A999999999", 52, health),
    spec(FR_NIR, "999999999999999", 72, nir),
    spec(FR_NIR, "999999A99999999", 80, nir),
    spec(FR_NIR, "9 99 99 99 999 999 99", 95, nir),
    spec(FR_NIR, "9 99 99 9A 999 999 99", 95, nir),
    spec(FR_NIR, "9 99 99 99 999 999", 41, nir_without_key),
    spec(ES_NIF, "99999999A", 75, nif),
    spec(ES_NIF, "99999999-A", 80, nif),
    spec(ES_NIF, "9999999A", 50, nif),
    spec(ES_NIE, "A9999999A", 78, nie),
    spec(ES_NIE, "A9999999-A", 82, nie),
    spec(ES_NIE, "A-9999999-A", 85, nie),
    spec(IT_FISCAL_CODE, "AAAAAAXXAXXAXXXA", 90, fiscal_code),
    spec(PL_PESEL, "99999999999", 58, pesel),
    spec(PT_NIF, "999999999", 40, pt_nif),
    spec(PT_NIF, "999 999 999", 52, pt_nif),
    spec(NL_BSN, "999999999", 41, bsn),
    spec(NL_BSN, "9999.99.999", 75, bsn),
    spec(NL_BSN, "9999 99 999", 65, bsn),
    spec(BE_NN, "99.99.99-999.99", 92, be_nn),
    spec(BE_NN, "999999-999-99", 80, be_nn),
    spec(BE_NN, "99999999999", 59, be_nn),
    spec(TR_ID, "99999999999", 56, tckn),
];

fn nhs(s: &[u8]) -> Check {
    let check = 11 - weighted(s, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    (check % 11 == value(char_at(s, 9)) && check != 10 && !is_flat(s)).into()
}

fn nino(s: &[u8]) -> Check {
    let (a, b, suffix) = (char_at(s, 0), char_at(s, 1), char_at(s, 8));
    let never = |c| matches!(c, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
    let kept = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[a, b]);
    (!never(a) && !never(b) && b != b'O' && !kept && matches!(suffix, b'A'..=b'D')).into()
}

/// Surname filled up with nines, decade, month (plus 50 for women), day, year, initials, and three of DVLA's own.
fn uk_licence(s: &[u8]) -> Check {
    let name = s.get(..5).unwrap_or_default();
    let letters = name.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let filled = letters > 0 && name.iter().skip(letters).all(|c| *c == b'9');
    let month = num(s, 6, 2);
    let month = if month > 50 { month - 50 } else { month };
    let initials = |i| char_at(s, i).is_ascii_alphabetic() || char_at(s, i) == b'9';
    (filled && is_date(0, month, num(s, 8, 2)) && initials(11) && initials(12)).into()
}

/// One digit of the first ten may be there twice or three times, no more.
fn tax_id(s: &[u8]) -> Check {
    let body = s.get(..10).unwrap_or_default();
    let times = |d: u8| body.iter().filter(|c| **c == d).count();
    let often = (b'0'..=b'9').filter(|d| times(*d) > 1).count();
    let most = (b'0'..=b'9').map(times).max().unwrap_or(0);
    (char_at(s, 0) != b'0' && often <= 1 && most <= 3 && mod_11_10(s)).into()
}

/// The check digit of machine-readable documents: weights 7, 3, 1.
fn icao(s: &[u8]) -> bool {
    let Some((last, body)) = s.split_last() else { return false };
    let sum: u32 = body.iter().zip([7, 3, 1].into_iter().cycle()).map(|(c, w)| value(*c) * w).sum();
    sum % 10 == value(*last)
}

fn german(s: &[u8]) -> bool {
    let free = |c: &u8| !matches!(c, b'A' | b'B' | b'D' | b'E' | b'I' | b'O' | b'Q' | b'S' | b'U');
    let digits = s.iter().filter(|c| c.is_ascii_digit()).count();
    s.iter().all(free) && digits >= 4 && icao(s)
}

fn id_card(s: &[u8]) -> Check {
    let office = matches!(char_at(s, 0), b'L' | b'M' | b'N' | b'P' | b'R' | b'T' | b'V' | b'W' | b'X' | b'Y');
    (office && german(s)).into()
}

fn de_passport(s: &[u8]) -> Check {
    (matches!(char_at(s, 0), b'C' | b'F' | b'G' | b'H' | b'J' | b'K') && german(s)).into()
}

/// Sums the digits of the products.
fn cross(digits: impl Iterator<Item = u32>, weights: &[u32]) -> u32 {
    digits.zip(weights).map(|(d, w)| (d * w) / 10 + (d * w) % 10).sum()
}

/// The letter as two digits, A being 01.
fn lettered(c: u8) -> [u32; 2] {
    let n = value(c).saturating_sub(9);
    [n / 10, n % 10]
}

fn pension(s: &[u8]) -> Check {
    let day = num(s, 2, 2) % 50;
    let month = num(s, 4, 2);
    let digits = s.iter().take(8).map(|c| value(*c));
    let all = digits.chain(lettered(char_at(s, 8))).chain(s.iter().skip(9).take(2).map(|c| value(*c)));
    let sum = cross(all, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
    let plausible = (1..=31).contains(&day) && (1..=12).contains(&month);
    (plausible && sum % 10 == value(char_at(s, 11))).into()
}

fn health(s: &[u8]) -> Check {
    let all = lettered(char_at(s, 0)).into_iter().chain(s.iter().skip(1).take(8).map(|c| value(*c)));
    (cross(all, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 == value(char_at(s, 9))).into()
}

fn nir_head(s: &[u8]) -> bool {
    let month = num(s, 3, 2);
    matches!(char_at(s, 0), b'1'..=b'4' | b'7' | b'8') && matches!(month, 1..=12 | 20..=42 | 50..=99)
}

fn nir(s: &[u8]) -> Check {
    // Corsica's 2A and 2B count as 19 and 18.
    let (mut body, corsica) = match (char_at(s, 5), char_at(s, 6)) {
        (b'2', c @ (b'A' | b'B')) => (*b"0000000000000", Some(if c == b'A' { b'9' } else { b'8' })),
        (_, c) if c.is_ascii_digit() => (*b"0000000000000", None),
        _ => return Check::No,
    };
    for (slot, c) in body.iter_mut().zip(s) {
        *slot = *c;
    }
    if let (Some(unit), Some([ten, one])) = (corsica, body.get_mut(5..7)) {
        (*ten, *one) = (b'1', unit);
    }
    (nir_head(s) && 97 - big(&body) % 97 == u64::from(num(s, 13, 2))).into()
}

fn nir_without_key(s: &[u8]) -> Check {
    if nir_head(s) { Check::Shape } else { Check::No }
}

/// The letter of a Spanish number.
fn spanish(number: u32) -> u8 {
    let place = usize::try_from(number % 23).unwrap_or(0);
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(place).copied().unwrap_or(0)
}

fn nif(s: &[u8]) -> Check {
    let Some((letter, digits)) = s.split_last() else { return Check::No };
    (spanish(num(digits, 0, 8)) == *letter).into()
}

fn nie(s: &[u8]) -> Check {
    let first = match char_at(s, 0) {
        b'X' => 0,
        b'Y' => 10_000_000,
        b'Z' => 20_000_000,
        _ => return Check::No,
    };
    (spanish(first + num(s, 1, 7)) == char_at(s, 8)).into()
}

fn fiscal_code(s: &[u8]) -> Check {
    const ODD: &[u8; 36] = b"\x01\x00\x05\x07\x09\x0d\x0f\x11\x13\x15\x01\x00\x05\x07\x09\x0d\x0f\x11\x13\x15\x02\x04\x12\x14\x0b\x03\x06\x08\x0c\x0e\x10\x0a\x16\x19\x18\x17";
    let odd = |c: u8| usize::try_from(value(c)).ok().and_then(|i| ODD.get(i)).map_or(0, |n| u32::from(*n));
    let even = |c: u8| if c.is_ascii_digit() { value(c) } else { value(c) - 10 };
    let sum: u32 =
        s.iter().take(15).enumerate().map(|(i, c)| if i % 2 == 0 { odd(*c) } else { even(*c) }).sum();
    // Letters may stand for digits where two people would share a code.
    let digits = |i: usize| char_at(s, i).is_ascii_digit() || b"LMNPQRSTUV".contains(&char_at(s, i));
    let shape = [6, 7, 9, 10, 12, 13, 14].into_iter().all(digits) && b"ABCDEHLMPRST".contains(&char_at(s, 8));
    (shape && sum % 26 + 10 == value(char_at(s, 15))).into()
}

fn pesel(s: &[u8]) -> Check {
    let month = num(s, 2, 2);
    let date = is_date(num(s, 0, 2), month % 20, num(s, 4, 2));
    (date && weighted(s, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)).into()
}

fn pt_nif(s: &[u8]) -> Check {
    let check = match weighted(s, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        n => 11 - n,
    };
    let counted = s == b"123456789";
    (matches!(char_at(s, 0), b'1'..=b'3') && !counted && check == value(char_at(s, 8)) && !is_flat(s)).into()
}

fn bsn(s: &[u8]) -> Check {
    let sum = weighted(s, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = value(char_at(s, 8));
    (sum >= last && (sum - last).is_multiple_of(11) && !is_flat(s) && big(s) > 9_999_999).into()
}

fn be_nn(s: &[u8]) -> Check {
    let (body, key) = (big(s.get(..9).unwrap_or_default()), u64::from(num(s, 9, 2)));
    let right = 97 - body % 97 == key || 97 - (body + 2_000_000_000) % 97 == key;
    let month = num(s, 2, 2) % 20;
    ((1..=12).contains(&month) && (1..=31).contains(&num(s, 4, 2)) && right).into()
}

fn tckn(s: &[u8]) -> Check {
    let tenth = weighted(s, &[7, 9, 7, 9, 7, 9, 7, 9, 7]) % 10;
    let eleventh = weighted(s, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) % 10;
    let right = tenth == value(char_at(s, 9)) && eleventh == value(char_at(s, 10));
    (char_at(s, 0) != b'0' && right).into()
}
