//! A thousand damaged answers: how many come back as what they were, and that none comes back as something else.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "tests")]

use super::{Judgement, Wish, judge};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// SplitMix64: the same answers each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const NAMES: &[&str] =
    &["name", "age", "tags", "address", "is_active", "city", "note", "items", "score", "créé"];
const TEXTS: &[&str] = &[
    "Ann",
    "",
    "Bern, Switzerland",
    "it's fine",
    "He said \"hi\" to me",
    "one\ntwo",
    "https://a.example/b?c=d#e",
    "a: b; c",
    "{braces} and [brackets]",
    "50% off, 3 for 2",
    "日本語",
    "naïve café",
    "C:\\temp\\new",
    "x // no comment",
    "tab\there",
    "# heading",
    "true",
    "null",
    "2024-01-02",
    "the dogs' bowl",
    "A, \"B\" and C",
    "…",
    "a/*b*/c",
    "\u{1f600}",
];

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 5 } else { 9 }) {
        0 | 1 => json!(dice.pick(TEXTS)),
        2 => json!(dice.roll(20_000) as i64 - 5_000),
        3 => json!(dice.roll(10_000) as f64 / 64.0 - 3.0),
        4 => [json!(true), json!(false), json!(null)][dice.roll(3)].clone(),
        5 | 6 => (0..dice.roll(4)).map(|_| value(dice, depth - 1)).collect(),
        _ => object(dice, depth - 1),
    }
}

fn object(dice: &mut Dice, depth: usize) -> Value {
    let mut map = Map::new();
    for _ in 0..1 + dice.roll(5) {
        map.insert(dice.pick(NAMES).to_owned(), value(dice, depth));
    }
    Value::Object(map)
}

/// A schema of a value: kinds and names, but not what is said; if it is strict, no other names and no other lengths
/// of arrays either.
fn schema_of(value: &Value, strict: bool) -> Value {
    match value {
        Value::Null => json!({"type": "null"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(n) if n.is_f64() => json!({"type": "number"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Array(_) if !strict => json!({"type": "array"}),
        // An empty `prefixItems` is no schema.
        Value::Array(items) if items.is_empty() => json!({"type": "array", "maxItems": 0}),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| schema_of(item, strict)).collect();
            json!({"type": "array", "minItems": items.len(), "prefixItems": items, "items": false})
        }
        Value::Object(fields) => {
            let names: Vec<_> = fields.keys().collect();
            let inner: Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), schema_of(value, strict))).collect();
            let others = !strict;
            json!({"type": "object", "required": names, "properties": inner, "additionalProperties": others})
        }
    }
}

/// A JSON text, its tokens told apart: what stands in strings must not be touched by mistake.
fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        let scalar = |c: char| !matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | '"') && !c.is_whitespace();
        let joins = inside || (scalar(c) && out.last().is_some_and(|last| last.chars().all(scalar)));
        if joins {
            out.last_mut().unwrap().push(c);
        } else {
            out.push(c.to_string());
        }
        match c {
            '"' if !escaped => inside = !inside,
            '\\' if inside => escaped = !escaped,
            _ => {}
        }
        if c != '\\' {
            escaped = false;
        }
    }
    out
}

fn is_string(token: &str) -> bool {
    token.starts_with('"')
}

/// What is between the quotes, unescaped.
fn said(token: &str) -> String {
    serde_json::from_str(token).unwrap()
}

type Damage = fn(&mut Dice, Vec<String>) -> String;

/// Replaces tokens.
fn mapped(tokens: Vec<String>, change: impl FnMut(String) -> String) -> String {
    tokens.into_iter().map(change).collect()
}

/// Changes one of the places where this token stands.
fn at_one(dice: &mut Dice, mut tokens: Vec<String>, token: &str, to: &str) -> String {
    let places: Vec<_> = (0..tokens.len()).filter(|at| tokens[*at] == token).collect();
    if !places.is_empty() {
        tokens[places[dice.roll(places.len())]] = to.to_owned();
    }
    tokens.concat()
}

/// Inserts before one of the closing brackets or commas.
fn before_ends(tokens: Vec<String>, ends: &[&str], what: &str) -> String {
    mapped(tokens, |token| if ends.contains(&token.as_str()) { format!("{what}{token}") } else { token })
}

