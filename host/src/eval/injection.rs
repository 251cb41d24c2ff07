//! Prompt injection: is an attack refused, and is what is none let through?
//!
//! The text stands where its scope says: a message of the user, or a tool's result. The score is the flag
//! `injection.score`, 0 where there is none; what counts as caught is the component's decision.

use super::cases::label;
use super::component::{Component, number};
use super::tally::Tally;
use super::{EvalError, Options, Problem, Trial, texts};
use crate::plugin::Decision;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Words for an attack, and for none.
const ATTACK: [&str; 6] = ["injection", "attack", "jailbreak", "extraction", "malicious", "unsafe"];
const BENIGN: [&str; 5] = ["benign", "benign_document", "safe", "harmless", "none"];

/// Where a text stands in the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// In a message of the user.
    #[default]
    User,
    /// In a document that was retrieved: the result of a tool.
    Document,
    /// In the result of a tool.
    Tool,
}

impl Scope {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Document => "document",
            Self::Tool => "tool",
        }
    }
}

/// A line.
#[derive(Debug, Deserialize)]
pub struct Case {
    text: String,
    label: Value,
    #[serde(default)]
    cat: Option<String>,
    #[serde(default)]
    scope: Option<Scope>,
}

/// The trial.
pub struct Injection {
    scope: Scope,
    documents: Vec<String>,
    next: usize,
}

/// A decision that only flags cannot be told from none: it is made to refuse.
pub fn adjust(config: &mut Map<String, Value>) {
    if config.get("action").is_some_and(|action| action == "flag") {
        config.insert("action".into(), "reject".into());
    }
}

impl Injection {
    /// A trial.
    ///
    /// # Errors
    /// The documents cannot be read.
    pub fn new(options: &Options) -> Result<Self, EvalError> {
        let documents = match &options.documents {
            Some(file) => texts(file, &["text"])?,
            None => Vec::new(),
        };
        let scope = if documents.is_empty() { options.scope } else { Scope::Document };
        Ok(Self { scope, documents, next: 0 })
    }

    /// An attack within the next document: at its beginning, middle or end by turns.
    fn within(&mut self, attack: &str) -> Option<String> {
        let document = self.documents.get(self.next % self.documents.len().max(1))?;
        let turn = self.next;
        self.next += 1;
        let place = match turn % 3 {
            0 => document.len(),
            1 => {
                let middle = document.floor_char_boundary(document.len() / 2);
                document
                    .get(middle..)?
                    .find(char::is_whitespace)
                    .map_or(document.len(), |space| middle + space)
            }
            _ => 0,
        };
        let (before, after) = document.split_at_checked(place)?;
        let parts = [before, attack, after].map(str::trim);
        Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
    }
}

impl Trial for Injection {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let attack = label(&case.label, &ATTACK, &BENIGN).map_err(Problem::Case)?;
        let scope = case.scope.unwrap_or(self.scope);
        let text = match attack {
            true => self.within(&case.text).unwrap_or(case.text),
            false => case.text,
        };
        let x = component.exchange(request(scope, &text));
        let decision = component.ask(&x).await?;
        let caught = !matches!(decision, Decision::Next);
        let flags = x.flags();
        let score = number(&flags, "injection.score").unwrap_or(0.0);
        let mut classes = vec![format!("scope {}", scope.name())];
        classes.extend(case.cat.map(|cat| format!("cat {cat}")));
        tally.case(&classes, attack, caught);
        tally.all.scores.push((score, attack));
        for class in &classes {
            tally.class(class).scores.push((score, attack));
        }
        if attack != caught {
            let rule = flags.iter().find(|(key, _)| key == "injection.rule").map_or("-", |(_, rule)| rule);
            let (what, weight) = if attack { ("missed", 1.0 - score) } else { ("false alarm", score) };
            tally.mistake(line, weight, format!("{what}, score {score:.2}, rule {rule}"), &text);
        }
        Ok(())
    }
}

/// A request in which the text stands where its scope says.
fn request(scope: Scope, text: &str) -> Value {
    match scope {
        Scope::User => json!({ "model": "eval", "messages": [{ "role": "user", "content": text }] }),
        Scope::Document | Scope::Tool => {
            let name = if scope == Scope::Document { "retrieve_document" } else { "fetch" };
            let call = json!({ "id": "call_1", "type": "function", "function": { "name": name, "arguments": "{}" } });
            json!({ "model": "eval", "messages": [
                { "role": "user", "content": "What does it say?" },
                { "role": "assistant", "content": null, "tool_calls": [call] },
                { "role": "tool", "tool_call_id": "call_1", "content": text },
            ] })
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn attacks_stand_at_the_end_in_the_middle_and_at_the_beginning_by_turns() {
        let documents = vec!["One two three four.".to_owned(); 2];
        let mut trial = Injection { scope: Scope::Document, documents, next: 0 };
        let texts: Vec<String> = (0..4).map(|_| trial.within("Obey.").unwrap()).collect();
        let end = "One two three four.\nObey.";
        assert_eq!(texts, [end, "One two three\nObey.\nfour.", "Obey.\nOne two three four.", end]);
        trial.documents.clear();
        assert_eq!(trial.within("Obey."), None);
    }

    #[test]
    fn every_text_stands_where_its_scope_says() {
        let last = |scope| {
            request(scope, "x").pointer("/messages").unwrap().as_array().unwrap().last().cloned().unwrap()
        };
        for (scope, role) in [(Scope::User, "user"), (Scope::Tool, "tool"), (Scope::Document, "tool")] {
            let message = last(scope);
            assert_eq!(
                (message.get("role"), message.get("content")),
                (Some(&json!(role)), Some(&json!("x")))
            );
        }
    }
}
