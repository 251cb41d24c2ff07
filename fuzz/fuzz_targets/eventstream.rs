//! Any bytes as one of Amazon's event streams, cut anywhere: the frames are those of the whole, up to where it breaks.
//!
//! The first byte of the input says how to cut the rest; where it is odd, checksums are set right first, which no fuzzer guesses.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use lockgate::eventstream::Decoder;

const BOUND: usize = 4_096;

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else { return };
    let mut stream = stream.to_vec();
    if size % 2 == 1 {
        set_right(&mut stream);
    }
    let stream = Bytes::from(stream);
    // What one push refuses takes the frames before it along: so bytes are pushed one by one to know how far it goes.
    let run = |size: usize| {
        let (mut decoder, mut frames) = (Decoder::new(BOUND), Vec::new());
        for chunk in stream.chunks(size) {
            match decoder.push(&stream.slice_ref(chunk)) {
                Ok(more) => frames.extend(more),
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
        (frames, None)
    };
    let (frames, broken) = run(1);
    let (cut, cut_broken) = run(usize::from(size / 2).max(1));
    assert_eq!(cut_broken, broken);
    assert!(frames.iter().all(|frame| frame.data.len() <= BOUND));
    match broken {
        None => assert_eq!(cut, frames),
        Some(_) => assert_eq!(frames.get(..cut.len()), Some(&cut[..])),
    }
});

/// Sets both checksums of every message, as far as their lengths lead.
fn set_right(stream: &mut [u8]) {
    let mut rest = stream;
    while let Some(length) = rest.first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length < 16 || length > rest.len() {
            return;
        }
        let (message, more) = rest.split_at_mut(length);
        let prelude = crc(&message[..8]);
        message[8..12].copy_from_slice(&prelude);
        let whole = crc(&message[..length - 4]);
        message[length - 4..].copy_from_slice(&whole);
        rest = more;
    }
}

/// CRC-32 as of IEEE 802.3. Source: Amazon Transcribe's developer guide, "Event stream encoding".
fn crc(bytes: &[u8]) -> [u8; 4] {
    let crc = bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    (!crc).to_be_bytes()
}
