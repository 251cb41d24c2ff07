//! The targets that a router orders: what it is handed of them, and what it may ask for.
//!
//! There are dozens of facts for every request, and a router reads three: none is worked out, let alone written as text,
//! before somebody asks for it.

use std::borrow::Cow;
use std::time::Duration;

/// A candidate, as `routing` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetView {
    /// `provider/model`.
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
    /// Live and configured facts; none for who asks for them.
    pub signals: Vec<(String, String)>,
}

/// A fact of a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal<'a> {
    /// As somebody wrote it, which may be a number.
    Text(Cow<'a, str>),
    /// A number that was measured.
    Number {
        /// It.
        value: f64,
        /// Places behind the point that mean something; as many as it has, where nobody knows.
        places: Option<usize>,
    },
}

impl Signal<'_> {
    /// As a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number { value, .. } => Some(*value),
        }
    }

    /// As text.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            Self::Number { value, places: Some(places) } => format!("{value:.places$}"),
            Self::Number { value, places: None } => value.to_string(),
        }
    }
}

/// Candidates as a router ordered them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Their numbers, best first, each at most once; empty where it has no opinion.
    pub order: Vec<u32>,
    /// How long the order holds for whoever asks alike; zero where it is this exchange's alone.
    pub holds: Duration,
}

/// Candidates, in the order in which they are numbered.
pub trait Candidates: Send + Sync {
    /// All of them, with their signals or without.
    fn views(&self, signals: bool) -> Vec<TargetView>;

    /// What a signal is of each.
    fn signals<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = Option<Signal<'a>>> + 'a>;
}

/// Candidates of which everything was said beforehand.
impl Candidates for Vec<TargetView> {
    fn views(&self, signals: bool) -> Self {
        let view = |target: &TargetView| TargetView {
            signals: if signals { target.signals.clone() } else { Vec::new() },
            ..target.clone()
        };
        self.iter().map(view).collect()
    }

    fn signals<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = Option<Signal<'a>>> + 'a> {
        Box::new(self.iter().map(move |target| {
            let (_, value) = target.signals.iter().find(|(known, _)| known == name)?;
            Some(Signal::Text(value.into()))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn a_signal_is_text_and_maybe_a_number() {
        let told = |text: &'static str| Signal::Text(text.into());
        assert_eq!((told("0.5").number(), told("eu").number()), (Some(0.5), None));
        let measured = |value, places| Signal::Number { value, places };
        assert_eq!(measured(1.0 / 3.0, Some(4)).text(), "0.3333");
        assert_eq!(measured(2e-6, None).text(), "0.000002");
        assert_eq!(measured(7.0, Some(0)).number(), Some(7.0));
    }
}
