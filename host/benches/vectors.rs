//! What a look-up among many questions of one context costs, and how often it finds what an exact search would.
//!
//! `cargo bench --bench vectors`: 100,000 questions; with `-- 1000000`, as many as that (1 GiB, and some minutes). The
//! questions are made of frames and of the guard's own list of words, of whose lines each is a topic, some far more asked for
//! than others. Half are asked again in another frame, half with another word of the topic. The figures of record are in
//! the README of `semantic-cache`.
#![expect(clippy::expect_used, reason = "a bench that cannot begin says so")]

use lockgate::embedding::StaticEmbedder;
use lockgate::store::vectors::{Search, VectorLimits, Vectors};
use std::time::{Duration, Instant};

const WORDS: &str = include_str!("../../plugins/semantic-cache/data/words.txt");
const FRAMES: &[&str] = &[
    "how do i {}",
    "what is the best way to {}",
    "can you explain {}",
    "why does my {}",
    "where can i find {}",
    "is it possible to {}",
    "please write a short text about {}",
    "how long does it take to {}",
    "what are the advantages of {}",
    "i need help with {}",
];
/// Questions that are asked of the full store.
const ASKED: usize = 1_000;

/// Choices that are the same in every run. Source: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
    }

    /// A topic: the n-th is asked for as often as one over n.
    fn topic<'a>(&mut self, topics: &'a [Vec<&'a str>]) -> &'a [&'a str] {
        let mut place = self.below(topics.len());
        // Half of the time among the first half, and so on: near enough to Zipf's law.
        while place > 0 && self.below(2) == 0 {
            place = self.below(place);
        }
        topics.get(place).map_or(&[], Vec::as_slice)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.below(list.len())).copied().unwrap_or_default()
    }
}

/// A question: its frame, its words and its topic.
struct Question<'a>(&'a str, Vec<&'a str>, &'a [&'a str]);

impl Question<'_> {
    fn vector(&self) -> Vec<f32> {
        StaticEmbedder::vector(&self.0.replace("{}", &self.1.join(" ")))
    }
}

fn main() {
    // Cargo says `--bench`.
    let number = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let words =
        |line: &'static str| line.split([' ', '=', '|']).filter(|word| word.len() > 3).collect::<Vec<&str>>();
    let lines = WORDS.lines().filter(|line| !line.starts_with(['#', '[']));
    let topics: Vec<Vec<&str>> = lines.map(words).filter(|words| words.len() > 3).collect();
    let mut dice = Dice(1);
    let store = Vectors::new(VectorLimits { entries_per_collection: number, collections: 1, bytes: 4 << 30 });
    let group = vec![("context".to_owned(), "one".to_owned())];
    let (mut questions, mut rows) = (Vec::new(), Vec::with_capacity(number));
    let mut kept = Vec::new();
    for n in 0..number {
        let topic = dice.topic(&topics);
        // One word in four is of any topic.
        let word = |dice: &mut Dice| {
            let any = dice.below(4) == 0;
            let list = if any { dice.topic(&topics) } else { topic };
            dice.of(list)
        };
        let count = 2 + dice.below(4);
        let question = Question(dice.of(FRAMES), (0..count).map(|_| word(&mut dice)).collect(), topic);
        let vector = question.vector();
        let started = Instant::now();
        store
            .upsert("acme", "questions", &n.to_string(), &vector, None, group.clone())
            .expect("there is room");
        kept.push(started.elapsed());
        rows.push(vector);
        questions.push(question);
    }
    let mut asked = Vec::new();
    for n in 0..ASKED {
        let Some(Question(frame, words, topic)) = questions.get(dice.below(number)) else { continue };
        let mut other = Question(frame, words.clone(), topic);
        if n % 2 == 0 {
            other.0 = dice.of(FRAMES);
        } else if let Some(word) = other.1.last_mut() {
            *word = dice.of(topic);
        }
        asked.push(other.vector());
    }
    let mut looked_up = Vec::new();
    let mut nearest = Vec::new();
    for vector in &asked {
        let search = Search { limit: 8, at_least: 0.48, among: Some(&group) };
        let started = Instant::now();
        let hits = store.nearest("acme", "questions", vector, &search).expect("it is a vector");
        looked_up.push(started.elapsed());
        nearest.push(hits.first().map_or(-1.0, |hit| hit.similarity));
    }
    let missed = asked
        .iter()
        .zip(&nearest)
        .filter(|(vector, nearest)| rows.iter().any(|row| product(row, vector) > **nearest + 1e-4));
    let found = asked.len() - missed.count();
    println!("{number} questions, {} MiB", store.bytes() >> 20);
    println!("kept:      {}", quantiles(&mut kept));
    println!("looked up: {}", quantiles(&mut looked_up));
    println!("recall@1:  {found} of {}", asked.len());
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (x, y))| *lane += x * y);
    }
    lanes.iter().sum()
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at =
        |share: usize| times.get((times.len().saturating_sub(1)) * share / 100).copied().unwrap_or_default();
    format!("{:?} (median), {:?} (99 of 100)", at(50), at(99))
}
