//! Runs of ASCII characters of a kind, eight at a time: what nearly all of most texts is made of.
//!
//! A sandboxed loop over bytes pays for each turn; these turn once a word. Invariant: what a run is, is what the methods of
//! `u8` that are named beside it say of each byte.

const HIGH: u64 = all(0x80);

/// How many bytes at the beginning are letters or digits (`is_ascii_alphanumeric`).
pub fn alphanumerics(bytes: &[u8]) -> usize {
    run(bytes, |eight| letters_of(eight) | between(eight, b'0', b'9'), |byte| byte.is_ascii_alphanumeric())
}

/// How many bytes at the beginning are letters (`is_ascii_alphabetic`).
pub fn letters(bytes: &[u8]) -> usize {
    run(bytes, letters_of, |byte| byte.is_ascii_alphabetic())
}

/// How many bytes at the beginning are small letters (`is_ascii_lowercase`).
pub fn small_letters(bytes: &[u8]) -> usize {
    run(bytes, |eight| between(eight, b'a', b'z'), |byte| byte.is_ascii_lowercase())
}

/// How many bytes at the beginning are signs that are no space and no control character (`is_ascii_graphic`).
pub fn graphic(bytes: &[u8]) -> usize {
    run(bytes, |eight| between(eight, b'!', b'~'), |byte| byte.is_ascii_graphic())
}

/// Where the first byte is that lies in one of these ranges of ASCII, their ends with them.
pub fn find<const N: usize>(bytes: &[u8], ranges: [[u8; 2]; N]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        let within = within(u64::from_le_bytes(*chunk), &ranges);
        if within != 0 {
            return Some(at + within.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    rest.iter().position(|byte| lies_in(*byte, &ranges)).map(|rest| at + rest)
}

/// How many bytes lie in one of these ranges of ASCII, their ends with them.
pub fn count<const N: usize>(bytes: &[u8], ranges: [[u8; 2]; N]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let wide = chunks.iter().map(|chunk| within(u64::from_le_bytes(*chunk), &ranges).count_ones() as usize);
    wide.sum::<usize>() + rest.iter().filter(|byte| lies_in(**byte, &ranges)).count()
}

/// The high bits of the bytes that lie in one of the ranges.
fn within(eight: u64, ranges: &[[u8; 2]]) -> u64 {
    ranges.iter().fold(0, |all, [first, last]| all | between(eight & !HIGH, *first, *last)) & !eight
}

fn lies_in(byte: u8, ranges: &[[u8; 2]]) -> bool {
    ranges.iter().any(|[first, last]| (*first..=*last).contains(&byte))
}

/// The length of the run at the beginning; `wide` sets the high bits of the bytes that belong to it, given eight of them.
fn run(bytes: &[u8], wide: impl Fn(u64) -> u64, narrow: impl Fn(u8) -> bool) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut length = 0;
    for chunk in chunks {
        let eight = u64::from_le_bytes(*chunk);
        // What is not ASCII belongs to no run.
        let others = !(wide(eight & !HIGH) & !eight) & HIGH;
        if others != 0 {
            return length + others.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest.iter().take_while(|byte| narrow(**byte)).count()
}

fn letters_of(eight: u64) -> u64 {
    between(eight | all(0x20), b'a', b'z')
}

/// The high bits of the bytes, all of them ASCII, that are one of `first` to `last`.
const fn between(eight: u64, first: u8, last: u8) -> u64 {
    (eight + all(0x80 - first)) & !(eight + all(0x7F - last)) & HIGH
}

const fn all(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::{alphanumerics, count as number, find, graphic, letters, run, small_letters};

    fn count(bytes: &[u8], of: impl Fn(&u8) -> bool) -> usize {
        bytes.iter().take_while(|byte| of(byte)).count()
    }

    #[test]
    fn runs_are_what_the_bytes_are_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[at..].fill(byte);
                assert_eq!(alphanumerics(&bytes), count(&bytes, u8::is_ascii_alphanumeric), "{byte} {at}");
                assert_eq!(letters(&bytes), count(&bytes, u8::is_ascii_alphabetic), "{byte} {at}");
                assert_eq!(small_letters(&bytes), count(&bytes, u8::is_ascii_lowercase), "{byte} {at}");
                assert_eq!(graphic(&bytes), count(&bytes, u8::is_ascii_graphic), "{byte} {at}");
                // Whatever stands before and behind in the same eight.
                bytes[at] = b'z';
                bytes[19 - at] = b'0';
                assert_eq!(alphanumerics(&bytes), count(&bytes, u8::is_ascii_alphanumeric), "{byte} {at}");
            }
        }
    }

    #[test]
    fn what_lies_in_ranges_is_found_and_counted() {
        let ranges = [*b".:", *b"yy", *b"\0\0", *b"\x7f\x7f"];
        let within = |byte: &u8| matches!(byte, 0 | b'.'..=b':' | b'y' | 0x7F);
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[at..].fill(byte);
                bytes[19 - at] = b'y';
                assert_eq!(find(&bytes, ranges), bytes.iter().position(within), "{byte} {at}");
                assert_eq!(
                    number(&bytes, ranges),
                    bytes.iter().filter(|byte| within(byte)).count(),
                    "{byte} {at}"
                );
            }
        }
    }

    #[test]
    fn the_empty_text_has_no_run() {
        assert_eq!(run(&[], |eight| eight, |_| true), 0);
        assert_eq!((find(&[], [*b"az"]), number(&[], [*b"az"])), (None, 0));
    }
}
