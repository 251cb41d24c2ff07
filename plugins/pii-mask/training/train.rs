//! Trains the tagger and writes `data/tagger.bin`; the README has the whole recipe.
//!
//! Fixed order and seed: the same data give the same file. Each time a text teaches, some of its words are made
//! unknown, so that what stands around a name teaches, too, and some features are left out.

use super::crf::Learner;
use super::data::{Row, held_out, rows};
use super::measure::count;
use crate::detect::{Detector, Scanner};
use crate::names::Names;
use crate::names::features::{active, features};
use crate::names::lexicon::{Entry, Lexicon};
use crate::names::model::{BUCKET, BUCKET_BYTES, Model, Row as Weights, TAGS, mark};
use crate::names::words::{SIGN, Word, cut, hash, settle, spell};

/// The places of the file, and those that training has for more features.
const BITS: u32 = 18;
const ROOM: u32 = 21;
/// So many of a hundred features are left out each time, and so many of a hundred named words are made unknown.
const DROPPED: u64 = 12;

struct Text {
    words: Vec<Word>,
    tags: Vec<usize>,
    weight: f32,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The text with some words as if nobody had ever seen them.
fn forgetful(text: &Text, random: &mut Random) -> Vec<Word> {
    let (named, others) = (setting("PII_FORGET", 25), 4);
    let mut words = text.words.clone();
    for (word, tag) in words.iter_mut().zip(&text.tags) {
        if word.shape < SIGN && random.below(100) < if *tag == 0 { others } else { named } {
            word.entry = Entry::default();
            word.hash = hash(b"?");
            if random.below(3) == 0 {
                word.affixes = [0; 4];
            }
        }
    }
    words
}

fn learn(
    learner: &mut Learner,
    text: &Text,
    on: &[bool],
    places: Option<&[Option<usize>]>,
    random: &mut Random,
) {
    let dropped = setting("PII_DROPPED", DROPPED);
    let words = forgetful(text, random);
    let mut at = 0;
    while let Some(start) = on[at..].iter().position(|on| *on) {
        let start = at + start;
        let end = start + on[start..].iter().take_while(|on| **on).count();
        let of: Vec<Vec<u32>> = (start..end)
            .map(|n| {
                let kept = |row: &u32| places.is_none_or(|places| places[*row as usize].is_some());
                let rows = features(&words, n).map(|f| f >> (32 - ROOM));
                rows.into_iter().filter(|row| random.below(100) >= dropped && kept(row)).collect()
            })
            .collect();
        learner.learn(&of, &text.tags[start..end], text.weight);
        at = end;
    }
}

/// Where the rows stand that say most, as many as there is room for; the others get no place.
fn places(weights: &[Weights], seen: &[(u32, u32)]) -> Vec<Option<usize>> {
    let count = 1_usize << BITS;
    let size = |row: &Weights| row.iter().map(|w| w * w).sum::<f32>().sqrt();
    let mut best: Vec<(f32, usize)> = (0..weights.len())
        .filter(|n| seen[*n].0 >= 2)
        .map(|n| (size(&weights[n]) * (seen[n].0 as f32).powf(0.25), n))
        .collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (mut free, mut places, mut kept) = (vec![BUCKET; count / BUCKET], vec![None; weights.len()], 0);
    for (_, n) in &best {
        let bucket = (seen[*n].1 >> (32 - BITS)) as usize / BUCKET;
        if free[bucket] > 0 {
            free[bucket] -= 1;
            places[*n] = Some(bucket * BUCKET + free[bucket]);
            kept += 1;
        }
    }
    println!("{} features, {kept} kept", best.len());
    places
}

/// The file of these weights.
fn file(weights: &[Weights], seen: &[(u32, u32)], places: &[Option<usize>], moves: &[Weights]) -> Vec<u8> {
    let placed = || places.iter().enumerate().filter_map(|(n, place)| Some((n, (*place)?)));
    let mut sizes: Vec<f32> = placed().flat_map(|(n, _)| weights[n]).map(f32::abs).collect();
    sizes.sort_by(f32::total_cmp);
    let scale = sizes[sizes.len() * 9995 / 10000] / 127.0;
    let mut rows = vec![[0_u8; TAGS]; 1 << BITS];
    for (n, place) in placed() {
        for (byte, w) in rows[place].iter_mut().zip(&weights[n]) {
            *byte = ((w / scale).round().clamp(-127.0, 127.0) as i8).cast_unsigned();
        }
        rows[place][TAGS - 2..].copy_from_slice(&mark(seen[n].1).to_le_bytes());
    }
    let mut file = vec![BITS as u8];
    file.extend(scale.to_le_bytes());
    moves.iter().flatten().for_each(|w| file.extend(w.to_le_bytes()));
    file.resize(file.len().next_multiple_of(BUCKET_BYTES), 0);
    file.extend(rows.iter().flatten());
    file
}

/// How often each row's features occur, and one of them.
fn seen(texts: &[Text], on: &[Vec<bool>]) -> Vec<(u32, u32)> {
    let mut seen = vec![(0_u32, 0_u32); 1 << ROOM];
    for (text, on) in texts.iter().zip(on) {
        for n in (0..text.words.len()).filter(|n| on[*n]) {
            for f in features(&text.words, n) {
                let row = &mut seen[(f >> (32 - ROOM)) as usize];
                *row = (row.0 + 1, f);
            }
        }
    }
    seen
}

fn texts(lexicon: &Lexicon, rows: &[Row]) -> Vec<Text> {
    let mut lost = (0, 0);
    let (scanner, mut finds) = (Scanner::new(u128::MAX, 50), Vec::new());
    let fold = held_out();
    let skip = std::env::var("PII_SKIP").unwrap_or_default();
    let texts = rows
        .iter()
        .filter(|row| !row.held(fold) && !skip.split(',').any(|s| row.set.starts_with(s) && !s.is_empty()))
        .map(|row| {
            let mut words = Vec::new();
            cut(lexicon, &row.text, &mut words);
            words.iter_mut().for_each(|word| spell(&row.text, word));
            let tags = row.tags(&words);
            finds.clear();
            scanner.detect(&row.text, "", &mut finds);
            settle(&mut words, &finds);
            let mut on = Vec::new();
            active(&words, &mut on);
            lost.0 += tags.iter().zip(&on).filter(|(tag, on)| (1..5).contains(*tag) && !**on).count();
            lost.1 += tags.iter().filter(|tag| (1..5).contains(*tag)).count();
            Text { words, tags, weight: row.weight.unwrap_or(1.0) }
        });
    let texts: Vec<Text> = texts.collect();
    println!("{} texts; {} of {} named words stand where nobody looks", texts.len(), lost.0, lost.1);
    texts
}

#[test]
#[ignore = "a tool: needs data, writes data/tagger.bin"]
fn train() {
    let lexicon = Lexicon::built_in().expect("the lexicon");
    let rows: Vec<Row> = rows("PII_TRAIN").into_iter().flat_map(|(_, rows)| rows).collect();
    let texts = texts(&lexicon, &rows);
    let active_of = |text: &Text| {
        let mut on = Vec::new();
        active(&text.words, &mut on);
        on
    };
    let on: Vec<Vec<bool>> = texts.iter().map(active_of).collect();
    let mut learner = Learner::new(1 << ROOM);
    learner.rate = setting("PII_RATE", 200) as f32 / 1000.0;
    learner.decay = setting("PII_DECAY", 20) as f32 / 1e7;
    let mut random = Random(0x5DEE_CE66);
    let (first, more) = (setting("PII_EPOCHS", 4), setting("PII_MORE", 8));
    let seen = seen(&texts, &on);
    let mut chosen: Option<Vec<Option<usize>>> = None;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    let mut mean = vec![[0.0; TAGS]; 1 << ROOM];
    let mut mean_moves = vec![[0.0; TAGS]; TAGS + 1];
    let averaged = more / 2;
    for epoch in 0..first + more {
        if epoch == first {
            chosen = Some(places(&learner.weights, &seen));
        }
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
        for n in &order {
            learn(&mut learner, &texts[*n], &on[*n], chosen.as_deref(), &mut random);
        }
        if epoch >= first + more - averaged {
            let pairs =
                mean.iter_mut().zip(&learner.weights).chain(mean_moves.iter_mut().zip(&learner.moves));
            pairs.for_each(|(mean, row)| mean.iter_mut().zip(row).for_each(|(mean, w)| *mean += w));
        }
        println!("epoch {epoch}");
    }
    mean.iter_mut().chain(&mut mean_moves).flatten().for_each(|w| *w /= averaged as f32);
    let out = std::env::var("PII_OUT")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/data/tagger.bin").to_owned());
    let file = file(&mean, &seen, &chosen.expect("chosen"), &mean_moves);
    std::fs::write(out, &file).expect("written");
    let model = Model::read(Box::leak(file.into_boxed_slice())).expect("a right file");
    let names = Names::with(model, [true, true, true, true, false], 0).expect("the lexicon");
    let scanner = Scanner::new(u128::MAX, 50);
    let thresholds = std::env::var("PII_THRESHOLDS").unwrap_or_else(|_| "50".to_owned());
    for threshold in thresholds.split(',').filter_map(|threshold| threshold.parse::<u8>().ok()) {
        println!("threshold {threshold}");
        count(&rows, |text| {
            let mut found = Vec::new();
            scanner.detect(text, "", &mut found);
            let values = found.len();
            names.detect(text, "", &mut found);
            found.split_off(values).into_iter().filter(|find| find.score >= threshold).collect()
        });
    }
}
