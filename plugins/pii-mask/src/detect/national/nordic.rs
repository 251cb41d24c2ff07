//! The Nordic countries.
//!
//! Sources: Skatteverket (personnummer), Digital and Population Data Services Agency (henkilötunnus), CPR-kontoret
//! (modulus 11 no longer holds for all since 2007), Skatteetaten (fødselsnummer).

use super::{Spec, spec};
use crate::detect::check::{Check, char_at, ddmmyy, is_date, luhn, num, value, weighted};
use crate::detect::entity::{DK_CPR, FI_HETU, NO_FNR, SE_PERSONNUMMER};

/// The table.
pub const SPECS: &[Spec] = &[
    spec(SE_PERSONNUMMER, "999999-9999", 66, personnummer),
    spec(SE_PERSONNUMMER, "999999+9999", 70, personnummer),
    spec(SE_PERSONNUMMER, "99999999-9999", 80, personnummer_long),
    spec(SE_PERSONNUMMER, "999999999999", 58, personnummer_long),
    spec(SE_PERSONNUMMER, "9999999999", 43, personnummer),
    spec(FI_HETU, "999999-999X", 88, hetu),
    spec(FI_HETU, "999999+999X", 88, hetu),
    spec(FI_HETU, "999999A999X", 88, hetu_lettered),
    spec(DK_CPR, "999999-9999", 52, cpr),
    spec(DK_CPR, "9999999999", 36, cpr),
    spec(NO_FNR, "99999999999", 66, fnr),
    spec(NO_FNR, "999999 99999", 78, fnr),
];

/// Coordination numbers count the day from 61.
fn swedish_date(year: u32, month: u32, day: u32) -> bool {
    is_date(year, month, if day > 60 { day - 60 } else { day })
}

fn personnummer(s: &[u8]) -> Check {
    (swedish_date(num(s, 0, 2), num(s, 2, 2), num(s, 4, 2)) && luhn(s)).into()
}

fn personnummer_long(s: &[u8]) -> Check {
    let year = num(s, 0, 4);
    let date = (1880..=2099).contains(&year) && swedish_date(year, num(s, 4, 2), num(s, 6, 2));
    (date && luhn(s.get(2..).unwrap_or_default())).into()
}

fn finnish(s: &[u8], last: u8) -> Check {
    let number = num(s, 0, 6) * 1000 + if s.len() == 11 { num(s, 7, 3) } else { num(s, 6, 3) };
    let place = usize::try_from(number % 31).unwrap_or(0);
    let expected = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(place).copied();
    (ddmmyy(s) && expected == Some(last)).into()
}

fn hetu(s: &[u8]) -> Check {
    finnish(s, char_at(s, 9))
}

fn hetu_lettered(s: &[u8]) -> Check {
    if b"YXWVUABCDEF".contains(&char_at(s, 6)) { finnish(s, char_at(s, 10)) } else { Check::No }
}

fn cpr(s: &[u8]) -> Check {
    // The seventh digit says the century; what is yet to come is nobody's.
    let born = !(matches!(char_at(s, 6), b'5'..=b'8') && matches!(num(s, 4, 2), 37..=57));
    match born && ddmmyy(s) {
        true if weighted(s, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) => Check::Valid,
        true => Check::Shape,
        false => Check::No,
    }
}

fn fnr(s: &[u8]) -> Check {
    // D-numbers count the day from 41, synthetic and hospital numbers the month from 41 or 81.
    let day = num(s, 0, 2) % 40;
    let month = num(s, 2, 2) % 40;
    let digit = |weights: &[u32]| (11 - weighted(s, weights) % 11) % 11;
    let first = digit(&[3, 7, 6, 1, 8, 9, 4, 5, 2]) == value(char_at(s, 9));
    let second = digit(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == value(char_at(s, 10));
    (is_date(num(s, 4, 2), month, day) && first && second).into()
}
