//! What is kept is found again; what is damaged or not ours is not.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tempfile::TempDir;

/// The smallest component. Source: the component model's binary format: magic, version 13, layer 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

struct Fixture {
    wasm: wasmtime::Engine,
    dir: TempDir,
    cache: CodeCache,
}

fn fixture() -> Fixture {
    let wasm = wasmtime::Engine::default();
    let dir = tempfile::tempdir().unwrap();
    let cache = CodeCache::open(&dir.path().join("made"), &wasm).unwrap();
    Fixture { wasm, dir, cache }
}

impl Fixture {
    fn keep(&self, key: &str) {
        self.cache.keep(key, &Component::new(&self.wasm, COMPONENT).unwrap());
    }

    fn has(&self, key: &str) -> bool {
        self.cache.load(&self.wasm, key).is_some()
    }
}

#[test]
fn code_is_found_under_its_key_only() {
    let all = fixture();
    all.keep("one");
    assert!(all.has("one") && !all.has("two") && !all.has("on"));
}

#[test]
fn a_damaged_file_is_deleted_and_can_be_kept_again() {
    let all = fixture();
    all.keep("one");
    let (file, _) = all.cache.find("one").unwrap();
    let mut code = fs::read(&file).unwrap();
    let middle = code.len() / 2;
    code.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
    fs::write(&file, code).unwrap();
    assert!(!all.has("one") && !file.exists());
    all.keep("one");
    assert!(all.has("one"));
}

#[test]
fn what_others_may_write_is_not_trusted() {
    let all = fixture();
    all.keep("one");
    let (file, _) = all.cache.find("one").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!all.has("one"));
    let shared = all.dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(CodeCache::open(&shared, &all.wasm).is_none());
}

#[test]
fn another_compiler_finds_nothing() {
    let all = fixture();
    all.keep("one");
    let mut other = wasmtime::Config::new();
    other.epoch_interruption(true);
    let other = wasmtime::Engine::new(&other).unwrap();
    let cache = CodeCache::open(&all.cache.dir, &other).unwrap();
    assert!(cache.load(&other, "one").is_none());
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let mut all = fixture();
    for (age, key) in [(3, "old"), (2, "middle"), (1, "new")] {
        all.keep(key);
        let (file, _) = all.cache.find(key).unwrap();
        let used = clock::now() - Duration::from_secs(age * 3_600);
        File::open(&file).unwrap().set_modified(used).unwrap();
    }
    assert!(all.has("old"), "being used makes it the newest");
    all.cache.most = fs::metadata(all.cache.find("old").unwrap().0).unwrap().len() * 2;
    all.cache.prune().unwrap();
    assert!(all.has("old") && all.has("new") && !all.has("middle"));
}
