//! The report: a table for people, a JSON document for programs, and how far the bars are from being met.

use crate::gateway::{EMPTY, FOREIGN, LIMITED, STANDARD, STANDARD_FRESH};
use crate::memory::Memory;
use crate::rounds::{Figures, MANY, STREAMING, median};
use lockgate_bench::{FRAMES, SHORT_FRAMES};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The row of the direct connection.
pub(crate) const DIRECT: &str = "direct";
/// The row of nginx.
pub(crate) const NGINX: &str = "nginx";

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    /// A name and its figures, or why there are none.
    pub(crate) rows: Vec<(String, Result<Figures, String>)>,
    /// Start-up and memory of Lockgate, where it was there.
    pub(crate) memory: Option<Memory>,
    /// What stood in the yardstick's place.
    pub(crate) nginx_version: Option<String>,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Bytes of each prompt.
    pub(crate) prompt_bytes: usize,
    /// Whether they are made of texts that were given.
    pub(crate) of_texts: bool,
}

/// Whether a figure is where it must be.
#[derive(Debug)]
struct Bar {
    what: String,
    value: f64,
    bound: f64,
    unit: &'static str,
    met: bool,
}

impl Report {
    fn figures(&self, name: &str) -> Option<&Figures> {
        self.rows.iter().find(|(row, _)| row == name)?.1.as_ref().ok()
    }

    fn value(&self, name: &str, pick: impl Fn(&Figures) -> &Vec<f64>) -> Option<f64> {
        median(pick(self.figures(name)?))
    }

    /// How much later the median answer comes than over a direct connection, in µs.
    fn added(&self, name: &str) -> Option<f64> {
        Some(self.value(name, |f| &f.p50_us)? - self.value(DIRECT, |f| &f.p50_us)?)
    }

    /// The same for the end of a short stream.
    fn added_short(&self, name: &str) -> Option<f64> {
        Some(self.value(name, |f| &f.short_us)? - self.value(DIRECT, |f| &f.short_us)?)
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let _ = writeln!(
            table,
            "\nMedians of {} rounds; prompts of {} B{}, streams of {FRAMES} frames. 1 connection: p50, p99, \
             p50 over direct, p50 of the gateway's own time, first byte of a stream, end of one of {SHORT_FRAMES} frames (µs); {MANY} connections: answers/s, p99, \
             processor time of an answer (µs); {STREAMING} connections: frames/s.\n",
            self.rounds,
            self.prompt_bytes,
            if self.of_texts { " of the texts given" } else { "" },
        );
        let heads = [
            "p50",
            "p99",
            "added",
            "own",
            "first byte",
            "short",
            "answers/s",
            "p99 at 64",
            "processor",
            "frames/s",
        ];
        let _ = write!(table, "{:<28}", "");
        heads.iter().for_each(|head| _ = write!(table, "{head:>12}"));
        let _ = writeln!(table);
        for (name, outcome) in &self.rows {
            let _ = write!(table, "{name:<28}");
            match outcome {
                Ok(figures) => {
                    let added = self.added(name).filter(|_| name != DIRECT);
                    let cells = [
                        median(&figures.p50_us),
                        median(&figures.p99_us),
                        added,
                        median(&figures.own_us),
                        median(&figures.first_byte_us),
                        median(&figures.short_us),
                        median(&figures.per_second),
                        median(&figures.many_p99_us),
                        median(&figures.processor_us),
                        median(&figures.frames_per_second),
                    ];
                    cells.iter().for_each(|cell| match cell {
                        Some(value) => _ = write!(table, "{value:>12.0}"),
                        None => _ = write!(table, "{:>12}", "-"),
                    });
                    let _ = writeln!(table);
                }
                Err(error) => _ = writeln!(table, "  FAILED: {error}"),
            }
        }
        if self.nginx_version.is_none() {
            table.push_str("\nnginx is not installed: there is no yardstick.\n");
        }
        if let Some(memory) = &self.memory {
            let starts: Vec<f64> = memory.start_up.iter().copied().map(millis).collect();
            let _ = writeln!(
                table,
                "\nlockgate with the standard chain: ready in {:.0} ms (cold {:.0} ms), {} idle, {} with {} open \
                 streams ({} each)",
                median(&starts).unwrap_or_default(),
                millis(memory.cold_start_up),
                mebibytes(memory.idle_bytes),
                mebibytes(memory.loaded_bytes),
                memory.streams,
                memory.bytes_per_stream().map_or("?".into(), |bytes| format!("{} KiB", bytes / 1024)),
            );
        }
        let bars = self.bars();
        if !bars.is_empty() {
            table.push_str("\nBars:\n");
            for Bar { what, value, bound, unit, met } in bars {
                let verdict = if met { "met   " } else { "MISSED" };
                let _ = writeln!(table, "  {verdict}  {what}: {value:.2} {unit} (bar {bound:.2} {unit})");
            }
        }
        table
    }

