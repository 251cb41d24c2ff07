//! Tests of the vector store.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn limits(entries: usize) -> VectorLimits {
    VectorLimits { entries_per_collection: entries, collections: 10, bytes: 1 << 20 }
}

fn vectors() -> Vectors {
    Vectors::new(limits(100))
}

fn put(store: &Vectors, id: &str, vector: &[f32]) {
    store.upsert("acme", "c", id, vector, None, vec![("n".into(), id.into())]).unwrap();
}

fn ids(store: &Vectors, vector: &[f32], limit: usize) -> Vec<String> {
    store.nearest("acme", "c", vector, limit).unwrap().iter().map(|hit| hit.id.to_string()).collect()
}

#[test]
fn the_nearest_come_best_first_with_their_fields() {
    let store = vectors();
    put(&store, "east", &[10.0, 0.0]);
    put(&store, "north", &[0.0, 0.1]);
    put(&store, "north-east", &[1.0, 1.0]);
    assert_eq!(ids(&store, &[0.2, 1.0], 2), ["north", "north-east"]);
    let hit = &store.nearest("acme", "c", &[3.0, 0.0], 1).unwrap()[0];
    assert!((hit.similarity - 1.0).abs() < 1e-6);
    assert_eq!((&*hit.id, hit.fields[0].1.as_str()), ("east", "east"));
    assert_eq!(ids(&store, &[1.0, 0.0], 0), [""; 0]);
}

#[test]
fn an_upsert_replaces_and_a_removal_removes() {
    let store = vectors();
    for (id, vector) in [("a", [1.0, 0.0]), ("b", [0.0, 1.0]), ("c", [-1.0, 0.0]), ("a", [0.0, -1.0])] {
        put(&store, id, &vector);
    }
    assert_eq!(store.len("acme", "c"), 3);
    assert_eq!(ids(&store, &[0.0, -1.0], 1), ["a"]);
    assert!(store.remove("acme", "c", "b") && !store.remove("acme", "c", "b"));
    assert_eq!(ids(&store, &[0.0, 1.0], 9), ["c", "a"]);
    store.clear("acme", "c");
    assert_eq!((store.bytes(), ids(&store, &[1.0], 1).len()), (0, 0));
}

#[test]
fn tenants_and_collections_do_not_see_one_another() {
    let store = vectors();
    put(&store, "a", &[1.0]);
    assert_eq!(store.nearest("other", "c", &[1.0], 5), Ok(vec![]));
    assert_eq!(store.nearest("acme", "d", &[1.0], 5), Ok(vec![]));
    assert!(!store.remove("other", "c", "a"));
}

#[test]
fn what_has_no_direction_or_another_dimension_is_refused() {
    let store = vectors();
    put(&store, "a", &[1.0, 2.0]);
    let upsert = |vector: &[f32]| store.upsert("acme", "c", "b", vector, None, vec![]);
    for bad in [&[][..], &[0.0, 0.0], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0], &vec![1.0; 9_000]] {
        assert_eq!(upsert(bad), Err(VectorError::Invalid));
    }
    assert_eq!(upsert(&[1.0]), Err(VectorError::Dimensions { expected: 2, got: 1 }));
    assert!(store.nearest("acme", "c", &[1.0, 1.0, 1.0], 1).is_err());
    store.remove("acme", "c", "a");
    assert_eq!(upsert(&[1.0]), Ok(()), "an empty collection takes any dimension");
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_not_found_and_goes_first() {
    let store = Vectors::new(limits(2));
    store.upsert("acme", "c", "keep", &[1.0, 0.0], None, vec![]).unwrap();
    store.upsert("acme", "c", "short", &[1.0, 0.1], Some(Duration::from_secs(1)), vec![]).unwrap();
    assert_eq!(ids(&store, &[1.0, 0.0], 5), ["keep", "short"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ids(&store, &[1.0, 0.0], 5), ["keep"]);
    put(&store, "new", &[0.0, 1.0]);
    assert_eq!(ids(&store, &[1.0, 0.0], 5), ["keep", "new"]);
}

#[test]
fn a_full_collection_evicts_its_own_and_the_store_as_a_whole_is_bounded() {
    let store = Vectors::new(limits(3));
    for n in 0..20_u8 {
        put(&store, &n.to_string(), &[f32::from(n) + 1.0, 1.0]);
    }
    assert_eq!(store.len("acme", "c"), 3);
    let store = Vectors::new(VectorLimits { bytes: 1_000, ..limits(100) });
    for n in 0..20_u8 {
        put(&store, &n.to_string(), &[f32::from(n) + 1.0, 1.0]);
        assert!(store.bytes() <= 1_000);
    }
    let upsert = |collection| {
        store.upsert("other", collection, "x", &[1.0, 1.0], None, vec![("k".into(), "v".repeat(300))])
    };
    let before = store.bytes();
    assert_eq!(
        (upsert("c"), store.bytes()),
        (Err(VectorError::Full), before),
        "another's vectors are not evicted"
    );
    let store = Vectors::new(VectorLimits { collections: 1, ..limits(100) });
    put(&store, "a", &[1.0]);
    assert_eq!(store.upsert("other", "c", "a", &[1.0], None, vec![]), Err(VectorError::Full));
    store.clear("acme", "c");
    assert_eq!(store.upsert("other", "c", "a", &[1.0], None, vec![]), Ok(()), "an empty one makes room");
}

fn vector() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-1.0_f32..1.0, 37).prop_filter("a direction", |v| v.iter().any(|x| x.abs() > 0.1))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

proptest! {
    #[test]
    fn the_search_agrees_with_the_definition(
        rows in prop::collection::vec(vector(), 1..40),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        query in vector(),
        limit in 1_usize..10,
    ) {
        let store = vectors();
        for (n, row) in rows.iter().enumerate() {
            put(&store, &n.to_string(), row);
        }
        let mut left: Vec<usize> = (0..rows.len()).collect();
        for index in removed {
            let n = index.index(rows.len());
            store.remove("acme", "c", &n.to_string());
            left.retain(|have| *have != n);
        }
        let mut expected: Vec<f64> = left.iter().map(|n| cosine(&rows[*n], &query)).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        expected.truncate(limit);
        let hits = store.nearest("acme", "c", &query, limit).unwrap();
        prop_assert_eq!(hits.len(), expected.len());
        for (hit, expected) in hits.iter().zip(expected) {
            prop_assert!((f64::from(hit.similarity) - expected).abs() < 1e-4);
            let n: usize = hit.id.parse().unwrap();
            prop_assert!((cosine(&rows[n], &query) - f64::from(hit.similarity)).abs() < 1e-4);
        }
    }

    #[test]
    fn bytes_are_counted_exactly(steps in prop::collection::vec((0_u8..8, any::<bool>()), 0..60)) {
        let store = Vectors::new(limits(5));
        for (id, remove) in steps {
            let id = id.to_string();
            if remove { store.remove("acme", "c", &id); } else { put(&store, &id, &[1.0, 2.0]); }
            let one = Collection::bytes_of("0", 2, &[("n".into(), "0".into())]);
            prop_assert_eq!(store.bytes(), store.len("acme", "c") * one);
        }
    }
}
