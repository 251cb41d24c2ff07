//! Rounds: every target in turn, several times over, so that what the machine does meanwhile meets all alike.
//!
//! The figure of a target is the median of its rounds.

use crate::load::measure;
use crate::process::processor_time;
use crate::target::{Answer, Target};
use anyhow::Result;
use std::time::Duration;

/// Connections of the throughput measurement.
pub(crate) const MANY: usize = 64;
/// Connections of the measurement of frames per second.
pub(crate) const STREAMING: usize = 16;

/// How long each measurement takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durations {
    /// One connection.
    pub(crate) latency: Duration,
    /// Many connections.
    pub(crate) throughput: Duration,
    /// Streams, once for one connection and once for several.
    pub(crate) streams: Duration,
}

/// The figures of one target, a value for each round.
#[derive(Debug, Default, Clone)]
pub(crate) struct Figures {
    /// One connection: median time of an answer, µs.
    pub(crate) p50_us: Vec<f64>,
    /// One connection: 99th percentile, µs.
    pub(crate) p99_us: Vec<f64>,
    /// One connection: median of the gateway's own time, as it tells it, µs. The added time has besides what it costs
    /// to wake the upstream and the client, which is the more the longer a core of the machine has slept.
    pub(crate) own_us: Vec<f64>,
    /// Many connections: answers in a second.
    pub(crate) per_second: Vec<f64>,
    /// Many connections: 99th percentile, µs.
    pub(crate) many_p99_us: Vec<f64>,
    /// Many connections: processor time of the process for each answer, µs. Of all figures it depends least on what else
    /// the machine does.
    pub(crate) processor_us: Vec<f64>,
    /// One connection: median time to the first byte of a stream, µs.
    pub(crate) first_byte_us: Vec<f64>,
    /// One connection: median time to the end of a short stream, µs.
    pub(crate) short_us: Vec<f64>,
    /// Several connections: frames in a second.
    pub(crate) frames_per_second: Vec<f64>,
}

/// Measures every target in every round.
///
/// A target that fails is left out from then on; its error is returned beside the figures of the others.
pub(crate) async fn run(
    targets: &[Target],
    rounds: usize,
    durations: Durations,
) -> Vec<(Target, Result<Figures>)> {
    let mut all: Vec<(Target, Result<Figures>)> =
        targets.iter().map(|target| (target.clone(), Ok(Figures::default()))).collect();
    for (target, figures) in &mut all {
        // Connections are opened, code and caches are warm: no round is the first.
        if let Err(error) = warm_up(target, durations).await {
            *figures = Err(error);
        }
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (target, outcome) in &mut all {
            if let Ok(figures) = outcome
                && let Err(error) = one_round(target, durations, figures).await
            {
                *outcome = Err(error);
            }
        }
    }
    all
}

async fn warm_up(target: &Target, durations: Durations) -> Result<()> {
    measure(target, MANY, Answer::Whole, durations.latency / 2).await?;
    measure(target, STREAMING, Answer::Stream, durations.latency / 2).await?;
    Ok(())
}

async fn one_round(target: &Target, durations: Durations, figures: &mut Figures) -> Result<()> {
    let alone = measure(target, 1, Answer::Whole, durations.latency).await?;
    figures.p50_us.push(alone.micros(0.5));
    figures.p99_us.push(alone.micros(0.99));
    figures.own_us.extend(alone.own_micros(0.5));
    let worked = || target.process.and_then(processor_time);
    let before = worked();
    let many = measure(target, MANY, Answer::Whole, durations.throughput).await?;
    figures.per_second.push(many.answers_per_second());
    if let (Some(before), Some(after)) = (before, worked()) {
        figures.processor_us.push(many.share_of(after.saturating_sub(before)));
    }
    figures.many_p99_us.push(many.micros(0.99));
    let stream = measure(target, 1, Answer::Stream, durations.streams).await?;
    figures.first_byte_us.push(stream.micros(0.5));
    let short = measure(target, 1, Answer::Short, durations.streams).await?;
    figures.short_us.push(short.micros(0.5));
    let streams = measure(target, STREAMING, Answer::Stream, durations.streams).await?;
    figures.frames_per_second.push(streams.frames_per_second());
    Ok(())
}

/// The middle of the values; between two middles, half way. None of none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle - 1)?, upper))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 9.0, 2.0]), Some(3.0));
    }
}
