//! Trains the classifier and writes `data/model.bin`: multinomial logistic regression, AdaGrad, fixed order and seed.
//!
//! `TASK_QUESTIONS` names RouteLLM's questions (JSONL with `text`): they are tasks of reasoning. `TASK_TEXTS` names texts that
//! requests are about, in the same form, joined by `:`.

use super::generate::{Random, Row, held_out, rows};
use crate::features::features;
use crate::model::{CALM, Model, TASKS, Task};

const BITS: u8 = 13;
const EPOCHS: usize = 12;
const RATE: f32 = 0.25;
const DECAY: f32 = 2e-5;
/// So many of a hundred features are left out each time a text teaches: no phrase of a template decides alone.
const DROPPED: usize = 40;
/// So many of a file's questions are taken.
const QUESTIONS: usize = 800;
/// So many of the texts are taken.
const TEXTS: usize = 400;

struct Case {
    features: Vec<usize>,
    task: usize,
}

fn case(row: &Row) -> Case {
    let mut all = Vec::new();
    features(&row.text, |feature| all.push(feature as usize & ((1 << BITS) - 1)));
    Case { features: all, task: Task::ALL.iter().position(|task| *task == row.task).expect("a task") }
}

fn probabilities(weights: &[[f32; TASKS]], features: &[usize]) -> [f32; TASKS] {
    let mut sums = [0.0; TASKS];
    for feature in features {
        sums.iter_mut().zip(&weights[*feature]).for_each(|(sum, weight)| *sum += weight);
    }
    let steep = 1.0 / (features.len() as f32 + CALM).sqrt();
    let highest = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised = sums.map(|sum| ((sum - highest) * steep).exp());
    let total: f32 = raised.iter().sum();
    raised.map(|value| value / total)
}

fn texts_of(path: &str) -> Vec<String> {
    let file = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text =
        |line| Some(serde_json::from_str::<serde_json::Value>(line).ok()?.get("text")?.as_str()?.to_owned());
    file.lines().filter_map(text).collect()
}

/// Every case there is, the same in each run.
fn all(random: &mut Random) -> Vec<Row> {
    let paths = std::env::var("TASK_TEXTS").expect("set TASK_TEXTS");
    let texts: Vec<String> = paths.split(':').flat_map(texts_of).collect();
    let texts: Vec<String> = texts.iter().step_by((texts.len() / TEXTS).max(1)).cloned().collect();
    let mut all = rows(&texts, random);
    let questions = texts_of(&std::env::var("TASK_QUESTIONS").expect("set TASK_QUESTIONS"));
    let some = questions.iter().step_by((questions.len() / QUESTIONS).max(1));
    all.extend(some.map(|text| Row { held: held_out(text), text: text.clone(), task: Task::Reason }));
    all
}

#[test]
#[ignore = "a tool: writes data/model.bin"]
fn train() {
    let mut random = Random(20);
    let all = all(&mut random);
    // What ships is taught with everything; what is measured, without what is held out.
    let measured = std::env::var_os("TASK_HOLD").is_some();
    let cases: Vec<Case> = all.iter().filter(|row| !(measured && row.held)).map(case).collect();
    // Each kind counts as much as the others, however many texts there are of it.
    let count = |task: usize| cases.iter().filter(|case| case.task == task).count().max(1);
    let shares: Vec<f32> = (0..TASKS).map(|task| cases.len() as f32 / (TASKS * count(task)) as f32).collect();
    let mut weights = vec![[0.0_f32; TASKS]; 1 << BITS];
    let mut squares = weights.clone();
    let mut mean = weights.clone();
    let mut order: Vec<usize> = (0..cases.len()).collect();
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for n in &order {
            let case = &cases[*n];
            let kept: Vec<usize> =
                case.features.iter().copied().filter(|_| random.below(100) >= DROPPED).collect();
            let mut errors = probabilities(&weights, &kept);
            errors[case.task] -= 1.0;
            errors.iter_mut().for_each(|error| *error *= shares[case.task]);
            let steep = 1.0 / (kept.len() as f32 + CALM).sqrt();
            for feature in kept {
                for task in 0..TASKS {
                    let slope = errors[task] * steep + DECAY * weights[feature][task];
                    squares[feature][task] += slope * slope;
                    weights[feature][task] -= RATE * slope / (squares[feature][task].sqrt() + 1e-3);
                }
            }
        }
        if epoch >= EPOCHS / 2 {
            for (mean, weight) in mean.iter_mut().flatten().zip(weights.iter().flatten()) {
                *mean += weight / (EPOCHS - EPOCHS / 2) as f32;
            }
        }
    }
    let mut sizes: Vec<f32> =
        mean.iter().flatten().map(|weight| weight.abs()).filter(|size| *size > 1e-6).collect();
    sizes.sort_by(f32::total_cmp);
    let scale = sizes[sizes.len() * 999 / 1000] / 127.0;
    let mut file = vec![BITS];
    file.extend(scale.to_le_bytes());
    file.extend(
        mean.iter().flatten().map(|w| ((w / scale).round().clamp(-127.0, 127.0) as i8).cast_unsigned()),
    );
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/data/model.bin"), file).expect("written");
    println!("{} texts taught, {} held out", cases.len(), all.len() - cases.len());
}

/// How well weights that were trained with `TASK_HOLD` do on what was held out.
#[test]
#[ignore = "a tool"]
fn measure() {
    let mut random = Random(20);
    let all = all(&mut random);
    let model = Model::built_in().expect("the weights");
    for task in Task::ALL {
        let held: Vec<&Row> = all.iter().filter(|row| row.held && row.task == task).collect();
        let judged = held.iter().filter_map(|row| model.judge(&row.text));
        let sure: Vec<_> = judged.filter(|(_, score)| *score >= 0.5).collect();
        let right = sure.iter().filter(|(said, _)| *said == task).count();
        println!(
            "{:>10}: {} held out, {:.1} % said right, {:.1} % wrong, the rest unsure",
            task.name(),
            held.len(),
            100.0 * right as f64 / held.len() as f64,
            100.0 * (sure.len() - right) as f64 / held.len() as f64
        );
    }
}
