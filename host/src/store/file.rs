//! The opening of a SQLite file that state is kept in.
//!
//! Invariants: a file is of this version's tables or of older ones that lead to them, and never of a newer version's; a
//! change of the tables is one transaction. The log is written ahead (WAL), so that who reads waits for nobody.

use rusqlite::{Connection, TransactionBehavior};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// The tables of a file.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// What makes those of the first version, and sets `user_version` to 1.
    pub create: &'static str,
    /// What leads from each version to the next.
    pub upgrades: &'static [&'static str],
}

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever the system lets.
    Usual,
}

/// How a file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// A commit survives a loss of power, and waits for the disk.
    PowerLoss,
    /// A commit survives the end of the process, and waits for nothing.
    Kill,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database refused.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error("the file cannot be opened")]
    File(#[from] std::io::Error),
    /// It was written by a newer version.
    #[error("the file was written by a newer version (schema {found}, this one knows {known})")]
    Newer {
        /// The version of its tables.
        found: i64,
        /// The version that is known.
        known: i64,
    },
}

/// Opens a file; makes it where there is none.
///
/// # Errors
/// As [`OpenError`] says.
pub fn open(path: &Path, tables: Tables, readers: Readers, lasts: Lasts) -> Result<Connection, OpenError> {
    if readers == Readers::Owner {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?;
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match lasts {
        Lasts::PowerLoss => "FULL",
        Lasts::Kill => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = begun.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(tables.upgrades.len()).unwrap_or(i64::MAX).saturating_add(1);
    if !(0..=known).contains(&found) {
        return Err(OpenError::Newer { found, known });
    }
    if found == 0 {
        begun.execute_batch(tables.create)?;
    }
    let done = usize::try_from(found.max(1) - 1).unwrap_or_default();
    for upgrade in tables.upgrades.iter().skip(done) {
        begun.execute_batch(upgrade)?;
    }
    begun.commit()?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const CREATE: &str = "CREATE TABLE a (x INTEGER); PRAGMA user_version = 1;";
    const FIRST: Tables = Tables { create: CREATE, upgrades: &[] };
    const SECOND: Tables =
        Tables { create: CREATE, upgrades: &["ALTER TABLE a ADD COLUMN y; PRAGMA user_version = 2;"] };

    #[test]
    fn tables_are_made_led_to_the_next_version_and_never_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let open = |tables| open(&path, tables, Readers::Owner, Lasts::Kill);
        open(FIRST).unwrap().execute("INSERT INTO a VALUES (7)", []).unwrap();
        for _ in 0..2 {
            let x: i64 = open(SECOND)
                .unwrap()
                .query_row("SELECT x FROM a WHERE y IS NULL", [], |row| row.get(0))
                .unwrap();
            assert_eq!(x, 7);
        }
        assert!(matches!(open(FIRST), Err(OpenError::Newer { found: 2, known: 1 })));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_read_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let opened = open(&path, FIRST, Readers::Owner, Lasts::Kill).unwrap();
        opened.execute("INSERT INTO a VALUES (7)", []).unwrap();
        for name in ["a.db", "a.db-wal"] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
