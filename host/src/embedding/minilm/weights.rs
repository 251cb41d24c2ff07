//! The numbers of a model, from a file of safetensors.
//! Source: <https://github.com/huggingface/safetensors#format>.
//!
//! Invariant: what is handed out has the shape that was asked for. Never trusts a length that the file tells.

use ndarray::{Array1, Array2};
use serde::Deserialize;
use std::collections::HashMap;

/// A file, by the names of its tensors.
pub(super) struct Weights<'a> {
    tensors: HashMap<String, Tensor>,
    numbers: &'a [u8],
}

#[derive(Deserialize)]
struct Tensor {
    #[serde(default)]
    dtype: String,
    #[serde(default)]
    shape: Vec<usize>,
    #[serde(default)]
    data_offsets: [usize; 2],
}

impl<'a> Weights<'a> {
    /// Reads a file's list of tensors.
    pub fn read(file: &'a [u8]) -> Result<Self, String> {
        let split = file.split_first_chunk::<8>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
        });
        let (head, numbers) = split.ok_or("it ends within its head")?;
        let head: HashMap<String, serde_json::Value> =
            serde_json::from_slice(head).map_err(|error| error.to_string())?;
        let mut tensors = HashMap::new();
        for (name, tensor) in head.into_iter().filter(|(name, _)| name != "__metadata__") {
            let tensor = serde_json::from_value(tensor).map_err(|error| format!("{name}: {error}"))?;
            tensors.insert(name.strip_prefix("bert.").unwrap_or(&name).to_owned(), tensor);
        }
        Ok(Self { tensors, numbers })
    }

    /// A matrix.
    pub fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Array2<f32>, String> {
        let numbers = self.of(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), numbers).map_err(|error| format!("{name}: {error}"))
    }

    /// A vector.
    pub fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, String> {
        self.of(name, &[length]).map(Array1::from)
    }

    /// How many rows a matrix has.
    pub fn rows(&self, name: &str) -> usize {
        self.tensors.get(name).and_then(|tensor| tensor.shape.first()).copied().unwrap_or(0)
    }

    fn of(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("it has no {name}"))?;
        if tensor.dtype != "F32" || tensor.shape != shape {
            return Err(format!("{name} is {:?} of {}, not {shape:?} of F32", tensor.shape, tensor.dtype));
        }
        let [start, end] = tensor.data_offsets;
        let length = shape.iter().product::<usize>() * size_of::<f32>();
        let bytes = self.numbers.get(start..end).filter(|bytes| bytes.len() == length);
        let (numbers, _) = bytes.ok_or_else(|| format!("{name} lies outside the file"))?.as_chunks::<4>();
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}
