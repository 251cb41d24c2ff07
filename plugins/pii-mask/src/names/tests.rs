//! Names in running text, and what must not be taken for one.
