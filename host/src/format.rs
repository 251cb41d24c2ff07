//! The client APIs: one folder each. Parsing, rendering, errors and streams of one API; nothing here does
//! I/O, knows a route, or looks at a provider's name.

pub mod openai;
