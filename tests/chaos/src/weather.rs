//! What is wrong with a provider, minute by minute.
//!
//! A seed decides it, so that an hour can be had again.

use fastrand::Rng;
use std::time::Duration;

/// Minutes of a sky.
const MINUTES: usize = 60;

/// What is wrong with a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weather {
    /// Nothing.
    Calm,
    /// 429, with the time to wait.
    Limited,
    /// 429 and nothing else.
    LimitedWithoutTime,
    /// 500, 502, 503 and 529.
    Errors,
    /// The connection is reset before anything is answered.
    Resets,
    /// It takes long to begin, and then is well.
    Slow,
    /// It never answers.
    Silent,
    /// It answers byte by byte, and never gets anywhere.
    Loris,
    /// The answer ends before it is complete.
    Truncated,
    /// The answer is reset half way.
    Broken,
    /// The answer stops half way and stays open.
    Stalled,
    /// A page for people, with status 200.
    WrongType,
    /// JSON that is no answer, with status 200.
    Garbled,
}

impl Weather {
    /// All that is not calm.
    pub const FAULTS: [Self; 12] = [
        Self::Limited,
        Self::LimitedWithoutTime,
        Self::Errors,
        Self::Resets,
        Self::Slow,
        Self::Silent,
        Self::Loris,
        Self::Truncated,
        Self::Broken,
        Self::Stalled,
        Self::WrongType,
        Self::Garbled,
    ];

    /// The name that a report has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Limited => "429 with a time",
            Self::LimitedWithoutTime => "429 without",
            Self::Errors => "5xx",
            Self::Resets => "resets",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Loris => "slow loris",
            Self::Truncated => "truncated",
            Self::Broken => "broken off",
            Self::Stalled => "stalled",
            Self::WrongType => "wrong type",
            Self::Garbled => "garbled",
        }
    }
}

/// One hour of a provider.
#[derive(Debug, Clone)]
pub struct Sky {
    /// For each minute, what is wrong, and for which share of the requests, in percent.
    minutes: Vec<(Weather, u8)>,
    /// How long each of these minutes really takes.
    minute: Duration,
}

impl Sky {
    /// The hour of a seed, which passes in this time. Half of its minutes are calm; every fault has at least one.
    #[must_use]
    pub fn new(seed: u64, takes: Duration) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut minutes: Vec<(Weather, u8)> = Weather::FAULTS.map(|fault| (fault, 100)).to_vec();
        while minutes.len() < MINUTES / 2 {
            let fault = random.choice(Weather::FAULTS).unwrap_or(Weather::Errors);
            minutes.push((fault, random.u8(20..=100)));
        }
        minutes.resize(MINUTES, (Weather::Calm, 0));
        random.shuffle(&mut minutes);
        Self { minutes, minute: takes / 60 }
    }

    /// An hour in which nothing is wrong.
    #[must_use]
    pub fn calm() -> Self {
        Self { minutes: vec![(Weather::Calm, 0)], minute: Duration::MAX }
    }

    /// What is wrong some time after its beginning, and for which share, in percent. After its end it begins again.
    #[must_use]
    pub fn at(&self, since: Duration) -> (Weather, u8) {
        let minute = since.as_nanos().checked_div(self.minute.as_nanos()).unwrap_or_default();
        let minute = usize::try_from(minute).unwrap_or_default();
        self.minutes.get(minute % self.minutes.len()).copied().unwrap_or((Weather::Calm, 0))
    }

    /// What happens to one request: a number that stands for it decides.
    #[must_use]
    pub fn over(&self, since: Duration, request: u64) -> Weather {
        let (weather, share) = self.at(since);
        let hit = Rng::with_seed(request).u8(0..100) < share;
        if hit { weather } else { Weather::Calm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_hour_again_and_every_fault_is_in_it() {
        let hour = Duration::from_secs(60);
        let (one, again, other) = (Sky::new(7, hour), Sky::new(7, hour), Sky::new(8, hour));
        assert_eq!(one.minutes, again.minutes);
        assert_ne!(one.minutes, other.minutes);
        for fault in Weather::FAULTS {
            assert!(one.minutes.contains(&(fault, 100)), "{}", fault.name());
        }
        assert_eq!(one.minutes.iter().filter(|(weather, _)| *weather == Weather::Calm).count(), 30);
    }

    #[test]
    fn a_share_of_the_requests_is_hit() {
        let sky = Sky { minutes: vec![(Weather::Errors, 30)], minute: Duration::from_secs(1) };
        let hit = (0..10_000).filter(|n| sky.over(Duration::ZERO, *n) == Weather::Errors).count();
        assert!((2_700..3_300).contains(&hit), "{hit}");
        assert_eq!(sky.at(Duration::from_secs(90)), (Weather::Errors, 30));
    }
}