    /// The bars that could be measured.
    fn bars(&self) -> Vec<Bar> {
        let row = |route: &str| format!("lockgate {route}");
        let mut bars = Vec::new();
        let mut at_least = |what: &str, value: Option<f64>, bound: f64, unit: &'static str| {
            bars.extend(value.map(|value| Bar {
                what: what.into(),
                value,
                bound,
                unit,
                met: value >= bound,
            }));
        };
        let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
        let throughput = |name: &str| self.value(name, |f| &f.per_second);
        let share = ratio(throughput(&row(EMPTY)), throughput(NGINX));
        at_least("empty chain, answers/s at 64 connections", share, 0.6, "× nginx");
        let share = ratio(throughput(&row(LIMITED)), throughput(&row(EMPTY)));
        at_least("limits, budgets, rules and ranking, answers/s at 64 connections", share, 0.85, "× without");
        let mut at_most = |what: &str, value: Option<f64>, bound: f64, unit: &'static str| {
            bars.extend(value.map(|value| Bar {
                what: what.into(),
                value,
                bound,
                unit,
                met: value <= bound,
            }));
        };
        let added = ratio(self.added(&row(EMPTY)), self.added(NGINX));
        at_most("empty chain, added p50 at 1 connection", added, 2.5, "× nginx's");
        let more = self.added(&row(LIMITED)).zip(self.added(&row(EMPTY)));
        at_most(
            "limits, budgets, rules and ranking, added p50",
            more.map(|(with, without)| with - without),
            60.0,
            "µs",
        );
        // A chain reads its prompts: the bound is for 1 KB, or for 2.
        let bound = if self.prompt_bytes > 1024 { 500.0 } else { 250.0 };
        at_most("standard chain with reuse, added p50", self.added(&row(STANDARD)), bound, "µs");
        let own = self.value(&row(STANDARD), |f| &f.own_us);
        at_most("standard chain with reuse, own p50", own, bound, "µs");
        at_most("standard chain with fresh, added p50", self.added(&row(STANDARD_FRESH)), 500.0, "µs");
        at_most(
            "OpenAI to Anthropic, added p50 of a short stream",
            self.added_short(&row(FOREIGN)),
            250.0,
            "µs",
        );
        if let Some(memory) = &self.memory {
            let starts: Vec<f64> = memory.start_up.iter().copied().map(millis).collect();
            at_most("start to ready, compiled before", median(&starts), 250.0, "ms");
            at_most("idle memory", memory.idle_bytes.map(megabytes), 80.0, "MB");
            let loaded = memory.loaded_bytes.filter(|_| memory.streams >= 1000);
            at_most("memory with 1,000 open streams", loaded.map(megabytes), 400.0, "MB");
        }
        bars
    }

    /// The document.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|(name, outcome)| match outcome {
                Ok(figures) => json!({
                    "name": name,
                    "added_p50_us": self.added(name).filter(|_| name != DIRECT),
                    "one_connection": {
                        "p50_us": spread(&figures.p50_us),
                        "p99_us": spread(&figures.p99_us),
                        "own_us": spread(&figures.own_us),
                    },
                    "many_connections": {
                        "answers_per_second": spread(&figures.per_second),
                        "p99_us": spread(&figures.many_p99_us),
                        "processor_us": spread(&figures.processor_us),
                    },
                    "streams": {
                        "first_byte_us": spread(&figures.first_byte_us),
                        "short_us": spread(&figures.short_us),
                        "short_added_us": self.added_short(name).filter(|_| name != DIRECT),
                        "frames_per_second": spread(&figures.frames_per_second),
                    },
                }),
                Err(error) => json!({"name": name, "error": error}),
            })
            .collect();
        let bars: Vec<Value> = self
            .bars()
            .iter()
            .map(|bar| json!({"what": bar.what, "value": bar.value, "bound": bar.bound, "unit": bar.unit, "met": bar.met}))
            .collect();
        let memory = self.memory.as_ref().map(|memory| {
            let starts: Vec<f64> = memory.start_up.iter().copied().map(millis).collect();
            json!({
                "start_up_ms": spread(&starts),
                "cold_start_up_ms": millis(memory.cold_start_up),
                "idle_bytes": memory.idle_bytes,
                "open_streams": memory.streams,
                "open_streams_bytes": memory.loaded_bytes,
                "bytes_per_open_stream": memory.bytes_per_stream(),
            })
        });
        json!({
            "rounds": self.rounds,
            "processors": std::thread::available_parallelism().map(std::num::NonZero::get).ok(),
            "prompt_bytes": self.prompt_bytes,
            "of_texts": self.of_texts,
            "connections": {"many": MANY, "streaming": STREAMING},
            "nginx": self.nginx_version,
            "targets": rows,
            "standard_chain": memory,
            "bars": bars,
        })
    }
}

