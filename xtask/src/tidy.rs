//! The layout of the repository: layers, sizes, names, headers, the contract's comments, no path of a machine.
//!
//! It reads files and reports every fault at once; it never changes one.

mod layers;
mod paths;
mod wit;

use crate::compatibility;
use crate::step::root;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file at most.
const MAX_LINES: usize = 600;
/// Names that say nothing about what is in the file.
const EMPTY_NAMES: [&str; 4] = ["mod.rs", "utils.rs", "common.rs", "helpers.rs"];
/// What text files end in; others are not read.
const TEXT: [&str; 12] =
    ["rs", "wit", "toml", "md", "yaml", "yml", "json", "py", "sh", "txt", "snap", "html"];
/// Folders that hold nothing of ours.
const FOREIGN: [&str; 4] = ["target", ".git", "node_modules", ".venv"];

/// Checks the repository.
pub(crate) fn check() -> Result<()> {
    let mut files = Vec::new();
    collect(root(), &mut files)?;
    files.sort();
    let mut faults = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let path = relative(file);
        let placed =
            |found: Vec<String>| found.into_iter().map(|fault| format!("{path}:{fault}")).collect::<Vec<_>>();
        faults.extend(placed(paths::check(&text, &root().to_string_lossy())));
        if path.ends_with(".wit") {
            faults.extend(placed(wit::check(&text)));
        }
        if !path.ends_with(".rs") {
            continue;
        }
        faults.extend(shape(&path, &text));
        if let Some(module) = path.strip_prefix("host/src/") {
            faults.extend(placed(layers::check(module, &text)));
        }
    }
    if fs::read_to_string(compatibility::file()).unwrap_or_default() != compatibility::page()? {
        faults.push("docs/compatibility.md is old: run cargo xtask compatibility".to_owned());
    }
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    println!("    {} files", files.len());
    Ok(())
}

/// A path within the repository, with slashes on every system.
fn relative(file: &Path) -> String {
    let parts = file.strip_prefix(root()).unwrap_or(file).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        if kind.is_dir() && !FOREIGN.iter().any(|foreign| name == *foreign) {
            collect(&path, files)?;
        } else if kind.is_file() && TEXT.iter().any(|text| path.extension().is_some_and(|own| own == *text)) {
            files.push(path);
        }
    }
    Ok(())
}

/// What is wrong with a file whatever it is about.
fn shape(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{path}: {lines} lines, more than {MAX_LINES}; give its second subject a file"));
    }
    if !text.starts_with("//!") {
        faults.push(format!("{path}:1: the file must begin with `//!`: its purpose and what it never does"));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if EMPTY_NAMES.contains(&name) {
        faults.push(format!(
            "{path}: name the file after its subject; `foo.rs` and `foo/bar.rs`, not `{name}`"
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{check, shape};

    #[test]
    fn the_repository_is_tidy() {
        if let Err(error) = check() {
            unreachable!("{error:#}");
        }
    }

    #[test]
    fn each_fault_of_a_file_is_found() {
        assert_eq!(shape("a/good.rs", "//! A subject.\n"), Vec::<String>::new());
        assert_eq!(shape("a/mod.rs", "//! A subject.\n").len(), 1);
        assert_eq!(shape("a/b.rs", "use std::fs;\n").len(), 1);
        assert_eq!(shape("a/b.rs", &format!("//! Long.\n{}", "\n".repeat(599))).len(), 0);
        assert_eq!(shape("a/b.rs", &format!("//! Long.\n{}", "\n".repeat(600))).len(), 1);
    }
}
