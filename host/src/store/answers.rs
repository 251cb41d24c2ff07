//! Answers kept for later: what a cache replays, without any plugin carrying the text.
//!
//! Invariants: bounded in entries and bytes; what is kept is shared, never copied at a hit; a tenant sees its
//! own answers only. An answer that is too large for the store is not kept, and nothing else goes for it.
//! That an answer was rejected is remembered longer than the answer, and is bounded as well.

use super::bounded::{Bounded, Limits, TooLarge, key, parts};
use crate::chat::{Event, Usage};
use crate::exchange::Keep;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of an id, and of a tag.
const MAX_NAME: usize = 512;
/// Tags of one answer.
const MAX_TAGS: usize = 32;
/// What stands before an id where rejections of it are asked for: no answer is kept by such an id.
const REJECTED: &str = "rejected/";
/// How long a rejection is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Rejections that are remembered, as a share of the answers and of their bytes.
const REJECTED_SHARE: usize = 16;

/// A mark that no answer is kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMark {
    /// Its id.
    #[error("the id of a kept answer is 1 to {MAX_NAME} bytes long, and does not begin with {REJECTED:?}")]
    Id,
    /// Its tags.
    #[error("a kept answer has at most {MAX_TAGS} tags, each of 1 to {MAX_NAME} bytes")]
    Tags,
}

/// An answer as the provider gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// What it consists of.
    pub events: Vec<Event>,
    /// The provider's name of the model.
    pub model: String,
    /// The provider's name in the configuration.
    pub provider: String,
    /// What it took when it was made.
    pub usage: Usage,
    /// When it was kept.
    pub created: Instant,
    /// Labels to forget it by.
    pub tags: Vec<String>,
}

/// Which answers are to go: those for which everything holds that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only those with all of these tags.
    pub tags: Vec<String>,
    /// Only those that are older.
    pub older_than: Option<Duration>,
}

impl Stale {
    fn covers(&self, tenant: &str, kept: &KeptAnswer) -> bool {
        self.tenant.as_deref().is_none_or(|wanted| wanted == tenant)
            && self.tags.iter().all(|tag| kept.tags.contains(tag))
            && self.older_than.is_none_or(|age| kept.created.elapsed() > age)
    }
}

/// The store.
#[derive(Debug)]
pub struct Answers {
    map: Bounded<Arc<KeptAnswer>>,
    /// How often answers were rejected, by the ids that they had.
    rejected: Bounded<u32>,
}

