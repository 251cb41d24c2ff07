//! Tests of the connections to providers.
