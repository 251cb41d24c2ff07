//! References to the environment and to files in strings: `${env:NAME}`, `${file:/run/secrets/x}`.
//!
//! Resolved once, when the configuration is read. A value that was fetched is never shown.

use super::document::{Document, token};
use super::fault::Faults;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bytes of a file that a reference names at most.
const MAX_FILE: u64 = 1024 * 1024;

/// Where references look. The process's own in production; a table in tests.
pub trait Environment {
    /// A variable.
    fn variable(&self, name: &str) -> Option<String>;
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

/// The document's values with every reference resolved; `files` gets those that were read.
pub fn resolve(
    document: &Document,
    environment: &dyn Environment,
    files: &mut Vec<PathBuf>,
    faults: &mut Faults,
) -> Value {
    let mut resolver = Resolver { document, environment, files, faults };
    resolver.value(&document.value, "")
}

struct Resolver<'a> {
    document: &'a Document,
    environment: &'a dyn Environment,
    files: &'a mut Vec<PathBuf>,
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
                _ => self.refuse(pointer, "a reference is `${env:NAME}` or `${file:PATH}`".into()),
            }
        }
        resolved.push_str(rest);
        resolved
    }

    fn file(&mut self, path: &Path) -> Result<String, String> {
        self.files.push(path.to_owned());
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
