//! Takes what is misshapen out of a configuration, so that the rest can be looked at for more faults.
//!
//! What others refer to by name stays in: a chain that is taken away would make its routes look faulty.

use super::fault::nearest;
use serde_json::Value;

/// The sections whose entries have names that others refer to.
const NAMED: [&str; 5] = ["providers", "plugins", "chains", "routes", "tenants"];

/// Removes the values at these JSON pointers, but those that have names.
pub fn prune(value: &mut Value, misshapen: &[String]) {
    for pointer in misshapen.iter().filter(|pointer| !has_name(pointer)) {
        let Some((parent, token)) = pointer.rsplit_once('/') else { continue };
        let key = token.replace("~1", "/").replace("~0", "~");
        // An entry of a list stays: the places of the others must not change.
        if let Some(Value::Object(parent)) = value.pointer_mut(parent) {
            parent.shift_remove(&key);
        }
    }
}

/// Whether this is a section of names, one that was probably meant to be, or an entry of one.
fn has_name(pointer: &str) -> bool {
    let mut tokens = pointer.split('/').skip(1);
    let section = tokens.next().unwrap_or_default();
    tokens.count() <= 1 && (NAMED.contains(&section) || nearest(section, NAMED).is_some())
}
