//! Tests of the guard. `tests/data` holds pairs with the similarity that the host's own embedder gives them; both
//! files were written for the calibration of the guard, so they show that it does what it was made for, and no more.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::Value;

const THRESHOLD: f32 = 0.85;

fn details(text: &str) -> Details {
    let details = Details::of(text);
    assert_eq!(Details::decode(&details.encode()).as_ref(), Some(&details), "{text}");
    details
}

/// Whether two texts agree, were their vectors as alike as can be.
fn agree(a: &str, b: &str) -> bool {
    let (a, b) = (details(a), details(b));
    let agree = a.score(&b, 1.0).is_some_and(|score| score >= THRESHOLD);
    assert_eq!(a.score(&b, 1.0), b.score(&a, 1.0), "it is symmetric");
    assert!(!agree || a.fixed() == b.fixed(), "what agrees is found");
    let below = a.least_similarity(THRESHOLD) - 0.01;
    assert!(
        a.score(&b, below).is_none_or(|score| score < THRESHOLD),
        "what is not searched for would not agree"
    );
    agree
}

#[track_caller]
fn same(a: &str, b: &str) {
    assert!(agree(a, b), "{a} / {b}: {:?}", details(a).difference(&details(b)));
}

#[track_caller]
fn differ(a: &str, b: &str) {
    assert!(!agree(a, b), "{a} / {b}");
}

struct Pair {
    a: String,
    b: String,
    similarity: f32,
    right: bool,
}

fn pairs(lines: &str) -> Vec<Pair> {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap().to_owned();
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| Pair {
        a: text(&row, "a"),
        b: text(&row, "b"),
        similarity: row.get("similarity").and_then(Value::as_f64).unwrap().to_string().parse().unwrap(),
        right: row.get("label").and_then(Value::as_u64) == Some(1),
    })
    .collect()
}

fn hits(pair: &Pair) -> bool {
    details(&pair.a).score(&details(&pair.b), pair.similarity).is_some_and(|score| score >= THRESHOLD)
}

#[test]
fn no_opposite_other_name_number_or_direction_agrees() {
    let pairs = pairs(include_str!("../../tests/data/different.jsonl"));
    assert!(pairs.len() >= 200);
    let wrong: Vec<(&str, &str)> =
        pairs.iter().filter(|pair| hits(pair)).map(|pair| (pair.a.as_str(), pair.b.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let by_words = pairs.iter().filter(|pair| !agree(&pair.a, &pair.b)).count();
    assert!(by_words * 100 >= pairs.len() * 98, "{by_words} of {} without the vectors", pairs.len());
}

#[test]
fn small_words_and_order_must_agree() {
    differ("What do bees eat?", "What eats bees?");
    differ("Can a tenant sue a landlord?", "Can a landlord sue a tenant?");
    differ("Who is the CEO of Nokia?", "Who was the CEO of Nokia?");
    differ("How do I ask her to dinner?", "How do I ask him to dinner?");
    differ("What should I pack?", "What else should I pack?");
    differ("Which of the seats are free?", "Which of the other seats are free?");
    differ("How do I keep my dog calm?", "How do they keep my dog calm?");
    differ("What is your name?", "What is my name?");
    same("How do you store rice?", "How do I store rice?");
    differ("The cat chases the mouse.", "The mouse chases the cat.");
    same("What is the price of bread?", "What is the bread price?");
}

#[test]
fn questions_that_begin_otherwise_may_ask_for_the_same() {
    same("How do I store rice?", "Can you tell me what is the best way to store rice?");
    same("Who wrote Hamlet?", "Who is the author of Hamlet?");
    same("What time does the shop close?", "When does the shop close?");
    same("What do you think of the new law?", "What are your views on the new law?");
    differ("How do I store rice?", "How does it feel to store rice?");
    differ("How does rice store energy?", "How do I store rice energy?");
    differ("What are the best lock gates?", "What are lock gates?");
}

#[test]
fn most_paraphrases_agree() {
    let pairs = pairs(include_str!("../../tests/data/same.jsonl"));
    let found = pairs.iter().filter(|pair| hits(pair)).count();
    assert!(found * 100 >= pairs.len() * 70, "{found} of {}", pairs.len());
}

#[test]
fn a_text_scores_one_with_itself_and_never_more_with_another() {
    let files =
        [include_str!("../../tests/data/different.jsonl"), include_str!("../../tests/data/same.jsonl")];
    let long = "how do I only still tell her what else was his ".repeat(100);
    let odd =
        ["", "?", "what is", "how do I", "\u{202e}\u{0}", "ſ İ ǅ", "to to to than in on off", long.as_str()];
    let pairs: Vec<Pair> = files.iter().flat_map(|file| pairs(file)).collect();
    let texts: Vec<&str> =
        pairs.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]).chain(odd).collect();
    let all: Vec<Details> = texts.iter().map(|text| details(text)).collect();
    for (text, details) in texts.iter().zip(&all) {
        assert_eq!(details.score(details, 1.0), Some(1.0), "{text}");
    }
    for (a, b) in all.iter().zip(all.iter().cycle().skip(7)) {
        for similarity in [1.0, 0.5, 0.0, -1.0] {
            let score = a.score(b, similarity);
            assert_eq!(score, b.score(a, similarity), "{a:?} {b:?}");
            assert!(score.is_none_or(|score| score <= 1.0), "{a:?} {b:?}");
        }
    }
}

