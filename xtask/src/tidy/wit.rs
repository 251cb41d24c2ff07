//! The contract: every item that a plugin's author can name says what it is.
//!
//! It knows how an item begins, not the grammar: what does not parse is found by whoever builds it.

/// What begins an item that has a name.
const KEYWORDS: [&str; 9] =
    ["package ", "interface ", "world ", "record ", "variant ", "enum ", "flags ", "type ", "resource "];

/// Items without a doc comment, each with its line.
pub(super) fn check(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut documented = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('@') {
            continue;
        }
        if is_item(line) && !documented {
            let item = line.split(['{', '(', ';', '=']).next().unwrap_or(line).trim();
            faults.push(format!("{}: `{item}` has no doc comment", number + 1));
        }
        documented = line.starts_with("///");
    }
    faults
}

fn is_item(line: &str) -> bool {
    let function = line.split_once(": ").is_some_and(|(name, rest)| {
        let named = name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '%'));
        named && ["func(", "static func(", "async func("].iter().any(|start| rest.starts_with(start))
    });
    function || line.starts_with("constructor(") || KEYWORDS.iter().any(|keyword| line.starts_with(keyword))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn items_without_a_comment_are_found() {
        let text = "/// The package.\npackage a:b@0.1.0;\n\ninterface i {\n  /// A type.\n  @since(version = 0.1.0)\n  \
                    type t = string;\n  use x.{y};\n  record r { a: u8 }\n  /// It.\n  resource x {\n    \
                    constructor();\n    get: func() -> t;\n  }\n}\n";
        let faults = check(text);
        let lines: Vec<&str> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(lines, ["4", "9", "12", "13"], "{faults:?}");
    }
}
