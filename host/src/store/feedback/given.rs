//! Which answers can still be spoken of, and who gave them.
//!
//! Invariants: an answer is taken once, within a day; what is kept is bounded, holds no text, and goes by a name that begins
//! with the tenant. Noting one waits for nothing and never for the journal: that is handed many at a time, and what finds no
//! room on the way there is known until the end of the process. That one was spoken of is handed over before its opinion counts.

use crate::clock::unix_seconds;
use crate::store::Limits;
use crate::store::bounded::Bounded;
use crate::store::journal::{Journal, Kind, Row};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Answers that can be spoken of.
const ANSWERS: Limits = Limits { entries: 100_000, bytes: 32 * 1024 * 1024 };
/// For so long.
const SPEAKABLE: Duration = Duration::from_secs(24 * 3_600);
/// Answers that may wait to be handed over.
const WAITING: usize = 32 * 1024;
/// Bytes of one row of the journal, about.
const BATCH: usize = 64 * 1024;

/// An answer that can be spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who gave it.
    pub target: Arc<str>,
    /// The kind of task; empty where it is not known.
    pub task: Arc<str>,
}

/// An answer on its way to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Note {
    name: Vec<u8>,
    /// Until when it can be spoken of, in seconds since the Unix epoch.
    until: u64,
    answer: Answer,
}

/// The way to the journal.
#[derive(Debug)]
struct Line {
    sender: mpsc::Sender<Note>,
    notes: Mutex<mpsc::Receiver<Note>>,
    journal: Arc<Journal>,
}

/// The answers.
#[derive(Debug)]
pub struct Given {
    answers: Bounded<Answer>,
    line: Option<Line>,
}

impl Given {
    /// Those that a journal has and nobody spoke of; without one, none, until the end of the process.
    pub fn new(journal: Option<Arc<Journal>>) -> Self {
        let line = journal.map(|journal| {
            let (sender, notes) = mpsc::channel(WAITING);
            Line { sender, notes: Mutex::new(notes), journal }
        });
        let given = Self { answers: Bounded::new(ANSWERS), line };
        given.restore(unix_seconds());
        given
    }

    fn restore(&self, now: u64) {
        let Some(Line { journal, .. }) = &self.line else { return };
        let spoken: HashSet<Vec<u8>> =
            journal.take(Kind::Spoken, |_| true).into_iter().map(|row| row.key).collect();
        for row in journal.take(Kind::Given, |_| true) {
            for Note { name, until, answer } in read(&row.value) {
                let left = Duration::from_secs(until.saturating_sub(now)).min(SPEAKABLE);
                if !left.is_zero() && !spoken.contains(&name) {
                    self.know(&name, answer, left);
                }
            }
        }
    }

    /// Notes an answer.
    pub fn note(&self, name: Vec<u8>, target: &str, task: &str) {
        let answer = Answer { target: target.into(), task: task.into() };
        self.know(&name, answer.clone(), SPEAKABLE);
        if let Some(Line { sender, .. }) = &self.line {
            let until = unix_seconds().saturating_add(SPEAKABLE.as_secs());
            // What finds no room is known here, until the end of the process.
            let _ = sender.try_send(Note { name, until, answer });
        }
    }

    fn know(&self, name: &[u8], answer: Answer, ttl: Duration) {
        let bytes = answer.target.len() + answer.task.len();
        // What does not fit cannot be spoken of.
        let _ = self.answers.insert(name, answer, bytes, Some(ttl));
    }

    /// Takes an answer away, so that nobody else speaks of it.
    pub fn take(&self, name: &[u8]) -> Option<Answer> {
        let answer = self.answers.get(name)?;
        // Of two that speak at the same time, one takes it away.
        if !self.answers.remove(name) {
            return None;
        }
        if let Some(Line { journal, .. }) = &self.line {
            let expires = Some(unix_seconds().saturating_add(SPEAKABLE.as_secs()));
            journal.put(Kind::Spoken, Row { key: name.to_vec(), value: Vec::new(), expires });
        }
        Some(answer)
    }

    /// Hands the journal what was noted since the last time.
    pub fn hand_over(&self) {
        let Some(Line { notes, journal, .. }) = &self.line else { return };
        let mut notes = notes.lock();
        loop {
            let (mut value, mut expires) = (Vec::new(), 0);
            while let Some(note) = (value.len() < BATCH).then(|| notes.try_recv().ok()).flatten() {
                write(&note, &mut value);
                expires = expires.max(note.until);
            }
            if value.is_empty() {
                return;
            }
            let key = fastrand::u128(..).to_le_bytes().to_vec();
            journal.put(Kind::Given, Row { key, value, expires: Some(expires) });
        }
    }
}

