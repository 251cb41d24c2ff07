//! Measures the shipped weights: how fast, and how often harmless texts reach the thresholds.
