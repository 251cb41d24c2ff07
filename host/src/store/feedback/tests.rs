//! What users say shifts what is known, once for each answer, and outlives the process with a journal.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn said(feedback: &Feedback, n: usize, score: f64) {
    for n in 0..n {
        let id = format!("r{n}");
        feedback.answered("acme", "web", &id, "a/1", Some("code"));
        assert!(feedback.give("acme", "web", &id, score));
    }
}

#[test]
fn an_answer_is_spoken_of_once_and_by_who_got_it() {
    let feedback = Feedback::default();
    feedback.answered("acme", "web", "r1", "a/1", None);
    for (tenant, key, id) in [("globex", "web", "r1"), ("acme", "app", "r1"), ("acme", "web", "r2")] {
        assert!(!feedback.give(tenant, key, id, 1.0));
    }
    assert!(feedback.is_empty());
    assert!(feedback.give("acme", "web", "r1", 1.0) && !feedback.give("acme", "web", "r1", 0.0));
    assert!(!feedback.is_empty());
}

#[test]
fn what_was_known_is_shifted_and_not_forgotten() {
    let feedback = Feedback::default();
    assert_eq!(feedback.quality("acme", "a/1", "code", Some(0.9)), Some(0.9));
    said(&feedback, 4, 0.0);
    assert_eq!(feedback.quality("acme", "a/1", "code", None), None, "four say too little");
    let shifted = feedback.quality("acme", "a/1", "code", Some(0.9)).unwrap();
    assert!((shifted - 0.75).abs() < 1e-9, "{shifted}");
    assert_eq!(feedback.quality("globex", "a/1", "code", Some(0.9)), Some(0.9), "of another tenant");
    assert_eq!(feedback.quality("acme", "a/1", "chat", Some(0.9)), Some(0.9), "of another task");
    said(&feedback, 1_000, 1.0);
    assert!(feedback.quality("acme", "a/1", "code", None).unwrap() > 0.95, "what is old fades");
    assert!(feedback.quality("acme", "a/1", "", None).is_some());
}

#[tokio::test]
async fn what_was_said_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { entries: 1, bytes: 1 };
    let open = || Arc::new(Journal::open(&folder.path().join("state.db"), limits, 0).unwrap());
    let journal = open();
    let feedback = Feedback::new(Some(journal.clone()));
    assert!(feedback.is_empty());
    said(&feedback, 7, 0.5);
    said(&feedback, 2, 1.0);
    journal.put(Kind::Opinion, Row { key: vec![7], value: f64::NAN.to_le_bytes().repeat(2), expires: None });
    journal.put(Kind::Opinion, Row { key: vec![8], value: vec![1], expires: None });
    journal.close().await;
    let after = Feedback::new(Some(open()));
    assert!(!after.is_empty());
    for task in ["code", "", "chat"] {
        let quality = |feedback: &Feedback| feedback.quality("acme", "a/1", task, Some(0.9));
        assert_eq!(quality(&after), quality(&feedback));
    }
    assert!((after.quality("acme", "a/1", "code", None).unwrap() - 5.5 / 9.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn quality_stays_between_what_was_known_and_what_was_said(
        before in 0.0_f64..=1.0, scores in proptest::collection::vec(0.0_f64..=1.0, 1..50)
    ) {
        let feedback = Feedback::default();
        for (n, score) in scores.iter().enumerate() {
            feedback.answered("t", "k", &n.to_string(), "a/1", None);
            prop_assert!(feedback.give("t", "k", &n.to_string(), *score));
        }
        let quality = feedback.quality("t", "a/1", "", Some(before)).unwrap();
        let all = || scores.iter().copied().chain([before]);
        prop_assert!(quality >= all().fold(1.0, f64::min) - 1e-9 && quality <= all().fold(0.0, f64::max) + 1e-9);
    }
}
