//! A limit as the operator wrote it: whom it is for, what it counts, and by what.

use super::calendar::Calendar;
use super::key::Key;
use super::meter::{Meter, Micros};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// What rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// The organisation that the tenant is of.
    Organisation,
    /// The tenant.
    Tenant,
    /// The key's team.
    Team,
    /// The key's user, or the one that a key which `delegates` names.
    User,
    /// The key's service.
    Service,
    /// The key's agent, or the one that a key which `delegates` names.
    Agent,
    /// The key's name within its tenant.
    Key,
    /// The tag `feature`, of the key or of a request whose key `delegates`.
    Feature,
    /// The route.
    Route,
    /// The model that the client names.
    Model,
    /// The provider that is asked.
    Provider,
    /// `provider/model`, as it is asked.
    Target,
}

impl Dimension {
    /// Its name, as configurations have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::User => "user",
            Self::Service => "service",
            Self::Agent => "agent",
            Self::Key => "key",
            Self::Feature => "feature",
            Self::Route => "route",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Target => "target",
        }
    }

    /// How many there are.
    const COUNT: usize = Self::Target as usize + 1;

    /// Whether it is known only when a target was chosen.
    #[must_use]
    pub const fn is_of_target(self) -> bool {
        matches!(self, Self::Provider | Self::Target)
    }
}

/// Who asks what of whom, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    values: [Option<&'a str>; Dimension::COUNT],
    /// Who goes first where requests wait: the lowest.
    pub class: u8,
}

impl<'a> Subject<'a> {
    /// Says one thing of it.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: Option<&'a str>) -> Self {
        if let Some(place) = self.values.get_mut(dimension as usize) {
            *place = value;
        }
        self
    }

    pub(super) fn get(&self, dimension: Dimension) -> Option<&'a str> {
        self.values.get(dimension as usize).copied().flatten()
    }

    /// All that is said of it.
    pub(super) const fn values(&self) -> &[Option<&'a str>] {
        &self.values
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens, of the request and the answer.
    Tokens,
    /// Billionths of a dollar.
    Nanodollars,
    /// Exchanges at the same time.
    Exchanges,
}

/// How it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Within any time as long as this.
    Sliding(Duration),
    /// In a bucket of this size, which fills in this time.
    Bucket {
        /// In how long the limit flows in.
        window: Duration,
        /// How much it holds.
        burst: u64,
    },
    /// Within a day, a week or a month of a calendar.
    Calendar(Calendar),
    /// At the same time.
    AtOnce,
}

/// What becomes of a request that does not fit, and who is told before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What becomes of it.
    pub over: Over,
    /// Whether nothing is refused, and everything only counted.
    pub soft: bool,
    /// Parts of the limit, in thousandths and from the lowest, at which somebody is told.
    pub warn_at: Vec<u16>,
    /// Whether a stream ends that uses more than there is.
    pub cut_off: bool,
}

/// What becomes of a request that a limit has no room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Over {
    /// It is refused. Of a limit of targets: without another being asked.
    Reject,
    /// It is refused, or another target is asked where the limit is one of targets.
    #[default]
    Shift,
    /// It waits for its turn.
    Queue(Patience),
    /// It goes to these of its route's targets; where none are named, to the cheapest.
    Turn(Arc<[Box<str>]>),
}

/// How much waits, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Requests that wait at the same time.
    pub most: usize,
    /// How long each waits.
    pub wait: Duration,
}

/// A limit.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, as errors and the log say it.
    pub name: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// How much.
    pub limit: u64,
    /// In how long.
    pub span: Span,
    /// Whom it is for: all of these must be so. A value may end in `*`.
    pub applies: Vec<(Dimension, Box<str>)>,
    /// Of what each has a counter of its own; nothing, and all share one.
    pub per: Vec<Dimension>,
    /// Whether it is a budget: its error says so.
    pub budget: bool,
    /// What becomes of what does not fit, and who is told.
    pub terms: Terms,
}

impl Rule {
    /// Whether it can be looked at only when a target was chosen.
    #[must_use]
    pub fn is_of_target(&self) -> bool {
        self.applies.iter().map(|(dimension, _)| dimension).chain(&self.per).any(|of| of.is_of_target())
    }

    /// The counter that the subject falls under; none where the rule is not for it, which includes every subject of
    /// which a dimension that it counts by is not known.
    #[must_use]
    pub fn counter(&self, subject: &Subject<'_>) -> Option<Key> {
        let fits = |(dimension, wanted): &(Dimension, Box<str>)| {
            subject.get(*dimension).is_some_and(|value| matches(wanted, value))
        };
        if !self.applies.iter().all(fits) {
            return None;
        }
        let mut key = String::with_capacity(64);
        key.push_str(&self.name);
        for dimension in &self.per {
            // The length before each value: no two lists of values give the same key, whatever is in them.
            let value = subject.get(*dimension)?;
            let _ = write!(key, "/{}:{value}", value.len());
        }
        Some(key.into())
    }

    /// The values that a counter of this rule is of.
    pub(super) fn values(&self, key: &str) -> Vec<(Dimension, String)> {
        let mut rest = key.strip_prefix(&*self.name).unwrap_or_default();
        let mut values = Vec::with_capacity(self.per.len());
        for dimension in &self.per {
            let Some((length, tail)) = rest.strip_prefix('/').and_then(|tail| tail.split_once(':')) else {
                break;
            };
            let Some((value, tail)) = length.parse().ok().and_then(|length| tail.split_at_checked(length))
            else {
                break;
            };
            values.push((*dimension, value.to_owned()));
            rest = tail;
        }
        values
    }

    /// How it counts at this time.
    #[must_use]
    pub fn meter(&self, now: Micros) -> Meter {
        let limit = self.limit;
        match &self.span {
            Span::Sliding(window) => Meter::Window { limit, window: *window },
            Span::Bucket { window, burst } => Meter::Bucket { limit, window: *window, burst: *burst },
            Span::AtOnce => Meter::AtOnce { limit },
            Span::Calendar(calendar) => {
                let (from, to) = calendar.around(now);
                Meter::Period { limit, from, to }
            }
        }
    }
}

fn matches(wanted: &str, value: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => value.starts_with(beginning),
        None => value == wanted,
    }
}