/// Its time, and its parts, each behind its length.
fn write(note: &Note, out: &mut Vec<u8>) {
    out.extend_from_slice(&note.until.to_le_bytes());
    for part in [note.name.as_slice(), note.answer.target.as_bytes(), note.answer.task.as_bytes()] {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part);
    }
}

/// What [`write`] wrote, as far as it is that.
fn read(mut written: &[u8]) -> Vec<Note> {
    let mut notes = Vec::new();
    while let Some(note) = read_one(&mut written) {
        notes.push(note);
    }
    notes
}

fn read_one(rest: &mut &[u8]) -> Option<Note> {
    let until = number(rest)?;
    let name = part(rest)?.to_vec();
    let target = std::str::from_utf8(part(rest)?).ok()?.into();
    let task = std::str::from_utf8(part(rest)?).ok()?.into();
    Some(Note { name, until, answer: Answer { target, task } })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, behind) = rest.split_first_chunk::<8>()?;
    *rest = behind;
    Some(u64::from_le_bytes(*number))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (part, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(part)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::bounded::key;
    use proptest::prelude::*;
    use std::path::Path;

    fn open(file: &Path) -> Arc<Journal> {
        Arc::new(Journal::open(file, Limits { entries: 1, bytes: 1 }, 0).unwrap())
    }

    fn name(n: usize) -> Vec<u8> {
        key(["acme", "web", &n.to_string()])
    }

    #[tokio::test]
    async fn what_was_given_can_be_spoken_of_after_a_restart_once_and_for_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        let journal = open(&file);
        let given = Given::new(Some(journal.clone()));
        for n in 0..5_000 {
            given.note(name(n), "openai/gpt", if n % 2 == 0 { "code" } else { "" });
        }
        given.hand_over();
        given.note(name(5_000), "never/handed-over", "");
        assert!(given.take(&name(3)).is_some());
        let old = Note {
            name: name(9_000),
            until: unix_seconds(),
            answer: Answer { target: "a/1".into(), task: "".into() },
        };
        let mut value = Vec::new();
        write(&old, &mut value);
        journal.put(Kind::Given, Row { key: vec![1], value, expires: None });
        journal.put(Kind::Given, Row { key: vec![2], value: vec![0xff; 40], expires: None });
        journal.close().await;

        let journal = open(&file);
        let after = Given::new(Some(journal.clone()));
        for (n, task) in [(0, "code"), (1, ""), (4_999, "")] {
            let answer = Answer { target: "openai/gpt".into(), task: task.into() };
            assert_eq!((after.take(&name(n)), after.take(&name(n))), (Some(answer), None), "{n}");
        }
        for n in [3, 5_000, 9_000] {
            assert_eq!(after.take(&name(n)), None, "{n}");
        }
        for stranger in [["globex", "web", "7"], ["acme", "app", "7"], ["acmeweb", "", "7"]] {
            assert_eq!(after.take(&key(stranger)), None);
        }
        journal.close().await;
        assert_eq!(Given::new(Some(open(&file))).take(&name(0)), None, "a second restart changes nothing");
    }

    #[tokio::test]
    async fn many_are_few_rows_and_what_waits_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.db");
        let journal = open(&file);
        let given = Given::new(Some(journal.clone()));
        for n in 0..2 * WAITING {
            given.note(name(n), "openai/gpt", "code");
        }
        assert!(given.take(&name(2 * WAITING - 1)).is_some(), "here it is known all the same");
        given.hand_over();
        given.hand_over();
        journal.close().await;
        let journal = open(&file);
        let rows = journal.take(Kind::Given, |_| true);
        assert!(rows.len() <= WAITING * 100 / BATCH + 1, "{} rows", rows.len());
        assert!(rows.iter().all(|row| row.expires.is_some() && row.value.len() < BATCH + 1_000));
        assert_eq!(rows.iter().map(|row| read(&row.value).len()).sum::<usize>(), WAITING);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else_panics(
            names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            target in "\\PC{0,20}", task in "\\PC{0,20}", until: u64,
            garbage in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let answer = Answer { target: target.as_str().into(), task: task.as_str().into() };
            let notes: Vec<Note> =
                names.into_iter().map(|name| Note { name, until, answer: answer.clone() }).collect();
            let mut written = Vec::new();
            notes.iter().for_each(|note| write(note, &mut written));
            prop_assert_eq!(&read(&written), &notes);
            written.pop();
            prop_assert_eq!(read(&written).len(), notes.len().saturating_sub(1));
            drop(read(&garbage));
        }
    }
}
