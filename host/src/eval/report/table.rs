//! The report as text: aligned columns, three decimals, a dash where a figure is not defined.
//!
//! Layout only; every figure is worked out before.

use super::super::UnusedLines;
use super::{Report, Row};
use serde_json::Value;
use std::fmt::Write as _;

/// The report as text.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    head(report, &mut out);
    classes(report, &mut out);
    thresholds(report, &mut out);
    for (name, value) in &report.facts {
        let _ = writeln!(out, "{}: {}", name.replace('_', " "), plain(value));
    }
    let latency = &report.latency;
    let _ = writeln!(
        out,
        "latency of {} calls: p50 {:.1} µs, p99 {:.1} µs, slowest {:.1} µs",
        latency.calls, latency.p50_us, latency.p99_us, latency.max_us
    );
    if !report.mistakes.is_empty() {
        let _ = writeln!(out, "\nworst mistakes");
    }
    for mistake in &report.mistakes {
        let _ = writeln!(out, "  line {}: {}\n    {}", mistake.line, mistake.what, mistake.text);
    }
    unused("are no cases", &report.malformed, &mut out);
    unused("gave no figure: the component failed", &report.failed, &mut out);
    out
}

fn head(report: &Report, out: &mut String) {
    let _ = writeln!(out, "{} on {}: {} cases", report.component, report.data, report.cases);
    if report.config.as_object().is_some_and(|config| !config.is_empty()) {
        let _ = writeln!(out, "configured as {}", report.config);
    }
    out.push('\n');
}

fn classes(report: &Report, out: &mut String) {
    let rows: Vec<&Row> = std::iter::once(&report.all).chain(&report.classes).collect();
    let name = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(5);
    let areas = rows.iter().any(|row| row.roc_auc.is_some());
    let rates = rows.iter().any(|row| row.false_positive_rate.is_some());
    let _ = write!(out, "{:name$}  there found  reported wrong  precision recall    F1    F2", "class");
    out.push_str(if rates { "    FPR" } else { "" });
    out.push_str(if areas { "  ROC-AUC PR-AUC" } else { "" });
    out.push('\n');
    for row in rows {
        let counts = &row.counts;
        let _ = write!(
            out,
            "{:name$}  {:>5} {:>5}  {:>8} {:>5}  {:>9} {:>6} {:>5} {:>5}",
            row.name,
            counts.found + counts.missed,
            counts.found,
            counts.right + counts.wrong,
            counts.wrong,
            figure(row.precision),
            figure(row.recall),
            figure(row.f1),
            figure(row.f2),
        );
        if rates {
            let _ = write!(out, "  {:>5}", figure(row.false_positive_rate));
        }
        if areas {
            let _ = write!(out, "  {:>7} {:>6}", figure(row.roc_auc), figure(row.pr_auc));
        }
        out.push('\n');
    }
    out.push('\n');
}

fn thresholds(report: &Report, out: &mut String) {
    if report.thresholds.is_empty() {
        return;
    }
    out.push_str("threshold  precision recall    F1    FPR\n");
    for row in &report.thresholds {
        let _ = writeln!(
            out,
            "{:>9.3}  {:>9} {:>6} {:>5}  {:>5}",
            row.threshold,
            figure(row.precision),
            figure(row.recall),
            figure(row.f1),
            figure(row.false_positive_rate),
        );
    }
    out.push('\n');
}

fn unused(what: &str, lines: &UnusedLines, out: &mut String) {
    if lines.count == 0 {
        return;
    }
    let _ = writeln!(out, "\n{} lines {what}", lines.count);
    for line in &lines.first {
        let _ = writeln!(out, "  line {}: {}", line.line, line.why);
    }
    if lines.count > lines.first.len() as u64 {
        out.push_str("  …\n");
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.3}"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Number(number) if !number.is_u64() => figure(number.as_f64()),
        other => other.to_string(),
    }
}
