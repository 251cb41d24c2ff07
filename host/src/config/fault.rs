//! What is wrong with a configuration, where, and what was probably meant.

use super::document::Position;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The faulty value's JSON pointer; empty for the whole.
    pub pointer: String,
    /// Where that stands, when it stands anywhere.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Fault {
    /// Where it is, as operators write paths: `routes.smart.targets[1]`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for token in self.pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.is_empty() {
                path.push_str(&format!("[{token}]"));
            } else {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&token);
            }
        }
        path
    }
}

/// Everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    name: String,
    /// One by one.
    pub list: Vec<Fault>,
}

impl Faults {
    /// None yet, of a file of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), list: Vec::new() }
    }

    /// A single one, of the whole.
    pub fn one(name: &str, message: impl Into<String>) -> Self {
        let fault =
            Fault { pointer: String::new(), position: None, message: message.into(), suggestion: None };
        Self { name: name.to_owned(), list: vec![fault] }
    }

    /// Adds one.
    pub fn add(&mut self, fault: Fault) {
        if !self.list.contains(&fault) {
            self.list.push(fault);
        }
    }

    /// Adds what was found later; of a place that has a fault already, nothing more is told.
    pub fn join(&mut self, later: Self) {
        let known: Vec<String> = self.list.iter().map(|fault| fault.pointer.clone()).collect();
        self.list.extend(later.list.into_iter().filter(|fault| !known.contains(&fault.pointer)));
    }

    /// The value, when nothing is wrong; otherwise everything that is, in the order of the file.
    ///
    /// # Errors
    /// When something is wrong.
    pub fn or<T>(&mut self, value: T) -> Result<T, Self> {
        if self.list.is_empty() {
            return Ok(value);
        }
        self.list.sort_by_key(|fault| fault.position);
        Err(self.clone())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.list.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            f.write_str(&self.name)?;
            if let Some(position) = fault.position {
                write!(f, ":{}:{}", position.line, position.column)?;
            }
            if !fault.pointer.is_empty() {
                write!(f, " {}", fault.path())?;
            }
            write!(f, ": {}", fault.message)?;
            if let Some(suggestion) = &fault.suggestion {
                write!(f, "; did you mean `{suggestion}`?")?;
            }
        }
        Ok(())
    }
}

/// The known name nearest to a wrong one, where one is near.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(wrong.len()) / 4)
        .min()
        .map(|(_, name)| name.to_owned())
}