#[test]
fn other_words_agree() {
    same("What is the capital of France?", "Tell me the capital of France");
    same("How do I reset my password?", "how can i reset the password please");
    same("What's a lock gate?", "Please explain what a lock gate is.");
    same("Give me three ideas", "Give me 3 ideas!");
    same("I don't know how it works", "I do not know how this works");
    same("What is Germany's population?", "What is the population of Germany?");
    same("How do I buy a cheap car?", "How can I purchase an inexpensive automobile?");
}

#[test]
fn numbers_must_agree() {
    differ("Who won in 2023?", "Who won in 2024?");
    differ("convert 5 km to miles", "convert 50 km to miles");
    differ("from 2 to 3", "from 3 to 2");
    differ("is 1.5 enough", "is 15 enough");
    differ("give me two", "give me three");
    differ("is -5 ok", "is 5 ok");
}

#[test]
fn negations_must_agree() {
    differ("Is it safe?", "Is it not safe?");
    differ("Why can I log in?", "Why can't I log in?");
    differ("cooking with salt", "cooking without salt");
    same("Why can\u{2019}t I log in?", "Why can't I log in?");
}

#[test]
fn names_must_agree() {
    differ("What is the capital of France?", "What is the capital of Germany?");
    differ("France population?", "Germany population?");
    differ("Write it in C", "Write it in C++");
    differ("What does NASA do?", "What does ESA do?");
    differ("Is Anna older than her brother?", "Is Hanna older than her brother?");
    differ("what is the capital of france", "what is the capital of germany");
    differ("How much vitamin C do I need?", "How much vitamin D do I need?");
    differ("how much vitamin c do i need", "how much vitamin d do i need");
    differ("What is your review of the Nova X?", "What is your review of the Nova G?");
    same("What does vitamin C do?", "what does vitamin C do");
}

#[test]
fn signs_must_agree() {
    differ("What is 6 * 3?", "What is 6 / 3?");
    differ("What is 6*3?", "What is 6/3?");
    differ("What is 6 + 3?", "What is 6 - 3?");
    differ("What is the ~ key for?", "What is the ^ key for?");
    same("Tell me about lock gates - please", "Tell me about lock gates, please");
}

#[test]
fn names_of_a_question_stand_in_their_order() {
    differ("Did Germany beat Brazil?", "Did Brazil beat Germany?");
    differ("Is Hanna the mother of Lena?", "Is Lena the mother of Hanna?");
    differ(
        "Alice lent Bob her car last week because it had snowed all over town.",
        "Bob lent Alice her car last week because it had snowed all over town.",
    );
    same("Compare Rome and Paris for me", "Compare Paris and Rome for me");
    same("What is the population of Tokyo?", "What is Tokyo's population?");
}