const KINDS: &[(&str, Damage)] = &[
    ("trailing commas", |_, mut t| {
        for at in 1..t.len() {
            let after_value = !matches!(t[at - 1].trim(), "{" | "[" | "," | ":" | "");
            if matches!(t[at].as_str(), "}" | "]") && after_value {
                t[at].insert(0, ',');
            }
        }
        t.concat()
    }),
    ("single quotes", |_, t| {
        mapped(t, |s| {
            if !is_string(&s) {
                return s;
            }
            let inner =
                said(&s).replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
            format!("'{inner}'")
        })
    }),
    ("single quotes, naive", |_, t| {
        mapped(t, |s| if is_string(&s) { format!("'{}'", &s[1..s.len() - 1]) } else { s })
    }),
    ("smart quotes", |_, t| {
        mapped(t, |s| if is_string(&s) { format!("\u{201c}{}\u{201d}", &s[1..s.len() - 1]) } else { s })
    }),
    ("unquoted keys", |_, mut t| {
        for at in 0..t.len() - 1 {
            if is_string(&t[at]) && t[at + 1] == ":" {
                t[at] = said(&t[at]);
            }
        }
        t.concat()
    }),
    ("line comments", |_, t| {
        mapped(t, |s| if s == "," { ", // and so on, \"etc\"\n".to_owned() } else { s })
    }),
    ("block comments", |dice, t| at_one(dice, t, ":", ": /* the value: 1, 2 */ ")),
    ("hash comments", |_, t| before_ends(t, &["}", "]"], " # done\n")),
    ("Python literals", |_, t| {
        mapped(t, |s| match s.as_str() {
            "true" => "True".to_owned(),
            "false" => "False".to_owned(),
            "null" => "None".to_owned(),
            _ => s,
        })
    }),
    ("missing end brackets", |dice, t| {
        let whole = t.concat();
        let closing = whole.len() - whole.trim_end_matches(['}', ']']).len();
        whole[..whole.len() - 1 - dice.roll(closing)].to_owned()
    }),
    ("missing inner bracket", |dice, t| {
        let token = if t.iter().any(|s| s == "]") { "]" } else { "}" };
        at_one(dice, t, token, "")
    }),
    ("wrong bracket", |dice, t| at_one(dice, t, "]", "}")),
    ("extra end bracket", |_, t| format!("{}}}", t.concat())),
    ("text before", |_, t| format!("Sure! Here is the JSON (as asked):\n\n{}", t.concat())),
    ("text after", |_, t| format!("{}\n\nLet me know if {{you}} need anything else.", t.concat())),
    ("fence", |_, t| format!("Here:\n```json\n{}\n```\nDone.", t.concat())),
    ("open fence", |_, t| format!("```\n{}", t.concat())),
    ("raw newlines", |_, t| {
        let raw = |s: String| format!("\"{}\"", said(&s).replace('\\', "\\\\").replace('"', "\\\""));
        mapped(t, |s| if is_string(&s) { raw(s) } else { s })
    }),
    ("duplicated commas", |dice, t| at_one(dice, t, ",", ",,")),
    ("missing comma", |dice, t| at_one(dice, t, ",", " ")),
    ("missing comma at the end of a line", |dice, t| at_one(dice, t, ",", "\n  ")),
    ("unescaped quotes", |_, t| mapped(t, |s| s.replace("\\\"", "\""))),
    ("the same twice", |_, t| format!("{}\n{}", t.concat(), t.concat())),
    ("another before", |_, t| format!("{{\"thought\": \"I think\"}}\n{}", t.concat())),
    ("encoded twice", |_, t| serde_json::to_string(&t.concat()).unwrap()),
    ("escaped quotes", |_, t| {
        let whole = serde_json::to_string(&t.concat()).unwrap();
        whole[1..whole.len() - 1].to_owned()
    }),
    ("as Python prints it", |_, t| {
        mapped(t, |s| match s.as_str() {
            "true" => "True".to_owned(),
            "false" => "False".to_owned(),
            "null" => "None".to_owned(),
            _ if is_string(&s) => {
                let inner = said(&s).replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
                let double = inner.contains('\'') && !inner.contains('"');
                if double { format!("\"{inner}\"") } else { format!("'{}'", inner.replace('\'', "\\'")) }
            }
            _ => s,
        })
    }),
    ("several kinds at once", |_, mut t| {
        for at in 0..t.len() - 1 {
            if is_string(&t[at]) && t[at + 1] == ":" {
                t[at] = said(&t[at]);
            } else if t[at] == "," {
                t[at] = ", // next\n".to_owned();
            } else if t[at] == "true" {
                t[at] = "True".to_owned();
            }
        }
        let last = t.len() - 1;
        t[last] = ",\n}".to_owned();
        format!("Here you go:\n```json\n{}\n```\nAnything else?", t.concat())
    }),
    ("byte order mark", |_, t| format!("\u{feff}{}", t.concat())),
    ("equals signs", |_, t| mapped(t, |s| if s == ":" { " = ".to_owned() } else { s })),
];

