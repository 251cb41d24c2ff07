//! Measures what ships: how often harmless texts are flagged, and how fast it is.
//!
//! `CONTENT_TEXTS=a.jsonl:b.jsonl cargo test --release -p content-filter tools::measure::alarms -- --ignored --nocapture`
//! prints, for files of harmless `{"text"}`, the shares that the default configuration flags, by category.

use crate::guard::{State, inspect};
use crate::model::Model;
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::time::Instant;

fn settings(json: &str) -> Settings {
    Settings::new(serde_json::from_str(json).expect("JSON")).expect("a configuration")
}

#[test]
#[ignore = "a tool: needs data, see its documentation"]
fn alarms() {
    let (settings, model) = (settings("{}"), Model::built_in().expect("weights"));
    let show: usize = std::env::var("CONTENT_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for path in std::env::var("CONTENT_TEXTS").expect("set CONTENT_TEXTS").split(':') {
        let file = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (mut texts, mut counts, mut any, mut shown) = (0, BTreeMap::new(), 0, 0);
        for line in file.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            let text = row["text"].as_str().expect("a text");
            let mut state = State::default();
            inspect(&settings, Some(&model), text, false, true, &mut state);
            let (_, seen) = state.scores(&settings);
            texts += 1;
            any += usize::from(!seen.is_empty());
            if !seen.is_empty() && shown < show {
                shown += 1;
                println!("  {seen:?} {}", text.chars().take(160).collect::<String>().replace('\n', " "));
            }
            for (name, _) in seen {
                *counts.entry(name.to_owned()).or_insert(0_usize) += 1;
            }
        }
        let share = |n: usize| format!("{:.2} %", 100.0 * n as f64 / f64::from(texts));
        let counts: Vec<String> =
            counts.into_iter().map(|(name, n)| format!("{name} {}", share(n))).collect();
        println!("{path}: {texts} texts, flagged {}; {}", share(any), counts.join(", "));
    }
}

#[test]
#[ignore = "a tool: run it alone, in a release build"]
fn speed() {
    let model = Model::built_in().expect("weights");
    let plain =
        "The committee met on Tuesday, and asked for the figures of the third quarter. Could you send them? "
            .repeat(21);
    let abuse = "You are a fucking idiot, s h i t head; I hate all of them and w1ll kill the b!tch with a knife. Women, lol. ".repeat(20);
    for (config, name) in [("{}", "flags"), (r#"{"categories":{"hate":{"action":"stop"}}}"#, "holds")] {
        let settings = settings(config);
        let spelled = "s h 1 t a 5 5 f u c ".repeat(110);
        let signs = "$!1|0@+-*$!v ".repeat(160);
        for (kind, text) in [
            ("prose", &plain[..2048]),
            ("abuse", &abuse[..2048]),
            ("letters", &spelled[..2048]),
            ("signs", &signs[..2048]),
        ] {
            for piece in [2048, 16] {
                let mut times: Vec<f64> = Vec::new();
                for _ in 0..if piece == 16 { 40 } else { 3000 } {
                    let (mut state, mut held) = (State::default(), String::new());
                    for (n, piece_text) in text.as_bytes().chunks(piece).enumerate() {
                        held.push_str(&String::from_utf8_lossy(piece_text));
                        let start = Instant::now();
                        state = State::decode(&state.encode());
                        let done = inspect(
                            &settings,
                            Some(&model),
                            &held,
                            false,
                            (n + 1) * piece >= 2048,
                            &mut state,
                        );
                        times.push(start.elapsed().as_secs_f64() * 1e6);
                        held.drain(..done.safe);
                    }
                }
                times.sort_by(f64::total_cmp);
                let at = |share: f64| times[(times.len() as f64 * share) as usize];
                println!(
                    "{name}, {kind} in pieces of {piece}: p50 {:.1} µs, p99 {:.1} µs a call",
                    at(0.5),
                    at(0.99)
                );
            }
        }
    }
}

/// `CONTENT_TEXTS=lists.jsonl …`: files of `{"text", "lang"}` that are all to be found, by `lang`.
#[test]
#[ignore = "a tool: needs data, see its documentation"]
fn found() {
    let settings = settings(r#"{"classifier":false}"#);
    let mut counts: BTreeMap<String, (usize, usize, Vec<String>)> = BTreeMap::new();
    for path in std::env::var("CONTENT_TEXTS").expect("set CONTENT_TEXTS").split(':') {
        let file = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for line in file.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            let text = row["text"].as_str().expect("a text");
            let mut state = State::default();
            inspect(&settings, None, text, false, true, &mut state);
            let count = counts.entry(row["lang"].as_str().unwrap_or("").to_owned()).or_default();
            count.1 += 1;
            if state.levels.is_empty() {
                count.2.push(text.to_owned());
            } else {
                count.0 += 1;
            }
        }
    }
    for (lang, (found, of, missed)) in counts {
        let show: Vec<&str> = missed.iter().step_by(missed.len() / 25 + 1).map(String::as_str).collect();
        println!(
            "{lang}: {found} of {of} ({:.1} %); missed, among others: {}",
            100.0 * found as f64 / of as f64,
            show.join(" / ")
        );
    }
}
