//! Measures accuracy and speed on data outside the repository; nothing here runs without being asked.
//!
//! `PII_CASES=…/presidio_recognizer_cases.jsonl cargo test --release -p pii-mask measure -- --ignored --nocapture`
//! prints, per entity, how many cases are right, for the half of the cases that we looked at and for the
//! half held out (by a hash of the text), and a table of thresholds. `PII_TEXTS` names a file with spans
//! (`PII_THRESHOLD`, per cent, goes with it).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that a person runs")]

use crate::detect::{BUILT_IN, Detector, Found, Scanner};
use crate::mask::Plan;
use crate::names::Names;
use crate::settings::{Config, Settings};
use crate::vault::Vault;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// What the cases call the entities that we know.
const NAMES: &[(&str, &str)] = &[
    ("ABA_ROUTING_NUMBER", "us_routing"),
    ("AU_ABN", "au_abn"),
    ("AU_ACN", "au_acn"),
    ("AU_MEDICARE", "au_medicare"),
    ("AU_TFN", "au_tfn"),
    ("CA_SIN", "ca_sin"),
    ("CREDIT_CARD", "card"),
    ("CRYPTO", "crypto"),
    ("DE_FUEHRERSCHEIN", "driving_licence"),
    ("DE_HEALTH_INSURANCE", "de_health_insurance"),
    ("DE_ID_CARD", "de_id_card"),
    ("DE_PASSPORT", "passport"),
    ("DE_SOCIAL_SECURITY", "de_social_security"),
    ("DE_TAX_ID", "de_tax_id"),
    ("EMAIL_ADDRESS", "email"),
    ("ES_NIE", "es_nie"),
    ("ES_NIF", "es_nif"),
    ("ES_PASSPORT", "passport"),
    ("FI_PERSONAL_IDENTITY_CODE", "fi_hetu"),
    ("IBAN_CODE", "iban"),
    ("IN_AADHAAR", "in_aadhaar"),
    ("IN_PAN", "in_pan"),
    ("IN_PASSPORT", "passport"),
    ("IP_ADDRESS", "ip"),
    ("IT_DRIVER_LICENSE", "driving_licence"),
    ("IT_FISCAL_CODE", "it_fiscal_code"),
    ("IT_PASSPORT", "passport"),
    ("KR_DRIVER_LICENSE", "driving_licence"),
    ("KR_FRN", "kr_frn"),
    ("KR_PASSPORT", "passport"),
    ("KR_RRN", "kr_rrn"),
    ("MAC_ADDRESS", "mac"),
    ("MEDICAL_LICENSE", "us_dea"),
    ("PHONE", "phone"),
    ("PHONE_NUMBER", "phone"),
    ("PH_MOBILE_NUMBER", "phone"),
    ("PL_PESEL", "pl_pesel"),
    ("SE_PERSONNUMMER", "se_personnummer"),
    ("SG_NRIC_FIN", "sg_nric"),
    ("TH_TNIN", "th_id"),
    ("TR_NATIONAL_ID", "tr_id"),
    ("TR_PHONE_NUMBER", "phone"),
    ("UK_DRIVING_LICENCE", "driving_licence"),
    ("UK_NHS", "uk_nhs"),
    ("UK_NINO", "uk_nino"),
    ("UK_PASSPORT", "passport"),
    ("US_DRIVER_LICENSE", "driving_licence"),
    ("US_ITIN", "us_itin"),
    ("US_MBI", "us_mbi"),
    ("US_NPI", "us_npi"),
    ("US_PASSPORT", "passport"),
    ("US_SSN", "ssn"),
    ("ZA_ID_NUMBER", "za_id"),
];

/// A line of the case file.
struct Case {
    text: String,
    entity: &'static str,
    source: String,
    matches: bool,
}

fn rows(variable: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(std::env::var(variable).ok()?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Our name for an entity: theirs, or ours already.
fn known(name: &str) -> Option<&'static str> {
    let theirs = NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    theirs.or_else(|| BUILT_IN.iter().find(|ours| **ours == name).copied())
}

fn cases() -> Option<Vec<Case>> {
    let case = |row: &Value| {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let source = text("entity");
        Some(Case { text: text("text"), entity: known(&source)?, matches: text("label") == "match", source })
    };
    Some(rows("PII_CASES")?.iter().filter_map(case).collect())
}

/// Whether the case belongs to the half that was never looked at.
fn held_out(text: &str) -> bool {
    let hash =
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, c| (h ^ u64::from(c)).wrapping_mul(0x100_0000_01b3));
    hash >> 32 & 1 == 1
}

fn find(scanner: &Scanner, text: &str) -> Vec<Found> {
    let mut out = Vec::new();
    scanner.detect(text, "", &mut out);
    out
}

fn is_right(scanner: &Scanner, case: &Case) -> bool {
    let found = find(scanner, &case.text);
    found.iter().any(|f| BUILT_IN.get(f.kind) == Some(&case.entity)) == case.matches
}

