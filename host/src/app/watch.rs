//! Takes up changes of the configuration and of plugin files by itself.
//!
//! Watches folders, not files: editors and deployments replace files rather than write them. A burst of
//! changes is one change.

use super::App;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long nothing more must change before a change is taken up.
const QUIET: Duration = Duration::from_millis(150);

/// Watches the files of an application, for as long as it lives.
///
/// # Errors
/// The system cannot watch files.
pub fn watch(app: &Arc<App>) -> Result<(), notify::Error> {
    let (sender, mut changes) = mpsc::unbounded_channel::<PathBuf>();
    let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
        // Reading a file is no change, and the gateway reads those it watches.
        for path in event.into_iter().filter(|event| !event.kind.is_access()).flat_map(|event| event.paths) {
            // The application may be gone.
            let _ = sender.send(path);
        }
    })?;
    let mut watched = BTreeSet::new();
    follow(&mut watcher, &mut watched, &app.files());
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        while let Some(path) = changes.recv().await {
            let Some(app) = app.upgrade() else { return };
            if !concerns(&app.files(), &path) {
                continue;
            }
            while tokio::time::timeout(QUIET, changes.recv()).await.is_ok_and(|more| more.is_some()) {}
            tracing::info!(file = %path.display(), "a file has changed");
            // What is wrong with it was logged; the old configuration goes on serving.
            let _ = app.reload().await;
            follow(&mut watcher, &mut watched, &app.files());
        }
    });
    Ok(())
}

/// Watches the folders of files that are not watched yet.
fn follow(watcher: &mut RecommendedWatcher, watched: &mut BTreeSet<PathBuf>, files: &[PathBuf]) {
    for folder in files.iter().map(|file| folder(file)) {
        if !watched.contains(&folder) {
            if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "a folder cannot be watched");
            }
            watched.insert(folder);
        }
    }
}

/// Whether a changed path is one of the files, however it is written.
fn concerns(files: &[PathBuf], path: &Path) -> bool {
    files.iter().any(|file| file.file_name() == path.file_name() && folder(file) == folder(path))
}

fn folder(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}
