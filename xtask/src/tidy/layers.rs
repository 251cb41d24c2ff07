//! The layers of the host: a module uses lower layers and its own folder, nothing else.
//!
//! It reads `crate::` paths in code. Tests and comments are free to mention anything.

/// The modules of `host/src` from the ground up. Modules of one row do not know one another.
const LAYERS: &[&[&str]] = &[
    &["id", "secret", "clock", "upload"],
    &["chat", "sse", "usage", "error", "shutdown"],
    &["exchange", "eventstream", "price", "telemetry", "tokens", "server"],
    &["plugin", "format", "upstream", "store", "embedding", "balance"],
    &["pipeline", "credential", "auth", "limit", "ledger", "cache", "webhook"],
    &["route"],
    &["proxy"],
    &["config", "api"],
    &["app"],
    &["admin", "console", "eval"],
    &["cli"],
    &["lib", "main"],
];

/// What a file of `host/src` uses that stands above it, as `line: fault`. `path` is relative to `host/src`.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
    if is_test(path) {
        return Vec::new();
    }
    let Some(own) = layer(module) else {
        return vec![format!(
            "1: the module `{module}` has no layer; give it one in xtask/src/tidy/layers.rs"
        )];
    };
    let code = code(text);
    let mut faults = Vec::new();
    for (at, used) in uses(&code) {
        if used == module {
            continue;
        }
        let line = 1 + code.get(..at).unwrap_or_default().matches('\n').count();
        match layer(&used) {
            Some(other) if other < own => {}
            Some(other) if other == own => {
                faults
                    .push(format!("{line}: `{module}` uses `{used}`, which stands beside it (layer {own})"));
            }
            Some(other) => {
                faults
                    .push(format!("{line}: `{module}` (layer {own}) uses `{used}` (layer {other}) above it"));
            }
            // `crate::Item`: something that the root itself defines or re-exports.
            None if used.starts_with(char::is_uppercase) => {}
            None => {
                faults.push(format!("{line}: `{used}` has no layer; give it one in xtask/src/tidy/layers.rs"))
            }
        }
    }
    faults
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// `tests.rs`, `*_tests.rs`, and what is in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.split('/').any(|part| part == "tests")
}

/// The code without comments and without the tests at its end; lines keep their places.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests = line == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if tests {
            break;
        }
        let end = line.find("//").unwrap_or(line.len());
        code.push_str(line.get(..end).unwrap_or_default());
        code.push('\n');
    }
    code
}

/// Each module named by `crate::module` or `crate::{module, …}`, with its place.
fn uses(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        // `$crate::` in a macro is the crate as well; `my_crate::` is another.
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let rest = code.get(at + prefix.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group).into_iter().map(|name| (at, name))),
            None => found.push((at, identifier(rest))),
        }
    }
    found
}

/// The first identifier of each item of a group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (0_usize, Vec::new(), true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            _ if start && !character.is_whitespace() => {
                heads.push(identifier(group.get(at..).unwrap_or_default()));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn lower_layers_and_the_own_folder_are_free() {
        let code =
            "use crate::chat::Answer;\nuse crate::proxy::life::Life;\nuse crate::{error::Error, route};\n";
        assert_eq!(check("proxy/attempt.rs", code), Vec::<String>::new());
        assert_eq!(check("main.rs", "fn main() { crate::app::run() }\n"), Vec::<String>::new());
    }

    #[test]
    fn what_stands_above_or_beside_is_a_fault() {
        assert_eq!(
            check("chat.rs", "//! Data.\n\nfn f() { crate::proxy::serve() }\n"),
            ["3: `chat` (layer 1) uses `proxy` (layer 6) above it"]
        );
        assert_eq!(
            check("plugin/engine.rs", "use crate::{chat::{A, B}, upstream::Call,\n    store};\n"),
            [
                "1: `plugin` uses `upstream`, which stands beside it (layer 3)",
                "1: `plugin` uses `store`, which stands beside it (layer 3)",
            ]
        );
    }

    #[test]
    fn a_module_without_a_layer_is_a_fault() {
        assert_eq!(check("novelty.rs", "").len(), 1);
        assert_eq!(check("proxy.rs", "use crate::novelty::X;\n").len(), 1);
    }

    #[test]
    fn tests_and_comments_are_free() {
        let code = "//! See [`crate::proxy`].\n#[cfg(test)]\nmod tests {\n    use crate::proxy;\n}\n";
        assert_eq!(check("chat.rs", code), Vec::<String>::new());
        assert_eq!(check("chat/prompt_tests.rs", "use crate::proxy;\n"), Vec::<String>::new());
        assert_eq!(check("chat/tests/cuts.rs", "use crate::proxy;\n"), Vec::<String>::new());
        assert_eq!(check("chat.rs", "use my_crate::proxy;\n"), Vec::<String>::new());
    }
}
