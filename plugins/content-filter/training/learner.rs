//! Logistic regression for all heads at once: AdaGrad over hashed features and over the meaning of words.
//!
//! Of an unwanted text only the window that speaks loudest teaches, as only that one counts in use; of a harmless one
//! the two loudest. Half of the features are left out each time, so that no phrase of a template decides alone.
//! Fixed order and seed: the same data give the same weights.

use super::data::{BITS, Case, Unit, Window};
use super::meaning::SIZE;
use crate::model::POWER;
use crate::sums::{CALM, HEADS, Sum};

/// What can be tried.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often everything is learnt anew.
    pub times: usize,
    pub epochs: usize,
    pub rate: f32,
    pub meaning_rate: f32,
    pub decay: f32,
    /// What AdaGrad starts from: the larger, the less a rare feature learns from one text.
    pub calm: f32,
    /// Of a hundred features so many are left out.
    pub dropped: usize,
    /// How much a positive counts for.
    pub positive: f32,
    /// How much the absence of a tag nobody spoke of counts for.
    pub untold: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            times: 4,
            epochs: 16,
            rate: 0.1,
            meaning_rate: 0.3,
            decay: 3e-5,
            calm: 0.1,
            dropped: 60,
            positive: 1.5,
            untold: 0.5,
        }
    }
}

type Row = [f32; HEADS];

/// The weights and what AdaGrad remembers of them.
pub struct Learner {
    settings: Settings,
    pub words: Vec<Row>,
    pub others: Vec<Row>,
    pub meaning: Vec<Row>,
    pub bias: Row,
    squares: [Vec<Row>; 3],
    random: u64,
}

impl Learner {
    /// Learns from cases several times, each time in another order, and takes the mean.
    pub fn learn(settings: Settings, cases: &[&Case]) -> Learner {
        let mut mean = Learner::once(settings, cases, 1);
        for seed in 2..=settings.times {
            let other = Learner::once(settings, cases, seed as u64);
            let share = 1.0 / seed as f32;
            let pairs = [
                (&mut mean.words, other.words),
                (&mut mean.others, other.others),
                (&mut mean.meaning, other.meaning),
            ];
            for (table, new) in pairs {
                for (weight, new) in table.iter_mut().flatten().zip(new.into_iter().flatten()) {
                    *weight += share * (new - *weight);
                }
            }
        }
        mean
    }

    fn once(settings: Settings, cases: &[&Case], seed: u64) -> Learner {
        let zero = |size: usize| vec![[0.0; HEADS]; size];
        let tables = || [zero(1 << BITS), zero(1 << BITS), zero(SIZE)];
        let [words, others, meaning] = tables();
        let mut learner = Learner {
            settings,
            words,
            others,
            meaning,
            bias: [-2.0; HEADS],
            squares: tables(),
            random: 0x5DEE_CE66 * seed,
        };
        let mut order: Vec<usize> = (0..cases.len()).collect();
        let mut mean = tables();
        for epoch in 0..settings.epochs {
            for at in (1..order.len()).rev() {
                order.swap(at, learner.random() % (at + 1));
            }
            order.iter().for_each(|n| learner.case(cases[*n]));
            if epoch >= settings.epochs / 2 {
                for (mean, now) in mean.iter_mut().zip([&learner.words, &learner.others, &learner.meaning]) {
                    mean.iter_mut().zip(now).for_each(|(mean, now)| add(mean, now, 1.0));
                }
            }
        }
        let share = 1.0 / (settings.epochs - settings.epochs / 2) as f32;
        mean.iter_mut().flatten().flatten().for_each(|weight| *weight *= share);
        let [words, others, meaning] = mean;
        Learner { words, others, meaning, ..learner }
    }

    fn random(&mut self) -> usize {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize
    }

    /// What a unit comes to.
    pub fn sum(&self, unit: &Unit) -> Sum {
        let mut heads = [0.0; HEADS];
        unit.words.iter().for_each(|at| add(&mut heads, &self.words[*at as usize], 1.0));
        unit.others.iter().for_each(|at| add(&mut heads, &self.others[*at as usize], 1.0));
        unit.meaning.iter().zip(&self.meaning).for_each(|(v, row)| add(&mut heads, row, *v));
        let features = (unit.words.len() + unit.others.len()) as u32;
        Sum { heads, features, words: unit.words.len() as u32, classes: 0 }
    }

    /// The margins of every window, a head each.
    pub fn margins(&self, case: &Case) -> Vec<Row> {
        let sums: Vec<Row> = case.units.iter().map(|unit| self.sum(unit).heads).collect();
        case.windows
            .iter()
            .map(|window| {
                let mut margin = [0.0; HEADS];
                sums[window.from..window.to].iter().for_each(|sum| add(&mut margin, sum, 1.0));
                let length = length(case, window, 1.0);
                margin.iter_mut().for_each(|m| *m /= length);
                window.own.iter().for_each(|at| add(&mut margin, &self.others[*at as usize], 1.0));
                margin
            })
            .collect()
    }

