//! Cross-validates the classifier, and trains what ships.
//!
//! `python3 training/generate.py DATA OUT.jsonl`, then `CONTENT_TRAIN=OUT.jsonl cargo test --release -p content-filter
//! tools::train::validate -- --ignored --nocapture`, and `tools::train::train` for `data/model.bin`.

use super::area::with_range;
use super::data::{BITS, Case, FOLDS, rows};
use super::learner::{Learner, Settings};
use super::meaning::{Meaning, SIZE};
use super::second::{Heard, Second, judged, labelled};
use crate::lexicon::Lexicon;
use crate::lexicon::hash;
use crate::model::{NAMES, Row};
use crate::sums::HEADS;
use crate::verdict::Measure;
use std::collections::HashMap;

/// The cases, what words mean, and which word owns a row of the table.
fn load() -> (Vec<Case>, Meaning, HashMap<u32, String>) {
    let (lexicon, meaning, mut seen) = (Lexicon::built_in(), Meaning::read(), HashMap::new());
    let cases = rows()
        .into_iter()
        .map(|row| row.case(&lexicon, &meaning, &mut seen))
        .filter(|case| !case.windows.is_empty());
    let cases = cases.collect();
    (cases, meaning, seen)
}

/// What is heard of each case by a learner that saw nothing of its fold.
fn heard(cases: &[Case]) -> Vec<Heard> {
    let mut out: Vec<Option<Heard>> = cases.iter().map(|_| None).collect();
    for fold in 0..FOLDS {
        let known = cases.iter().filter(|case| case.fold != fold && !case.avoid.contains(&fold));
        let learner = Learner::learn(Settings::default(), &known.collect::<Vec<_>>());
        for (out, case) in out.iter_mut().zip(cases).filter(|(_, case)| case.fold == fold) {
            *out = Some(Heard::new(&learner, case));
        }
    }
    out.into_iter().flatten().collect()
}

/// Prints the areas on the labelled set: all folds, the held-out one; where untold is no, and told ones alone.
fn areas(cases: &[Case], margins: &[[f32; HEADS]]) {
    for (name, only) in [("5 folds", None), ("fold 0 alone", Some(0))] {
        println!("{name}: area under precision and recall (5 % to 95 %), untold as absent | told alone");
        for head in 0..HEADS {
            let of = |told: bool| -> Vec<(f32, bool)> {
                let rows = cases.iter().zip(margins).filter(|(case, _)| case.source == "openai");
                let rows = rows.filter(|(case, _)| only.is_none_or(|fold| case.fold == fold));
                let rows = rows.filter(|(case, _)| !told || case.labels[head].is_some());
                rows.map(|(case, margin)| (margin[head], case.labels[head] == Some(true))).collect()
            };
            let (all, told) = (of(false), of(true));
            let ((area, low, high), (known, ..)) = (with_range(&all), with_range(&told));
            let positives = all.iter().filter(|(_, is)| *is).count();
            println!(
                "  {:14} {area:.3} ({low:.3} to {high:.3}) | {known:.3}; {positives} of {}",
                NAMES[head],
                all.len()
            );
        }
    }
}

#[test]
#[ignore = "a tool: needs data, see its documentation"]
fn validate() {
    let (cases, ..) = load();
    println!("{:?}, {} cases", Settings::default(), cases.len());
    let heard = heard(&cases);
    let loudest: Vec<_> = heard.iter().map(|heard| heard.text.loudest).collect();
    println!("== by the loudest window alone");
    areas(&cases, &loudest);
    let (texts, windows) = judged(&cases, &heard);
    println!("== by the loudest window, looked at again");
    areas(&cases, &windows);
    println!("== by the text");
    areas(&cases, &texts);
    if let Ok(path) = std::env::var("CONTENT_MARGINS") {
        let lines = cases
            .iter()
            .zip(&texts)
            .map(|(case, margin)| format!("{}\t{:?}\t{margin:?}\n", case.source, case.labels));
        std::fs::write(path, lines.collect::<String>()).expect("written");
    }
}

