//! For any text, any filters of a family and any cut: streamed output equals whole-body output.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::chat::channel;
use proptest::prelude::*;

/// A family of filters that differ in what they hold, rewrite and refuse.
#[derive(Debug, Clone)]
enum Kind {
    /// Replaces a word, holding only what could still become it.
    Replace { word: String, to: String },
    /// Upper-cases ASCII letters one by one: many edits, no hold.
    Shout,
    /// Holds everything until the end, then appends.
    Append(String),
    /// Stops at a word.
    Forbid(String),
    /// Fails whenever the window holds a word; passes otherwise.
    Fragile(String),
}

#[derive(Debug, Clone)]
struct Sample {
    kind: Kind,
    hold: Hold,
    on_error: OnError,
}

const GENEROUS: Hold =
    Hold { bytes: 1 << 20, time: Duration::from_secs(3600), on_overflow: OnOverflow::Reject };

/// The first byte from which `word` could still begin when more text follows.
fn suffix_hold(text: &str, word: &str) -> usize {
    text.char_indices()
        .map(|(at, _)| at)
        .find(|&at| text.len() - at < word.len() && word.starts_with(&text[at..]))
        .unwrap_or(text.len())
}

impl Filter for Sample {
    type Rejection = &'static str;
    type Failure = &'static str;

    async fn inspect(
        &self,
        _: &TextAt,
        text: &str,
        _: usize,
        last: bool,
    ) -> Result<Verdict<&'static str>, &'static str> {
        tokio::task::yield_now().await;
        let all = text.len();
        Ok(match &self.kind {
            Kind::Replace { word, to } => {
                let edits: Vec<Edit> = text
                    .match_indices(word.as_str())
                    .map(|(start, found)| Edit { start, end: start + found.len(), to: to.clone() })
                    .collect();
                let behind = edits.last().map_or(0, |edit| edit.end);
                let safe = if last { all } else { behind + suffix_hold(&text[behind..], word) };
                Verdict::Pass { safe, edits }
            }
            Kind::Shout => {
                let edits = text
                    .char_indices()
                    .filter(|(_, c)| c.is_ascii_lowercase())
                    .map(|(start, c)| Edit { start, end: start + 1, to: c.to_ascii_uppercase().to_string() })
                    .collect();
                Verdict::Pass { safe: all, edits }
            }
            Kind::Append(tail) if last => {
                Verdict::Pass { safe: all, edits: vec![Edit { start: all, end: all, to: tail.clone() }] }
            }
            Kind::Append(_) => Verdict::Pass { safe: 0, edits: Vec::new() },
            Kind::Forbid(word) if text.contains(word.as_str()) => Verdict::Stop("forbidden"),
            Kind::Forbid(word) => {
                Verdict::Pass { safe: if last { all } else { suffix_hold(text, word) }, edits: Vec::new() }
            }
            Kind::Fragile(word) if text.contains(word.as_str()) => return Err("broken"),
            Kind::Fragile(word) => {
                Verdict::Pass { safe: if last { all } else { suffix_hold(text, word) }, edits: Vec::new() }
            }
        })
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    fn on_error(&self) -> OnError {
        self.on_error
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

fn content() -> TextAt {
    TextAt::new(0, 0, channel::CONTENT)
}

type Outcome = Result<String, Stop<&'static str, &'static str>>;

async fn whole(filters: Vec<Sample>, text: &str) -> Outcome {
    Guard::new(filters).whole(&content(), text).await
}

async fn streamed(filters: Vec<Sample>, pieces: &[&str]) -> Outcome {
    let mut guard = Guard::new(filters);
    let mut out = String::new();
    for piece in pieces {
        out += &guard.push(&content(), piece).await?;
    }
    for (_, text) in guard.finish_item(0).await? {
        out += &text;
    }
    Ok(out)
}

/// Cuts a text at the character boundaries at or before the given bytes.
fn cut<'a>(text: &'a str, at: &[usize]) -> Vec<&'a str> {
    let mut cuts: Vec<usize> = at.iter().map(|at| text.floor_char_boundary(at % (text.len() + 1))).collect();
    cuts.sort_unstable();
    cuts.push(text.len());
    let mut from = 0;
    cuts.into_iter().map(|to| &text[std::mem::replace(&mut from, to)..to]).collect()
}

fn words() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["ab", "aba", "<X_1>", "é", "naïve", "zz"]).prop_map(str::to_owned)
}

