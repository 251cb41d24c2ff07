//! Tests of the compiler; the official suite, where it is told where that is.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "tests")]

use super::{Compiler, Draft, KEPT, KEPT_BYTES};
use crate::stream::{Checked, State, check};
use crate::toplevel::TopLevel;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn plain() -> Compiler {
    Compiler::new(BTreeMap::new(), false, Draft::default())
}

#[test]
fn what_is_not_known_is_not_fetched() {
    let reason = plain().compile(&json!({"$ref": "https://example.com/s.json"})).map(|_| ()).unwrap_err();
    assert!(reason.contains("example.com/s.json"), "{reason}");
    let documents = BTreeMap::from([("https://example.com/s.json".to_owned(), json!({"type": "string"}))]);
    let known = Compiler::new(documents, false, Draft::default())
        .compile(&json!({"$ref": "https://example.com/s.json"}));
    assert!(!known.unwrap().is_valid(&json!(1)));
    assert!(plain().compile(&json!({"$schema": "https://example.com/mine"})).is_err());
}

#[test]
fn formats_are_annotations_unless_wanted() {
    for draft in ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"] {
        let schema = json!({"$schema": draft, "format": "date"});
        assert!(plain().compile(&schema).unwrap().is_valid(&json!("soon")));
        let strict = Compiler::new(BTreeMap::new(), true, Draft::default());
        assert!(!strict.compile(&schema).unwrap().is_valid(&json!("soon")));
    }
}

#[test]
fn a_schema_is_compiled_once_and_few_are_kept() {
    let compiler = plain();
    let text = |n: usize| json!({"const": n}).to_string();
    let first = compiler.cached(&text(0)).unwrap();
    assert!(Arc::ptr_eq(&first, &compiler.cached(&text(0)).unwrap()));
    for n in 0..3 * KEPT {
        assert!(compiler.cached(&text(n)).unwrap().is_valid(&json!(n)));
    }
    assert_eq!(compiler.kept.lock().unwrap().entries.len(), KEPT);
    let long = json!({"const": "x".repeat(KEPT_BYTES)}).to_string();
    assert!(compiler.cached(&long).is_ok());
    assert!(compiler.kept.lock().unwrap().bytes <= KEPT_BYTES);
    assert!(compiler.cached("{").is_err());
}

#[test]
fn a_schema_that_does_not_name_its_draft_is_read_as_one_that_it_fits() {
    let list = json!({"items": [{"type": "string"}]});
    assert!(!plain().compile(&list).unwrap().is_valid(&json!([1])));
    assert!(plain().compile(&json!({"prefixItems": [{"type": "string"}]})).unwrap().is_valid(&json!(["a"])));
    assert!(plain().compile(&json!({"type": "nonsense"})).is_err());
}

#[test]
fn a_costly_pattern_ends() {
    let validator = plain().compile(&json!({"pattern": "^(a|aa)+(?!b)$"})).unwrap();
    let started = std::time::Instant::now();
    let _ = validator.is_valid(&json!(format!("{}c", "a".repeat(5_000))));
    assert!(started.elapsed().as_secs() < 5);
}

/// `LOCKGATE_JSON_SCHEMA_SUITE` names `json_schema_test_suite.jsonl`; the remotes lie beside it.
#[test]
fn the_official_suite_agrees() {
    let Some(path) = std::env::var_os("LOCKGATE_JSON_SCHEMA_SUITE") else {
        println!("skipped: LOCKGATE_JSON_SCHEMA_SUITE is not set");
        return;
    };
    let path = std::path::PathBuf::from(path);
    let lines = |path: &std::path::Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let documents = lines(&path.with_file_name("json_schema_remotes.jsonl")).into_iter().map(|remote| {
        let name = remote["path"].as_str().unwrap().trim_start_matches("remotes/").to_owned();
        (format!("http://localhost:1234/{name}"), remote["schema"].clone())
    });
    let documents: BTreeMap<_, _> = documents.collect();
    let drafts = [("draft7", Draft::Draft7), ("draft2020-12", Draft::Draft202012)];
    let compilers = drafts.map(|(name, draft)| (name, Compiler::new(documents.clone(), false, draft)));
    // Draft, required or not: agreed, all.
    let mut counts: BTreeMap<(String, bool), (usize, usize)> = BTreeMap::new();
    let (mut wrong, mut stopped) = (0, 0);
    for case in lines(&path) {
        let (optional, valid) = (case["optional"] == true, case["label"] == "valid");
        let (_, compiler) = compilers.iter().find(|(name, _)| case["draft"] == *name).unwrap();
        let told = compiler.cached(&case["schema"].to_string()).map(|v| v.is_valid(&case["data"]));
        if valid {
            // What is valid must never be stopped on its way.
            let top = TopLevel::of(&case["schema"]);
            let passed = check(&mut State::default(), &case["data"].to_string(), true, || vec![top]);
            assert_eq!(passed, Checked::Possible, "{case}");
        } else if !optional && told == Ok(false) {
            let top = TopLevel::of(&case["schema"]);
            let passed = check(&mut State::default(), &case["data"].to_string(), true, || vec![top]);
            stopped += usize::from(passed == Checked::NotOfTheSchema);
        }
        let count = counts.entry((case["draft"].to_string(), optional)).or_default();
        count.1 += 1;
        if told == Ok(valid) {
            count.0 += 1;
        } else if !optional {
            wrong += 1;
            println!("{} / {} / {}: {told:?}", case["file"], case["group"], case["test"]);
        }
    }
    println!("of what is invalid, {stopped} would have been stopped on their way");
    for ((draft, optional), (agreed, all)) in counts {
        println!("{draft} {}: {agreed} of {all}", if optional { "optional" } else { "required" });
    }
    assert_eq!(wrong, 0);
}
