//! The Americas and South Africa.
//!
//! Sources: SSA (randomisation, 2011), IRS (ITIN ranges), CMS (NPI, MBI), ABA, DEA, Receita Federal,
//! RENAPO (CURP), Service Canada, South African Department of Home Affairs.

use super::{Spec, spec};
use crate::detect::check::{Check, big, char_at, is_date, is_flat, luhn, num, value, weighted, yymmdd};
use crate::detect::entity::{
    BR_CNPJ, BR_CPF, CA_SIN, MX_CURP, SSN, US_DEA, US_ITIN, US_MBI, US_NPI, US_ROUTING, ZA_ID,
};

/// The table.
pub const SPECS: &[Spec] = &[
    spec(SSN, "999-99-9999", 75, ssn),
    spec(SSN, "999 99 9999", 62, ssn),
    spec(SSN, "999.99.9999", 58, ssn),
    spec(SSN, "999999999", 15, ssn),
    spec(SSN, "999-999999", 15, ssn),
    spec(SSN, "99999-9999", 12, ssn),
    spec(US_ITIN, "999-99-9999", 75, itin),
    spec(US_ITIN, "999 99 9999", 60, itin),
    spec(US_ITIN, "999999999", 37, itin),
    spec(US_ITIN, "999-999999", 37, itin),
    spec(US_ITIN, "99999-9999", 25, itin),
    spec(US_NPI, "9999999999", 40, npi),
    spec(US_NPI, "9999-999-999", 55, npi),
    spec(US_NPI, "9999 999 999", 55, npi),
    spec(US_MBI, "9AX9-AX9-AA99", 85, mbi),
    spec(US_MBI, "9AX9AX9AA99", 75, mbi),
    spec(US_ROUTING, "999999999", 40, routing),
    spec(US_ROUTING, "9999-9999-9", 60, routing),
    spec(US_DEA, "AA9999999", 58, dea),
    spec(US_DEA, "A99999999", 40, dea_single),
    spec(CA_SIN, "999 999 999", 57, sin),
    spec(CA_SIN, "999-999-999", 57, sin),
    spec(CA_SIN, "999999999", 42, sin),
    spec(BR_CPF, "999.999.999-99", 90, cpf),
    spec(BR_CPF, "999999999-99", 65, cpf),
    spec(BR_CPF, "99999999999", 52, cpf),
    spec(BR_CNPJ, "99.999.999/9999-99", 90, cnpj),
    spec(BR_CNPJ, "99999999999999", 52, cnpj),
    spec(MX_CURP, "AAAA999999AAAAAAX9", 90, curp),
    spec(ZA_ID, "9999999999999", 60, za_id),
    spec(ZA_ID, "999999 9999 999", 75, za_id),
];

fn ssn(s: &[u8]) -> Check {
    let (area, group, serial) = (num(s, 0, 3), num(s, 3, 2), num(s, 5, 4));
    (area != 0 && area != 666 && area < 900 && group != 0 && serial != 0).into()
}

fn itin(s: &[u8]) -> Check {
    let group = num(s, 3, 2);
    (char_at(s, 0) == b'9' && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)).into()
}

/// Luhn over the issuer prefix 80840 and the number.
fn npi(s: &[u8]) -> Check {
    let mut all = *b"808400000000000";
    for (slot, c) in all.iter_mut().skip(5).zip(s) {
        *slot = *c;
    }
    (matches!(char_at(s, 0), b'1' | b'2') && luhn(&all)).into()
}

/// No check digit, but letters that look like digits are never used.
fn mbi(s: &[u8]) -> Check {
    let free = |c: &u8| !matches!(c, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z');
    (char_at(s, 0) != b'0' && s.iter().all(free)).into()
}

fn routing(s: &[u8]) -> Check {
    let area = num(s, 0, 2);
    let known = matches!(area, 1..=12 | 21..=32 | 61..=72 | 80);
    (known && weighted(s, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)).into()
}

fn dea_digits(s: &[u8]) -> bool {
    weighted(s, &[1, 2, 1, 2, 1, 2]) % 10 == value(char_at(s, 6))
}

fn dea(s: &[u8]) -> Check {
    let registrant = !matches!(char_at(s, 0), b'I' | b'O' | b'Q' | b'V' | b'W' | b'Y' | b'Z');
    (registrant && dea_digits(s.get(2..).unwrap_or_default())).into()
}

/// The form with a digit in the second place.
fn dea_single(s: &[u8]) -> Check {
    (char_at(s, 1) == b'9' && dea_digits(s.get(2..).unwrap_or_default())).into()
}

fn sin(s: &[u8]) -> Check {
    (!matches!(char_at(s, 0), b'0' | b'8') && luhn(s) && !is_flat(s)).into()
}

/// The two digits that a Brazilian number ends with.
fn brazil(s: &[u8], first: &[u32], second: &[u32]) -> Check {
    let digit = |weights: &[u32]| match weighted(s, weights) % 11 {
        0 | 1 => 0,
        n => 11 - n,
    };
    let right = digit(first) == value(char_at(s, first.len()));
    (!is_flat(s) && right && digit(second) == value(char_at(s, second.len()))).into()
}

fn cpf(s: &[u8]) -> Check {
    brazil(s, &[10, 9, 8, 7, 6, 5, 4, 3, 2], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

fn cnpj(s: &[u8]) -> Check {
    brazil(s, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
}

fn curp(s: &[u8]) -> Check {
    // Letters after N count one more: the alphabet has an Ñ.
    let place = |c: u8| value(c) + u32::from(c > b'N');
    let weights = (2..=18).rev();
    let sum: u32 = s.iter().zip(weights).map(|(c, w)| place(*c) * w).sum();
    let date = is_date(num(s, 4, 2), num(s, 6, 2), num(s, 8, 2));
    let sex = matches!(char_at(s, 10), b'H' | b'M' | b'X');
    (date && sex && (10 - sum % 10) % 10 == value(char_at(s, 17))).into()
}

fn za_id(s: &[u8]) -> Check {
    (yymmdd(s) && matches!(char_at(s, 10), b'0'..=b'2') && luhn(s) && big(s) > 0).into()
}
