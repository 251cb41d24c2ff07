//! `audit-log`: what happened, one structured line for each event, and batches of them to a collector.
//!
//! This file only hands records over; `select` decides which events and fields are told, `record` writes them.
//! It never tells a field of the deny list, and a collector that fails never holds anything up.
#![forbid(unsafe_code)]

mod record;
mod select;

use lockgate_sdk::{http, log, metrics, prelude::*};
use select::{Config, Selection};

/// How many events go into one request to the collector.
const BATCH: usize = 500;

struct AuditLog {
    selection: Selection,
}

impl Plugin for AuditLog {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        Selection::new(config).map(|selection| Self { selection }).map_err(|issues| {
            issues.into_iter().map(|(pointer, message)| Issue::new(pointer, message)).collect()
        })
    }
}

impl Observer for AuditLog {
    fn observe(&self, batch: Vec<ObservedEvent>) {
        let told: Vec<ObservedEvent> =
            batch.into_iter().filter_map(|event| self.selection.select(event)).collect();
        if self.selection.logs() {
            for event in &told {
                let at_ms = event.at_ms.to_string();
                log::info(&event.kind, &record::fields(event, &at_ms));
            }
        }
        if let Some(destination) = self.selection.destination() {
            for events in told.chunks(BATCH) {
                if let Err(why) = send(destination, self.selection.path(), events) {
                    let lost = events.len();
                    log::warn("audit events were lost", &[("count", &lost.to_string()), ("reason", &why)]);
                    metrics::add("audit_lost", u64::try_from(lost).unwrap_or(u64::MAX), &[]);
                }
            }
        }
    }
}

fn send(destination: &str, path: &str, events: &[ObservedEvent]) -> Result<(), String> {
    let request = http::Request {
        grant: destination.to_owned(),
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: record::json(events),
        timeout_ms: 5_000,
    };
    match http::send(&request) {
        Ok(response) if (200..300).contains(&response.status) => Ok(()),
        Ok(response) => Err(format!("the collector answered {}", response.status)),
        Err(fault) => Err(format!("{}: {}", fault.code, fault.message)),
    }
}

plugin!(AuditLog: Observer);
