//! Writes the texts to train with, from the templates in `grammar.txt` and `slots.txt`.
//!
//! A template of five, by its hash, is held out with all of its texts: a held-out text of a template that was trained on
//! would say nothing.

use crate::model::Task;
use std::collections::HashMap;

const GRAMMAR: &str = include_str!("grammar.txt");
const SLOTS: &str = include_str!("slots.txt");
/// Texts of each template.
const EACH: usize = 60;

/// A text and what it asks for.
pub struct Row {
    pub text: String,
    pub task: Task,
    pub held: bool,
}

/// A small generator of numbers, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// Every text of every template. `texts`: what requests are about, besides what `slots.txt` has.
pub fn rows(texts: &[String], random: &mut Random) -> Vec<Row> {
    let mut slots = slots();
    if let Some(known) = slots.get_mut("text") {
        known.extend(texts.iter().map(String::as_str));
    }
    let mut task = None;
    let mut rows = Vec::new();
    for line in GRAMMAR.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(name) = line.strip_prefix("== ") {
            task = Task::ALL.into_iter().find(|task| task.name() == name);
            assert!(task.is_some(), "{name}");
            continue;
        }
        let held = held_out(line);
        for _ in 0..EACH {
            let text = vary(expand(line, &slots, random), random);
            rows.push(Row { text, task: task.expect("a section first"), held });
        }
    }
    rows
}

/// Whether a text or template is in the fifth that is never trained on: by FNV-1a, 64 bits.
pub fn held_out(text: &str) -> bool {
    let hash = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    (hash >> 32).is_multiple_of(5)
}

fn slots<'t>() -> HashMap<&'static str, Vec<&'t str>> {
    let slot = |line: &'static str| {
        let (name, values) = line.strip_prefix('@')?.split_once(" = ")?;
        Some((name, values.split(" | ").collect()))
    };
    SLOTS.lines().filter_map(slot).collect()
}

/// One text of a template.
fn expand(template: &str, slots: &HashMap<&str, Vec<&str>>, random: &mut Random) -> String {
    let mut text = choose(template, random);
    // The text may stand before what is asked of it.
    if let Some(asked) = text.strip_suffix("\\n{text}").map(str::to_owned)
        && random.below(3) == 0
    {
        text = format!("{{text}}\\n\\n{asked}");
    }
    for _ in 0..40 {
        let found =
            slots.keys().filter_map(|name| text.find(&format!("{{{name}}}")).map(|at| (at, *name))).min();
        let Some((at, name)) = found else { break };
        let values = &slots[name];
        let mut value = values[random.below(values.len())].to_owned();
        if name == "text" {
            for _ in 0..random.below(4) {
                value.push(if random.below(3) == 0 { '\n' } else { ' ' });
                value.push_str(values[random.below(values.len())]);
            }
        }
        text.replace_range(at..at + name.len() + 2, &value);
    }
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\{", "{").replace("\\}", "}")
}

/// Decides every `<a|b>`.
fn choose(template: &str, random: &mut Random) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((choices, later)) = after.split_once('>').filter(|(choices, _)| choices.contains('|'))
        else {
            text.push_str(before);
            text.push('<');
            rest = after;
            continue;
        };
        let choices: Vec<&str> = choices.split('|').collect();
        text.push_str(before);
        text.push_str(choices[random.below(choices.len())]);
        rest = later;
    }
    text + rest
}

/// Small changes of case and punctuation.
fn vary(text: String, random: &mut Random) -> String {
    match random.below(12) {
        0 => text.to_lowercase(),
        1 => text.trim_end_matches(['.', '?', '!', ':']).to_owned(),
        2 => format!("Hi, {text}"),
        3 => format!("{text}\nThanks!"),
        4 => format!("I need your help. {text}"),
        _ => text,
    }
}
