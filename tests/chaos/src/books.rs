//! What the providers bill: the usage that they told, whether it arrived or not.

use crate::weather::Weather;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The usage that one answer told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Whether the answer was told to its end.
    pub complete: bool,
}

/// The providers' account, by exchange.
#[derive(Debug, Default)]
pub struct Books {
    answers: Mutex<HashMap<String, Vec<Told>>>,
    /// Requests, by what happened to them.
    met: Mutex<HashMap<Weather, usize>>,
    /// Exchanges at whose pause a provider waits.
    waiting: watch::Sender<HashSet<String>>,
}

impl Books {
    /// A provider begins to answer; gives the answer's place.
    pub(crate) fn open(&self, id: &str) -> usize {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = answers.entry(id.to_owned()).or_default();
        answers.push(Told::default());
        answers.len() - 1
    }

    /// It told the usage so far.
    pub(crate) fn told(&self, id: &str, place: usize, told: Told) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = answers.get_mut(id).and_then(|answers| answers.get_mut(place)) {
            *entry = told;
        }
    }

    /// A request met this.
    pub(crate) fn met(&self, weather: Weather) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner).entry(weather).or_default() += 1;
    }

    /// Requests that met this.
    #[must_use]
    pub fn have_met(&self, weather: Weather) -> usize {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).get(&weather).copied().unwrap_or_default()
    }

    /// A provider has come to the pause of an answer, and everything before it is told.
    pub(crate) fn waits(&self, id: &str) {
        self.waiting.send_modify(|waiting| {
            waiting.insert(id.to_owned());
        });
    }

    /// Waits until a provider has come to the pause of an answer.
    pub(crate) async fn until_waiting(&self, id: &str) {
        // The sender is this.
        let _ = self.waiting.subscribe().wait_for(|waiting| waiting.contains(id)).await;
    }

    /// All answers, by exchange.
    #[must_use]
    pub fn answers(&self) -> HashMap<String, Vec<Told>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