    fn case(&mut self, case: &Case) {
        let margins = self.margins(case);
        let mut chosen: Vec<[bool; HEADS]> = vec![[false; HEADS]; margins.len()];
        for head in 0..HEADS {
            let mut order: Vec<usize> = (0..margins.len()).collect();
            order.sort_by(|a, b| margins[*b][head].total_cmp(&margins[*a][head]));
            let most = if case.labels[head] == Some(true) { 1 } else { 2 };
            order.iter().take(most).for_each(|n| chosen[*n][head] = true);
        }
        for (n, heads) in chosen.iter().enumerate().filter(|(_, heads)| heads.contains(&true)) {
            self.window(case, &case.windows[n], heads);
        }
    }

    fn window(&mut self, case: &Case, window: &Window, heads: &[bool; HEADS]) {
        let units = &case.units[window.from..window.to];
        let keep = |learner: &mut Learner| learner.random() % 100 >= learner.settings.dropped;
        let mut words: Vec<u32> = units.iter().flat_map(|unit| unit.words.iter().copied()).collect();
        let mut others: Vec<u32> = units.iter().flat_map(|unit| unit.others.iter().copied()).collect();
        let mut own = window.own.clone();
        words.retain(|_| keep(self));
        others.retain(|_| keep(self));
        own.retain(|_| keep(self));
        let mut meaning = [0.0; SIZE];
        units.iter().for_each(|unit| meaning.iter_mut().zip(unit.meaning).for_each(|(sum, v)| *sum += v));
        let share = 1.0 - self.settings.dropped as f32 / 100.0;
        let length = length(case, window, share);
        // The meaning is not thinned out, so it counts for as much as of the rest is left.
        meaning.iter_mut().for_each(|v| *v *= share / length);

        let mut margin = self.bias;
        words.iter().for_each(|at| add(&mut margin, &self.words[*at as usize], 1.0 / length));
        others.iter().for_each(|at| add(&mut margin, &self.others[*at as usize], 1.0 / length));
        own.iter().for_each(|at| add(&mut margin, &self.others[*at as usize], 1.0));
        meaning.iter().zip(&self.meaning).for_each(|(v, row)| add(&mut margin, row, *v));
        let mut error = [0.0; HEADS];
        for (head, error) in error.iter_mut().enumerate().filter(|(head, _)| heads[*head]) {
            let (label, weight) = match case.labels[head] {
                Some(true) => (1.0, self.settings.positive),
                Some(false) => (0.0, 1.0),
                None if case.source == "openai" => (0.0, self.settings.untold),
                None => (0.0, 0.0),
            };
            *error = case.weight * weight * (1.0 / (1.0 + (-margin[head]).exp()) - label);
        }
        add(&mut self.bias, &error, -0.01);
        let Settings { rate, meaning_rate, decay, calm, .. } = self.settings;
        let [word_squares, other_squares, meaning_squares] = &mut self.squares;
        for at in words {
            step(
                &mut self.words[at as usize],
                &mut word_squares[at as usize],
                &error,
                1.0 / length,
                [rate, decay, calm],
            );
        }
        for at in others {
            step(
                &mut self.others[at as usize],
                &mut other_squares[at as usize],
                &error,
                1.0 / length,
                [rate, decay, calm],
            );
        }
        for at in own {
            step(
                &mut self.others[at as usize],
                &mut other_squares[at as usize],
                &error,
                1.0,
                [rate, decay, calm],
            );
        }
        for ((v, row), squares) in meaning.iter().zip(&mut self.meaning).zip(meaning_squares) {
            step(row, squares, &error, *v, [meaning_rate, decay, calm]);
        }
    }
}

fn length(case: &Case, window: &Window, share: f32) -> f32 {
    let units = &case.units[window.from..window.to];
    let features: usize = units.iter().map(|unit| unit.words.len() + unit.others.len()).sum();
    (features as f32 * share + CALM).powf(POWER)
}

fn add(sum: &mut Row, row: &Row, by: f32) {
    sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += by * v);
}

fn step(row: &mut Row, squares: &mut Row, error: &Row, value: f32, [rate, decay, calm]: [f32; 3]) {
    for ((weight, square), error) in row.iter_mut().zip(squares).zip(error) {
        if *error != 0.0 {
            let slope = error * value + decay * *weight;
            *square += slope * slope;
            *weight -= rate * slope / (*square + calm).sqrt();
        }
    }
}