impl Answers {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let few = |number: usize| (number / REJECTED_SHARE).max(number.min(REJECTED_SHARE));
        let rejected = Limits { entries: few(limits.entries), bytes: few(limits.bytes) };
        Self { map: Bounded::new(limits), rejected: Bounded::new(rejected) }
    }

    /// Whether an answer can be kept by this mark.
    ///
    /// # Errors
    /// [`BadMark`].
    pub fn check(mark: &Keep) -> Result<(), BadMark> {
        let fits = |name: &str| (1..=MAX_NAME).contains(&name.len());
        if !fits(&mark.id) || mark.id.starts_with(REJECTED) {
            return Err(BadMark::Id);
        }
        if mark.tags.len() > MAX_TAGS || !mark.tags.iter().all(|tag| fits(tag)) {
            return Err(BadMark::Tags);
        }
        Ok(())
    }

    /// Keeps an answer as the mark says, and says whether it did: not by a mark that [`Answers::check`]
    /// refuses, and not what is larger than the store. A lifetime of zero means until it is evicted.
    pub fn put(
        &self,
        tenant: &str,
        mark: &Keep,
        events: Vec<Event>,
        model: &str,
        provider: &str,
        usage: Usage,
    ) -> bool {
        if Self::check(mark).is_err() {
            return false;
        }
        let answer = KeptAnswer {
            events,
            model: model.to_owned(),
            provider: provider.to_owned(),
            usage,
            created: Instant::now(),
            tags: mark.tags.clone(),
        };
        let bytes = answer.bytes();
        let ttl = (mark.ttl > Duration::ZERO).then_some(mark.ttl);
        self.map.insert(&key([tenant, &mark.id]), Arc::new(answer), bytes, ttl).is_ok()
    }

    /// A kept answer.
    #[must_use]
    pub fn get(&self, tenant: &str, id: &str) -> Option<Arc<KeptAnswer>> {
        self.map.get(&key([tenant, id]))
    }

    /// Facts about a kept answer: `age-ms`, `model`, `provider`, `tokens` (of its output), `tokens.input`. Of
    /// `rejected/ID`, whether an answer of that id is there or not: `times`, where there were any.
    #[must_use]
    pub fn describe(&self, tenant: &str, id: &str) -> Option<Vec<(String, String)>> {
        if let Some(id) = id.strip_prefix(REJECTED) {
            let times = self.rejected.get(&key([tenant, id]))?;
            return Some(vec![("times".to_owned(), times.to_string())]);
        }
        let kept = self.get(tenant, id)?;
        let facts = [
            ("age-ms", kept.created.elapsed().as_millis().to_string()),
            ("model", kept.model.clone()),
            ("provider", kept.provider.clone()),
            ("tokens", kept.usage.output.to_string()),
            ("tokens.input", kept.usage.input.to_string()),
        ];
        Some(facts.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// Forgets an answer and says whether there was one.
    pub fn forget(&self, tenant: &str, id: &str) -> bool {
        self.map.remove(&key([tenant, id]))
    }

    /// Forgets an answer because it was wrong for who got it, remembers that for a day, and says whether there was one.
    pub fn reject(&self, tenant: &str, id: &str) -> bool {
        let key = key([tenant, id]);
        let there = self.map.remove(&key);
        if there {
            let again =
                |times: Option<&u32>| Ok::<_, TooLarge>((times.map_or(1, |n| n.saturating_add(1)), ()));
            // A store too small for a number remembers nothing.
            let _ = self.rejected.change(&key, size_of::<u32>(), Some(REMEMBERED), again);
        }
        there
    }

    /// Forgets what is stale: tenants and ids. Looks at every answer: for an operator's request, not for every exchange.
    pub fn forget_stale(&self, stale: &Stale) -> Vec<(String, String)> {
        let mut gone = Vec::new();
        self.map.retain(|key, kept| {
            let [tenant, id] = parts(key)[..] else { return true };
            let goes = stale.covers(tenant, kept);
            if goes {
                gone.push((tenant.to_owned(), id.to_owned()));
            }
            !goes
        });
        gone
    }

    /// Drops what has expired. Everything works without; memory comes back sooner with it.
    pub fn sweep(&self) {
        self.map.retain(|_, _| true);
        self.rejected.retain(|_, _| true);
    }

    /// Entries and bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.map.size()
    }
}

impl KeptAnswer {
    fn bytes(&self) -> usize {
        let texts: usize = self.events.iter().map(event_bytes).sum();
        let tags: usize = self.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
        size_of::<Self>() + texts + tags + self.model.len() + self.provider.len()
    }
}