/// The median of the rounds and the rounds themselves.
fn spread(values: &[f64]) -> Value {
    json!({"median": median(values), "rounds": values})
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1e3
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("?".into(), |bytes| format!("{} MiB", bytes / (1024 * 1024)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn figures(p50: f64, per_second: f64) -> Figures {
        Figures {
            p50_us: vec![p50 - 1.0, p50, p50 + 9.0],
            p99_us: vec![2.0 * p50],
            own_us: Vec::new(),
            per_second: vec![per_second],
            many_p99_us: vec![900.0],
            processor_us: vec![30.0],
            first_byte_us: vec![p50],
            short_us: vec![2.0 * p50],
            frames_per_second: vec![1e6],
        }
    }

    fn report() -> Report {
        Report {
            rows: vec![
                (DIRECT.into(), Ok(figures(60.0, 90_000.0))),
                (NGINX.into(), Ok(figures(100.0, 40_000.0))),
                ("lockgate empty".into(), Ok(figures(150.0, 30_000.0))),
                ("lockgate standard-reuse".into(), Ok(figures(400.0, 9_000.0))),
                ("lockgate pii-mask".into(), Err("answered 500".into())),
            ],
            memory: None,
            nginx_version: Some("nginx/1".into()),
            rounds: 3,
            prompt_bytes: 1024,
            of_texts: false,
        }
    }

    #[test]
    fn bars_compare_with_nginx_and_with_direct() {
        let bars = report().bars();
        let found: Vec<(f64, bool)> = bars.iter().map(|bar| (bar.value, bar.met)).collect();
        assert_eq!(found, [(0.75, true), (2.25, true), (340.0, false)]);
    }

    #[test]
    fn the_table_and_the_document_tell_failures() {
        let report = report();
        let table = report.table();
        assert!(table.contains("FAILED: answered 500") && table.contains("MISSED"), "{table}");
        let json = report.json();
        assert_eq!(json.pointer("/targets/1/added_p50_us").unwrap(), 40.0);
        assert_eq!(json.pointer("/targets/0/added_p50_us").unwrap(), &Value::Null);
        assert_eq!(json.pointer("/targets/4/error").unwrap(), "answered 500");
    }
}
