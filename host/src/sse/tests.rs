//! Framing rules, bounds, and independence from how a stream is cut.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const BOUND: usize = 1 << 16;

fn decode(chunks: &[&[u8]]) -> Vec<(String, String)> {
    let mut decoder = Decoder::new(BOUND);
    let frames = chunks.iter().flat_map(|chunk| decoder.push(&Bytes::copy_from_slice(chunk)).unwrap());
    frames.map(|frame| (frame.event, String::from_utf8(frame.data.to_vec()).unwrap())).collect()
}

fn check(stream: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(e, d)| ((*e).to_owned(), (*d).to_owned())).collect();
    assert_eq!(decode(&[stream.as_bytes()]), expected, "whole");
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(decode(&bytes), expected, "byte by byte");
}

#[test]
fn line_ends_of_every_kind() {
    check("data: a\n\ndata: b\r\rdata: c\r\n\r\n", &[("", "a"), ("", "b"), ("", "c")]);
    check("data: a\r\ndata: b\rdata: c\n\r", &[("", "a\nb\nc")]);
    check("data: a\r\n\ndata: b\n\r\n", &[("", "a"), ("", "b")]);
}

#[test]
fn one_leading_space_is_not_data() {
    check("data:a\n\ndata:  b\n\ndata:\tc\n\n", &[("", "a"), ("", " b"), ("", "\tc")]);
}

#[test]
fn empty_data_is_an_event_and_no_data_is_none() {
    check("data:\n\ndata\ndata\n\ndata:test\n\n", &[("", ""), ("", "\n"), ("", "test")]);
    check("event: ping\n\ndata: x\n\n", &[("", "x")]);
}

#[test]
fn several_data_lines_are_joined() {
    check("data: {\ndata: \"foo\":\ndata: \ndata:\ndata: true}\n\n", &[("", "{\n\"foo\":\n\n\ntrue}")]);
}

#[test]
fn the_last_name_counts_and_does_not_outlive_its_event() {
    check("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", &[("b", "1"), ("", "2")]);
    check("event: a\nevent:\ndata: 1\n\n", &[("", "1")]);
}

#[test]
fn what_means_nothing_here_is_ignored() {
    check(
        ":\n: keep-alive\nid: 7\nretry: 10\nunknown\nData: no\ndata : no\n data: no\ndata: 1\n\n",
        &[("", "1")],
    );
}

#[test]
fn only_the_first_byte_order_mark_is_dropped() {
    check("\u{feff}data: 1\n\n\u{feff}data: 2\n\ndata: 3\n\n", &[("", "1"), ("", "3")]);
    check("\u{feff}\u{feff}data: 1\n\ndata: 2\n\n", &[("", "2")]);
    check("\u{feff}\ndata: 1\n\n", &[("", "1")]);
}

#[test]
fn an_event_that_breaks_off_is_dropped() {
    for stream in ["data: 1\n\ndata: 2", "data: 1\n\ndata: 2\n", "data: 1\n\nevent: x\n"] {
        check(stream, &[("", "1")]);
        let mut decoder = Decoder::new(BOUND);
        decoder.push(&Bytes::from(stream)).unwrap();
        assert!(decoder.is_midway(), "{stream:?}");
    }
    let mut decoder = Decoder::new(BOUND);
    decoder.push(&Bytes::from("data: 1\n\n")).unwrap();
    assert!(!decoder.is_midway());
}

#[test]
fn line_separators_of_unicode_are_data() {
    check("data: a\u{2028}b\u{85}c\u{b}d\n\n", &[("", "a\u{2028}b\u{85}c\u{b}d")]);
}

#[test]
fn data_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from("event: e\ndata: hello\n\n");
    let frames = Decoder::new(BOUND).push(&chunk).unwrap();
    let inside = chunk.as_ptr_range();
    assert!(frames.iter().all(|frame| inside.contains(&frame.data.as_ptr())));
}

#[test]
fn an_event_over_the_bound_is_refused_however_it_is_cut() {
    for stream in [
        "data: 12345678\n\n",
        "data: 1234\ndata: 456\n\n",
        ": 012345678901\n",
        "event: abcdefgh\ndata: 1\n\n",
    ] {
        for size in 1..=stream.len() {
            let mut decoder = Decoder::new(12);
            let result: Result<Vec<_>, _> =
                stream.as_bytes().chunks(size).map(|c| decoder.push(&Bytes::copy_from_slice(c))).collect();
            assert_eq!(result.unwrap_err(), FrameTooLarge { max: 12 }, "{stream:?} in pieces of {size}");
        }
    }
    assert_eq!(Decoder::new(12).push(&Bytes::from("data: 123456\n\ndata: 123456\n\n")).unwrap().len(), 2);
}

#[test]
fn events_before_a_large_one_can_be_kept() {
    let mut frames = Vec::new();
    let result = Decoder::new(8).push_into(&Bytes::from("data: 1\n\ndata: 123456789\n\n"), &mut frames);
    assert!(result.is_err());
    assert_eq!(frames.len(), 1);
}

#[test]
fn what_is_written() {
    let mut out = BytesMut::new();
    encode("", "[DONE]", &mut out);
    encode("ping\nx: y", b"a\r\nb\rc\n".as_slice(), &mut out);
    encode_comment("x-lockgate\nend", &mut out);
    let expected =
        "data: [DONE]\n\nevent: ping\ndata: a\ndata: b\ndata: c\ndata: \n\n: x-lockgate\n: end\n\n";
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
}

/// Streams made of what matters to the framing.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("\n\n"),
        Just("data: "),
        Just("data:"),
        Just("event: "),
        Just("data"),
        Just(":"),
        Just(" "),
        Just("\u{feff}"),
        Just("id: 1"),
        Just("{\"é\":\"\u{2028}\"}"),
        Just("x"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_frames(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8), bound in 1usize..40) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let whole = Bytes::from(stream);
        let run = |chunks: Vec<Bytes>| {
            let (mut decoder, mut frames) = (Decoder::new(bound), Vec::new());
            let result = chunks.iter().try_for_each(|chunk| decoder.push_into(chunk, &mut frames));
            (frames, result)
        };
        let pieces = std::iter::zip(&cuts, cuts.iter().skip(1)).map(|(from, to)| whole.slice(from..to)).collect();
        prop_assert_eq!(run(pieces), run(vec![whole.clone()]));
    }

    #[test]
    fn what_is_written_is_read(event in "[^\r\n]{0,8}", data in "[^\r]{0,40}") {
        let mut out = BytesMut::new();
        encode_comment(&data, &mut out);
        encode(&event, &data, &mut out);
        let frames = Decoder::new(BOUND).push(&out.freeze()).unwrap();
        prop_assert_eq!(frames, vec![Frame { event, data: Bytes::from(data) }]);
    }
}
