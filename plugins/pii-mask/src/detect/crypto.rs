//! Addresses of Bitcoin (Base58Check, Bech32, Bech32m) and Ethereum (EIP-55 where the case is mixed).
//!
//! Sources: Bitcoin wiki (Base58Check), BIP-173, BIP-350, EIP-55.

mod keccak;

use super::cursor::{at, before};
use sha2::{Digest, Sha256};

/// The end and the score of the address that the word `i..end` is.
pub fn find(b: &[u8], i: usize, end: usize) -> Option<(usize, u8)> {
    let word = b.get(i..end)?;
    if matches!(before(b, i, 1), b'/' | b'_' | b'=' | b'+') || matches!(at(b, end), b'_' | b'=' | b'+') {
        return None;
    }
    let found = match word {
        [b'1' | b'3', ..] if (26..=35).contains(&word.len()) => base58check(word).then_some(97),
        [b'0', b'x', hex @ ..] if hex.len() == 40 => ethereum(hex),
        [b'b', b'c', b'1', ..] | [b'B', b'C', b'1', ..] => bech32(word).then_some(97),
        _ => None,
    };
    found.map(|score| (end, score))
}

fn base58check(word: &[u8]) -> bool {
    const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for c in word {
        let Some(mut carry) = DIGITS.iter().position(|d| d == c) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).unwrap_or(0);
            carry /= 256;
        }
        if carry > 0 {
            return false;
        }
    }
    let Some((payload, check)) = bytes.split_last_chunk::<4>() else { return false };
    let known = matches!(payload.first(), Some(0 | 5));
    known && Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

fn bech32(word: &[u8]) -> bool {
    const DIGITS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let mixed = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    if !(14..=74).contains(&word.len()) || mixed {
        return false;
    }
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let next = (sum & 0x1ff_ffff) << 5 ^ value;
        GENERATOR.iter().enumerate().fold(next, |n, (i, g)| if top >> i & 1 == 1 { n ^ g } else { n })
    };
    // The prefix "bc", expanded.
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    for c in word.iter().skip(3) {
        let Some(value) = DIGITS.iter().position(|d| *d == c.to_ascii_lowercase()) else { return false };
        sum = step(sum, u32::try_from(value).unwrap_or(0));
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

fn ethereum(hex: &[u8]) -> Option<u8> {
    if !hex.iter().all(u8::is_ascii_hexdigit) || hex.iter().all(|c| *c == b'0') {
        return None;
    }
    let mixed = hex.iter().any(u8::is_ascii_lowercase) && hex.iter().any(u8::is_ascii_uppercase);
    if !mixed {
        return Some(75);
    }
    let mut lower = [0_u8; 40];
    lower.copy_from_slice(hex);
    lower.make_ascii_lowercase();
    let hash = keccak::hash(&lower);
    let capital = |i: usize| {
        let byte = hash.get(i / 2).copied().unwrap_or(0);
        (if i.is_multiple_of(2) { byte >> 4 } else { byte & 15 }) >= 8
    };
    let right =
        hex.iter().enumerate().all(|(i, c)| c.is_ascii_digit() || c.is_ascii_uppercase() == capital(i));
    right.then_some(97)
}
