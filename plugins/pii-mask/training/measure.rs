//! Measures the tagger, as it ships, on texts with spans: precision, recall, F1 and F2 of each set and type.
//!
//! A span of a text is found, and a find is right, where another of its type overlaps it. `PII_SHOW=20` prints
//! mistakes of each set, `PII_THRESHOLD=0.4` takes another threshold.

use super::data::{Row, TYPES, held_out, rows};
use crate::detect::Found;
use crate::detect::entity::{ADDRESS, LOCATION, ORGANIZATION, PERSON};
use crate::settings::Settings;
use std::collections::BTreeMap;

/// Spans found and missed, finds right and wrong.
type Counts = [u32; 4];

fn print(name: &str, [found, missed, right, wrong]: Counts) {
    let share = |a: u32, b: u32| f64::from(a) / f64::from((a + b).max(1));
    let (recall, precision) = (share(found, missed), share(right, wrong));
    let f = |beta: f64| (1.0 + beta) * precision * recall / (beta * precision + recall).max(1e-9);
    println!(
        "{name:<34} precision {precision:.3} recall {recall:.3} F1 {:.3} F2 {:.3} of {}",
        f(1.0),
        f(4.0),
        found + missed
    );
}

fn settings(json: &str) -> Settings {
    let config = serde_json::from_str(json).expect("a configuration");
    Settings::new(config).map_err(|wrong| format!("{wrong:?}")).expect("a right configuration")
}

/// Addresses are places, as most data has it.
fn place(kind: usize) -> usize {
    if kind == 2 { 1 } else { kind }
}

#[test]
#[ignore = "a tool: needs data, see its documentation"]
fn measure_names() {
    let threshold = std::env::var("PII_THRESHOLD").unwrap_or_else(|_| "0.5".to_owned());
    let entities = r#"["person","location","address","organization"]"#;
    let config = format!(r#"{{"threshold":{threshold},"entities":{entities}}}"#);
    let settings = settings(&config);
    let all: Vec<Row> = rows("PII_NAMES").into_iter().flat_map(|(_, rows)| rows).collect();
    count(&all, |text| settings.find(text, ""));
}

/// Counts what `find` finds of the rows that are held out.
pub fn count(all: &[Row], find: impl Fn(&str) -> Vec<Found>) {
    let show: usize = std::env::var("PII_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let only = std::env::var("PII_SET").unwrap_or_default();
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    let fold = held_out();
    let asked = |row: &&Row| row.held(fold) && !row.set.ends_with('+') || row.set == only;
    for row in all.iter().filter(asked) {
        let gold: Vec<_> =
            row.spans().into_iter().filter(|s| s.2 < 4).map(|(s, e, k)| (s, e, place(k))).collect();
        let kinds = [PERSON, LOCATION, ADDRESS, ORGANIZATION];
        let plain = |f: Found| (f.start, f.end, place(kinds.iter().position(|k| *k == f.kind).unwrap()));
        let found: Vec<_> = find(&row.text).into_iter().map(plain).collect();
        let hit = |a: &(usize, usize, usize), of: &[(usize, usize, usize)]| {
            of.iter().any(|b| a.0 < b.1 && b.0 < a.1 && a.2 == b.2)
        };
        let mut add = |kind: usize, slot: usize| {
            for name in [format!("{} {}", row.set, TYPES[kind]), format!("{} all", row.set)] {
                counts.entry(name).or_default()[slot] += 1;
            }
        };
        gold.iter().for_each(|g| add(g.2, usize::from(!hit(g, &found))));
        found.iter().for_each(|f| add(f.2, 2 + usize::from(!hit(f, &gold))));
        let shown = shown.entry(row.set.clone()).or_default();
        let wrong = gold.iter().any(|g| !hit(g, &found)) || found.iter().any(|f| !hit(f, &gold));
        if wrong && *shown < show {
            *shown += 1;
            let say = |spans: &[(usize, usize, usize)], other: &[(usize, usize, usize)]| {
                let of = spans.iter().filter(|s| !hit(s, other));
                of.map(|s| format!("{} {:?}", TYPES[s.2], &row.text[s.0..s.1])).collect::<Vec<_>>().join(", ")
            };
            println!("{:?}\n    missed {} wrong {}", row.text, say(&gold, &found), say(&found, &gold));
        }
    }
    counts.into_iter().for_each(|(name, counts)| print(&name, counts));
}

#[test]
#[ignore = "a tool: shows the finds in a file that PII_TEXT names"]
fn show_names() {
    let path = std::env::var("PII_TEXT").expect("PII_TEXT names a file");
    let settings = settings("{}");
    for text in std::fs::read_to_string(path).expect("a file").split("\n====\n") {
        let (mut out, mut at) = (String::new(), 0);
        let plan = crate::mask::Plan::new(&settings, [text].into_iter());
        let mut vault = crate::vault::Vault::default();
        let masked = plan.rewrite(&settings, 0, text, &mut vault).unwrap_or_else(|| text.to_owned());
        for found in settings.find(text, "") {
            out += &format!(
                "{}[{}|{} {}]",
                &text[at..found.start],
                &text[found.start..found.end],
                settings.kinds()[found.kind].label,
                found.score
            );
            at = found.end;
        }
        println!("{out}{}\n--> {masked}\n", &text[at..]);
    }
}
