//! Any bytes, cut anywhere: the frames are those of the whole, nothing panics, and what is written from them
//! reads back the same. The first byte of the input says how to cut the rest.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use lockgate::sse::{Decoder, encode};

const BOUND: usize = 512;

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let run = |size: usize| {
        let (mut decoder, mut frames) = (Decoder::new(BOUND), Vec::new());
        let result =
            stream.chunks(size).try_for_each(|c| decoder.push_into(&stream.slice_ref(c), &mut frames));
        (frames, result)
    };
    let (frames, result) = run(stream.len().max(1));
    assert_eq!(run(usize::from(*size).max(1)), (frames.clone(), result));

    let mut written = BytesMut::new();
    for frame in &frames {
        assert!(frame.data.len() <= BOUND);
        encode(&frame.event, &frame.data, &mut written);
    }
    // What is no UTF-8 in a name grows as it is replaced: hence the wider bound.
    let read = Decoder::new(8 * BOUND).push(&written.freeze()).expect("smaller than that");
    assert_eq!(read, frames);
});
