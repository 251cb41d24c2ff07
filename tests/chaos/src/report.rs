//! Three accounts held against each other: the clients', the providers', the ledger's.

use crate::books::Books;
use crate::ledger::Entry;
use crate::service::Outcome;
use crate::weather::{Sky, Weather};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

/// What must be reached.
#[derive(Debug, Clone, Copy)]
pub struct Bars {
    /// Of the admitted requests whose clients stayed, the share that got the right answer.
    pub availability: f64,
}

impl Default for Bars {
    fn default() -> Self {
        Self { availability: 0.9999 }
    }
}

/// What became of it all.
#[derive(Debug, Default)]
pub struct Report {
    /// Requests whose clients stayed and that were admitted.
    pub admitted: usize,
    /// Of these, the ones that got the right answer.
    pub answered: usize,
    /// Requests whose clients went away.
    pub left: usize,
    /// Requests that the gateway refused for its own limits.
    pub refused: usize,
    /// What was wrong, and how often.
    pub faults: BTreeMap<String, usize>,
    /// By what was wrong with the provider at that time.
    pub times: Vec<Under>,
    /// The median and 99th percentile of asking the steady provider directly.
    pub direct: Option<(Duration, Duration)>,
    /// Tokens that the providers told: of prompts, of answers.
    pub told: (u64, u64),
    /// Tokens in the ledger.
    pub booked: (u64, u64),
    /// Exchanges of which the ledger says that it had to guess, because nobody told it all; and by how many tokens it has
    /// more of them than the providers told.
    pub guessed: (usize, u64),
    /// Exchanges of which providers and ledger say different things.
    pub unbalanced: Vec<String>,
    /// Exchanges that were answered to their end more than once.
    pub twice: Vec<String>,
    /// Exchanges that the ledger has not exactly once.
    pub not_once: Vec<String>,
}

/// Requests while something was wrong with a provider.
#[derive(Debug)]
pub struct Under {
    /// What was.
    pub weather: Weather,
    /// How many were sent in that time.
    pub requests: usize,
    /// Their median time.
    pub median: Duration,
    /// The 99th percentile of it.
    pub late: Duration,
    /// How often the gateway met the fault.
    pub met: usize,
}

impl Report {
    /// Holds the accounts against each other. `direct`: times of asking the steady provider without a gateway.
    #[must_use]
    pub fn new(
        outcomes: &[Outcome],
        books: &Books,
        entries: &[Entry],
        skies: &[Sky],
        mut direct: Vec<Duration>,
    ) -> Self {
        let mut report = Self::default();
        let mut times: Vec<(Weather, Vec<Duration>)> = Vec::new();
        for outcome in outcomes {
            if outcome.left || outcome.refused {
                report.left += usize::from(outcome.left);
                report.refused += usize::from(outcome.refused);
                continue;
            }
            report.admitted += 1;
            match &outcome.fault {
                None => report.answered += 1,
                Some(fault) => *report.faults.entry(fault.clone()).or_default() += 1,
            }
            let (weather, _) = skies.get(outcome.model).map_or((Weather::Calm, 0), |sky| sky.at(outcome.at));
            match times.iter_mut().find(|(known, _)| *known == weather) {
                Some((_, times)) => times.push(outcome.took),
                None => times.push((weather, vec![outcome.took])),
            }
        }
        for (weather, mut took) in times {
            if let Some((median, late)) = quantiles(&mut took) {
                let (requests, met) = (took.len(), books.have_met(weather));
                report.times.push(Under { weather, requests, median, late, met });
            }
        }
        report.direct = quantiles(&mut direct);
        report.balance(outcomes, books, entries);
        report
    }

