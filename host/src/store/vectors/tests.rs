//! Tests of the vector store.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod recall;

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

fn first(limit: usize) -> Search<'static> {
    Search { limit, at_least: -2.0, among: None }
}

fn ids(store: &Vectors, vector: &[f32], limit: usize) -> Vec<String> {
    store.nearest("acme", "c", vector, &first(limit)).unwrap().iter().map(|hit| hit.id.to_string()).collect()
}

#[test]
fn the_nearest_come_best_first_with_their_fields() {
    let store = vectors();
    put(&store, "east", &[10.0, 0.0]);
    put(&store, "north", &[0.0, 0.1]);
    put(&store, "north-east", &[1.0, 1.0]);
    assert_eq!(ids(&store, &[0.2, 1.0], 2), ["north", "north-east"]);
    let hit = &store.nearest("acme", "c", &[3.0, 0.0], &first(1)).unwrap()[0];
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
fn an_id_is_forgotten_in_every_collection_of_its_tenant() {
    let store = vectors();
    for (tenant, collection) in [("acme", "c"), ("acme", "d"), ("acme2", "c")] {
        store.upsert(tenant, collection, "a", &[1.0], None, vec![]).unwrap();
    }
    store.forget("acme", "a");
    assert_eq!(["c", "d"].map(|collection| store.len("acme", collection)), [0, 0]);
    assert_eq!(store.len("acme2", "c"), 1);
}

#[test]
fn tenants_and_collections_do_not_see_one_another() {
    let store = vectors();
    put(&store, "a", &[1.0]);
    assert_eq!(store.nearest("other", "c", &[1.0], &first(5)), Ok(vec![]));
    assert_eq!(store.nearest("acme", "d", &[1.0], &first(5)), Ok(vec![]));
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
    assert!(store.nearest("acme", "c", &[1.0, 1.0, 1.0], &first(1)).is_err());
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

#[test]
fn a_search_can_ask_for_a_likeness_and_for_fields() {
    let store = vectors();
    let even = |n: u8| vec![("even".to_owned(), n.is_multiple_of(2).to_string())];
    for n in 0..10_u8 {
        store.upsert("acme", "c", &n.to_string(), &[1.0, f32::from(n)], None, even(n)).unwrap();
    }
    let search = |at_least: f32, among: Option<Vec<(String, String)>>| {
        let among = among.as_deref();
        let hits = store.nearest("acme", "c", &[1.0, 0.0], &Search { limit: 9, at_least, among }).unwrap();
        hits.iter().map(|hit| hit.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(search(0.4, None), ["0", "1", "2"]);
    assert_eq!(search(0.4, Some(even(0))), ["0", "2"]);
    assert_eq!(search(0.4, Some(even(1))), ["1"]);
    assert_eq!((search(0.4, Some(vec![])).len(), search(1.1, None)), (3, vec![]));
    assert_eq!(store.candidates("acme", "c", Some(&even(0))), 5);
    assert_eq!((store.candidates("acme", "c", None), store.candidates("acme", "d", None)), (10, 0));
}

#[test]
fn a_search_compares_the_first_fields_and_not_the_rest() {
    let store = vectors();
    let field = |name: &str, n: usize| (name.to_owned(), n.to_string());
    for n in 0..12 {
        let fields = vec![field("a", n % 2), field("b", n % 3), field("c", n)];
        store.upsert("acme", "c", &n.to_string(), &[1.0, 1.0], None, fields).unwrap();
    }
    store.remove("acme", "c", "2");
    let found = |among: &[(String, String)]| {
        let search = Search { limit: 20, at_least: 0.0, among: Some(among) };
        store.nearest("acme", "c", &[1.0, 0.5], &search).unwrap().len()
    };
    assert_eq!(found(&[field("a", 0)]), 5);
    assert_eq!(found(&[field("a", 0), field("b", 2)]), 1);
    assert_eq!(found(&[field("a", 0), field("b", 2), field("c", 8)]), 1);
    assert_eq!(found(&[field("b", 2)]), 0, "the order counts");
    assert_eq!(store.candidates("acme", "c", Some(&[field("a", 0), field("b", 2)])), 5);
}

/// Short enough to be kept whole, or long enough to be kept in two parts.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1), Just(37), Just(150)]
}

fn vector(size: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-1.0_f32..1.0, size)
        .prop_filter("a direction", |v| v.iter().any(|x| x.abs() > 0.01))
}

/// A query and rows, of which some are near the query.
fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>)> {
    let near = |query: &[f32], row: Vec<f32>, share: f32| -> Vec<f32> {
        query.iter().zip(row).map(|(q, r)| q * share + r * (1.0 - share)).collect()
    };
    let pair = sizes().prop_flat_map(|size| {
        (
            vector(size),
            prop::collection::vec((vector(size), prop_oneof![Just(0.0_f32), 0.0_f32..0.99]), 1..40),
        )
    });
    pair.prop_map(move |(query, rows)| {
        let rows = rows.into_iter().map(|(row, share)| near(&query, row, share));
        let rows = rows.filter(|row| row.iter().any(|x| x.abs() > 1e-3)).collect();
        (query, rows)
    })
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

proptest! {
    #[test]
    fn the_search_agrees_with_the_definition(
        (query, rows) in rows(),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        limit in 1_usize..10,
        at_least in prop_oneof![Just(-2.0_f32), -1.0_f32..1.0],
        class in prop::option::of(0_usize..4),
    ) {
        let store = vectors();
        let fields = |n: usize| vec![("class".to_owned(), (n % 3).to_string())];
        for (n, row) in rows.iter().enumerate() {
            store.upsert("acme", "c", &n.to_string(), row, None, fields(n)).unwrap();
        }
        let mut left: Vec<usize> = (0..rows.len()).collect();
        for index in removed {
            let n = index.index(rows.len().max(1));
            store.remove("acme", "c", &n.to_string());
            left.retain(|have| *have != n);
        }
        let among = class.map(|class| vec![("class".to_owned(), class.to_string())]);
        let search = Search { limit, at_least, among: among.as_deref() };
        let hits = store.nearest("acme", "c", &query, &search).unwrap();
        left.retain(|n| class.is_none_or(|class| n % 3 == class));
        let mut expected: Vec<f64> = left.iter().map(|n| cosine(&rows[*n], &query)).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        // Within rounding of the floor, either answer is right.
        let floor = f64::from(at_least);
        let surely = expected.iter().filter(|c| **c >= floor + 1e-4).count().min(limit);
        let perhaps = expected.iter().filter(|c| **c >= floor - 1e-4).count().min(limit);
        prop_assert!((surely..=perhaps).contains(&hits.len()), "{} of {surely}", hits.len());
        for (hit, expected) in hits.iter().zip(expected) {
            prop_assert!((f64::from(hit.similarity) - expected).abs() < 1e-4);
            let n: usize = hit.id.parse().unwrap();
            prop_assert!(left.contains(&n));
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
