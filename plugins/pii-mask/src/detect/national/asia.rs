//! Asia and Australia.
//!
//! Sources: UIDAI (Verhoeff), Income Tax Department (PAN), ATO (TFN, ABN), Services Australia, ASIC, ICA Singapore,
//! Korean Ministry of the Interior (no check digit since October 2020), Japan's order 85 of 2014, GB 11643,
//! Thai Department of Provincial Administration.

use super::{Spec, spec};
use crate::detect::check::{Check, big, char_at, is_date, is_flat, num, value, verhoeff, weighted, yymmdd};
use crate::detect::entity::{
    AU_ABN, AU_ACN, AU_MEDICARE, AU_TFN, CN_ID, DRIVING_LICENCE, IN_AADHAAR, IN_PAN, JP_MY_NUMBER, KR_FRN,
    KR_RRN, PASSPORT, SG_NRIC, TH_ID,
};

/// The table.
pub const SPECS: &[Spec] = &[
    spec(IN_AADHAAR, "999999999999", 42, aadhaar),
    spec(IN_AADHAAR, "9999 9999 9999", 62, aadhaar),
    spec(IN_AADHAAR, "9999-9999-9999", 62, aadhaar),
    spec(IN_AADHAAR, "9999:9999:9999", 60, aadhaar),
    spec(IN_PAN, "AAAAA9999A", 78, pan),
    spec(AU_TFN, "999999999", 43, tfn),
    spec(AU_TFN, "999 999 999", 58, tfn),
    spec(AU_ABN, "99999999999", 54, abn),
    spec(AU_ABN, "99 999 999 999", 75, abn),
    spec(AU_ACN, "999999999", 39, acn),
    spec(AU_ACN, "999 999 999", 55, acn),
    spec(AU_MEDICARE, "9999999999", 44, medicare),
    spec(AU_MEDICARE, "9999 99999 9", 75, medicare),
    spec(AU_MEDICARE, "9999-99999-9", 75, medicare),
    spec(SG_NRIC, "A9999999A", 78, nric),
    spec(KR_RRN, "999999-9999999", 78, rrn),
    spec(KR_RRN, "9999999999999", 58, rrn_bare),
    spec(KR_FRN, "999999-9999999", 78, frn),
    spec(KR_FRN, "9999999999999", 58, frn_bare),
    spec(PASSPORT, "A999A9999", 58, korean_passport),
    spec(DRIVING_LICENCE, "99-99-999999-99", 60, korean_licence),
    spec(JP_MY_NUMBER, "999999999999", 41, my_number),
    spec(JP_MY_NUMBER, "9999 9999 9999", 56, my_number),
    spec(JP_MY_NUMBER, "9999-9999-9999", 54, my_number),
    spec(CN_ID, "99999999999999999X", 88, cn_id),
    spec(TH_ID, "9999999999999", 46, th_id),
    spec(TH_ID, "9-9999-99999-99-9", 88, th_id),
    spec(TH_ID, "9 9999 99999 99 9", 85, th_id),
];

fn aadhaar(s: &[u8]) -> Check {
    let palindrome = s.iter().eq(s.iter().rev());
    (char_at(s, 0) >= b'2' && !palindrome && verhoeff(s)).into()
}

/// The fourth letter says what kind of holder; no check digit is published.
fn pan(s: &[u8]) -> Check {
    (b"ABCFGHLJPTEK".contains(&char_at(s, 3)) && num(s, 5, 4) > 0).into()
}

/// The form since 2021: the kind of passport, three digits, a letter, four digits.
fn korean_passport(s: &[u8]) -> Check {
    matches!(char_at(s, 0), b'M' | b'S' | b'R' | b'O' | b'D' | b'G').into()
}

/// None begins with two zeros.
fn tfn(s: &[u8]) -> Check {
    (num(s, 0, 2) > 0 && weighted(s, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_flat(s)).into()
}

fn abn(s: &[u8]) -> Check {
    let sum = weighted(s, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    (char_at(s, 0) != b'0' && (sum - 10).is_multiple_of(89)).into()
}

fn acn(s: &[u8]) -> Check {
    let check = (10 - weighted(s, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10;
    (check == value(char_at(s, 8)) && !is_flat(s)).into()
}

fn medicare(s: &[u8]) -> Check {
    let check = weighted(s, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    (matches!(char_at(s, 0), b'2'..=b'6') && check == value(char_at(s, 8)) && char_at(s, 9) != b'0').into()
}

fn nric(s: &[u8]) -> Check {
    let sum = weighted(s.get(1..).unwrap_or_default(), &[2, 7, 6, 5, 4, 3, 2]);
    let (offset, letters): (u32, &[u8; 11]) = match char_at(s, 0) {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return Check::No,
    };
    let place = usize::try_from((sum + offset) % 11).unwrap_or(0);
    let expected = letters.get(place);
    (expected == Some(&char_at(s, 8))).into()
}

fn korean(s: &[u8], sex: bool, offset: u32) -> Check {
    if !yymmdd(s) || !sex {
        return Check::No;
    }
    let sum = weighted(s, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let right = (11 - sum % 11 + offset) % 10 == value(char_at(s, 12));
    if right { Check::Valid } else { Check::Shape }
}

fn rrn(s: &[u8]) -> Check {
    korean(s, matches!(char_at(s, 6), b'1'..=b'4'), 0)
}

/// Without its hyphen it needs the check digit that everybody born before the reform has.
fn bare(s: &[u8], check: Check) -> Check {
    let since = matches!(char_at(s, 6), b'3' | b'4' | b'7' | b'8') && num(s, 0, 2) >= 20;
    if check == Check::Shape && !since { Check::No } else { check }
}

fn rrn_bare(s: &[u8]) -> Check {
    bare(s, rrn(s))
}

fn frn_bare(s: &[u8]) -> Check {
    bare(s, frn(s))
}

fn frn(s: &[u8]) -> Check {
    korean(s, matches!(char_at(s, 6), b'5'..=b'8'), 2)
}

/// A region, the year, a number, and two digits of the police's own.
fn korean_licence(s: &[u8]) -> Check {
    matches!(num(s, 0, 2), 11..=26 | 28).into()
}

fn my_number(s: &[u8]) -> Check {
    let check = match weighted(s, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        n => 11 - n,
    };
    (check == value(char_at(s, 11)) && !is_flat(s)).into()
}

fn cn_id(s: &[u8]) -> Check {
    let sum = weighted(s, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    let expected = usize::try_from(sum).ok().and_then(|i| b"10X98765432".get(i)).copied();
    let year = num(s, 6, 4);
    let born = (1880..=2099).contains(&year) && is_date(year, num(s, 10, 2), num(s, 12, 2));
    (matches!(char_at(s, 0), b'1'..=b'9') && born && expected == Some(char_at(s, 17))).into()
}

fn th_id(s: &[u8]) -> Check {
    let check = (11 - weighted(s, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    // The second and third digit are a province, 10 to 96.
    let province = (10..=96).contains(&num(s, 1, 2));
    (matches!(char_at(s, 0), b'1'..=b'8') && province && check == value(char_at(s, 12)) && big(s) > 0).into()
}
