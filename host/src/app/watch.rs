//! Takes up changes of the configuration and of plugin files by itself.
//!
//! Watches folders, not files: editors and deployments replace files rather than write them. A burst of
//! changes is one change.

use super::App;
use crate::config::{Digest, digest, run_command};
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

/// Runs the commands that print parts of the configuration again, as often as told, and takes up what has changed.
pub fn refresh(app: &Arc<App>, every: Duration) {
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            let Some(app) = app.upgrade() else { return };
            let commands = app.commands();
            if commands.is_empty() {
                continue;
            }
            let changed = tokio::task::spawn_blocking(move || commands.into_iter().find(has_changed));
            if let Ok(Some(_)) = changed.await {
                // Its line may hold what it is to be run with: that is no more for the log than what it prints.
                tracing::info!("a command prints something else");
                // What is wrong with it was logged; the old configuration goes on serving.
                let _ = app.reload().await;
            }
        }
    });
}

/// Whether a command prints something else than it did. One that fails now has not changed: what it printed is still
/// in use.
fn has_changed((command, known): &(String, Digest)) -> bool {
    match run_command(command) {
        Ok(printed) => digest(&printed) != *known,
        Err(why) => {
            tracing::warn!(why, "a command of the configuration gives nothing");
            false
        }
    }
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
