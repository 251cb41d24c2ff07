//! Plates of vehicles. None has a check digit: a word, or standing alone, must speak for each.
//!
//! Sources: DVLA INF104 (current, prefix and suffix style), Turkish Karayolları Trafik Yönetmeliği, FRSC Nigeria, Indian
//! Central Motor Vehicles Rules (51), FZV (Germany).

use super::{Spec, spec};
use crate::detect::check::{Check, char_at, num};
use crate::detect::entity::LICENCE_PLATE;

/// What a shape is worth that other things share, and one that few do.
const COMMON: u8 = 36;
const RARE: u8 = 44;

/// The table.
pub const SPECS: &[Spec] = &[
    spec(LICENCE_PLATE, "AA99 AAA", RARE, british),
    spec(LICENCE_PLATE, "AA99-AAA", RARE, british),
    spec(LICENCE_PLATE, "AA99AAA", RARE, british),
    spec(LICENCE_PLATE, "A9 AAA", COMMON, prefixed),
    spec(LICENCE_PLATE, "A99 AAA", COMMON, prefixed),
    spec(LICENCE_PLATE, "A999 AAA", COMMON, prefixed),
    spec(LICENCE_PLATE, "A999AAA", COMMON, prefixed),
    spec(LICENCE_PLATE, "AAA 9A", COMMON, suffixed),
    spec(LICENCE_PLATE, "AAA 99A", COMMON, suffixed),
    spec(LICENCE_PLATE, "AAA 999A", COMMON, suffixed),
    spec(LICENCE_PLATE, "AAA999A", COMMON, suffixed),
    spec(LICENCE_PLATE, "99 A 99", COMMON, turkish),
    spec(LICENCE_PLATE, "99 A 999", COMMON, turkish),
    spec(LICENCE_PLATE, "99 A 9999", RARE, turkish),
    spec(LICENCE_PLATE, "99 AA 99", COMMON, turkish),
    spec(LICENCE_PLATE, "99 AA 999", RARE, turkish),
    spec(LICENCE_PLATE, "99 AA 9999", RARE, turkish),
    spec(LICENCE_PLATE, "99 AAA 99", COMMON, turkish),
    spec(LICENCE_PLATE, "99 AAA 999", RARE, turkish),
    spec(LICENCE_PLATE, "99 AAA 9999", RARE, turkish),
    spec(LICENCE_PLATE, "99AAA9999", RARE, turkish),
    spec(LICENCE_PLATE, "AAA-999AA", RARE, any),
    spec(LICENCE_PLATE, "AAA 999AA", COMMON, any),
    spec(LICENCE_PLATE, "AAA999AA", COMMON, any),
    spec(LICENCE_PLATE, "AA99AA9999", RARE, indian),
    spec(LICENCE_PLATE, "AA9AAA9999", RARE, indian),
    spec(LICENCE_PLATE, "AA-AA-9999", RARE, any),
    spec(LICENCE_PLATE, "AA AA 9999", COMMON, any),
    spec(LICENCE_PLATE, "A-AA-9999", RARE, any),
    spec(LICENCE_PLATE, "A-AA-999", RARE, any),
    spec(LICENCE_PLATE, "A AA 999", COMMON, any),
    spec(LICENCE_PLATE, "A AA 9999", COMMON, any),
];

fn any(_: &[u8]) -> Check {
    Check::Valid
}

/// Since 2001: the half of the year, `02` to `29` and `51` to `79`; no I, Q or Z in the area, no I or Q behind.
fn british(s: &[u8]) -> Check {
    let area = s.iter().take(2).all(|c| !matches!(c, b'I' | b'Q' | b'Z'));
    let tail = s.iter().skip(4).all(|c| !matches!(c, b'I' | b'Q'));
    (area && tail && matches!(num(s, 2, 2), 2..=29 | 51..=79)).into()
}

/// From 1983: the letter of the year comes first.
fn prefixed(s: &[u8]) -> Check {
    (!matches!(char_at(s, 0), b'I' | b'O' | b'Q' | b'U' | b'Z')).into()
}

/// From 1963: the letter of the year comes last.
fn suffixed(s: &[u8]) -> Check {
    let year = s.last().is_some_and(|c| matches!(c, b'A'..=b'Y') && !matches!(c, b'I' | b'O' | b'Q' | b'U'));
    year.into()
}

/// The province, 01 to 81.
fn turkish(s: &[u8]) -> Check {
    matches!(num(s, 0, 2), 1..=81).into()
}

fn indian(s: &[u8]) -> Check {
    const STATES: &[u8] = b"ANAPARASBRCGCHDDDLGAGJHRHPJHJKKAKLLALDMHMLMNMPMZNLODORPBPYRJSKTNTRTSUKUPUTWB";
    STATES.chunks_exact(2).any(|state| s.starts_with(state)).into()
}
