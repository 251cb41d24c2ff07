//! References in strings to the environment, to files and to what commands print: `${env:NAME}`,
//! `${file:/run/secrets/x}`, `${command:vault read …}`.
//!
//! Resolved once, when the configuration is read; a change of a file or of what a command prints means that it is read
//! again. A value that was fetched is never shown.

use super::command;
use super::document::{Document, token};
use super::fault::Faults;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// Bytes of a file that a reference names at most.
const MAX_FILE: u64 = 1024 * 1024;

/// Where references look. The process's own in production; a table in tests.
pub trait Environment {
    /// A variable.
    fn variable(&self, name: &str) -> Option<String>;
}

/// What a configuration was made of beside its own text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files.
    pub files: Vec<PathBuf>,
    /// The commands, each with a digest of what it printed.
    pub commands: Vec<(String, Digest)>,
}

/// What stands for something that a command printed.
pub type Digest = [u8; 32];

/// The digest of a text.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

/// The process's own environment.
impl Environment for () {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<const N: usize> Environment for [(&str, &str); N] {
    fn variable(&self, name: &str) -> Option<String> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }
}

/// The document's values with every reference resolved; `sources` gets where they came from.
pub fn resolve(
    document: &Document,
    environment: &dyn Environment,
    sources: &mut Sources,
    faults: &mut Faults,
) -> Value {
    let mut resolver = Resolver { document, environment, sources, faults };
    resolver.value(&document.value, "")
}

struct Resolver<'a> {
    document: &'a Document,
    environment: &'a dyn Environment,
    sources: &'a mut Sources,
    faults: &'a mut Faults,
}

impl Resolver<'_> {
    fn value(&mut self, value: &Value, pointer: &str) -> Value {
        match value {
            Value::String(text) if text.contains("${") => Value::String(self.text(text, pointer)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(n, item)| self.value(item, &format!("{pointer}/{n}")))
                .collect(),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| {
                        (key.clone(), self.value(value, &format!("{pointer}/{}", token(key))))
                    })
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str, pointer: &str) -> String {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, reference)) = rest.split_once("${") {
            resolved.push_str(before);
            let Some((inside, after)) = reference.split_once('}') else {
                self.refuse(pointer, "a reference `${…` has no end".into());
                return resolved;
            };
            rest = after;
            match inside.split_once(':') {
                Some(("env", name)) => match self.environment.variable(name) {
                    Some(value) => resolved.push_str(&value),
                    None => self.refuse(pointer, format!("the environment variable {name} is not set")),
                },
                Some(("file", name)) => match self.file(Path::new(name)) {
                    Ok(value) => resolved.push_str(value.trim_end_matches(['\n', '\r'])),
                    Err(why) => self.refuse(pointer, format!("the file {name} cannot be read: {why}")),
                },
                Some(("command", line)) => match command::run(line) {
                    Ok(value) => {
                        self.sources.commands.push((line.to_owned(), digest(&value)));
                        resolved.push_str(&value);
                    }
                    Err(why) => self.refuse(pointer, format!("the command gives nothing: {why}")),
                },
                _ => self.refuse(
                    pointer,
                    "a reference is `${env:NAME}`, `${file:PATH}` or `${command:LINE}`".into(),
                ),
            }
        }
        resolved.push_str(rest);
        resolved
    }

    fn file(&mut self, path: &Path) -> Result<String, String> {
        self.sources.files.push(path.to_owned());
        let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > MAX_FILE {
            return Err(format!("it is larger than {MAX_FILE} bytes"));
        }
        std::fs::read_to_string(path).map_err(|error| error.kind().to_string())
    }

    fn refuse(&mut self, pointer: &str, message: String) {
        self.faults.add(self.document.fault(pointer, message));
    }
}
