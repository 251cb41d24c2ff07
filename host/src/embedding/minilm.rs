//! Embeddings by a whole sentence model, such as all-MiniLM-L6-v2, from files that the operator has.
//!
//! It sees what a table of pieces does not (order, articles, tense) and takes milliseconds where the table takes
//! microseconds. The folder is one as sentence models are published in: `config.json`, `vocab.txt`,
//! `model.safetensors`. No weights ship with the gateway.
//!
//! Invariants: the network runs on blocking threads, as many texts at a time as there are permits; a queue that is full
//! refuses at once. Nothing is downloaded, and the files are read once. Never reads more than the first 4 KiB of a
//! text, or more pieces than the model has places for.

mod network;
mod weights;

use super::wordpiece::{self, Vocabulary};
use super::{EmbedError, Embedder};
use async_trait::async_trait;
use network::{Network, Shape};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use weights::Weights;

/// Bytes of a text that are looked at.
const MAX_BYTES: usize = 4 * 1024;
/// Pieces of a text that are looked at, with the marks at both ends: what these models were trained on.
const MAX_PIECES: usize = 128;
/// Calls that wait for the network at most.
const MAX_WAITING: usize = 64;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not of a model like MiniLM: {why}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The embedder with a network.
#[derive(Debug)]
pub struct MiniLmEmbedder {
    model: Arc<Model>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A network and the pieces that it knows.
#[derive(Debug)]
struct Model {
    network: Network,
    pieces: Pieces,
}

/// Pieces by their text, `##` before those that continue a word.
#[derive(Debug)]
struct Pieces {
    rows: HashMap<Box<[u8]>, usize, foldhash::quality::RandomState>,
    /// The marks at the start and at the end.
    marks: [usize; 2],
}

impl Vocabulary for Pieces {
    fn row(&self, _: u32, continues: bool, piece: &[u8]) -> Option<usize> {
        if continues {
            return self.rows.get(&[b"##", piece].concat()[..]).copied();
        }
        self.rows.get(piece).copied()
    }
}

impl MiniLmEmbedder {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => Ok((path, bytes)),
                Err(error) => Err(ModelError::File { path, error }),
            }
        };
        let form = |path: PathBuf| move |why: String| ModelError::Form { path, why };
        let (path, config) = read("config.json")?;
        let shape: Shape = serde_json::from_slice(&config).map_err(|error| form(path)(error.to_string()))?;
        let (path, vocabulary) = read("vocab.txt")?;
        let pieces = Pieces::read(&vocabulary).map_err(form(path))?;
        let (path, file) = read("model.safetensors")?;
        let network = Weights::read(&file).and_then(|weights| Network::new(shape, &weights));
        let network = network.map_err(form(path))?;
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().div_ceil(2));
        Ok(Self {
            model: Arc::new(Model { network, pieces }),
            permits: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Embedder for MiniLmEmbedder {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let _place = Place::take(&self.waiting).ok_or(EmbedError::Busy)?;
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| EmbedError::Busy)?;
        let (model, texts) = (self.model.clone(), texts.to_vec());
        let run = move || {
            let vectors = texts.iter().map(|text| model.vector(text)).collect();
            drop(permit);
            vectors
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| EmbedError::Busy)
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn dimensions(&self) -> usize {
        self.model.network.width()
    }
}

/// A place in the queue, for as long as it is held.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        // Given back by its drop where there was none.
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Model {
    /// The vector of a text; all zero where the model knows no word of it.
    fn vector(&self, text: &str) -> Vec<f32> {
        let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        let [first, last] = self.pieces.marks;
        let mut rows = vec![first];
        let most = MAX_PIECES.min(self.network.places()).saturating_sub(1);
        wordpiece::each_row(text, &self.pieces, |row| {
            if rows.len() < most {
                rows.push(row);
            }
        });
        if rows.len() == 1 {
            return vec![0.0; self.network.width()];
        }
        rows.push(last);
        let mut vector = self.network.run(&rows);
        super::normalise(&mut vector);
        vector
    }
}

impl Pieces {
    fn read(file: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(file).map_err(|error| error.to_string())?;
        let rows: HashMap<Box<[u8]>, usize, _> =
            text.lines().enumerate().map(|(row, piece)| (piece.as_bytes().into(), row)).collect();
        let mark = |mark: &str| rows.get(mark.as_bytes()).copied().ok_or_else(|| format!("it has no {mark}"));
        Ok(Self { marks: [mark("[CLS]")?, mark("[SEP]")?], rows })
    }
}

#[cfg(test)]
mod tests;
