//! Which canaries were rolled back, by whose they are and a digest of what the operator wrote of them.
//!
//! Invariants: what is remembered is bounded, and the oldest goes first; with a journal, it outlives the process, and a version
//! of the gateway whose settings have more fields: a name depends on nothing but what is written in the configuration.

use crate::store::journal::{Journal, Kind, Row};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

/// Roll-backs that are remembered.
const MOST: usize = 1_000;
/// How the names begin that this version gives; one of another form would begin otherwise.
const FORM: &str = "canary-1:";

/// The name that a canary is remembered by: whose it is, on which route, and the digest of what is written of it.
#[must_use]
pub fn name(tenant: &str, route: &str, written: &[u8; 32]) -> String {
    let mut hash = Sha256::new();
    for part in [tenant.as_bytes(), route.as_bytes(), written] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(FORM.to_owned(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The roll-backs: of each, whose it is and why.
#[derive(Debug, Default)]
pub struct Memory {
    known: Mutex<VecDeque<(String, String)>>,
    journal: Option<Arc<Journal>>,
}

impl Memory {
    /// What a journal has; without one, nothing, until the end of the process. What another version remembered by names of
    /// another form is told in the log and forgotten: no canary goes by them.
    #[must_use]
    pub fn new(journal: Option<Arc<Journal>>) -> Self {
        let rows = journal.as_ref().map(|journal| journal.take(Kind::Canary, |_| true)).unwrap_or_default();
        let memory = Self { known: Mutex::default(), journal };
        let mut forgotten = 0_u32;
        for Row { key, value, .. } in rows {
            match std::str::from_utf8(&key).ok().filter(|name| name.starts_with(FORM)) {
                Some(name) => drop(memory.know(name, &String::from_utf8_lossy(&value))),
                None => {
                    forgotten += 1;
                    memory.forget_in_journal(&key);
                }
            }
        }
        if forgotten > 0 {
            tracing::warn!(forgotten, "roll-backs of canaries that another version remembered are forgotten");
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
            self.forget_in_journal(gone.as_bytes());
        }
        if let Some(journal) = &self.journal {
            let row = Row { key: name.as_bytes().to_vec(), value: why.as_bytes().to_vec(), expires: None };
            journal.put(Kind::Canary, row);
        }
    }

    /// A canary may try again.
    pub fn forget(&self, name: &str) {
        self.known.lock().retain(|(known, _)| known != name);
        self.forget_in_journal(name.as_bytes());
    }

    /// Notes a roll-back; whose had to go for it.
    fn know(&self, name: &str, why: &str) -> Vec<String> {
        let mut known = self.known.lock();
        known.retain(|(known, _)| known != name);
        known.push_back((name.to_owned(), why.to_owned()));
        let over = known.len().saturating_sub(MOST);
        known.drain(..over).map(|(name, _)| name).collect()
    }

    fn forget_in_journal(&self, name: &[u8]) {
        if let Some(journal) = &self.journal {
            journal.remove(Kind::Canary, name.to_vec());
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
            .remembered(memory.clone(), name("acme", "smart", &[7; 32]))
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
        assert!(!other.remembered(memory.clone(), name("acme", "smart", &[8; 32])).is_off());
        after.resume();
        assert!(!state(&memory).is_off());
        journal.unwrap().close().await;
        assert!(!state(&Arc::new(Memory::new(open()))).is_off());
    }

    #[tokio::test]
    async fn what_another_version_remembered_is_forgotten_and_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { entries: 1, bytes: 1 };
        let open = || Arc::new(Journal::open(&folder.path().join("state.db"), limits, 0).unwrap());
        let journal = open();
        let old = br#"4:acme/5:smart/Canary { targets: [Id("new/model")], percent: 5.0, by: Key, roll_back: None }"#;
        let known = name("acme", "smart", &[7; 32]);
        for key in [old.to_vec(), vec![0xff, 0xfe], Vec::new(), known.clone().into_bytes()] {
            journal.put(Kind::Canary, Row { key, value: b"it was bad".to_vec(), expires: None });
        }
        journal.close().await;
        let journal = open();
        let memory = Memory::new(Some(journal.clone()));
        let count = memory.known.lock().len();
        assert_eq!((count, memory.why(&known).as_deref()), (1, Some("it was bad")));
        journal.close().await;
        assert_eq!(open().take(Kind::Canary, |_| true).len(), 1, "what nobody goes by is not kept");
    }

    #[test]
    fn a_name_is_of_one_canary_and_stays_what_it_was() {
        // What an earlier version wrote down must be known again: this may never change.
        assert_eq!(
            name("acme", "smart", &[7; 32]),
            "canary-1:6b448019c5d5f57fe6249e35e7b7f321970d42dd5b5df29d880a7aa437a2a575"
        );
        let others =
            [name("acm", "esmart", &[7; 32]), name("acme", "smart", &[8; 32]), name("a", "smart", &[7; 32])];
        assert!(others.iter().all(|other| *other != name("acme", "smart", &[7; 32])));
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
