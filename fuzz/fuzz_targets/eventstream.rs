//! Any bytes as one of Amazon's event streams, cut anywhere: the frames are those of the whole, up to where it breaks.
//! Run with `cargo +nightly fuzz run eventstream`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use lockgate::eventstream::Decoder;

const BOUND: usize = 4_096;

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (size, stream) = input;
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
    let (cut, cut_broken) = run(usize::from(size).max(1));
    assert_eq!(cut_broken, broken);
    assert!(frames.iter().all(|frame| frame.data.len() <= BOUND));
    match broken {
        None => assert_eq!(cut, frames),
        Some(_) => assert_eq!(frames.get(..cut.len()), Some(&cut[..])),
    }
});
