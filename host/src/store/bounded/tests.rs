//! Tests of the bounded map.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn small(entries: usize) -> Bounded<u32> {
    Bounded::new(Limits { entries, bytes: 1 << 20 })
}

#[test]
fn what_was_used_outlives_what_was_not() {
    let map = small(3);
    for n in 0..3_u8 {
        map.insert(&[n], u32::from(n), 4, None).unwrap();
    }
    assert_eq!(map.get(&[0]), Some(0));
    map.insert(&[3], 3, 4, None).unwrap();
    assert_eq!((map.get(&[0]), map.get(&[1]), map.size().0), (Some(0), None, 3));
}

#[test]
fn a_value_that_could_never_fit_is_refused_and_evicts_nothing() {
    let map: Bounded<u32> = Bounded::new(Limits { entries: 10, bytes: 1_000 });
    map.insert(b"a", 1, 100, None).unwrap();
    let refused = map.insert(b"b", 2, 1_000, None).unwrap_err();
    assert_eq!((refused.limit, map.get(b"a")), (1_000, Some(1)));
    assert!(small(0).insert(b"a", 1, 0, None).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_gone_and_goes_first() {
    let map = small(2);
    map.insert(b"short", 1, 4, Some(Duration::from_secs(1))).unwrap();
    map.insert(b"long", 2, 4, None).unwrap();
    assert_eq!(map.get(b"short"), Some(1));
    tokio::time::advance(Duration::from_secs(1)).await;
    map.insert(b"new", 3, 4, None).unwrap();
    assert_eq!((map.get(b"short"), map.get(b"long"), map.get(b"new")), (None, Some(2), Some(3)));
}

#[test]
fn a_large_map_is_sharded_and_still_bounded() {
    let map: Bounded<u32> = Bounded::new(Limits { entries: 8_192, bytes: 1 << 30 });
    assert_eq!(map.shards().count(), MAX_SHARDS);
    for n in 0..20_000_u32 {
        map.insert(&n.to_le_bytes(), n, 4, None).unwrap();
    }
    let (entries, bytes) = map.size();
    assert!((8_000..=8_192).contains(&entries), "{entries}");
    assert_eq!(bytes, entries * (4 + 4 + ENTRY_OVERHEAD));
}

#[test]
fn keys_of_different_parts_differ() {
    assert_ne!(key(["a", "bc"]), key(["ab", "c"]));
    assert_ne!(key(["a", "", "b"]), key(["a", "b", ""]));
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u8, u16),
    Get(u8),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u8>(), any::<u16>()).prop_map(|(key, bytes)| Step::Insert(key, bytes % 600)),
        any::<u8>().prop_map(Step::Get),
        any::<u8>().prop_map(Step::Remove),
    ]
}

proptest! {
    #[test]
    fn no_sequence_breaks_the_bounds_or_invents_a_value(steps in prop::collection::vec(step(), 0..200)) {
        let limits = Limits { entries: 12, bytes: 4_000 };
        let map: Bounded<u16> = Bounded::new(limits);
        let mut last: HashMap<u8, u16> = HashMap::new();
        for step in steps {
            match step {
                Step::Insert(key, bytes) => {
                    map.insert(&[key], bytes, usize::from(bytes), None).unwrap();
                    prop_assert_eq!(map.get(&[key]), Some(bytes));
                    last.insert(key, bytes);
                }
                Step::Get(key) => {
                    if let Some(value) = map.get(&[key]) {
                        prop_assert_eq!(last.get(&key), Some(&value));
                    }
                }
                Step::Remove(key) => {
                    map.remove(&[key]);
                    last.remove(&key);
                    prop_assert_eq!(map.get(&[key]), None);
                }
            }
            let (entries, bytes) = map.size();
            prop_assert!(entries <= limits.entries && bytes <= limits.bytes);
        }
    }
}
