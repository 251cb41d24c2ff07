//! Exports every hook and shows what it was given: texts with one word replaced, facts and scratch as
//! flags, how often this instance was called.
//!
//! Counts its configurations and what it observed in the operator's metrics, where a test reads them.

#![forbid(unsafe_code)]

use lockgate_sdk::prelude::*;
use lockgate_sdk::{log, metrics};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The word that is replaced,
    from: String,
    /// by this.
    to: String,
    /// Facts of the exchange to show as flags.
    attrs: Vec<String>,
    /// Request headers to show as flags.
    headers: Vec<String>,
    /// A model to ask for.
    model: Option<String>,
    /// A merge patch for the request.
    merge: Option<String>,
    /// A system message to put in front.
    system: Option<String>,
    /// Bytes to put into the scratch in each call.
    scratch: Option<usize>,
    /// Whether it says that the answer is nothing to it.
    pass_answer: bool,
    /// Whether `pre-request` fails in the end.
    fail: bool,
    /// A word that `pre-request` refuses.
    refuse: Option<String>,
    /// Whether `pre-request` tells the texts: in a metric, in the log, on the console.
    tell: bool,
    /// How often `pre-request` counts.
    count: u32,
    /// A word that `pre-request` answers itself.
    answer: Option<String>,
    /// A word in a request whose call is said to hold for others.
    hold_call: Option<String>,
    /// Whether the provider is sent the prompt as it is.
    send_prompt: bool,
    /// What format the answer is said to come in.
    native: Option<String>,
}

struct Echo {
    config: Config,
    calls: AtomicU64,
}

impl Plugin for Echo {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        metrics::add("configured", 1, &[]);
        Ok(Self { config, calls: AtomicU64::new(0) })
    }
}

impl PreRequest for Echo {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        x.flag("calls", &calls.to_string());
        let kept = x.get("kept").map_or(0, |kept| kept.len());
        x.flag("kept", &kept.to_string());
        if let Some(bytes) = self.config.scratch {
            x.put("kept", &vec![7; bytes])?;
        }
        for key in &self.config.attrs {
            x.flag(key, x.attr(key).as_deref().unwrap_or("-"));
        }
        for name in &self.config.headers {
            x.flag(name, &p.header(name).join(","));
        }
        if let Some(model) = &self.config.model {
            p.set_model(model)?;
        }
        if let Some(patch) = &self.config.merge {
            p.merge(patch)?;
        }
        if let Some(text) = &self.config.system {
            p.insert(0, "system", text)?;
        }
        if !self.config.from.is_empty() {
            for part in p.texts() {
                p.set_text(&part.at, &part.text.replace(&self.config.from, &self.config.to))?;
            }
        }
        for part in p.texts().iter().filter(|_| self.config.tell) {
            metrics::add(&format!("told {}", part.text), 1, &[]);
            log::warn(&format!("logged {}", part.text), &[]);
            eprint!("printed {}", part.text);
        }
        (0..self.config.count).for_each(|_| metrics::add("counted", 1, &[]));
        if self.config.pass_answer {
            x.pass_answer();
        }
        if self.config.fail {
            return Err(Fault::internal("it was told to fail"));
        }
        if says(p, &self.config.refuse) {
            return Ok(Decision::Reject(Rejection::new(403, "refused", "it was told to refuse")));
        }
        if says(p, &self.config.answer) {
            return Ok(Decision::Answer("it was told to answer".into()));
        }
        Ok(Decision::Next)
    }
}

/// Whether a text of the request has a word.
fn says(p: &Prompt, word: &Option<String>) -> bool {
    word.as_ref().is_some_and(|word| p.texts().iter().any(|text| text.text.contains(word)))
}

impl Routing for Echo {
    /// The last goes first; what is known of the first is told in flags.
    fn rank(&self, x: &Exchange, _: &Prompt, targets: Vec<Target>) -> Result<Vec<u32>, Fault> {
        for (name, value) in targets.first().into_iter().flat_map(|target| &target.signals) {
            x.flag(&format!("signal.{name}"), value);
        }
        Ok((0..targets.len() as u32).rev().collect())
    }
}

impl ProviderAdapter for Echo {
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        if says(p, &self.config.hold_call) {
            x.hold_call();
        }
        let secret = Value::Secret(Secret { name: "api-key".into(), prefix: "Bearer ".into() });
        let mut headers = vec![("authorization".to_owned(), secret)];
        headers.extend(target.into_iter().map(|(name, value)| (name, Value::Text(value))));
        Ok(Call {
            method: "POST".into(),
            path: "/echo".into(),
            headers,
            body: match self.config.send_prompt {
                true => Body::Prompt,
                false => Body::Bytes(p.json("").unwrap_or_default().into_bytes()),
            },
            signer: None,
            native: self.config.native.clone(),
        })
    }

    fn decode(
        &self,
        _: &Exchange,
        _: u16,
        _: Attrs,
        frames: Vec<Frame>,
        last: bool,
    ) -> Result<Vec<Event>, Fault> {
        let text = |frame: Frame| {
            let text = String::from_utf8_lossy(&frame.data).into_owned();
            Event::Text(Delta { choice: 0, part: 0, channel: "content".into(), text })
        };
        let mut events: Vec<Event> = frames.into_iter().map(text).collect();
        if last {
            events.push(Event::Finish((0, "stop".into())));
        }
        Ok(events)
    }
}

impl TextFilter for Echo {
    fn inspect(&self, _: &Exchange, w: Window) -> Result<Verdict, Fault> {
        if self.config.from.is_empty() {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        let found = w.text.match_indices(&self.config.from);
        let edits = found.map(|(at, from)| Edit::new(at, at + from.len(), self.config.to.as_str())).collect();
        Ok(Verdict::release(w.text.len(), edits))
    }
}

impl PostResponse for Echo {
    fn on_response(&self, _: &Exchange, answer: Vec<TextPart>, _: Attrs) -> Result<Outcome, Fault> {
        if self.config.from.is_empty() {
            return Ok(Outcome::Accept);
        }
        let replaced = |mut part: TextPart| {
            part.text = part.text.replace(&self.config.from, &self.config.to);
            part
        };
        Ok(Outcome::Replace(answer.into_iter().map(replaced).collect()))
    }
}

impl Observer for Echo {
    fn observe(&self, batch: Vec<ObservedEvent>) {
        metrics::add("observed", batch.len() as u64, &[]);
    }
}

plugin!(Echo: PreRequest, Routing, ProviderAdapter, TextFilter, PostResponse, Observer);
