//! Tests of the OpenAI format.
