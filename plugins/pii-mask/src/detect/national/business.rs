//! Identifiers of firms and of those in business for themselves, whose number is a person's.
//!
//! Sources: BZSt (USt-IdNr., ISO 7064), AO § 139 and ELSTER (Steuernummer), KBV (LANR), Bolagsverket (Luhn), Korean
//! National Tax Service, Indian GST council (fifteen places, a PAN inside), ACRA (UEN).

use super::{Spec, spec};
use crate::detect::check::{Check, char_at, luhn, mod_11_10, num, value, weighted};
use crate::detect::entity::{DE_LANR, DE_TAX_NUMBER, DE_VAT_ID, IN_GSTIN, KR_BRN, SE_ORGNR, SG_UEN};

/// The table.
pub const SPECS: &[Spec] = &[
    spec(DE_VAT_ID, "AA999999999", 84, german_vat),
    spec(DE_VAT_ID, "AA 999999999", 84, german_vat),
    spec(DE_VAT_ID, "AA 999 999 999", 86, german_vat),
    spec(DE_VAT_ID, "AA-999-999-999", 86, german_vat),
    spec(DE_VAT_ID, "AA.999.999.999", 86, german_vat),
    spec(DE_VAT_ID, "AA 999-999.999", 80, german_vat),
    spec(DE_TAX_NUMBER, "999/999/99999", 60, tax_number),
    spec(DE_TAX_NUMBER, "99/999/99999", 60, tax_number),
    spec(DE_TAX_NUMBER, "999/9999/9999", 60, tax_number),
    spec(DE_TAX_NUMBER, "99/999/9999", 52, tax_number),
    spec(DE_TAX_NUMBER, "9999999999999", 34, federal_tax_number),
    spec(DE_LANR, "999999999", 38, lanr),
    spec(SE_ORGNR, "999999-9999", 78, organisation),
    spec(SE_ORGNR, "9999999999", 40, organisation),
    spec(KR_BRN, "999-99-99999", 70, korean_business),
    spec(KR_BRN, "9999999999", 36, korean_business),
    spec(IN_GSTIN, "99AAAAA9999AXAX", 92, gstin),
    spec(SG_UEN, "99999999A", 62, uen_business),
    spec(SG_UEN, "999999999A", 72, uen_company),
    spec(SG_UEN, "A99AA9999A", 80, uen_other),
];

/// The last of nine digits is a check digit; numbers that break the rule are written, too.
fn german_vat(s: &[u8]) -> Check {
    let digits = s.get(2..).unwrap_or_default();
    match s.get(..2) {
        Some(b"DE") if char_at(digits, 0) == b'0' => Check::No,
        Some(b"DE") if mod_11_10(digits) => Check::Valid,
        Some(b"DE") => Check::Shape,
        _ => Check::No,
    }
}

/// Each office has its own rules; the slashes say what it is.
fn tax_number(s: &[u8]) -> Check {
    (num(s, 0, 2) > 0).into()
}

/// The number as all states write it: the office, a zero in the fifth place, the district and the number.
fn federal_tax_number(s: &[u8]) -> Check {
    (char_at(s, 4) == b'0' && num(s, 0, 2) < 33).into()
}

fn lanr(s: &[u8]) -> Check {
    let check = (10 - weighted(s, &[4, 9, 4, 9, 4, 9]) % 10) % 10;
    (check == value(char_at(s, 6)) && num(s, 0, 6) > 0).into()
}

/// The third digit is two or more, so that none is a person's.
fn organisation(s: &[u8]) -> Check {
    (char_at(s, 2) >= b'2' && char_at(s, 0) != b'0' && luhn(s)).into()
}

fn korean_business(s: &[u8]) -> Check {
    let sum = weighted(s, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + value(char_at(s, 8)) * 5 / 10;
    (num(s, 0, 3) > 100 && (10 - sum % 10) % 10 == value(char_at(s, 9))).into()
}

/// The state, a PAN, which of its registrations, a Z, and a check character of base 36.
fn gstin(s: &[u8]) -> Check {
    if !(1..=38).contains(&num(s, 0, 2)) || char_at(s, 13) != b'Z' {
        return Check::No;
    }
    let sum: u32 = s
        .iter()
        .take(14)
        .zip([1, 2].into_iter().cycle())
        .map(|(c, factor)| value(*c) * factor)
        .map(|product| product / 36 + product % 36)
        .sum();
    if (36 - sum % 36) % 36 == value(char_at(s, 14)) { Check::Valid } else { Check::Shape }
}

fn letter_of(letters: &[u8], sum: u32) -> u8 {
    usize::try_from(sum % 11).ok().and_then(|n| letters.get(n)).copied().unwrap_or(0)
}

fn uen_business(s: &[u8]) -> Check {
    let sum = weighted(s, &[10, 4, 9, 3, 8, 2, 7, 1]);
    (letter_of(b"XMKECAWLJDB", sum) == char_at(s, 8)).into()
}

/// The year of registration comes first.
fn uen_company(s: &[u8]) -> Check {
    let sum = weighted(s, &[10, 8, 6, 4, 9, 7, 5, 3, 1]);
    let year = (1900..2100).contains(&num(s, 0, 4));
    (year && letter_of(b"ZKCMDNERGWH", sum) == char_at(s, 9)).into()
}

/// The century, the year, the kind of body, a number.
fn uen_other(s: &[u8]) -> Check {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";
    let place = |c: u8| LETTERS.iter().zip(0_u32..).find(|(l, _)| **l == c).map(|(_, n)| n);
    let sum =
        s.iter().zip([4, 3, 5, 3, 10, 2, 2, 5, 7]).try_fold(0, |sum, (c, w)| Some(sum + place(*c)? * w));
    let century = matches!(char_at(s, 0), b'R' | b'S' | b'T');
    (century && sum.is_some_and(|sum| sum >= 5 && letter_of(LETTERS, sum - 5) == char_at(s, 9))).into()
}
