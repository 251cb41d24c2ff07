//! There and back.
