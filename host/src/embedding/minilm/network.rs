//! A BERT encoder: from pieces to the mean of what it makes of them.
//! Source: Devlin et al., "BERT", 2018; Vaswani et al., "Attention Is All You Need", 2017; the model's `config.json`.
//!
//! Invariant: the same pieces give the same vector. One text at a time, so nothing is padded and nothing masked. Never
//! splits a text, and does not normalise.

use super::weights::Weights;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use serde::Deserialize;

/// What `config.json` tells of a network.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Shape {
    hidden_size: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f32,
}

const fn epsilon() -> f32 {
    1e-12
}

/// More than any model of this kind has.
const MAX_SIZE: usize = 8_192;
const MAX_LAYERS: usize = 64;

/// The network.
#[derive(Debug)]
pub(super) struct Network {
    shape: Shape,
    words: Array2<f32>,
    /// The vector of each place, with that of the only kind of sentence there is.
    places: Array2<f32>,
    first: Norm,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    mixed: Linear,
    mixed_norm: Norm,
    inner: Linear,
    outer: Linear,
    outer_norm: Norm,
}

/// A matrix, one row for each output, and what is added.
#[derive(Debug)]
struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

/// Scales each row to mean 0 and variance 1, then as it learned.
#[derive(Debug)]
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Network {
    /// Puts a network together.
    pub fn new(shape: Shape, weights: &Weights<'_>) -> Result<Self, String> {
        let Shape { hidden_size: width, intermediate_size: inner, num_attention_heads: heads, .. } = shape;
        let places = shape.max_position_embeddings;
        let fits = [width, inner, places].iter().all(|size| (1..=MAX_SIZE).contains(size))
            && (1..=MAX_LAYERS).contains(&shape.num_hidden_layers)
            && heads > 0
            && width.is_multiple_of(heads);
        if !fits {
            return Err("the sizes in its config.json do not fit together".to_owned());
        }
        let linear = |name: &str, outputs: usize, inputs: usize| {
            Ok::<_, String>(Linear {
                weight: weights.matrix(&format!("{name}.weight"), outputs, inputs)?,
                bias: weights.vector(&format!("{name}.bias"), outputs)?,
            })
        };
        let norm = |name: &str| {
            Ok::<_, String>(Norm {
                weight: weights.vector(&format!("{name}.weight"), width)?,
                bias: weights.vector(&format!("{name}.bias"), width)?,
                epsilon: shape.layer_norm_eps,
            })
        };
        let layer = |n: usize| {
            let at = |part: &str| format!("encoder.layer.{n}.{part}");
            Ok::<_, String>(Layer {
                query: linear(&at("attention.self.query"), width, width)?,
                key: linear(&at("attention.self.key"), width, width)?,
                value: linear(&at("attention.self.value"), width, width)?,
                mixed: linear(&at("attention.output.dense"), width, width)?,
                mixed_norm: norm(&at("attention.output.LayerNorm"))?,
                inner: linear(&at("intermediate.dense"), inner, width)?,
                outer: linear(&at("output.dense"), width, inner)?,
                outer_norm: norm(&at("output.LayerNorm"))?,
            })
        };
        let pieces = weights.rows("embeddings.word_embeddings.weight");
        let kinds = weights.rows("embeddings.token_type_embeddings.weight");
        let kinds = weights.matrix("embeddings.token_type_embeddings.weight", kinds, width)?;
        let kind = kinds.rows().into_iter().next().ok_or("it knows no kind of sentence")?.to_owned();
        Ok(Self {
            words: weights.matrix("embeddings.word_embeddings.weight", pieces, width)?,
            places: weights.matrix("embeddings.position_embeddings.weight", places, width)? + &kind,
            first: norm("embeddings.LayerNorm")?,
            layers: (0..shape.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            shape,
        })
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.shape.hidden_size
    }

    /// Pieces of a text at most.
    pub fn places(&self) -> usize {
        self.shape.max_position_embeddings
    }

    /// The mean of what the network makes of pieces. A piece that it has no row for is passed over.
    pub fn run(&self, pieces: &[usize]) -> Vec<f32> {
        let known: Vec<usize> = pieces.iter().copied().filter(|piece| *piece < self.words.nrows()).collect();
        let count = known.len().min(self.places());
        let mut x = self.words.select(Axis(0), known.get(..count).unwrap_or_default());
        x += &self.places.slice(s![..count, ..]);
        self.first.apply(&mut x);
        for layer in &self.layers {
            layer.apply(&mut x, self.shape.num_attention_heads);
        }
        x.mean_axis(Axis(0)).map_or_else(|| vec![0.0; self.width()], |mean| mean.to_vec())
    }
}

impl Layer {
    fn apply(&self, x: &mut Array2<f32>, heads: usize) {
        let (query, key, value) = (self.query.of(x), self.key.of(x), self.value.of(x));
        let size = x.ncols() / heads;
        let mut seen = Array2::zeros(x.dim());
        for head in 0..heads {
            let part = s![.., head * size..(head + 1) * size];
            let attention = attend(query.slice(part), key.slice(part));
            seen.slice_mut(part).assign(&attention.dot(&value.slice(part)));
        }
        *x += &self.mixed.of(&seen);
        self.mixed_norm.apply(x);
        let mut inner = self.inner.of(x);
        inner.mapv_inplace(gelu);
        *x += &self.outer.of(&inner);
        self.outer_norm.apply(x);
    }
}

/// How much each piece looks at each other.
fn attend(query: ArrayView2<'_, f32>, key: ArrayView2<'_, f32>) -> Array2<f32> {
    #[expect(clippy::cast_precision_loss, reason = "at most 8192")]
    let scale = (query.ncols() as f32).sqrt();
    let mut scores = query.dot(&key.t()) / scale;
    for mut row in scores.rows_mut() {
        let largest = row.fold(f32::NEG_INFINITY, |largest, score| largest.max(*score));
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    scores
}

impl Linear {
    fn of(&self, x: &Array2<f32>) -> Array2<f32> {
        x.dot(&self.weight.t()) + &self.bias
    }
}

impl Norm {
    fn apply(&self, x: &mut Array2<f32>) {
        for mut row in x.rows_mut() {
            let mean = row.mean().unwrap_or(0.0);
            row -= mean;
            let variance = row.iter().map(|x| x * x).sum::<f32>() / self.length();
            row /= (variance + self.epsilon).sqrt();
            row *= &self.weight;
            row += &self.bias;
        }
    }

    fn length(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "at most 8192")]
        let length = self.weight.len() as f32;
        length
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Wrong by 1.5e-7 at most. Source: Abramowitz and Stegun, 7.1.26.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let sum = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6]
        .into_iter()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    (1.0 - sum * (-x * x).exp()).copysign(x)
}