fn filters() -> impl Strategy<Value = Vec<Sample>> {
    let kind = prop_oneof![
        (words(), "[a-c<>é]{0,4}").prop_map(|(word, to)| Kind::Replace { word, to }),
        Just(Kind::Shout),
        "[a-b]{0,3}".prop_map(Kind::Append),
        words().prop_map(Kind::Forbid),
        words().prop_map(Kind::Fragile),
    ];
    let sample = kind.prop_map(|kind| Sample { kind, hold: GENEROUS, on_error: OnError::Reject });
    prop::collection::vec(sample, 0..4)
}

proptest! {
    #[test]
    fn streamed_equals_whole(
        filters in filters(),
        text in "([ab]|<X_1>|é|naïve|z| ){0,60}",
        cuts in prop::collection::vec(0_usize..400, 0..20),
    ) {
        let (expected, got) = block_on(async {
            (whole(filters.clone(), &text).await, streamed(filters, &cut(&text, &cuts)).await)
        });
        match (expected, got) {
            (Ok(expected), Ok(got)) => prop_assert_eq!(expected, got),
            (expected, got) => prop_assert_eq!(expected.is_err(), got.is_err()),
        }
    }
}

#[test]
fn a_failed_filter_that_skips_loses_nothing() {
    let fragile = |on_error| Sample { kind: Kind::Fragile("ab".into()), hold: GENEROUS, on_error };
    let pieces = ["xa", "b and a", "b", " end a"];
    let open = block_on(streamed(vec![fragile(OnError::Skip)], &pieces));
    assert_eq!(open, Ok("xab and ab end a".into()));
    let closed = block_on(streamed(vec![fragile(OnError::Reject)], &pieces));
    assert_eq!(closed, Err(Stop::Failed { filter: 0, failure: "broken" }));
}

#[test]
fn holding_past_the_bound_of_bytes_ends_or_releases() {
    let holder = |on_overflow| Sample {
        kind: Kind::Append("!".into()),
        hold: Hold { bytes: 4, on_overflow, ..GENEROUS },
        on_error: OnError::Reject,
    };
    assert_eq!(
        block_on(streamed(vec![holder(OnOverflow::Reject)], &["abc", "de"])),
        Err(Stop::HeldTooMuch { filter: 0 })
    );
    assert_eq!(
        block_on(streamed(vec![holder(OnOverflow::Release)], &["abc", "de", "f"])),
        Ok("abcde!f!".into())
    );
}

#[test]
fn holding_past_the_bound_of_time_releases_through_the_filters_behind() {
    block_on(async {
        let slow = Sample {
            kind: Kind::Append("!".into()),
            hold: Hold { time: Duration::from_millis(50), on_overflow: OnOverflow::Release, ..GENEROUS },
            on_error: OnError::Reject,
        };
        let shout = Sample { kind: Kind::Shout, hold: GENEROUS, on_error: OnError::Reject };
        let mut guard = Guard::new(vec![slow, shout]);
        assert_eq!(guard.push(&content(), "wait").await.unwrap(), "");
        let expiry = guard.next_expiry().unwrap();
        assert_eq!(expiry, Instant::now() + Duration::from_millis(50));
        assert_eq!(guard.expire(Instant::now()).await.unwrap(), vec![]);
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(guard.expire(Instant::now()).await.unwrap(), vec![(content(), "WAIT!".to_owned())]);
        assert_eq!(guard.next_expiry(), None);
    });
}

#[test]
fn texts_do_not_mix_and_end_in_the_order_they_began() {
    block_on(async {
        let append = Sample { kind: Kind::Append("!".into()), hold: GENEROUS, on_error: OnError::Reject };
        let mut guard = Guard::new(vec![append]);
        let args = TextAt::new(0, 0, channel::TOOL_ARGS);
        let other = TextAt::new(1, 0, channel::CONTENT);
        for at in [&args, &content(), &other] {
            assert_eq!(guard.push(at, at.channel.as_ref()).await.unwrap(), "");
        }
        let first = guard.finish_item(0).await.unwrap();
        assert_eq!(first, vec![(args, "tool-args!".to_owned()), (content(), "content!".to_owned())]);
        let Some((_, text)) = guard.finish_item(1).await.unwrap().pop() else {
            panic!("the other choice is held")
        };
        assert_eq!(text, "content!");
    });
}