    fn balance(&mut self, outcomes: &[Outcome], books: &Books, entries: &[Entry]) {
        let mut booked: HashMap<&str, (u64, u64)> = HashMap::new();
        let mut rows: HashMap<&str, usize> = HashMap::new();
        let mut guessed: HashSet<&str> = HashSet::new();
        for entry in entries {
            let sums = booked.entry(asked_as(&entry.id)).or_default();
            if entry.estimated {
                guessed.insert(asked_as(&entry.id));
            }
            sums.0 += entry.input;
            sums.1 += entry.output;
            *rows.entry(asked_as(&entry.id)).or_default() += 1;
        }
        // What came twice under one key is one exchange, and who only got its answer once more is not in the ledger.
        for outcome in outcomes.iter().filter(|outcome| asked_as(&outcome.id) == outcome.id) {
            if rows.get(outcome.id.as_str()) != Some(&1) {
                self.not_once.push(outcome.id.clone());
            }
        }
        let answers = books.answers();
        // What nobody answered is in no provider's books.
        let unanswered =
            booked.keys().filter(|id| !answers.contains_key(**id)).map(|id| ((*id).to_owned(), Vec::new()));
        let unanswered: Vec<_> = unanswered.collect();
        for (id, answers) in answers.iter().chain(unanswered.iter().map(|(id, none)| (id, none))) {
            let sum = answers.iter().fold((0, 0), |sum, told| (sum.0 + told.input, sum.1 + told.output));
            self.told = (self.told.0 + sum.0, self.told.1 + sum.1);
            if answers.iter().filter(|told| told.complete).count() > 1 {
                self.twice.push(id.clone());
            }
            let wrote = booked.get(id.as_str()).copied().unwrap_or_default();
            self.booked = (self.booked.0 + wrote.0, self.booked.1 + wrote.1);
            if guessed.contains(id.as_str()) && wrote.0 >= sum.0 && wrote.1 >= sum.1 {
                self.guessed.0 += 1;
                self.guessed.1 += wrote.0 - sum.0 + wrote.1 - sum.1;
            } else if wrote != sum {
                self.unbalanced.push(format!("{id}: the providers told {sum:?}, the ledger has {wrote:?}"));
            }
        }
    }

    /// The share of admitted requests that got the right answer.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shares of thousands")]
    pub fn availability(&self) -> f64 {
        if self.admitted == 0 { 0.0 } else { self.answered as f64 / self.admitted as f64 }
    }

    /// What is not as it must be.
    #[must_use]
    pub fn missed(&self, bars: Bars) -> Vec<String> {
        let mut missed = Vec::new();
        if self.availability() < bars.availability {
            missed.push(format!(
                "availability is {:.4} %, not {:.4} %",
                100.0 * self.availability(),
                100.0 * bars.availability
            ));
        }
        let lists = [
            ("exchanges answered to their end more than once", &self.twice),
            ("exchanges that the ledger has not exactly once", &self.not_once),
            ("exchanges of which ledger and providers say different things", &self.unbalanced),
        ];
        for (what, list) in lists {
            if !list.is_empty() {
                let shown: Vec<&str> = list.iter().take(5).map(String::as_str).collect();
                missed.push(format!("{} {what}, such as {}", list.len(), shown.join("; ")));
            }
        }
        missed
    }

    /// The report as text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!(
            "requests     {} admitted, {} of them answered; {} left on purpose, {} refused by limits\n\
             availability {:.4} %\n",
            self.admitted,
            self.answered,
            self.left,
            self.refused,
            100.0 * self.availability()
        );
        for (fault, count) in &self.faults {
            let _ = writeln!(text, "  error      {count:>6} × {fault}");
        }
        if let Some((median, late)) = self.direct {
            let _ = writeln!(
                text,
                "time of a request (median, 99th percentile)\n  {:<18} {}",
                "direct",
                pair(median, late)
            );
        }
        for under in &self.times {
            let (name, times) = (under.weather.name(), pair(under.median, under.late));
            let _ =
                writeln!(text, "  {name:<18} {times} {:>6} sent, {:>5} met it", under.requests, under.met);
        }
        let _ = writeln!(
            text,
            "tokens       providers told {} + {}, the ledger has {} + {}\n\
             \x20            {} more are estimates of {} exchanges, of attempts that were given up before anything was told\n\
             \x20            {} exchanges differ\n\
             twice        {} exchanges were answered to their end twice\n\
             ledger       {} exchanges are not in it exactly once",
            self.told.0,
            self.told.1,
            self.booked.0,
            self.booked.1,
            self.guessed.1,
            self.guessed.0,
            self.unbalanced.len(),
            self.twice.len(),
            self.not_once.len(),
        );
        text
    }
}

/// The exchange that a request is of: one that came twice is one.
fn asked_as(id: &str) -> &str {
    id.split('+').next().unwrap_or(id)
}

fn pair(median: Duration, late: Duration) -> String {
    format!("{:>8.1} ms {:>8.1} ms", median.as_secs_f64() * 1e3, late.as_secs_f64() * 1e3)
}

fn quantiles(times: &mut [Duration]) -> Option<(Duration, Duration)> {
    times.sort_unstable();
    let last = times.len().checked_sub(1)?;
    Some((*times.get(last / 2)?, *times.get(last * 99 / 100)?))
}
