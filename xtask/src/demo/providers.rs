//! The demo's providers: one that answers by a script, one that is down.
//!
//! Nobody needs a key: they are this process.

use anyhow::Result;
use lockgate_upstream::{Recorded, Reply, Upstream};
use std::sync::atomic::{AtomicUsize, Ordering};

/// JSON that a model got nearly right.
const NEARLY_JSON: &str = "Sure! ```json\n{'city': 'Bern', \"population\": 137000,}\n```";
/// What a model says that was asked for JSON and did not care.
const NOT_JSON: &str = "Bern is a lovely city, and a good many people live there.";

/// The providers of the demo.
pub(super) struct Providers {
    /// Answers everything.
    pub(super) openai: Upstream,
    /// Is down.
    pub(super) primary: Upstream,
}

impl Providers {
    /// Starts them.
    pub(super) async fn start() -> Result<Self> {
        let asked_for_json = AtomicUsize::new(0);
        let openai = Upstream::start(move |request: &Recorded| answer(request, &asked_for_json)).await?;
        let primary = Upstream::start(|_: &Recorded| Reply::error(503, "The model is overloaded.")).await?;
        Ok(Self { openai, primary })
    }
}

fn answer(request: &Recorded, asked_for_json: &AtomicUsize) -> Reply {
    let said = request.last_user_text();
    if request.json().get("response_format").is_some() {
        // In turn, so that whoever plays with the demo sees the same again.
        let turn = asked_for_json.fetch_add(1, Ordering::Relaxed);
        return Reply::text(if turn.is_multiple_of(2) { NOT_JSON } else { NEARLY_JSON });
    }
    Reply::text(format!("You said: {said} I will see to it."))
}
