//! What words mean, from the token table that the gateway ships (`host/data/minilm.bin`): for training alone.
//!
//! A word's vector is the sum of its pieces'. The classifier is linear in the vectors, so what it learns about them is
//! baked into the table of words, and no vector ships with the plugin.

use std::collections::HashMap;

/// Numbers of a vector that are used: the first, which vary most.
pub const SIZE: usize = 96;
/// Makes an ordinary word's vector about as long as one.
const LENGTH: f32 = 1.0;

/// The pieces and their vectors.
pub struct Meaning {
    rows: HashMap<String, [f32; SIZE]>,
    /// The pieces that are whole words, frequent ones first.
    pub words: Vec<String>,
}

impl Meaning {
    /// Reads the table.
    pub fn read() -> Meaning {
        let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../host/data/minilm.bin"))
            .expect("the table");
        let number =
            |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
        let (rows, width) = (number(8), number(12));
        let ends = 16 + (1 << 17);
        let scales = ends + 4 * rows;
        let numbers = scales + 4 * rows;
        let texts = numbers + rows * width;
        let mut out = Meaning { rows: HashMap::new(), words: Vec::new() };
        let mut from = 0;
        for row in 0..rows {
            let end = number(ends + 4 * row);
            let piece = String::from_utf8_lossy(&file[texts + from..texts + end]).into_owned();
            from = end;
            let mut vector = [0.0; SIZE];
            for (at, v) in vector.iter_mut().enumerate() {
                *v = f32::from(file[numbers + row * width + at].cast_signed());
            }
            let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
            vector.iter_mut().for_each(|v| *v *= LENGTH / length);
            if piece.chars().all(char::is_alphanumeric) {
                out.words.push(piece.clone());
            }
            out.rows.insert(piece, vector);
        }
        out
    }

    /// Adds the vector of a word, if all of it is known.
    pub fn add(&self, word: &str, sum: &mut [f32; SIZE]) {
        let (mut found, mut rest) = (Vec::new(), word);
        while !rest.is_empty() {
            let piece = (1..=rest.len()).rev().filter(|len| rest.is_char_boundary(*len)).find_map(|len| {
                let name = if rest.len() < word.len() {
                    format!("##{}", &rest[..len])
                } else {
                    rest[..len].to_owned()
                };
                Some((len, self.rows.get(&name)?))
            });
            let Some((len, vector)) = piece else { return };
            found.push(vector);
            rest = &rest[len..];
        }
        let share = 1.0 / (found.len().max(1) as f32).sqrt();
        for vector in found {
            sum.iter_mut().zip(vector).for_each(|(sum, v)| *sum += share * v);
        }
    }
}
