//! The document: its values as JSON, and where each stands.
//!
//! Aliases are bounded by the parser, depth is bounded here, and a key that stands twice is a fault.

use super::fault::{Fault, Faults};
use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Containers within containers at most.
const MAX_DEPTH: usize = 64;
/// Values that aliases may add at most.
const MAX_ALIASED: usize = 100_000;

/// A place in a file; lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file's name, as faults show it.
    pub name: String,
    /// Its values.
    pub value: Value,
    /// Where they stand, by JSON pointer.
    positions: BTreeMap<String, Position>,
}

impl Document {
    /// Parses YAML or JSON.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(name: &str, text: &str) -> Result<Self, Faults> {
        let mut builder = Builder::default();
        let mut faults = Faults::new(name);
        let fault =
            |message: String, position| Fault { pointer: String::new(), position, message, suggestion: None };
        // Event by event: the parser's own loading recurses as deep as the text says.
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, span)) => builder.see(event, span),
                Err(error) => {
                    let mark = error.marker();
                    let position = Position { line: mark.line(), column: mark.col() + 1 };
                    faults.add(fault(error.info().to_owned(), Some(position)));
                    break;
                }
            }
            if builder.open.len() > MAX_DEPTH {
                break;
            }
        }
        for (message, position) in builder.refused {
            faults.add(fault(message, Some(position)));
        }
        if builder.documents > 1 {
            faults.add(fault("the file holds more than one document".into(), None));
        }
        let value = builder.done.unwrap_or_else(|| Value::Object(Map::new()));
        let value = if value.is_null() { Value::Object(Map::new()) } else { value };
        faults.or(Self { name: name.to_owned(), value, positions: builder.positions })
    }

    /// Where the value at a JSON pointer stands; its nearest container's place, where it stands nowhere.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Option<Position> {
        let mut pointer = pointer;
        loop {
            if let Some(position) = self.positions.get(pointer) {
                return Some(*position);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }

    /// A fault at a JSON pointer.
    pub fn fault(&self, pointer: &str, message: impl Into<String>) -> Fault {
        Fault {
            pointer: pointer.to_owned(),
            position: self.position(pointer),
            message: message.into(),
            suggestion: None,
        }
    }
}

/// A key as a token of a JSON pointer.
pub(super) fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A container that is being read.
enum Open {
    Sequence(Vec<Value>),
    Mapping { map: Map<String, Value>, key: Option<String> },
}

/// Builds values from the parser's events.
#[derive(Default)]
struct Builder {
    open: Vec<(Open, usize)>,
    path: Vec<String>,
    positions: BTreeMap<String, Position>,
    anchors: HashMap<usize, Value>,
    aliased: usize,
    done: Option<Value>,
    documents: usize,
    refused: Vec<(String, Position)>,
}

impl Builder {
    /// The pointer at which the next value will stand.
    fn next_pointer(&self) -> String {
        let mut pointer: String = self.path.iter().map(|token| format!("/{token}")).collect();
        match self.open.last() {
            Some((Open::Sequence(items), _)) => pointer.push_str(&format!("/{}", items.len())),
            Some((Open::Mapping { key: Some(key), .. }, _)) => pointer.push_str(&format!("/{}", token(key))),
            _ => {}
        }
        pointer
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some((Open::Mapping { key: None, .. }, _)))
    }

    fn begin(&mut self, open: Open, anchor: usize, position: Position) {
        if self.expects_key() {
            self.refused.push(("a key must be a plain word".into(), position));
        }
        let pointer = self.next_pointer();
        self.positions.entry(pointer).or_insert(position);
        if !self.open.is_empty() {
            let token = match self.open.last() {
                Some((Open::Sequence(items), _)) => items.len().to_string(),
                Some((Open::Mapping { key: Some(key), .. }, _)) => token(key),
                _ => String::new(),
            };
            self.path.push(token);
        }
        if self.open.len() == MAX_DEPTH {
            self.refused.push((format!("containers are nested deeper than {MAX_DEPTH}"), position));
        }
        self.open.push((open, anchor));
    }

    fn end(&mut self, position: Position) {
        let Some((open, anchor)) = self.open.pop() else { return };
        let value = match open {
            Open::Sequence(items) => Value::Array(items),
            Open::Mapping { map, .. } => Value::Object(map),
        };
        if !self.open.is_empty() {
            self.path.pop();
        }
        self.put(value, anchor, position);
    }

    fn put(&mut self, value: Value, anchor: usize, position: Position) {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some((Open::Sequence(items), _)) => items.push(value),
            Some((Open::Mapping { map, key }, _)) => {
                if let Some(key) = key.take()
                    && map.insert(key.clone(), value).is_some()
                {
                    self.refused.push((format!("the key `{key}` stands here twice"), position));
                }
            }
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, anchor: usize, position: Position) {
        if self.expects_key() {
            let pointer = self.next_pointer();
            self.positions.entry(format!("{pointer}/{}", token(&text))).or_insert(position);
            if let Some((Open::Mapping { key, .. }, _)) = self.open.last_mut() {
                *key = Some(text.into_owned());
            }
            return;
        }
        self.positions.entry(self.next_pointer()).or_insert(position);
        let value = if style == ScalarStyle::Plain {
            match Scalar::parse_from_cow(text) {
                Scalar::Null => Value::Null,
                Scalar::Boolean(value) => value.into(),
                Scalar::Integer(value) => value.into(),
                Scalar::FloatingPoint(value) => value.into_inner().into(),
                Scalar::String(value) => value.into_owned().into(),
            }
        } else {
            text.into_owned().into()
        };
        self.put(value, anchor, position);
    }

    fn alias(&mut self, anchor: usize, position: Position) {
        let value = self.anchors.get(&anchor).cloned().unwrap_or_default();
        self.aliased += size(&value);
        if self.aliased > MAX_ALIASED {
            self.refused.push((format!("aliases add more than {MAX_ALIASED} values"), position));
            return;
        }
        self.positions.entry(self.next_pointer()).or_insert(position);
        self.put(value, 0, position);
    }

    fn see(&mut self, event: Event<'_>, span: Span) {
        let position = Position { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::DocumentStart(_) => self.documents += 1,
            Event::Scalar(text, style, anchor, _) => self.scalar(text, style, anchor, position),
            Event::SequenceStart(anchor, ..) => self.begin(Open::Sequence(Vec::new()), anchor, position),
            Event::MappingStart(anchor, ..) => {
                self.begin(Open::Mapping { map: Map::new(), key: None }, anchor, position);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(position),
            Event::Alias(anchor) => self.alias(anchor, position),
            _ => {}
        }
    }
}

/// Values in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        _ => 1,
    }
}
