//! Reads cases: one JSON object a line, one line at a time.
//!
//! Never holds more than a line, and no line beyond [`MAX_LINE`]. A line that cannot be read is told with its number
//! and is no end of the reading.

use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

/// Bytes of a line at most.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// A line of the file.
#[derive(Debug)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// What it says, or why that cannot be read.
    pub value: Result<Value, String>,
}

/// The lines of a file, but those that are blank.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

impl Lines {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(file: &Path) -> io::Result<Self> {
        if file == Path::new("-") {
            return Ok(Self::new(BufReader::new(io::stdin())));
        }
        Ok(Self::new(BufReader::with_capacity(64 * 1024, File::open(file)?)))
    }

    /// The lines of a reader.
    pub fn new(reader: impl BufRead + Send + 'static) -> Self {
        Self { reader: Box::new(reader), number: 0 }
    }

    /// The next line.
    ///
    /// # Errors
    /// The file cannot be read any further.
    pub fn read(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let limit = MAX_LINE as u64 + 1;
            if self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let number = self.number;
            if bytes.len() > MAX_LINE && bytes.last() != Some(&b'\n') {
                self.pass_over()?;
                return Ok(Some(Line { number, value: Err(format!("it is longer than {MAX_LINE} bytes")) }));
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let value = serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"));
            return Ok(Some(Line { number, value }));
        }
    }

    /// Drops the rest of a line.
    fn pass_over(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (read, ended) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.reader.consume(read);
            if ended {
                return Ok(());
            }
        }
    }
}

/// Reads a label: a truth value, 1 or 0, or one of these words in any case.
///
/// # Errors
/// It is none of them.
pub fn label(value: &Value, yes: &[&str], no: &[&str]) -> Result<bool, String> {
    let known = |words: &[&str], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    match value {
        Value::Bool(label) => Ok(*label),
        Value::Number(label) if label.as_f64() == Some(1.0) => Ok(true),
        Value::Number(label) if label.as_f64() == Some(0.0) => Ok(false),
        Value::String(label) if label == "1" || known(yes, label) => Ok(true),
        Value::String(label) if label == "0" || known(no, label) => Ok(false),
        _ => Err(format!("`label` must be 1 or 0, or one of {}, {}", yes.join(", "), no.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Vec<(u64, Result<Value, String>)> {
        let mut lines = Lines::new(io::Cursor::new(text.to_owned()));
        std::iter::from_fn(|| lines.read().unwrap()).map(|line| (line.number, line.value)).collect()
    }

    #[test]
    fn a_bad_line_is_told_with_its_number_and_passed_over() {
        let lines = read("{\"a\":1}\n\n{nope\r\n2");
        assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3, 4]);
        let values: Vec<_> = lines.into_iter().map(|(_, value)| value.ok()).collect();
        assert_eq!(values, [Some(json!({ "a": 1 })), None, Some(json!(2))]);
    }

    #[test]
    fn a_long_line_is_passed_over_without_being_held() {
        let lines = read(&format!("{}\n7\n", "1".repeat(3 * MAX_LINE)));
        assert_eq!(lines.len(), 2);
        assert!(lines.first().unwrap().1.as_ref().is_err_and(|why| why.contains("longer")));
        assert_eq!(lines.last().unwrap(), &(2, Ok(json!(7))));
    }

    #[test]
    fn labels_are_numbers_or_words() {
        let read = |value: Value| label(&value, &["match"], &["no-match"]);
        assert_eq!(
            (read(json!(1)), read(json!(false)), read(json!("Match"))),
            (Ok(true), Ok(false), Ok(true))
        );
        assert!(read(json!("maybe")).is_err() && read(json!(2)).is_err() && read(json!(null)).is_err());
    }
}
