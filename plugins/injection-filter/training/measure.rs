//! Measures the filter, as it ships, on labelled texts: what passes, what is caught, how long it takes.
//!
//! `INJECTION_USER=a.jsonl:b.jsonl INJECTION_DOCS=benign.jsonl INJECTION_STRINGS=attacks.jsonl cargo test
//! --release -p injection-filter measure -- --ignored --nocapture`. `INJECTION_SHOW=20` prints mistakes,
//! `INJECTION_CONFIG='{…}'` replaces the default configuration.

use super::data::{Row, rows};
use crate::settings::Settings;
use std::time::Instant;

fn settings() -> Settings {
    let json = std::env::var("INJECTION_CONFIG").unwrap_or_else(|_| "{}".to_owned());
    let config = serde_json::from_str(&json).expect("a configuration");
    Settings::new(config).map_err(|wrong| format!("{wrong:?}")).expect("a right configuration")
}

/// Counts the found among texts, all and held out, and shows mistakes.
struct Count<'s> {
    settings: &'s Settings,
    show: usize,
    all: (usize, usize),
    held: (usize, usize),
    scores: Vec<f64>,
}

impl Count<'_> {
    fn add(&mut self, row: &Row, role: &str, channel: &str, held: bool) {
        let (score, found) = self.settings.judge(role, channel, &row.text).expect("a watched scope");
        self.scores.push(score.value);
        self.all = (self.all.0 + usize::from(found), self.all.1 + 1);
        if held {
            self.held = (self.held.0 + usize::from(found), self.held.1 + 1);
        }
        if found != row.attack() && self.show > 0 {
            self.show -= 1;
            let text: String = row.text.chars().take(300).collect();
            println!("  {:.2} {} {:?} {text:?}", score.value, score.rule, row.cat.as_deref().unwrap_or(""));
        }
    }

    fn print(&self, name: &str) {
        let percent = |(found, of): (usize, usize)| 100.0 * found as f64 / of.max(1) as f64;
        let over = |threshold: f64| {
            let found = self.scores.iter().filter(|score| **score + 0.005 > threshold).count();
            format!("{:6.2}", percent((found, self.all.1)))
        };
        println!(
            "{name:<40} {:5} of {:5} = {:6.2} %, held out {:4} of {:4} = {:6.2} %; at 0.5 to 0.98: {}",
            self.all.0,
            self.all.1,
            percent(self.all),
            self.held.0,
            self.held.1,
            percent(self.held),
            [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98].map(over).join(" ")
        );
    }
}

fn count(settings: &Settings) -> Count<'_> {
    let show = std::env::var("INJECTION_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    Count { settings, show, all: (0, 0), held: (0, 0), scores: Vec::new() }
}

/// A document with an attack at its start, after the sentence nearest to its middle, or at its end.
fn embed(document: &str, attack: &str, place: usize) -> String {
    let half = document.len() / 2;
    let ends = document.match_indices(['.', '\n']).map(|(at, _)| at + 1);
    let middle = ends.min_by_key(|at| at.abs_diff(half)).unwrap_or(document.len());
    match place {
        0 => format!("{attack}\n{document}"),
        1 => format!("{} {attack} {}", &document[..middle], &document[middle..]),
        _ => format!("{document}\n{attack}"),
    }
}

#[test]
#[ignore = "a tool: needs data, see its documentation"]
fn measure() {
    let settings = settings();
    if std::env::var("INJECTION_USER").is_ok() {
        for (name, rows) in rows("INJECTION_USER") {
            for scope in ["user", "tool"] {
                for attack in [true, false] {
                    let mut count = count(&settings);
                    let of = |row: &&Row| {
                        row.attack() == attack
                            && (row.scope == scope || (row.scope.is_empty() && scope == "user"))
                    };
                    rows.iter().filter(of).for_each(|row| count.add(row, scope, "content", row.held_out()));
                    if count.all.1 > 0 {
                        count.print(&format!("{name} {scope} {}", if attack { "attacks" } else { "benign" }));
                    }
                }
            }
        }
    }
    if std::env::var("INJECTION_DOCS").is_ok() {
        let docs = rows("INJECTION_DOCS");
        for (name, docs) in &docs {
            for role in ["user", "tool"] {
                let mut count = count(&settings);
                docs.iter().for_each(|doc| count.add(doc, role, "content", false));
                count.print(&format!("{name} as {role}, no attack"));
            }
        }
        let docs: Vec<&Row> = docs.iter().flat_map(|(_, docs)| docs).collect();
        for (name, attacks) in rows("INJECTION_STRINGS") {
            for place in 0..3 {
                let mut count = count(&settings);
                for (n, attack) in attacks.iter().enumerate() {
                    for doc in docs.iter().skip(n % 7).step_by(7) {
                        let row = Row { text: embed(&doc.text, &attack.text, place), ..attack.clone() };
                        count.add(&row, "assistant", "tool-result", attack.held_out());
                    }
                }
                count.print(&format!("{name} in documents, {}", ["start", "middle", "end"][place]));
            }
        }
    }
}

#[test]
#[ignore = "a tool: run it alone, in a release build"]
fn speed() {
    let settings = settings();
    let plain =
        "The committee met on Tuesday, and asked for the figures of the third quarter. Could you send them? "
            .repeat(21);
    let code =
        "fn main() { let x = vec![1, 2, 3]; println!(\"{x:?}\"); } // see the notes: a.b(c[0], 0x1F) \n"
            .repeat(23);
    for (name, text) in [("prose", &plain[..2048]), ("code", &code[..2048])] {
        for scope in ["user", "tool"] {
            let mut times: Vec<f64> = (0..5000)
                .map(|_| {
                    let start = Instant::now();
                    std::hint::black_box(settings.judge(scope, "content", std::hint::black_box(text)));
                    start.elapsed().as_secs_f64() * 1e6
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!("{name} 2 KB as {scope}: p50 {:.1} µs, p99 {:.1} µs", times[2500], times[4950]);
        }
    }
}