/// The slope of a logistic regression of margins, and the offset that puts a half at the limit: there, few texts
/// without the tag and hardly any harmless one are found.
fn calibrate(head: usize, cases: &[Case], margins: &[[f32; HEADS]]) -> (f32, f32) {
    let of = |source: &dyn Fn(&str) -> bool, label: bool| {
        let rows = cases.iter().zip(margins).filter(|(case, _)| source(&case.source));
        let rows = rows.filter(|(case, _)| (case.labels[head] == Some(true)) == label);
        let mut all: Vec<f32> = rows.map(|(_, margin)| margin[head]).collect();
        all.sort_by(f32::total_cmp);
        all
    };
    let (no, yes) = (of(&|source| source == "openai", false), of(&|source| source == "openai", true));
    let calm = of(&|source| source == "harmless" || source == "alarming", false);
    let quantile = |all: &[f32], share: f32| all[((all.len() - 1) as f32 * (1.0 - share)) as usize];
    let limit = quantile(&no, FALSE_FINDS).max(quantile(&calm, FALSE_ALARMS));
    let (mut slope, mut offset) = (1.0_f32, -1.0_f32);
    for _ in 0..3000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for (margins, label) in [(&no, 0.0), (&yes, 1.0)] {
            for margin in margins {
                let error = 1.0 / (1.0 + (-(slope * margin + offset)).exp()) - label;
                by_slope += error * margin / margins.len() as f32;
                by_offset += error / margins.len() as f32;
            }
        }
        (slope, offset) = (slope - 0.05 * by_slope, offset - 0.05 * by_offset);
    }
    let slope = slope.clamp(0.2, 3.0);
    let caught = yes.iter().filter(|margin| **margin >= limit).count();
    println!(
        "{:14} half at {limit:.2}, slope {slope:.2}: finds {caught} of {}; of untagged {:.2} %, of harmless {:.2} %",
        NAMES[head],
        yes.len(),
        100.0 * share(&no, limit),
        100.0 * share(&calm, limit)
    );
    (slope, -slope * limit)
}

fn share(all: &[f32], limit: f32) -> f32 {
    all.iter().filter(|margin| **margin >= limit).count() as f32 / all.len() as f32
}

/// Shares of texts that may reach a half without the tag: of the labelled set, and of harmless ones.
const FALSE_FINDS: f32 = 0.03;
const FALSE_ALARMS: f32 = 0.002;

/// The whole-number weights of a table, and what they are multiplied by.
fn quantise(table: &[[f32; HEADS]], head: usize) -> (f32, Vec<i8>) {
    let mut sizes: Vec<f32> = table.iter().map(|row| row[head].abs()).filter(|w| *w > 1e-6).collect();
    sizes.sort_by(f32::total_cmp);
    let scale = sizes[sizes.len() * 999 / 1000] / 127.0;
    (scale, table.iter().map(|row| (row[head] / scale).round().clamp(-127.0, 127.0) as i8).collect())
}

#[test]
#[ignore = "a tool: needs data, writes data/model.bin"]
fn train() {
    let (cases, meaning, mut owners) = load();
    let heard = heard(&cases);
    let (texts, windows) = judged(&cases, &heard);
    areas(&cases, &texts);
    let second = Second::learn(&labelled(&cases, &heard, None));
    let learner = Learner::learn(Settings::default(), &cases.iter().collect::<Vec<_>>());
    // The meaning of words goes into their rows; the first word that has a row owns it.
    for word in &meaning.words {
        owners.entry(hash(word.as_bytes()) & ((1 << BITS) - 1)).or_insert_with(|| word.clone());
    }
    let mut words = learner.words.clone();
    for (row, word) in &owners {
        let mut vector = [0.0; SIZE];
        meaning.add(word, &mut vector);
        for (v, by_head) in vector.iter().zip(&learner.meaning) {
            words[*row as usize].iter_mut().zip(by_head).for_each(|(weight, theta)| *weight += v * theta);
        }
    }
    let mut file = vec![BITS];
    let mut tables = [vec![[0_i8; HEADS]; 1 << BITS], vec![[0_i8; HEADS]; 1 << BITS]];
    for head in 0..HEADS {
        let mut scales = [0.0; 2];
        for ((table, scale), weights) in tables.iter_mut().zip(&mut scales).zip([&words, &learner.others]) {
            let (by, column) = quantise(weights, head);
            *scale = by;
            table.iter_mut().zip(column).for_each(|(row, weight)| row[head] = weight);
        }
        scales.iter().for_each(|scale: &f32| file.extend(scale.to_le_bytes()));
    }
    for head in 0..HEADS {
        let (slope, offset) = calibrate(head, &cases, &windows);
        let Measure { middle, spread, mean } = second.measures[head];
        [middle, spread, mean].iter().for_each(|number| file.extend(number.to_le_bytes()));
        let mut weights = second.weights[head].map(|weight| slope * weight as f32);
        weights[0] += offset;
        weights.iter().for_each(|weight| file.extend(weight.to_le_bytes()));
    }
    file.resize(file.len().next_multiple_of(size_of::<Row>()), 0);
    for row in tables.iter().flatten() {
        file.extend(row.iter().map(|weight| weight.cast_unsigned()));
        file.resize(file.len().next_multiple_of(size_of::<Row>()), 0);
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/data/model.bin"), file).expect("written");
}
