//! The `option.*` facts of a target, which an operator set for a provider.
//!
//! Invariant: an option that is unknown or unreadable is refused, so that a typing error never changes what
//! is sent.

use serde::Deserialize;

/// Gives each option to `set`: none where there is no such option, or whether its value can be read.
///
/// # Errors
/// The option that is unknown or unreadable.
pub fn each(
    target: &[(String, String)],
    mut set: impl FnMut(&str, &str) -> Option<bool>,
) -> Result<(), String> {
    for (key, value) in target {
        let Some(name) = key.strip_prefix("option.") else { continue };
        match set(name, value) {
            Some(true) => {}
            Some(false) => return Err(format!("option `{name}` cannot be `{value}`")),
            None => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(())
}

/// Sets a setting to what was read, if it was.
pub fn put<T>(slot: &mut T, read: Option<T>) -> Option<bool> {
    let known = read.is_some();
    if let Some(value) = read {
        *slot = value;
    }
    Some(known)
}

/// A word of an enum, as the configuration names it.
#[must_use]
pub fn word<T: for<'a> Deserialize<'a>>(value: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(value.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::{each, put};

    #[test]
    fn mistakes_are_named() {
        let target =
            |name: &str| vec![("model".to_owned(), "m".to_owned()), (name.to_owned(), "1".to_owned())];
        let mut number = 0;
        let mut set = |name: &str, value: &str| match name {
            "number" => put(&mut number, value.parse().ok()),
            "flag" => put(&mut true, value.parse().ok()),
            _ => None,
        };
        assert_eq!(each(&target("option.number"), &mut set), Ok(()));
        assert_eq!(each(&target("option.flag"), &mut set), Err("option `flag` cannot be `1`".to_owned()));
        assert_eq!(each(&target("option.x"), &mut set), Err("there is no option `x`".to_owned()));
        assert_eq!(number, 1);
    }
}
