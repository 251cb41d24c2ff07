//! Small shared values of plugins, by tenant, bucket and key.
//!
//! Invariants: bounded in entries and bytes; an addition is atomic; a number's lifetime starts with its first
//! addition. No lock outlives one look-up. What is evicted is gone: this is a cache, not a record.

use super::bounded::{Bounded, Limits, TooLarge, key};
use bytes::Bytes;
use std::time::Duration;

/// Bytes that a number is charged with.
const NUMBER_BYTES: usize = 20;

/// Why a value was not stored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KvError {
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// An addition to a value that is not a number.
    #[error("the value of this key is not a number")]
    NotANumber,
    /// An addition past what a 64-bit number holds.
    #[error("the sum does not fit into 64 bits")]
    Overflow,
}

/// The store.
#[derive(Debug)]
pub struct Kv {
    map: Bounded<Value>,
    default_ttl: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Value {
    Bytes(Bytes),
    Number(i64),
}

impl Value {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        }
    }
}

impl Kv {
    /// An empty store. What is set without a lifetime lives for `default_ttl`, or until it is evicted.
    #[must_use]
    pub fn new(limits: Limits, default_ttl: Option<Duration>) -> Self {
        Self { map: Bounded::new(limits), default_ttl }
    }

    /// A value; a number is given in decimal digits.
    #[must_use]
    pub fn get(&self, tenant: &str, bucket: &str, name: &str) -> Option<Bytes> {
        self.map.get(&key([tenant, bucket, name])).map(|value| match value {
            Value::Bytes(bytes) => bytes,
            Value::Number(number) => Bytes::from(number.to_string()),
        })
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`KvError::TooLarge`] when the store could not hold it even alone.
    pub fn set(
        &self,
        tenant: &str,
        bucket: &str,
        name: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), KvError> {
        let kept = Value::Bytes(Bytes::copy_from_slice(value));
        self.map.insert(&key([tenant, bucket, name]), kept, value.len(), ttl.or(self.default_ttl))?;
        Ok(())
    }

    /// Removes a value and says whether there was one.
    pub fn delete(&self, tenant: &str, bucket: &str, name: &str) -> bool {
        self.map.remove(&key([tenant, bucket, name]))
    }

    /// Adds to a number and returns the sum; nothing counts as zero. The lifetime is that of the first addition.
    ///
    /// # Errors
    /// Where the value is not a number, or the sum is too large; the value stays as it was.
    pub fn incr(
        &self,
        tenant: &str,
        bucket: &str,
        name: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, KvError> {
        let ttl = ttl.or(self.default_ttl);
        self.map.change(&key([tenant, bucket, name]), NUMBER_BYTES, ttl, |old| {
            let old = old.map_or(Some(0), Value::number).ok_or(KvError::NotANumber)?;
            let sum = old.checked_add(by).ok_or(KvError::Overflow)?;
            Ok((Value::Number(sum), sum))
        })
    }

    /// Drops what has expired. Everything works without; memory comes back sooner with it.
    pub fn sweep(&self) {
        self.map.retain(|_, _| true);
    }

    /// Entries and bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.map.size()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn kv() -> Kv {
        Kv::new(Limits { entries: 1_000, bytes: 1 << 20 }, None)
    }

    #[test]
    fn tenants_and_buckets_do_not_see_one_another() {
        let kv = kv();
        kv.set("a", "b", "k", b"1", None).unwrap();
        assert_eq!(kv.get("a", "b", "k").unwrap(), "1");
        assert_eq!(kv.get("b", "b", "k"), None);
        assert_eq!(kv.get("a", "c", "k"), None);
        assert!(!kv.delete("b", "b", "k"));
        assert!(kv.delete("a", "b", "k"));
        assert!(!kv.delete("a", "b", "k"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_numbers_lifetime_starts_with_the_first_addition() {
        let kv = kv();
        let incr = |by| kv.incr("a", "b", "n", by, Some(Duration::from_secs(10)));
        assert_eq!(incr(5), Ok(5));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(incr(-2), Ok(3));
        assert_eq!(kv.get("a", "b", "n").unwrap(), "3");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(kv.get("a", "b", "n"), None);
        assert_eq!(incr(1), Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_lifetime_holds_where_none_is_given() {
        let kv = Kv::new(Limits { entries: 10, bytes: 10_000 }, Some(Duration::from_secs(5)));
        kv.set("a", "b", "default", b"x", None).unwrap();
        kv.set("a", "b", "longer", b"x", Some(Duration::from_secs(6))).unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(kv.get("a", "b", "default"), None);
        assert!(kv.get("a", "b", "longer").is_some());
        tokio::time::advance(Duration::from_secs(5)).await;
        kv.sweep();
        assert_eq!(kv.size(), (0, 0));
    }

    #[test]
    fn only_numbers_add_up() {
        let kv = kv();
        kv.set("a", "b", "k", b"41", None).unwrap();
        assert_eq!(kv.incr("a", "b", "k", 1, None), Ok(42));
        kv.set("a", "b", "k", b"x", None).unwrap();
        assert_eq!(kv.incr("a", "b", "k", 1, None), Err(KvError::NotANumber));
        assert_eq!(kv.get("a", "b", "k").unwrap(), "x");
        assert_eq!(kv.incr("a", "b", "max", i64::MAX, None), Ok(i64::MAX));
        assert_eq!(kv.incr("a", "b", "max", 1, None), Err(KvError::Overflow));
        assert_eq!(kv.incr("a", "b", "max", -1, None), Ok(i64::MAX - 1));
    }

    #[test]
    fn additions_from_many_threads_all_count() {
        let kv = kv();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        kv.incr("a", "b", "n", 1, None).unwrap();
                    }
                });
            }
        });
        assert_eq!(kv.get("a", "b", "n").unwrap(), "4000");
    }
}
