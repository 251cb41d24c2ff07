//! Learns the weights of the chain: the gradient of the log-likelihood, one stretch at a time, with AdaGrad.

use crate::names::model::{Chain, Row, TAGS, TYPES};

/// Weights with their sums of squares.
pub struct Learner {
    pub weights: Vec<Row>,
    squares: Vec<Row>,
    /// Transitions, then the first word's.
    pub moves: Vec<Row>,
    move_squares: Vec<Row>,
    pub rate: f32,
    pub decay: f32,
}

impl Learner {
    pub fn new(rows: usize) -> Learner {
        Learner {
            weights: vec![[0.0; TAGS]; rows],
            squares: vec![[0.0; TAGS]; rows],
            moves: (0..=TAGS)
                .map(|from| {
                    std::array::from_fn(
                        |to| if to > TYPES || (from > TYPES && from < TAGS) { -20.0 } else { 0.0 },
                    )
                })
                .collect(),
            move_squares: vec![[1.0; TAGS]; TAGS + 1],
            rate: 0.2,
            decay: 2e-6,
        }
    }

    pub fn chain(&self) -> Chain {
        let mut chain = Chain { moves: [[0.0; TAGS]; TAGS], first: self.moves[TAGS].map(f32::exp) };
        for (to, from) in chain.moves.iter_mut().zip(&self.moves) {
            *to = from.map(f32::exp);
        }
        chain
    }

    /// Learns one stretch: the features of each word, and its tag.
    pub fn learn(&mut self, features: &[Vec<u32>], tags: &[usize], weight: f32) {
        let mut scores: Vec<Row> = features
            .iter()
            .map(|of| {
                let mut sum = [0.0; TAGS];
                for f in of {
                    sum.iter_mut().zip(&self.weights[*f as usize]).for_each(|(s, w)| *s += w);
                }
                sum
            })
            .collect();
        let factors: Vec<Row> = scores
            .iter()
            .map(|row| {
                let most = row.iter().copied().fold(f32::MIN, f32::max);
                row.map(|s| (s - most).exp())
            })
            .collect();
        let chain = self.chain();
        let mut forward = Vec::new();
        chain.marginals(&mut scores, &mut forward);
        // What is expected of each pair of neighbours: forward, move, factor and backward (marginal by forward).
        let mut pairs = [[0.0_f32; TAGS]; TAGS];
        for n in 1..scores.len() {
            let mut both = [[0.0_f32; TAGS]; TAGS];
            let mut total = 0.0;
            for i in 0..TAGS {
                for j in 0..TAGS {
                    let behind = if forward[n][j] > 1e-30 { scores[n][j] / forward[n][j] } else { 0.0 };
                    both[i][j] = forward[n - 1][i] * chain.moves[i][j] * factors[n][j] * behind;
                    total += both[i][j];
                }
            }
            if total > 0.0 {
                for (sum, share) in pairs.iter_mut().flatten().zip(both.iter().flatten()) {
                    *sum += share / total;
                }
            }
            pairs[tags[n - 1]][tags[n]] -= 1.0;
        }
        let moves = self.moves.iter_mut().zip(&mut self.move_squares).zip(&pairs);
        for ((weights, squares), slope) in moves {
            step(weights, squares, slope, self.rate * 0.3, weight, 1e-5);
        }
        let mut first = scores[0];
        first[tags[0]] -= 1.0;
        step(&mut self.moves[TAGS], &mut self.move_squares[TAGS], &first, self.rate * 0.3, weight, 1e-5);
        for ((of, tag), marginal) in features.iter().zip(tags).zip(&scores) {
            let mut slope = *marginal;
            slope[*tag] -= 1.0;
            if slope[*tag] > -0.005 {
                continue;
            }
            for f in of {
                let at = *f as usize;
                step(&mut self.weights[at], &mut self.squares[at], &slope, self.rate, weight, self.decay);
            }
        }
    }
}

fn step(weights: &mut Row, squares: &mut Row, slope: &Row, rate: f32, weight: f32, decay: f32) {
    for ((w, square), slope) in weights.iter_mut().zip(squares).zip(slope) {
        let slope = slope * weight + decay * *w;
        *square += slope * slope;
        *w -= rate * slope / (square.sqrt() + 0.1);
    }
}