#[test]
#[ignore = "reads a file that PII_CASES names"]
fn recogniser_cases() {
    let Some(cases) = cases() else { return };
    let scanner = Scanner::new(u128::MAX, 50);
    let mut table: BTreeMap<&str, [u32; 8]> = BTreeMap::new();
    for case in &cases {
        let at = usize::from(held_out(&case.text)) * 4 + usize::from(!case.matches) * 2;
        let right = is_right(&scanner, case);
        for row in [case.source.as_str(), "all"] {
            let row = table.entry(row).or_default();
            *row.get_mut(at).unwrap() += u32::from(right);
            *row.get_mut(at + 1).unwrap() += 1;
        }
        if !right && !held_out(&case.text) && std::env::var("PII_VERBOSE").is_ok() {
            let found = find(&scanner, &case.text);
            let name = |f: &Found| format!("{} {}", BUILT_IN.get(f.kind).unwrap(), f.score);
            println!(
                "{} {} {:?} {:?}",
                case.source,
                case.matches,
                case.text,
                found.iter().map(name).collect::<Vec<_>>()
            );
        }
    }
    println!("{:28} {:>9} {:>9}   held out", "entity", "match", "no match");
    for (name, [a, b, c, d, e, f, g, h]) in table {
        println!("{name:28} {a:>4}/{b:<4} {c:>4}/{d:<4}   {e:>4}/{f:<4} {g:>4}/{h:<4}");
    }
    for threshold in (30..=80).step_by(5) {
        let scanner = Scanner::new(u128::MAX, threshold);
        let mut right = [0, 0];
        let mut all = [0, 0];
        for case in &cases {
            let half = usize::from(held_out(&case.text));
            *right.get_mut(half).unwrap() += u32::from(is_right(&scanner, case));
            *all.get_mut(half).unwrap() += 1;
        }
        println!("threshold {threshold}: seen {}/{}, held out {}/{}", right[0], all[0], right[1], all[1]);
    }
}

#[test]
#[ignore = "reads a file that PII_TEXTS names"]
fn generated_texts() {
    let Some(rows) = rows("PII_TEXTS") else { return };
    let threshold = std::env::var("PII_THRESHOLD").ok().and_then(|t| t.parse().ok()).unwrap_or(50);
    let scanner = Scanner::new(u128::MAX, threshold);
    let mut counts: BTreeMap<String, [u32; 3]> = BTreeMap::new();
    for row in &rows {
        let text = row.get("text").and_then(Value::as_str).unwrap();
        let byte =
            |n: u64| text.char_indices().nth(usize::try_from(n).unwrap()).map_or(text.len(), |(i, _)| i);
        let mut found = find(&scanner, text);
        for span in row.get("spans").and_then(Value::as_array).into_iter().flatten() {
            let (start, end) = (byte(span[0].as_u64().unwrap()), byte(span[1].as_u64().unwrap()));
            let name = span[2].as_str().unwrap();
            let overlaps = |f: &Found| f.start < end && f.end > start;
            let hit = found.iter().any(|f| overlaps(f) && BUILT_IN.get(f.kind).copied() == known(name));
            found.retain(|f| !overlaps(f));
            let Some(ours) = known(name) else { continue };
            let count = counts.entry(ours.to_owned()).or_default();
            *count.get_mut(usize::from(!hit)).unwrap() += 1;
            if !hit && std::env::var("PII_VERBOSE").is_ok() {
                println!("missed {name} {:?}", text.get(start.saturating_sub(0)..end));
            }
        }
        for f in found {
            let name = BUILT_IN.get(f.kind).unwrap();
            *counts.entry((*name).to_owned()).or_default().get_mut(2).unwrap() += 1;
            if std::env::var("PII_VERBOSE").is_ok() {
                println!("extra {name} {:?} in {text:?}", text.get(f.start..f.end));
            }
        }
    }
    for (name, [hit, missed, extra]) in counts {
        println!("{name:20} found {hit} missed {missed} extra {extra}");
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let prose = "The committee met on Tuesday to discuss the budget, and agreed that version 1.2.3 would ship in 2024. \
        Please write to ann.lee@example.com or call (415) 555-0132; the card 4012 8888 8888 1881 was charged 120.50. ";
    let code = "let mut total = items.iter().map(|x| x.price * 12).sum::<u64>(); // see https://example.org/a?b=1\n\
        if config.token == \"abc\" { return Err(Error::new(404, \"not found\")); }\n";
    let letter = "Dear Maria Gonzalez, the office of Acme Tools Ltd. in Hamburg has moved to 14 Harbour Street, and your \
        contract with them ends in May. Please tell Dr. Lee and his colleague what you decide.\nBest regards,\nTom\n";
    let digits = "123456782 987654321 12345678901 4155550132 2345678901234 AB123456C 10.0.0.1 ";
    let scanner = Scanner::new(u128::MAX, 50);
    let names = Names::new(u128::MAX, 50).unwrap();
    for (name, unit) in [
        ("prose", prose),
        ("code", code),
        ("digits", digits),
        ("letter", letter),
        ("words", "lorem ipsum dolor sit amet "),
    ] {
        let text = unit.repeat(16_384 / unit.len());
        let kb = f64::from(u32::try_from(text.len()).unwrap()) / 1024.0;
        // The best of many rounds: what else the machine does is not our cost.
        let best = |detector: &dyn Detector| {
            let (mut best, mut count) = (f64::MAX, 0);
            for _ in 0..60 {
                let mut out = Vec::new();
                let start = Instant::now();
                detector.detect(&text, "", &mut out);
                best = best.min(start.elapsed().as_secs_f64() * 1e6 / kb);
                count = out.len();
            }
            (best, count)
        };
        let ((values, found), (tagged, named)) = (best(&scanner), best(&names));
        let settings = Settings::new(Config::default()).ok().unwrap();
        let whole = || {
            let start = Instant::now();
            let plan = Plan::new(&settings, [text.as_str()].into_iter());
            let _sent = plan.rewrite(&settings, 0, &text, &mut Vault::default());
            start.elapsed().as_secs_f64() * 1e6 / kb
        };
        let request = (0..60).map(|_| whole()).fold(f64::MAX, f64::min);
        print!("a request of it {request:6.2} µs per KB; ");
        println!(
            "{name:8} values {values:6.2} µs per KB, {found} finds; names {tagged:6.2} µs per KB, {named} finds"
        );
    }
}
