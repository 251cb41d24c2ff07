//! What the host offers, as modules of functions. Each but `log`, `metrics` and `signals` needs a grant.

/// The operator's log.
pub mod log {
    fn write(level: &str, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        crate::bindings::host::lockgate::plugin::log::log(level, message, &fields);
    }

    /// Something failed.
    pub fn error(message: &str, fields: &[(&str, &str)]) {
        write("error", message, fields);
    }

    /// Something is odd.
    pub fn warn(message: &str, fields: &[(&str, &str)]) {
        write("warn", message, fields);
    }

    /// Something happened.
    pub fn info(message: &str, fields: &[(&str, &str)]) {
        write("info", message, fields);
    }

    /// For whoever looks closely.
    pub fn debug(message: &str, fields: &[(&str, &str)]) {
        write("debug", message, fields);
    }
}

/// The operator's metrics.
pub mod metrics {
    pub use crate::bindings::host::lockgate::plugin::metrics::{add, sample};
}

/// Facts of the targets that are being ranked, of those signals alone that are asked for; and how long the order holds.
pub mod signals {
    pub use crate::bindings::host::lockgate::plugin::signals::{hold, numbers, texts};
}

/// Small shared values.
pub mod kv {
    pub use crate::bindings::host::lockgate::plugin::kv::{delete, get, incr, set};
}

/// Answers that the host keeps.
pub mod responses {
    pub use crate::bindings::host::lockgate::plugin::responses::{describe, forget, keep};
}

/// Embeddings and nearest neighbours.
pub mod vectors {
    pub use crate::bindings::host::lockgate::plugin::vectors::{Hit, Query, embed, nearest, remove, upsert};
}

/// Requests to destinations that the operator granted.
pub mod http {
    pub use crate::bindings::host::lockgate::plugin::http::{Request, Response, send};
}
