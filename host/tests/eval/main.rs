//! `lockgate eval`: the built binary over small files of our own, for each kind.
//!
//! The cases are so plain that any version of the components gets them right: what is tested is the reckoning.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run of the binary gave.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn report(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

fn data(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/eval/data");
    folder.join(name).display().to_string()
}

fn run(args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_lockgate"))
        .arg("eval")
        .args(args)
        .env_clear()
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The report of a kind over its file.
#[track_caller]
fn report(kind: &str, more: &[&str]) -> Value {
    let file = data(&format!("{kind}.jsonl"));
    run(&[&[kind, "--data", &file, "--json"], more].concat()).report(0)
}

fn class<'a>(report: &'a Value, name: &str) -> &'a Value {
    let classes = report["classes"].as_array().unwrap();
    classes.iter().find(|row| row["name"] == name).unwrap_or(&Value::Null)
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn eval_pii_matches_spans_whatever_the_action() {
    let config = r#"{ "action": "reject", "entities": ["email", "card"],
        "custom": [{ "name": "badge", "pattern": "B-\\d{6}" }] }"#;
    let report = report("pii", &["--plugin-config", config]);
    assert_eq!((&report["cases"], &report["latency"]["calls"]), (&json!(4), &json!(4)));
    assert_eq!(
        report["all"]["counts"],
        json!({ "found": 4, "missed": 0, "right": 4, "wrong": 0, "passed": 0 })
    );
    assert_eq!((&report["all"]["f2"], &report["all"]["false_positive_rate"]), (&json!(1.0), &Value::Null));
    assert_eq!(class(&report, "entity EMAIL")["counts"]["found"], 2);
    assert_eq!(class(&report, "entity BADGE")["f1"], 1.0);
}

#[test]
fn eval_pii_tells_what_is_missed() {
    let report = report("pii", &["--entities", "email,badge", "--show-text"]);
    assert_eq!(report["all"]["recall"].as_f64().unwrap(), 2.0 / 3.0);
    assert_eq!(class(&report, "entity CARD"), &Value::Null);
    assert_eq!(
        report["mistakes"],
        json!([{ "line": 3, "what": "missed BADGE at 10..18", "text": "The badge B-123456 opens the door." }])
    );
}

#[test]
fn eval_pii_matches_are_whole_cases() {
    let report = run(&["pii", "--data", &data("pii_matches.jsonl"), "--json"]).report(0);
    assert_eq!(
        report["all"]["counts"],
        json!({ "found": 2, "missed": 0, "right": 2, "wrong": 0, "passed": 1 })
    );
    assert_eq!(class(&report, "entity IBAN")["false_positive_rate"], 0.0);
    assert_eq!(report["facts"], json!({ "values_of_matches": 2, "values_found": 2 }));
}

#[test]
fn eval_injection_has_scores_thresholds_and_scopes() {
    let report = report("injection", &["--sweep", "0.01,1.01", "--plugin-config", r#"{ "action": "flag" }"#]);
    assert_eq!(
        report["all"]["counts"],
        json!({ "found": 2, "missed": 0, "right": 2, "wrong": 0, "passed": 2 })
    );
    assert_eq!((&report["all"]["roc_auc"], &report["all"]["pr_auc"]), (&json!(1.0), &json!(1.0)));
    let thresholds = report["thresholds"].as_array().unwrap();
    assert_eq!((&thresholds[0]["recall"], &thresholds[1]["recall"]), (&json!(1.0), &json!(0.0)));
    assert_eq!(class(&report, "scope tool")["recall"], 1.0);
    assert_eq!(class(&report, "scope document")["false_positive_rate"], 0.0);
    assert_eq!(class(&report, "cat override")["counts"]["found"], 1);
}

#[test]
fn eval_injection_puts_attacks_into_documents() {
    let documents = data("documents.jsonl");
    // Nothing is caught from 1 on, so that the texts are told.
    let config = r#"{ "threshold": 1, "scopes": { "user": 1, "tool": 1 }, "disabled": [] }"#;
    let report = report(
        "injection",
        &["--documents", &documents, "--plugin-config", config, "--show-text", "--limit", "1"],
    );
    assert_eq!(report["cases"], 1);
    for mistake in report["mistakes"].as_array().unwrap() {
        assert!(mistake["text"].as_str().unwrap().starts_with("The library opens at nine."), "{mistake}");
    }
    assert_eq!(class(&report, "scope document")["counts"]["passed"], 0);
}

#[test]
fn eval_content_counts_categories() {
    let config = r#"{ "categories": {
        "codenames": { "severity": "high", "words": ["bluebird"] },
        "ticket": { "severity": "low", "patterns": [{ "name": "id", "pattern": "ABC-\\d+" }] } } }"#;
    for side in ["prompt", "answer"] {
        let report =
            report("content", &["--plugin-config", config, "--side", side, "--alias", "code=codenames"]);
        assert_eq!((&report["all"]["f1"], &report["all"]["false_positive_rate"]), (&json!(1.0), &json!(0.0)));
        for category in ["category codenames", "category ticket"] {
            assert_eq!(class(&report, category)["f1"], 1.0, "{side} {category}");
        }
    }
}

