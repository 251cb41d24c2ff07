//! The built-in weights, on texts that nobody would argue about.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;

fn of(text: &str) -> [f32; HEADS] {
    let model = Model::built_in().unwrap();
    model.probabilities(&[model.unit(&mut model.reading(text.len()), text)])
}

#[test]
fn plain_cases_are_told_apart() {
    for (head, text) in [
        (2, "All immigrants are vermin and should be thrown out of our country."),
        (3, "I am going to kill him with a knife tonight."),
        (4, "You are a pathetic loser and everybody hates you, idiot."),
        (5, "I want to kill myself, I cut my wrists again last night."),
        (1, "She moaned as he thrust his hard cock deeper inside."),
    ] {
        let found = of(text);
        assert!(found[0] > 0.5 && found[head] > 0.5, "{text}: {found:?}");
    }
    for text in [
        "How do I kill a zombie process in Linux?",
        "The museum opens at nine on weekdays.",
        "Could you fix my code?",
    ] {
        let found = of(text);
        assert!(found.iter().all(|p| *p < 0.5), "{text}: {found:?}");
    }
}

#[test]
fn a_window_is_the_newest_units() {
    assert_eq!(window_of([90, 20, 30].into_iter()), 2);
    assert_eq!(window_of([10, 200].into_iter()), 1);
    assert_eq!(window_of([].into_iter()), 0);
    assert_eq!(window_of([0, 0, 5].into_iter()), 3);
}

#[test]
fn what_is_remembered_of_words_changes_no_sum() {
    let model = Model::built_in().unwrap();
    let units = [
        "You are a pathetic loser, a loser.",
        "Kill the zombie process and its child; kill it.",
        "100 and 7 and 100 people, l0sers and losers, 東京 東京",
    ];
    let mut reading = model.reading(4_096);
    for unit in units.iter().cycle().take(9) {
        assert_eq!(model.unit(&mut reading, unit), model.unit(&mut model.reading(0), unit), "{unit}");
    }
}