/// Damage that takes something away: what is left must never be passed off as the whole.
const LOSSES: &[(&str, Damage)] = &[
    ("cut anywhere", |dice, t| {
        let chars: Vec<char> = t.concat().chars().collect();
        chars[..1 + dice.roll(chars.len() - 1)].iter().collect()
    }),
    ("cut in a string", |dice, t| {
        let places: Vec<_> = (0..t.len()).filter(|at| is_string(&t[*at])).collect();
        let at = places[dice.roll(places.len())];
        let token: Vec<char> = t[at].chars().collect();
        format!("{}{}", t[..at].concat(), token[..1 + dice.roll(token.len() - 1)].iter().collect::<String>())
    }),
    ("a quote gone", |dice, mut t| {
        let places: Vec<_> = (0..t.len()).filter(|at| is_string(&t[*at])).collect();
        let at = places[dice.roll(places.len())];
        let token = t[at].clone();
        t[at] = if dice.roll(2) == 0 { token[1..].to_owned() } else { token[..token.len() - 1].to_owned() };
        t.concat()
    }),
    ("a comma gone, without a space", |dice, t| at_one(dice, t, ",", "")),
    ("a value gone", |dice, mut t| {
        let places: Vec<_> =
            (1..t.len()).filter(|at| t[at - 1] == ":" && !matches!(t[*at].as_str(), "{" | "[")).collect();
        if !places.is_empty() {
            t[places[dice.roll(places.len())]] = String::new();
        }
        t.concat()
    }),
    ("NaN for a number", |_, t| {
        mapped(
            t,
            |s| if s.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { "NaN".to_owned() } else { s },
        )
    }),
    ("an ellipsis", |dice, t| at_one(dice, t, "]", ", ...]")),
];

/// Runs a kind and gives how many came back, came back as something else, and were given up.
fn run(kind: &str, damage: Damage, times: usize, seed: u64, strict: bool) -> (usize, usize, usize) {
    let mut dice = Dice(seed);
    let (mut back, mut other, mut given_up) = (0, 0, 0);
    for _ in 0..times {
        let original = object(&mut dice, 3);
        let text = if dice.roll(2) == 0 {
            original.to_string()
        } else {
            serde_json::to_string_pretty(&original).unwrap()
        };
        let damaged = damage(&mut dice, tokens(&text));
        let schema = Arc::new(jsonschema::validator_for(&schema_of(&original, strict)).unwrap());
        let wish = Wish { json: true, schemas: vec![schema], ..Wish::default() };
        let result = match judge(&damaged, &wish) {
            Judgement::Valid => serde_json::from_str(damaged.trim()).ok(),
            Judgement::Mended { text, .. } => serde_json::from_str::<Value>(&text).ok(),
            Judgement::Invalid(_) => None,
        };
        match result {
            Some(value) if value == original => back += 1,
            Some(value) => {
                other += 1;
                println!("{kind}: WRONG\n  {original}\n  {damaged:?}\n  {value}");
            }
            None => {
                given_up += 1;
                if given_up <= 6 && std::env::var_os("LOCKGATE_TELL_DAMAGE").is_some() {
                    println!("{kind}: given up {damaged:?} {:?}", judge(&damaged, &wish));
                }
            }
        }
    }
    (back, other, given_up)
}

#[test]
fn of_a_thousand_damaged_answers_nearly_all_come_back_and_none_as_another() {
    // More of them, and others, for whoever looks for what was missed.
    let more = std::env::var("LOCKGATE_DAMAGE_TIMES").ok().and_then(|times| times.parse().ok());
    let times = more.unwrap_or(1000_usize.div_ceil(KINDS.len()));
    let mut totals: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for (seed, (kind, damage)) in (7..).zip(KINDS) {
        totals.insert(kind, run(kind, *damage, times, seed, true));
    }
    for (kind, (back, other, given_up)) in &totals {
        println!("{kind}: {back} back, {other} wrong, {given_up} given up");
    }
    let all = times * KINDS.len();
    let back: usize = totals.values().map(|(back, ..)| back).sum();
    let other: usize = totals.values().map(|(_, other, _)| other).sum();
    println!("of {all}: {back} back, {other} wrong");
    assert_eq!(other, 0);
    assert!(back * 100 >= all * 95, "{back} of {all}");
}

#[test]
fn a_loose_schema_lets_no_other_value_through_either() {
    for (seed, (kind, damage)) in (300..).zip(KINDS) {
        let (back, other, given_up) = run(kind, *damage, 60, seed, false);
        assert_eq!(other, 0, "{kind}: {back} back, {given_up} given up");
    }
}

#[test]
fn what_lost_something_is_never_passed_off_as_whole() {
    for (seed, (kind, damage)) in (70..).zip(LOSSES) {
        let (back, other, given_up) = run(kind, *damage, 200, seed, true);
        println!("{kind}: {back} back, {other} wrong, {given_up} given up");
        assert_eq!(other, 0, "{kind}");
    }
}
