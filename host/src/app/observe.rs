//! Hands the records of exchanges to the observers of their routes, in batches, off the hot path.

use super::App;
use crate::ledger::Record;
use crate::pipeline::gate::Gate;
use crate::plugin::ObservedEvent;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Records of a batch.
const BATCH: usize = 256;
/// How long a record may wait for others.
const DELAY: Duration = Duration::from_millis(500);

/// Starts handing out records, for as long as the application lives.
pub fn start(app: &Arc<App>) {
    let mut records = app.shared.ledger.subscribe(BATCH, DELAY);
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        while let Some(batch) = records.recv().await {
            let Some(app) = app.upgrade() else { return };
            for (gate, events) in by_observer(&app, &batch) {
                if let Err(error) = gate.binding.observe(events).await {
                    tracing::warn!(binding = gate.binding.name(), %error, "an observer failed");
                }
            }
        }
    });
}

/// The batch, sorted by the observers of the routes that the records are of.
fn by_observer(app: &App, batch: &[Arc<Record>]) -> Vec<(Gate, Vec<ObservedEvent>)> {
    let gateway = app.gateway();
    let mut sorted: HashMap<u32, (Gate, Vec<ObservedEvent>)> = HashMap::new();
    for record in batch {
        let Some(route) = gateway.tenants.get(&record.tenant).and_then(|routes| routes.named(&record.route))
        else {
            continue;
        };
        for gate in route.chain.observers() {
            let (_, events) = sorted.entry(gate.binding.id().0).or_insert_with(|| (gate.clone(), Vec::new()));
            events.push(event(record));
        }
    }
    sorted.into_values().collect()
}

fn event(record: &Record) -> ObservedEvent {
    ObservedEvent {
        exchange: record.id.clone(),
        kind: if record.is_mirror() { "mirror" } else { "exchange" }.into(),
        at_ms: record.ended_ms(),
        fields: record.fields(),
    }
}
