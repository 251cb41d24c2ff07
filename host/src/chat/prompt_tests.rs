//! Tests of the canonical request.
