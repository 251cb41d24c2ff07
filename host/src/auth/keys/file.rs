//! The file that keys are kept in.
//!
//! Invariant: one connection, used by one thread at a time; every change is a transaction that survives a loss of
//! power. The file can be read by its owner alone.

use super::record::{Hashed, HolderSettings};
use super::{KeyId, KeyRecord, KeySettings, KeyStore, KeyStoreError, Page};
use crate::auth::Permissions;
use crate::store::file::{self, Lasts, OpenError, Readers, Tables};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

const TABLES: Tables = Tables {
    create: "
CREATE TABLE keys (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    permissions TEXT NOT NULL,
    expires INTEGER,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    old_salt BLOB,
    old_hash BLOB,
    old_ends INTEGER,
    created INTEGER NOT NULL,
    rotated INTEGER,
    revoked INTEGER
) STRICT;
CREATE UNIQUE INDEX keys_by_name ON keys (tenant, name) WHERE revoked IS NULL;
CREATE INDEX keys_by_tenant ON keys (tenant, seq);
PRAGMA user_version = 1;
",
    upgrades: &[],
};

const COLUMNS: &str = "seq, id, tenant, name, holder, permissions, expires, salt, hash, old_salt, old_hash,
    old_ends, created, rotated, revoked";

const PUT: &str = "INSERT INTO keys (id, tenant, name, holder, permissions, expires, salt, hash, old_salt,
    old_hash, old_ends, created, rotated, revoked)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, holder = excluded.holder,
        permissions = excluded.permissions, expires = excluded.expires, salt = excluded.salt,
        hash = excluded.hash, old_salt = excluded.old_salt, old_hash = excluded.old_hash,
        old_ends = excluded.old_ends, rotated = excluded.rotated, revoked = excluded.revoked";

/// An open file of keys.
#[derive(Debug)]
pub struct KeyFile(Connection);

impl KeyFile {
    /// Opens the file; makes it where there is none.
    ///
    /// # Errors
    /// As [`OpenError`] says.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self(file::open(path, TABLES, Readers::Owner, Lasts::PowerLoss)?))
    }

    /// Writes many new keys in one transaction: all or none.
    ///
    /// # Errors
    /// As for [`KeyStore::put`].
    pub fn put_all(&mut self, records: &[KeyRecord]) -> Result<(), KeyStoreError> {
        let begun = self.0.transaction()?;
        for record in records {
            put(&begun, record)?;
        }
        Ok(begun.commit()?)
    }
}

impl KeyStore for KeyFile {
    fn load(&mut self, each: &mut dyn FnMut(KeyRecord)) -> Result<(), KeyStoreError> {
        let mut query = self.0.prepare(&format!("SELECT {COLUMNS} FROM keys WHERE revoked IS NULL"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            match read(row)? {
                Ok((_, record)) => each(record),
                // It may be another version's. To let it in without what it says would be to let it do too much.
                Err(id) => tracing::error!(id, "a key cannot be read, and is not known"),
            }
        }
        Ok(())
    }

    fn get(&mut self, id: KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        let mut query = self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE id = ?1"))?;
        let found = query.query_row([id.to_string()], read).optional()?;
        match found {
            None => Ok(None),
            Some(Ok((_, record))) => Ok(Some(record)),
            Some(Err(_)) => Err(KeyStoreError::Failed("the key was written by another version".into())),
        }
    }

    fn list(&mut self, page: &Page) -> Result<Vec<(u64, KeyRecord)>, KeyStoreError> {
        let after = integer(page.after);
        let order = "ORDER BY seq LIMIT ?3";
        let revoked = if page.revoked { "" } else { "AND revoked IS NULL" };
        let tenant = if page.tenant.is_some() { "tenant = ?1" } else { "?1 IS NULL" };
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE {tenant} AND seq > ?2 {revoked} {order}");
        let mut query = self.0.prepare_cached(&sql)?;
        let rows = query.query_map(params![page.tenant, after, page.limit], read)?;
        let mut found = Vec::new();
        for row in rows {
            match row? {
                Ok(known) => found.push(known),
                Err(id) => tracing::error!(id, "a key cannot be read, and is not listed"),
            }
        }
        Ok(found)
    }

    fn put(&mut self, record: &KeyRecord) -> Result<(), KeyStoreError> {
        put(&self.0, record)
    }
}

fn put(connection: &Connection, record: &KeyRecord) -> Result<(), KeyStoreError> {
    let KeySettings { name, holder, permissions, expires } = &record.settings;
    let (old, old_ends) = record.previous.unzip();
    let written = connection.prepare_cached(PUT)?.execute(params![
        record.id.to_string(),
        &*record.tenant,
        name,
        json(holder)?,
        json(permissions)?,
        expires.map(integer),
        record.current.salt,
        record.current.hash,
        old.map(|old| old.salt),
        old.map(|old| old.hash),
        old_ends.map(integer),
        integer(record.created),
        record.rotated.map(integer),
        record.revoked.map(integer),
    ]);
    match written {
        Ok(_) => Ok(()),
        // Of the ways to break a constraint, a name that is taken is the only one there is.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(KeyStoreError::NameTaken)
        }
        Err(error) => Err(error.into()),
    }
}

/// A key and its place; only its id, where what is said of it cannot be read.
fn read(row: &Row<'_>) -> Result<Result<(u64, KeyRecord), String>, rusqlite::Error> {
    let id: String = row.get(1)?;
    let (holder, permissions): (String, String) = (row.get(4)?, row.get(5)?);
    let said = id.parse().ok().zip(parse::<HolderSettings>(&holder)).zip(parse::<Permissions>(&permissions));
    let Some(((known, holder), permissions)) = said else { return Ok(Err(id)) };
    // A time before 1970 is over.
    let seconds = |at: usize| {
        let value = row.get::<_, Option<i64>>(at)?;
        Ok::<_, rusqlite::Error>(value.map(|seconds| u64::try_from(seconds).unwrap_or(0)))
    };
    let old: (Option<[u8; 16]>, Option<[u8; 32]>, Option<u64>) = (row.get(9)?, row.get(10)?, seconds(11)?);
    let previous = match old {
        (Some(salt), Some(hash), Some(ends)) => Some((Hashed { salt, hash }, ends)),
        _ => None,
    };
    let record = KeyRecord {
        id: known,
        tenant: row.get::<_, String>(2)?.into(),
        settings: KeySettings { name: row.get(3)?, holder, permissions, expires: seconds(6)? },
        current: Hashed { salt: row.get(7)?, hash: row.get(8)? },
        previous,
        created: seconds(12)?.unwrap_or_default(),
        rotated: seconds(13)?,
        revoked: seconds(14)?,
    };
    Ok(Ok((seconds(0)?.unwrap_or_default(), record)))
}

fn json<T: Serialize>(value: &T) -> Result<String, KeyStoreError> {
    serde_json::to_string(value).map_err(|error| KeyStoreError::Failed(error.into()))
}

/// Most say nothing.
fn parse<T: DeserializeOwned + Default>(text: &str) -> Option<T> {
    if text == "{}" { Some(T::default()) } else { serde_json::from_str(text).ok() }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl From<rusqlite::Error> for KeyStoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
