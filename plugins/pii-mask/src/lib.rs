//! `pii-mask`: private data is replaced before a request leaves, and put back in the answer.
//!
//! `pre-request` masks every text of the request and keeps the placeholders' values in the exchange's
//! scratch; `text-filter` restores them, on streams as on whole bodies. Values never reach flags, logs or
//! errors. This file only connects the hooks to the logic, which never calls the host.
#![forbid(unsafe_code)]

mod detect;
mod digest;
mod fake;
mod impersonal;
mod json;
mod mask;
#[cfg(test)]
mod measure;
mod names;
mod restore;
mod rules;
mod settings;
#[cfg(test)]
#[path = "../training/tools.rs"]
mod tools;
mod vault;

use lockgate_sdk::prelude::*;
use mask::Plan;
use settings::{Config, Settings};
use vault::Vault;

/// Where the placeholders are kept in the exchange's scratch.
const MAP: &str = "map";

struct PiiMask {
    settings: Settings,
}

impl Plugin for PiiMask {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = |wrong: Vec<settings::Wrong>| {
            wrong.into_iter().map(|(at, what)| Issue::new(at, what)).collect::<Vec<_>>()
        };
        Settings::new(config).map(|settings| PiiMask { settings }).map_err(issues)
    }
}

impl PreRequest for PiiMask {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let texts = p.texts();
        let plan = Plan::new(&self.settings, texts.iter().map(|part| part.text.as_str()));
        if plan.is_empty() {
            x.pass_answer();
            return Ok(Decision::Next);
        }
        let mut quiet = String::new();
        for (kind, count) in plan.counts() {
            match self.settings.kind(kind) {
                Some(kind) if kind.quiet => {
                    let plus = if quiet.is_empty() { "" } else { "+" };
                    quiet = quiet + plus + &kind.name;
                }
                Some(kind) => x.flag(&format!("pii.{}", kind.name), &count.to_string()),
                None => {}
            }
        }
        // Not below `pii.`: who asks for private data does not mean these.
        if !quiet.is_empty() {
            x.flag("impersonal", &quiet);
        }
        if let Some(name) = plan.refused(&self.settings) {
            let message = format!("The request contains private data that may not be sent ({name}).");
            return Ok(Decision::Reject(Rejection::new(400, "pii_detected", message)));
        }
        if plan.changes_nothing(&self.settings) {
            x.pass_answer();
            return Ok(Decision::Next);
        }
        let mut vault = Vault::default();
        for part in &texts {
            vault.avoid(&part.text);
        }
        for (n, part) in texts.iter().enumerate() {
            if let Some(masked) = plan.rewrite(&self.settings, n, &part.text, &mut vault) {
                p.set_text(&part.at, &masked)?;
            }
        }
        if self.settings.restore && !vault.is_empty() {
            x.put(MAP, &vault.encode())?;
        } else {
            x.pass_answer();
        }
        Ok(Decision::Next)
    }
}

impl TextFilter for PiiMask {
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault> {
        if !self.settings.restore {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        let Some(map) = x.get(MAP) else {
            return Ok(Verdict::Pass(Pass::all(&w)));
        };
        let entries =
            vault::decode(&map).ok_or_else(|| Fault::internal("the placeholder map cannot be read"))?;
        let json = w.at.channel == "tool-args";
        let key = inside_key(x, &w);
        let inside = x.get(&key).is_some_and(|bytes| bytes == [1]);
        let done = restore::restore(&entries, &w.text, json, w.last, inside);
        if done.inside != inside {
            x.put(&key, &[u8::from(done.inside)])?;
        }
        let edits = done.changes.into_iter().map(|c| Edit::new(c.start, c.end, c.to)).collect();
        Ok(Verdict::release(done.safe, edits))
    }
}

/// Where it is kept whether a text was released up to the inside of a word.
fn inside_key(x: &Exchange, w: &Window) -> String {
    let attempt = x.attr("attempt").unwrap_or_default();
    format!("inside/{attempt}/{}/{}/{}", w.at.item, w.at.part, w.at.channel)
}

plugin!(PiiMask: PreRequest, TextFilter);
