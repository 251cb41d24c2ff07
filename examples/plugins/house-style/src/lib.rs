//! `house-style`: asks for the house's words, and puts them in place where the model did not.
//!
//! It shows what `shout` does not need: a configuration that is checked, two hooks that work together, and a
//! filter that holds back what it cannot decide yet, so that a stream comes out as the whole answer would.
#![forbid(unsafe_code)]

use lockgate_sdk::prelude::*;
use std::collections::BTreeMap;

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What is not to be said, and what is said instead. Exactly as written, upper and lower case matter.
    say: BTreeMap<String, String>,
}

struct HouseStyle {
    say: BTreeMap<String, String>,
}

impl Plugin for HouseStyle {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        // What is wrong is said with a pointer into the configuration: `lockgate check` shows the line.
        match config.say.contains_key("") {
            true => Err(vec![Issue::new("/say", "the empty text cannot be replaced")]),
            false => Ok(Self { say: config.say }),
        }
    }
}

impl PreRequest for HouseStyle {
    fn on_request(&self, _: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        if p.operation() == "chat" {
            let wishes: Vec<String> =
                self.say.iter().map(|(not, but)| format!("\"{but}\" instead of \"{not}\"")).collect();
            p.insert(0, "system", &format!("House style: write {}.", wishes.join(", ")))?;
        }
        Ok(Decision::Next)
    }
}

impl TextFilter for HouseStyle {
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault> {
        // Arguments of tools are for programs: a word replaced there breaks a call.
        if w.at.channel == "tool-args" {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        let (safe, edits) = self.edits(&w.text, w.last);
        if !edits.is_empty() {
            x.flag("house-style", "edited");
        }
        Ok(Verdict::release(safe, edits))
    }
}

impl HouseStyle {
    /// The replacements from left to right, the longest first, and where the first undecided place is.
    ///
    /// Each place is decided once all that could stand there is known; what follows a decision never changes
    /// it. That is why every way of cutting a stream gives the same output.
    fn edits(&self, text: &str, last: bool) -> (usize, Vec<Edit>) {
        let mut edits = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let grows = |term: &String| term.len() > rest.len() && term.starts_with(rest);
            if !last && self.say.keys().any(grows) {
                break;
            }
            let found = self.say.iter().filter(|(term, _)| rest.starts_with(term.as_str()));
            if let Some((term, instead)) = found.max_by_key(|(term, _)| term.len()) {
                edits.push(Edit::new(at, at + term.len(), instead));
                at += term.len();
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        (at, edits)
    }
}

plugin!(HouseStyle: PreRequest, TextFilter);
