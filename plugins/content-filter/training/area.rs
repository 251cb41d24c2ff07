//! The area under the curve of precision and recall, and how sure it is.

/// Average precision of scores and labels; equal scores count together.
pub fn average_precision(scored: &mut [(f32, bool)]) -> f64 {
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = scored.iter().filter(|(_, is)| *is).count();
    let (mut found, mut area, mut at) = (0, 0.0, 0);
    while at < scored.len() {
        let same = scored[at..].iter().take_while(|(score, _)| *score == scored[at].0).count();
        let new = scored[at..at + same].iter().filter(|(_, is)| *is).count();
        found += new;
        at += same;
        area += new as f64 * found as f64 / at as f64;
    }
    area / positives.max(1) as f64
}

/// The area with the 5th and 95th percentile of 300 resamplings.
pub fn with_range(scored: &[(f32, bool)]) -> (f64, f64, f64) {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut areas: Vec<f64> = (0..300)
        .map(|_| {
            let mut sample: Vec<(f32, bool)> = (0..scored.len())
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    scored[(random >> 33) as usize % scored.len()]
                })
                .collect();
            average_precision(&mut sample)
        })
        .collect();
    areas.sort_by(f64::total_cmp);
    (average_precision(&mut scored.to_vec()), areas[15], areas[285])
}
