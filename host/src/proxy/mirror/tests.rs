//! How much alike two answers are.

use super::*;
use proptest::prelude::*;

#[test]
fn words_in_common() {
    for (one, other, alike) in [
        ("", "", 1.0),
        ("Paris", "", 0.0),
        ("Paris.", "paris", 1.0),
        ("The capital is Paris", "Paris is the capital", 1.0),
        ("a a a", "a", 0.5),
        ("yes", "no", 0.0),
    ] {
        assert!((similarity(one, other) - alike).abs() < 1e-9, "{one:?} {other:?}");
    }
}

#[test]
fn a_long_answer_is_compared_as_far_as_it_fits() {
    let mut said = Said::default();
    for _ in 0..1_000 {
        said.hear(&"ä".repeat(100));
    }
    assert_eq!(said.bytes, 200_000);
    assert!(said.text.len() <= COMPARED && said.text.len() > COMPARED - 2);
}

proptest! {
    #[test]
    fn it_is_a_share_and_the_same_both_ways(one in "\\PC{0,40}", other in "\\PC{0,40}") {
        let alike = similarity(&one, &other);
        prop_assert!((0.0..=1.0).contains(&alike));
        prop_assert!((alike - similarity(&other, &one)).abs() < 1e-9);
        prop_assert!((similarity(&one, &one) - 1.0).abs() < 1e-9);
    }
}
