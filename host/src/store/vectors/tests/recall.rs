//! How often an approximate search finds what an exact one would, while entries come and go.
//!
//! Large groups of real embeddings are measured by `benches/cache.rs`.

use super::*;

const SIZE: usize = 24;
const TOPICS: u64 = 150;

/// Numbers from -1 to 1 that are the same in every run. Source: SplitMix64.
fn noise(seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f32::from(u16::try_from(mixed >> 48).unwrap()) / 32_768.0 - 1.0
    })
}

/// Vector `n`: near the other vectors of its topic.
fn vector(n: u64) -> Vec<f32> {
    let topic = noise(1_000_000 + n % TOPICS);
    topic.zip(noise(n)).map(|(topic, own)| topic + own).take(SIZE).collect()
}

/// The likeness of two vectors.
fn exact(rows: &[(u64, Vec<f32>)], query: &[f32]) -> f64 {
    rows.iter().map(|(_, row)| cosine(row, query)).fold(-1.0, f64::max)
}

#[test]
fn a_large_group_is_searched_nearly_as_if_exactly() {
    let store = Vectors::new(VectorLimits { entries_per_collection: 20_000, collections: 1, bytes: 1 << 30 });
    let group = vec![("group".to_owned(), "one".to_owned())];
    let mut rows: Vec<(u64, Vec<f32>)> = (0..14_000).map(|n| (n, vector(n))).collect();
    for (n, row) in &rows {
        store.upsert("acme", "c", &n.to_string(), row, None, group.clone()).unwrap();
    }
    // A third goes again: cells shrink, some to nothing.
    rows.retain(|(n, _)| {
        let stays = n % TOPICS > 10 && n % 4 != 0;
        assert!(stays || store.remove("acme", "c", &n.to_string()));
        stays
    });
    assert_eq!(store.len("acme", "c"), rows.len());
    assert!(rows.len() > 9_000, "more than a group that is searched whole");
    let search = Search { limit: 1, at_least: -2.0, among: Some(&group) };
    let asked: Vec<&(u64, Vec<f32>)> = rows.iter().step_by(47).collect();
    let mut found = 0;
    for (n, row) in &asked {
        // As near to its own row as another wording is to a question.
        let query: Vec<f32> =
            row.iter().zip(noise(5_000_000 + n)).map(|(x, noise)| x + 0.6 * noise).collect();
        let best = exact(&rows, &query);
        let hits = store.nearest("acme", "c", &query, &search).unwrap();
        assert!(f64::from(hits[0].similarity) <= best + 1e-4, "a likeness that no row has");
        found += usize::from(f64::from(hits[0].similarity) >= best - 1e-4);
    }
    assert!(found * 100 >= 98 * asked.len(), "{found} of {}", asked.len());
}