#[test]
fn eval_cache_keeps_pairs_apart() {
    let report = report("cache", &["--sweep", "0.5,0.99"]);
    // The third pair asks what the first has kept: it must not be there any more.
    assert_eq!(
        report["all"]["counts"],
        json!({ "found": 2, "missed": 0, "right": 2, "wrong": 0, "passed": 2 })
    );
    assert_eq!((&report["facts"]["hits"], &report["facts"]["wrong_share_of_hits"]), (&json!(2), &json!(0.0)));
    assert_eq!(report["thresholds"][1]["recall"], 1.0);
    assert_eq!(class(&report, "cat same words")["recall"], 1.0);
}

#[test]
fn eval_cache_meets_distractors() {
    let report = report("cache", &["--distractors", &data("distractors.jsonl")]);
    assert_eq!(
        (&report["facts"]["hits_of_distractors"], &report["all"]["counts"]["wrong"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(report["mistakes"][0]["line"], 2);
}

#[test]
fn eval_output_counts_verdicts_and_repairs() {
    let report = report("output", &[]);
    assert_eq!((&report["facts"]["agreement"], &report["facts"]["restored"]), (&json!(1.0), &json!(1.0)));
    // One invalid value refused, one answer restored; one valid value and one hopeless answer dealt with.
    assert_eq!(
        report["all"]["counts"],
        json!({ "found": 2, "missed": 0, "right": 2, "wrong": 0, "passed": 2 })
    );
    assert_eq!(class(&report, "repairs trailing comma")["f1"], 1.0);
    assert_eq!(class(&report, "optional of draft2020-12")["counts"]["passed"], 1);
}

#[test]
fn eval_routing_compares_with_always_and_best() {
    let report = report("routing", &["--plugin-config", r#"{ "strategy": "cost" }"#]);
    let facts = &report["facts"];
    assert_eq!(
        (&facts["sent_to_strong"], &facts["right"], &facts["right_at_best"]),
        (&json!(0.0), &json!(0.5), &json!(0.75))
    );
    assert_eq!(report["all"]["counts"]["missed"], 1);
    assert_eq!(class(&report, "bench proofs")["recall"], 0.0);
    let strong = r#"{ "strategy": "priority", "order": ["eval/strong"] }"#;
    let report = self::report("routing", &["--plugin-config", strong]);
    assert_eq!((&report["facts"]["sent_to_strong"], &report["all"]["recall"]), (&json!(1.0), &json!(1.0)));
}

#[test]
fn eval_reports_bad_lines_with_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "{\"text\": \"a\", \"label\": 0}\n\n{\"text\": \"b\"\n{\"text\": \"c\", \"label\": \"perhaps\"}\n{\"label\": 1}\n";
    let cases = file(&folder, "cases.jsonl", lines).display().to_string();
    let ran = run(&["injection", "--data", &cases, "--json"]);
    let report = ran.report(1);
    assert_eq!((&report["cases"], &report["malformed"]["count"]), (&json!(1), &json!(3)));
    let numbers: Vec<u64> = report["malformed"]["first"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bad| bad["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 4, 5]);
    let table = run(&["injection", "--data", &cases]).out;
    assert!(table.contains("3 lines are no cases") && table.contains("line 4:"), "{table}");
}

#[test]
fn eval_uses_the_chain_of_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({ "chains": {
        "lax": [{ "plugin": "builtin:pii-mask", "config": { "entities": ["card"] } }],
        "strict": [
            { "plugin": "builtin:injection-filter" },
            { "plugin": "builtin:pii-mask", "name": "own", "config": { "entities": ["email"] } },
        ],
    } });
    let config = file(&folder, "lockgate.yaml", &config.to_string()).display().to_string();
    let found = |chain: &[&str], code: i32| {
        let ran =
            run(&[&["pii", "--data", &data("pii.jsonl"), "--config", &config, "--json"], chain].concat());
        ran.report(code)["all"]["counts"]["found"].as_u64().unwrap()
    };
    assert_eq!((found(&["--chain", "lax"], 0), found(&["--chain", "strict"], 0), found(&[], 0)), (1, 2, 1));
    let none = run(&["content", "--data", &data("content.jsonl"), "--config", &config]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("builtin:content-filter"), "{}", none.err);
}

#[test]
fn eval_says_what_is_wrong_with_its_command_line() {
    let cases = data("pii.jsonl");
    for (args, code, words) in [
        (
            vec!["pii", "--data", &cases, "--plugin-config", r#"{ "entities": ["nose"] }"#],
            2,
            "chains.eval[0].config.entities[0]",
        ),
        (vec!["pii", "--data", &cases, "--plugin-config", "[]"], 2, "JSON object"),
        (vec!["pii", "--data", "there-is-no-such-file", "--json"], 1, "there-is-no-such-file"),
        (vec!["pii", "--data", &cases, "--sweep", "much"], 2, "no list of thresholds"),
        (vec!["nose", "--data", &cases], 2, "pii"),
    ] {
        let ran = run(&args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
}
