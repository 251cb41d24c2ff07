//! Trains the classifier and writes `data/model.bin`.
//!
//! `python3 training/generate.py OUT.jsonl`, then `INJECTION_TRAIN=OUT.jsonl:… cargo test --release
//! -p injection-filter train -- --ignored --nocapture` (the README has the whole recipe). Logistic regression,
//! AdaGrad, fixed order and seed: the same data give the same file. Of a text only the part that speaks loudest
//! teaches, as only that part counts in use; of a harmless text the three loudest.

use super::data::{Row, rows};
use crate::model::{CALM, Cut, parts};
use crate::rules::Book;
use crate::tokens::{Tokens, read};

const BITS: u8 = 16;
const EPOCHS: usize = 14;
const RATE: f32 = 0.35;
const DECAY: f32 = 1e-4;
/// So many of a hundred features are left out each time a case teaches.
const DROPPED: usize = 50;
/// The share of harmless held-out texts that may reach the default threshold by the classifier alone.
const FALSE_FINDS: [(&str, f32); 2] = [("user", 0.0045), ("tool", 0.004)];

/// A text as features, with the ranges of its parts.
struct Case {
    features: Vec<u32>,
    parts: Vec<(usize, usize)>,
    attack: bool,
    weight: f32,
    held: bool,
}

fn case(book: &Book, cut: Cut, row: &Row) -> Case {
    let tokens: Tokens = read(&book.lexicon, &row.text);
    let features = std::cell::RefCell::new(Vec::new());
    let mut ranges = Vec::new();
    let collect = |feature: u32| {
        features.borrow_mut().push(feature & ((1 << BITS) - 1));
        0.0
    };
    parts(cut, &tokens, collect, |_, count| {
        let end = features.borrow().len();
        ranges.push((end - count as usize, end));
    });
    Case {
        features: features.into_inner(),
        parts: ranges,
        attack: row.attack(),
        weight: row.weight.unwrap_or(1.0),
        held: row.held_out(),
    }
}

struct Learner {
    weights: Vec<f32>,
    squares: Vec<f32>,
    bias: f32,
    random: u64,
}

impl Learner {
    fn random(&mut self) -> usize {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize
    }

    fn margin(&self, part: &[u32]) -> f32 {
        let sum: f32 = part.iter().map(|f| self.weights[*f as usize]).sum();
        sum / (part.len() as f32 + CALM).sqrt()
    }

    /// The margins of a case's parts, the largest first.
    fn loudest(&self, case: &Case) -> Vec<(f32, (usize, usize))> {
        let mut all: Vec<_> =
            case.parts.iter().map(|part| (self.margin(&case.features[part.0..part.1]), *part)).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all
    }

    fn learn(&mut self, case: &Case) {
        let most = if case.attack { 1 } else { 3 };
        for (_, (from, to)) in self.loudest(case).into_iter().take(most) {
            // Leaving out features at random keeps single phrases of the templates from deciding alone.
            let part: Vec<u32> =
                case.features[from..to].iter().copied().filter(|_| self.random() % 100 >= DROPPED).collect();
            let probability = 1.0 / (1.0 + (-(self.margin(&part) + self.bias)).exp());
            let error = (probability - f32::from(u8::from(case.attack))) * case.weight;
            let step = error / (part.len() as f32 + CALM).sqrt();
            self.bias -= 0.01 * error;
            for feature in part {
                let at = feature as usize;
                let slope = step + DECAY * self.weights[at];
                self.squares[at] += slope * slope;
                self.weights[at] -= RATE * slope / (self.squares[at].sqrt() + 1e-3);
            }
        }
    }
}

/// Trains one head; its part of the file.
fn head(name: &str, cases: &[Case]) -> Vec<u8> {
    let size = 1 << BITS;
    let mut learner =
        Learner { weights: vec![0.0; size], squares: vec![0.0; size], bias: -1.0, random: 0x5DEE_CE66 };
    let mut order: Vec<usize> = (0..cases.len()).filter(|n| !cases[*n].held).collect();
    let mut mean = vec![0.0; size];
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, learner.random() % (at + 1));
        }
        order.iter().for_each(|n| learner.learn(&cases[*n]));
        if epoch >= EPOCHS / 2 {
            mean.iter_mut().zip(&learner.weights).for_each(|(mean, weight)| *mean += weight);
        }
    }
    learner.weights = mean.iter().map(|sum| sum / (EPOCHS - EPOCHS / 2) as f32).collect();
    let mut sizes: Vec<f32> = learner.weights.iter().map(|w| w.abs()).filter(|w| *w > 1e-6).collect();
    sizes.sort_by(f32::total_cmp);
    let scale = sizes[sizes.len() * 999 / 1000] / 127.0;
    learner.weights.iter_mut().for_each(|w| *w = (*w / scale).round().clamp(-127.0, 127.0) * scale);

    let held = |attack: bool| {
        let of = cases.iter().filter(|case| case.held && case.attack == attack && !case.parts.is_empty());
        let mut all: Vec<f32> = of.map(|case| learner.loudest(case)[0].0).collect();
        all.sort_by(f32::total_cmp);
        all
    };
    let (benign, attacks) = (held(false), held(true));
    let allowed = FALSE_FINDS.iter().find(|(scope, _)| *scope == name).map_or(0.0, |(_, share)| *share);
    let limit = benign[((benign.len() - 1) as f32 * (1.0 - allowed)) as usize];
    // The slope of a logistic regression on the held-out margins; the offset puts the threshold at the limit.
    let (mut slope, mut offset) = (1.0_f32, learner.bias);
    for _ in 0..2000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for (margins, label) in [(&benign, 0.0), (&attacks, 1.0)] {
            for margin in margins {
                let error = 1.0 / (1.0 + (-(slope * margin + offset)).exp()) - label;
                by_slope += error * margin / margins.len() as f32;
                by_offset += error / margins.len() as f32;
            }
        }
        (slope, offset) = (slope - 0.05 * by_slope, offset - 0.05 * by_offset);
    }
    let slope = slope.clamp(0.5, 1.2);
    let offset = 4.0_f32.ln() - slope * limit;
    let caught = attacks.iter().filter(|margin| **margin > limit).count();
    println!(
        "{name}: {} rows, {} learned; held out {} attacks, {} harmless; the limit {limit:.2} catches {:.2} % \
         (platt slope {slope:.2}); {} weights",
        cases.len(),
        order.len(),
        attacks.len(),
        benign.len(),
        100.0 * caught as f32 / attacks.len() as f32,
        sizes.len()
    );

    let mut file = vec![BITS];
    for number in [scale, slope, offset] {
        file.extend(number.to_le_bytes());
    }
    file.extend(learner.weights.iter().map(|w| ((w / scale).round() as i8).cast_unsigned()));
    file
}

#[test]
#[ignore = "a tool: needs data, writes data/model.bin"]
fn train() {
    let book = Book::built_in().expect("the rules");
    let rows: Vec<Row> = rows("INJECTION_TRAIN").into_iter().flat_map(|(_, rows)| rows).collect();
    let mut file = Vec::new();
    for (scope, cut) in [("user", Cut::Blocks), ("tool", Cut::Pieces)] {
        let cases: Vec<Case> =
            rows.iter().filter(|row| row.scope == scope).map(|row| case(&book, cut, row)).collect();
        file.extend(head(scope, &cases));
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/data/model.bin"), file).expect("written");
}
