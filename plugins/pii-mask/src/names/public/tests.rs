//! Places that everybody knows, and when they are somebody's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::settings::Settings;

/// The places of a text, as `kind value`.
fn places(text: &str) -> Vec<String> {
    let settings = Settings::new(serde_json::from_str("{}").unwrap()).ok().unwrap();
    let say = |f: &crate::detect::Found| {
        format!("{} {}", settings.kind(f.kind).unwrap().name, text.get(f.start..f.end).unwrap())
    };
    let all = settings.find(text, "");
    all.iter().map(say).filter(|f| f.starts_with("location") || f.starts_with("public_place")).collect()
}

#[test]
fn a_known_place_in_a_question_about_nobody_is_public() {
    for (text, place) in [
        ("What is the capital of France?", "France"),
        ("Which party governs Japan now?", "Japan"),
        ("How many people live in Brazil?", "Brazil"),
        ("What is the population of Berlin?", "Berlin"),
        ("I am planning a trip to Japan. What should I see?", "Japan"),
        (
            "My name is Ann Lee, I am a nurse.\n\nNow another question: what is the capital of France?",
            "France",
        ),
    ] {
        assert_eq!(places(text), [format!("public_place {place}")], "{text}");
    }
}

#[test]
fn a_place_where_somebody_is_stays_private() {
    for (text, place) in [
        ("I live in Berlin.", "Berlin"),
        ("My name is Ann Lee and I come from France.", "France"),
        ("Name: Ann Lee\nCountry: France", "France"),
        ("She moved to Paris last year.", "Paris"),
        ("Mail ann@example.org, she is in Norway.", "Norway"),
    ] {
        assert_eq!(places(text), [format!("location {place}")], "{text}");
    }
    // A place that not everybody knows is somebody's.
    assert_eq!(places("What is the weather like in Oberammergau?"), ["location Oberammergau"]);
}

#[test]
fn both_lists_are_in_order() {
    let places = super::Places::built_in();
    for list in [&places.countries, &places.others] {
        assert!(
            list.len() > 200 && list.is_sorted() && list.iter().all(|name| name.to_lowercase() == **name)
        );
    }
}

#[test]
fn a_text_full_of_places_takes_no_longer_than_it_is_long() {
    let text = "Paris ".repeat(20_000);
    let start = std::time::Instant::now();
    places(&text);
    assert!(start.elapsed().as_secs() < 20);
}