#[test]
fn long_statements_may_say_the_same_with_and_without_a_negation_or_a_number_in_words() {
    let reworded =
        |a: &str, b: &str| details(a).score(&details(b), 0.95).is_some_and(|score| score >= THRESHOLD);
    let without = "The importer loads large audio folders with thousands of recordings without any plugin or converter.";
    let retold = "The importer loads large audio folders with thousands of recordings and spares us hurdles and extensions.";
    assert!(reworded(without, retold));
    let opposite =
        "The importer loads large audio folders with thousands of recordings with any plugin or converter.";
    assert!(!reworded(without, opposite), "hardly a word is another, so the negation is what differs");
    let both = "The two columns of the depth table are called image and mask in version v2.10.";
    assert!(reworded(
        both,
        "The depth table has the columns image and mask, as they are called in version 2.10."
    ));
    assert!(!reworded(
        both,
        "The three columns of the depth table are called image and mask in version 2.10."
    ));
    assert!(!reworded(both, "The two columns of the depth table are called image and mask in version 2.11."));
}

#[test]
fn orders_are_judged_as_questions_are() {
    differ(
        "Write an e-mail that invites the whole team to a picnic.",
        "Write an e-mail that invites the whole team to a barbecue.",
    );
    differ(
        "Draft a polite reply to the angry letter of a neighbour.",
        "Draft a polite reply to the angry letter of a customer.",
    );
    same(
        "The method returns the number of rows in the table.",
        "The method yields the amount of rows in the table.",
    );
}

#[test]
fn opposites_directions_and_kinds_of_question_must_agree() {
    differ("how do I enable dark mode", "how do I disable dark mode");
    differ("sort the list ascending", "sort the list descending");
    differ("when was he born", "where was he born");
    differ("pros of remote work", "cons of remote work");
    differ("Our revenue rose by 5 percent last year.", "Our revenue fell by 5 percent last year.");
    differ("what happens before lunch", "what happens after lunch");
    differ("convert celsius to fahrenheit", "convert fahrenheit to celsius");
    differ("how do I log in", "how do I log out");
    differ("Wie hoch ist das Matterhorn und wo ist es?", "What is the Matterhorn, and how high is it?");
}

#[test]
fn any_text_has_details() {
    same("", "   ");
    same("...", "");
    differ("日本語で２", "日本語で３");
    let long = "alpha beta gamma delta ".repeat(200);
    same(&long, &long);
    differ(&format!("{long} one"), &format!("{long} epsilon"));
}

#[test]
fn what_was_not_encoded_is_no_details() {
    for text in
        ["", "a", "a.??", "a.?A", "a.?A!", "z.?AA", "a.?AAB", "a.?AA!!!!", "a.?AA.B", "a.?AA.B!!!", "é"]
    {
        assert_eq!(Details::decode(text), None, "{text}");
    }
}

/// Prints how a file of pairs fares, `{a, b, label, similarity}` a line:
/// `LOCKGATE_PAIRS=pairs.jsonl cargo test -p semantic-cache measure -- --ignored --nocapture`.
#[test]
#[ignore = "a tool"]
fn measure() {
    let pairs = pairs(&std::fs::read_to_string(std::env::var("LOCKGATE_PAIRS").unwrap()).unwrap());
    let found: Vec<&Pair> = pairs.iter().filter(|pair| hits(pair)).collect();
    let right = found.iter().filter(|pair| pair.right).count();
    let all = pairs.iter().filter(|pair| pair.right).count();
    println!("{} pairs, {all} the same: {} hits, {right} right", pairs.len(), found.len());
}

/// Prints what pairs differ in, one line each: whether something bars them, whether they are judged as statements, and the
/// differences that have costs; for `training/train.py`.
#[test]
#[ignore = "a tool"]
fn differences() {
    let pairs = pairs(&std::fs::read_to_string(std::env::var("LOCKGATE_PAIRS").unwrap()).unwrap());
    let rows = pairs.iter().map(|pair| {
        let (a, b) = (details(&pair.a), details(&pair.b));
        let difference = a.difference(&b);
        let strict = a.strict(&b, difference.weight);
        let barred = difference.barred.is_some()
            || difference.renamed
            || difference.turned
            || (strict && difference.swapped >= 0.99);
        let features: Vec<f32> = a.features(&b, pair.similarity).to_vec();
        serde_json::json!({ "barred": barred, "why": difference.barred, "strict": strict, "score": a.score(&b, pair.similarity), "features": features, "hit": hits(pair) }).to_string()
    });
    let rows: Vec<String> = rows.collect();
    std::fs::write(std::env::var("LOCKGATE_DIFFERENCES").unwrap(), rows.join("\n")).unwrap();
}