/// What an event takes in memory.
fn event_bytes(event: &Event) -> usize {
    let text = match event {
        Event::Text { at, text } => at.channel.len() + text.len(),
        Event::Tool { id, name, .. } => id.len() + name.len(),
        Event::Usage(_) => 0,
        Event::Finish { reason, .. } => reason.len(),
        Event::Extra(facts) => facts.iter().map(|(k, v)| k.len() + v.len() + 2 * size_of::<String>()).sum(),
        Event::Error(error) => error.code.len() + error.message.len(),
    };
    size_of::<Event>() + text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::chat::{TextAt, channel};

    fn events(text: &str) -> Vec<Event> {
        vec![
            Event::Text { at: TextAt::new(0, 0, channel::CONTENT), text: text.into() },
            Event::Finish { choice: 0, reason: "stop".into() },
        ]
    }

    fn mark(id: &str, ttl: u64, tags: &[&str]) -> Keep {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Keep { id: id.into(), ttl: Duration::from_secs(ttl), tags }
    }

    fn put(answers: &Answers, tenant: &str, mark: &Keep, text: &str) -> bool {
        let usage = Usage { input: 3, output: 7, ..Usage::default() };
        answers.put(tenant, mark, events(text), "gpt-4o", "openai", usage)
    }

    fn answers() -> Answers {
        Answers::new(Limits { entries: 100, bytes: 100_000 })
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_answer_is_replayed_described_and_expires() {
        let answers = answers();
        assert!(put(&answers, "acme", &mark("id", 60, &[]), "hello"));
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(answers.get("acme", "id").unwrap().events, events("hello"));
        assert_eq!(answers.get("other", "id"), None);
        let facts = answers.describe("acme", "id").unwrap();
        let fact = |name: &str| facts.iter().find(|(have, _)| have == name).unwrap().1.clone();
        assert_eq!(
            (fact("age-ms"), fact("model"), fact("tokens")),
            ("1500".into(), "gpt-4o".into(), "7".into())
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(answers.describe("acme", "id"), None);
        assert_eq!(answers.size(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lifetime_of_zero_means_until_evicted() {
        let answers = answers();
        put(&answers, "acme", &mark("id", 0, &[]), "hello");
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert!(answers.get("acme", "id").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stale_is_forgotten_by_tenant_tag_and_age() {
        let answers = answers();
        put(&answers, "acme", &mark("1", 600, &["prices", "de"]), "a");
        put(&answers, "acme", &mark("2", 600, &["prices"]), "b");
        put(&answers, "acme2", &mark("1", 600, &["prices"]), "d");
        tokio::time::advance(Duration::from_secs(60)).await;
        put(&answers, "acme", &mark("3", 600, &["prices", "de"]), "c");
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let mut stale =
            Stale { tenant: Some("acme".into()), tags: tags(&["prices", "de"]), ..Stale::default() };
        stale.older_than = Some(Duration::from_secs(30));
        assert_eq!(answers.forget_stale(&stale), [("acme".to_owned(), "1".to_owned())]);
        assert_eq!(answers.forget_stale(&stale), []);
        stale.older_than = None;
        assert_eq!(answers.forget_stale(&stale).len(), 1);
        assert_eq!(answers.forget_stale(&Stale { tags: tags(&["prices"]), ..Stale::default() }).len(), 2);
        assert_eq!(answers.size().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_answer_goes_and_its_rejection_is_remembered() {
        let answers = answers();
        assert!(!answers.reject("acme", "1"), "what is not there cannot be rejected");
        for times in ["1", "2"] {
            put(&answers, "acme", &mark("1", 60, &[]), "a");
            assert!(!answers.reject("other", "1"));
            assert!(answers.reject("acme", "1"));
            assert_eq!(answers.describe("acme", "1"), None);
            let facts = answers.describe("acme", "rejected/1").unwrap();
            assert_eq!(facts, [("times".to_owned(), times.to_owned())]);
        }
        assert_eq!(answers.describe("other", "rejected/1"), None);
        tokio::time::advance(Duration::from_secs(24 * 3600)).await;
        assert_eq!(answers.describe("acme", "rejected/1"), None);
    }

    #[test]
    fn a_mark_out_of_bounds_keeps_nothing() {
        let long = "x".repeat(MAX_NAME + 1);
        let tags = ["t"; MAX_TAGS + 1];
        for (mark, why) in [
            (mark("", 1, &[]), BadMark::Id),
            (mark(&long, 1, &[]), BadMark::Id),
            (mark("rejected/1", 1, &[]), BadMark::Id),
            (mark("id", 1, &[""]), BadMark::Tags),
            (mark("id", 1, &tags), BadMark::Tags),
        ] {
            let answers = answers();
            assert_eq!(Answers::check(&mark), Err(why));
            assert!(!put(&answers, "acme", &mark, "hello"));
            assert_eq!(answers.size(), (0, 0));
        }
    }

    #[test]
    fn bytes_are_bounded_by_what_is_kept() {
        let answers = Answers::new(Limits { entries: 1_000, bytes: 20_000 });
        for n in 0..100 {
            assert!(put(&answers, "acme", &mark(&n.to_string(), 60, &[]), &"x".repeat(2_000)));
        }
        let (entries, bytes) = answers.size();
        assert!((5..10).contains(&entries) && bytes <= 20_000, "{entries} {bytes}");
        assert!(!put(&answers, "acme", &mark("huge", 60, &[]), &"x".repeat(20_000)));
        assert_eq!(answers.size().0, entries);
    }
}
