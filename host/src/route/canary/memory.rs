//! Which canaries were rolled back, by all that their configuration says of them.
//!
//! Invariants: what is remembered is bounded, and the oldest goes first; with a journal, it outlives the process.

use crate::store::journal::{Journal, Kind, Row};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Roll-backs that are remembered.
const MOST: usize = 1_000;

/// The roll-backs: of each, whose it is and why.
#[derive(Debug, Default)]
pub struct Memory {
    known: Mutex<VecDeque<(String, String)>>,
    journal: Option<Arc<Journal>>,
}

impl Memory {
    /// What a journal has; without one, nothing, until the end of the process.
    #[must_use]
    pub fn new(journal: Option<Arc<Journal>>) -> Self {
        let rows = journal.as_ref().map(|journal| journal.take(Kind::Canary, |_| true)).unwrap_or_default();
        let memory = Self { known: Mutex::default(), journal };
        for Row { key, value, .. } in rows {
            memory.know(&String::from_utf8_lossy(&key), &String::from_utf8_lossy(&value));
        }
        memory
    }

    /// Why a canary was rolled back, where it was.
    #[must_use]
    pub fn why(&self, name: &str) -> Option<String> {
        self.known.lock().iter().find(|(known, _)| known == name).map(|(_, why)| why.clone())
    }

    /// A canary is rolled back.
    pub fn remember(&self, name: &str, why: &str) {
        for gone in self.know(name, why) {
            self.forget_in_journal(&gone);
        }
        if let Some(journal) = &self.journal {
            let row = Row { key: name.as_bytes().to_vec(), value: why.as_bytes().to_vec(), expires: None };
            journal.put(Kind::Canary, row);
        }
    }

    /// A canary may try again.
    pub fn forget(&self, name: &str) {
        self.known.lock().retain(|(known, _)| known != name);
        self.forget_in_journal(name);
    }

    /// Notes a roll-back; whose had to go for it.
    fn know(&self, name: &str, why: &str) -> Vec<String> {
        let mut known = self.known.lock();
        known.retain(|(known, _)| known != name);
        known.push_back((name.to_owned(), why.to_owned()));
        let over = known.len().saturating_sub(MOST);
        known.drain(..over).map(|(name, _)| name).collect()
    }

    fn forget_in_journal(&self, name: &str) {
        if let Some(journal) = &self.journal {
            journal.remove(Kind::Canary, name.as_bytes().to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::route::canary::{RollBack, State};
    use crate::store::Limits;
    use std::time::Duration;

    fn state(memory: &Arc<Memory>) -> State {
        let settings =
            RollBack { error_rate: Some(0.1), latency: None, least: 2, half_life: Duration::from_secs(300) };
        State::new("acme".into(), "smart".into(), "new/model".into(), Some(settings))
            .remembered(memory.clone(), "this canary".to_owned())
    }

    #[tokio::test]
    async fn a_roll_back_is_remembered_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { entries: 1, bytes: 1 };
        let open = || Some(Arc::new(Journal::open(&folder.path().join("state.db"), limits, 0).unwrap()));
        let journal = open();
        let memory = Arc::new(Memory::new(journal.clone()));
        let first = state(&memory);
        assert!(!first.is_off());
        let why = (0..3).find_map(|_| first.ended(true, None)).unwrap();
        // Another one of the same configuration: the first one's went away and came back.
        assert_eq!(state(&memory).why(), Some(why.clone()));
        journal.unwrap().close().await;

        let journal = open();
        let memory = Arc::new(Memory::new(journal.clone()));
        let after = state(&memory);
        assert_eq!((after.is_off(), after.why()), (true, Some(why)));
        let other = State::new("acme".into(), "smart".into(), String::new(), None);
        assert!(!other.remembered(memory.clone(), "another".to_owned()).is_off());
        after.resume();
        assert!(!state(&memory).is_off());
        journal.unwrap().close().await;
        assert!(!state(&Arc::new(Memory::new(open()))).is_off());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let memory = Memory::default();
        for n in 0..=MOST {
            memory.remember(&n.to_string(), "it was bad");
        }
        assert_eq!((memory.why("0"), memory.why("1").is_some()), (None, true));
    }
}
