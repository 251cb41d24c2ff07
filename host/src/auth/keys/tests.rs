//! Keys made at run time: their text, their look-up, their changes, and what is left of them after a restart.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::auth::HolderSettings;
use crate::store::file::OpenError;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// A second kind of store, which forgets.
#[derive(Default)]
struct Memory {
    keys: BTreeMap<u64, KeyRecord>,
    /// Whether the next write fails.
    broken: Arc<Mutex<bool>>,
}

impl KeyStore for Memory {
    fn load(&mut self, each: &mut dyn FnMut(KeyRecord)) -> Result<(), KeyStoreError> {
        self.keys.values().filter(|record| record.revoked.is_none()).cloned().for_each(each);
        Ok(())
    }

    fn get(&mut self, id: KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        Ok(self.keys.values().find(|record| record.id == id).cloned())
    }

    fn list(&mut self, page: &Page) -> Result<Vec<(u64, KeyRecord)>, KeyStoreError> {
        let keys = self.keys.range(page.after + 1..).filter(|(_, record)| {
            page.tenant.as_ref().is_none_or(|tenant| **tenant == *record.tenant)
                && (page.revoked || record.revoked.is_none())
        });
        Ok(keys.take(page.limit as usize).map(|(place, record)| (*place, record.clone())).collect())
    }

    fn put(&mut self, record: &KeyRecord) -> Result<(), KeyStoreError> {
        if *self.broken.lock() {
            return Err(KeyStoreError::Failed("the disk is full".into()));
        }
        let others = self.keys.values().filter(|other| other.id != record.id && other.revoked.is_none());
        let same =
            |other: &KeyRecord| other.tenant == record.tenant && other.settings.name == record.settings.name;
        if record.revoked.is_none() && others.into_iter().any(same) {
            return Err(KeyStoreError::NameTaken);
        }
        let place = self.keys.iter().find(|(_, known)| known.id == record.id).map(|(place, _)| *place);
        let next = self.keys.last_key_value().map_or(1, |(place, _)| place + 1);
        self.keys.insert(place.unwrap_or(next), record.clone());
        Ok(())
    }
}

fn file(folder: &Path) -> Keys {
    Keys::load(KeyFile::open(&folder.join("keys.db")).unwrap()).unwrap()
}

/// Both kinds of store must behave alike.
fn both(folder: &Path) -> [Keys; 2] {
    [file(folder), Keys::load(Memory::default()).unwrap()]
}

fn named(name: &str) -> KeySettings {
    let holder = HolderSettings { team: Some("core".into()), ..HolderSettings::default() };
    KeySettings { name: name.into(), holder, permissions: Permissions::default(), expires: None }
}

use crate::auth::Permissions;

fn ask(keys: &Keys, key: &NewKey) -> Result<String, Rejected> {
    ask_at(keys, key.text().expose(), unix_seconds())
}

fn ask_at(keys: &Keys, text: &str, now: u64) -> Result<String, Rejected> {
    keys.identify_at(text.as_bytes(), now).map(|who| format!("{}/{}", who.tenant, who.key))
}

#[tokio::test]
async fn a_key_is_good_from_when_it_is_made_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    for keys in both(folder.path()) {
        let (record, key) = keys.create("acme".into(), named("web")).await.unwrap();
        assert_eq!(ask(&keys, &key).as_deref(), Ok("acme/web"));
        let principal = keys.identify(key.text().expose().as_bytes()).unwrap();
        assert_eq!(principal.holder.team.as_deref(), Some("core"));
        assert!(Arc::ptr_eq(&principal.permissions, &Permissions::all()));
        assert!(!format!("{key:?} {record:?} {keys:?}").contains(key.text().expose()));
        keys.revoke(record.id).await.unwrap();
        assert_eq!(ask(&keys, &key), Err(Rejected::Unknown));
        assert!(matches!(keys.revoke(record.id).await, Err(KeyChangeError::Unknown)));
        assert!(matches!(keys.rotate(record.id, Duration::ZERO).await, Err(KeyChangeError::Unknown)));
        assert!(keys.get(record.id).await.unwrap().revoked.is_some());
    }
}

#[tokio::test]
async fn an_old_secret_is_good_while_it_overlaps_and_the_one_before_it_never() {
    let folder = tempfile::tempdir().unwrap();
    for keys in both(folder.path()) {
        let now = unix_seconds();
        let (record, first) = keys.create("acme".into(), named("web")).await.unwrap();
        let (_, second) = keys.rotate(record.id, Duration::from_secs(600)).await.unwrap();
        let at = |key: &NewKey, later: u64| ask_at(&keys, key.text().expose(), now + later).is_ok();
        assert!(at(&first, 0) && at(&first, 599) && at(&second, 0) && at(&second, 1 << 40));
        assert!(!at(&first, 610));
        let (_, third) = keys.rotate(record.id, Duration::from_secs(60)).await.unwrap();
        assert!(!at(&first, 0) && at(&second, 0) && at(&third, 0));
        assert_eq!(ask_at(&keys, first.text().expose(), now), Err(Rejected::Unknown));
        assert_eq!(ask_at(&keys, second.text().expose(), now + 99), Err(Rejected::Ended), "it is no guess");
        let (_, fourth) = keys.rotate(record.id, Duration::ZERO).await.unwrap();
        assert!(!at(&third, 1) && at(&fourth, 1));
    }
}

#[tokio::test]
async fn a_key_ends_in_time_and_changes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for keys in both(folder.path()) {
        let now = unix_seconds();
        let settings = KeySettings { expires: Some(now + 60), ..named("web") };
        let (record, key) = keys.create("acme".into(), settings).await.unwrap();
        let text = key.text().expose();
        assert!(ask_at(&keys, text, now + 59).is_ok());
        assert_eq!(ask_at(&keys, text, now + 60), Err(Rejected::Ended));
        let strict = Permissions { chain: Some("strict".into()), ..Permissions::default() };
        let change =
            |_: &KeyRecord| Ok::<_, KeyChangeError>(KeySettings { permissions: strict, ..named("renamed") });
        keys.update(record.id, change).await.unwrap();
        let who = keys.identify_at(text.as_bytes(), now + 600).unwrap();
        assert_eq!((&*who.key, who.permissions.chain.as_deref()), ("renamed", Some("strict")));
        let refuse = |_: &KeyRecord| Err::<KeySettings, _>(KeyChangeError::BrokenOff);
        assert!(keys.update(record.id, refuse).await.is_err());
        assert_eq!(ask(&keys, &key).as_deref(), Ok("acme/renamed"));
    }
}

#[tokio::test]
async fn names_are_taken_once_in_a_tenant_and_free_again_when_revoked() {
    let folder = tempfile::tempdir().unwrap();
    for keys in both(folder.path()) {
        let (first, _) = keys.create("acme".into(), named("web")).await.unwrap();
        keys.create("beta".into(), named("web")).await.unwrap();
        let taken = |made: &Result<_, KeyChangeError>| {
            matches!(made, Err(KeyChangeError::Store(KeyStoreError::NameTaken)))
        };
        assert!(taken(&keys.create("acme".into(), named("web")).await));
        let (other, _) = keys.create("acme".into(), named("batch")).await.unwrap();
        let renamed = keys.update(other.id, |_| Ok::<_, KeyChangeError>(named("web"))).await;
        assert!(matches!(renamed, Err(KeyChangeError::Store(KeyStoreError::NameTaken))));
        keys.revoke(first.id).await.unwrap();
        keys.create("acme".into(), named("web")).await.unwrap();
    }
}

#[tokio::test]
async fn pages_follow_one_another() {
    let folder = tempfile::tempdir().unwrap();
    for keys in both(folder.path()) {
        let mut ids = Vec::new();
        for n in 0..7 {
            let tenant = if n % 2 == 0 { "acme" } else { "beta" };
            ids.push(keys.create(tenant.into(), named(&format!("k{n}"))).await.unwrap().0.id);
        }
        let page = |tenant: Option<&str>, after, limit| {
            let tenant = tenant.map(str::to_owned);
            keys.list(Page { tenant, revoked: false, after, limit })
        };
        let first = page(None, 0, 3).await.unwrap();
        let second = page(None, first.last().unwrap().0, 9).await.unwrap();
        let listed: Vec<KeyId> = first.iter().chain(&second).map(|(_, record)| record.id).collect();
        assert_eq!(listed, ids);
        assert_eq!(page(Some("acme"), 0, 9).await.unwrap().len(), 4);
        keys.revoke(*ids.first().unwrap()).await.unwrap();
        assert_eq!(page(Some("acme"), 0, 9).await.unwrap().len(), 3);
        let all = Page { revoked: true, limit: 9, ..Page::default() };
        assert_eq!(keys.list(all).await.unwrap().len(), 7);
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keys = file(folder.path());
    let strict = Permissions { tools: Some(Vec::new()), max_tokens: Some(9), ..Permissions::default() };
    let settings = KeySettings { permissions: strict.clone(), expires: Some(1 << 40), ..named("web") };
    let (record, first) = keys.create("acme".into(), settings).await.unwrap();
    let (_, second) = keys.rotate(record.id, Duration::from_secs(60)).await.unwrap();
    let (gone, revoked) = keys.create("acme".into(), named("gone")).await.unwrap();
    keys.revoke(gone.id).await.unwrap();
    // The other one goes on: what was written survives without anybody closing it.
    let again = file(folder.path());
    assert_eq!(ask(&again, &first).as_deref(), Ok("acme/web"));
    let who = again.identify(second.text().expose().as_bytes()).unwrap();
    assert_eq!(*who.permissions, strict);
    assert_eq!(ask(&again, &revoked), Err(Rejected::Unknown));
    assert_eq!(again.len(), 1);
    assert_eq!(again.get(record.id).await.unwrap(), keys.get(record.id).await.unwrap());
    let bytes = std::fs::read(folder.path().join("keys.db")).unwrap();
    let log = std::fs::read(folder.path().join("keys.db-wal")).unwrap_or_default();
    for key in [&first, &second, &revoked] {
        let secret = key.text().expose().rsplit('_').next().unwrap().as_bytes();
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(&bytes) && !holds(&log), "a secret is in the file");
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let _keys = file(folder.path());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acknowledged_and_changes_nothing() {
    let store = Memory::default();
    let broken = store.broken.clone();
    let keys = Keys::load(store).unwrap();
    let (record, key) = keys.create("acme".into(), named("web")).await.unwrap();
    *broken.lock() = true;
    assert!(keys.create("acme".into(), named("more")).await.is_err());
    assert!(keys.revoke(record.id).await.is_err());
    assert!(keys.rotate(record.id, Duration::ZERO).await.is_err());
    assert_eq!((keys.len(), ask(&keys, &key).as_deref()), (1, Ok("acme/web")));
    let nowhere = Keys::default();
    assert!(matches!(nowhere.create("acme".into(), named("web")).await, Err(KeyChangeError::NotKept)));
}

#[tokio::test]
async fn a_key_that_another_version_wrote_is_not_let_in_without_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let keys = file(folder.path());
    let (record, key) = keys.create("acme".into(), named("web")).await.unwrap();
    let (_, good) = keys.create("acme".into(), named("good")).await.unwrap();
    let other = rusqlite::Connection::open(folder.path().join("keys.db")).unwrap();
    let later = r#"{"only_at_night": true}"#;
    other.execute("UPDATE keys SET permissions = ?1 WHERE name = 'web'", [later]).unwrap();
    let again = file(folder.path());
    assert_eq!(ask(&again, &key), Err(Rejected::Unknown));
    assert!(ask(&again, &good).is_ok() && again.get(record.id).await.is_err());
    other.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(KeyFile::open(&folder.path().join("keys.db")), Err(OpenError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn changes_that_race_all_count() {
    let keys = Arc::new(Keys::load(Memory::default()).unwrap());
    let (record, _) = keys.create("acme".into(), named("web")).await.unwrap();
    let made = (0..50).map(|_| {
        let keys = keys.clone();
        tokio::spawn(async move {
            let add = |record: &KeyRecord| {
                let more =
                    KeySettings { expires: Some(record.settings.expires.unwrap_or(0) + 1), ..named("web") };
                Ok::<_, KeyChangeError>(more)
            };
            keys.update(record.id, add).await.unwrap();
        })
    });
    for done in made.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    assert_eq!(keys.get(record.id).await.unwrap().settings.expires, Some(50));
}

#[test]
fn texts_have_one_form_and_no_two_are_alike() {
    let id = KeyId::random().unwrap();
    let (key, hashed) = NewKey::random(id).unwrap();
    let text = key.text().expose();
    assert_eq!((text.len(), text.starts_with(&format!("lgk_{id}_"))), (57, true));
    let (parsed, secret) = text::parse(text.as_bytes()).unwrap();
    assert!(parsed == id && bool::from(hashed.is_of(secret)));
    assert_eq!(id.to_string().parse(), Ok(id));
    for wrong in ["", "lgk_", &text[1..], &text[..56], &format!("{text}x"), &text.replace("lgk", "LGK")] {
        assert_eq!(text::parse(wrong.as_bytes()), None, "{wrong}");
    }
    assert!("../../../etc".parse::<KeyId>().is_err());
    let (other, salted) = NewKey::random(id).unwrap();
    assert!(other.text() != key.text() && salted.salt != hashed.salt);
    let letters: std::collections::BTreeSet<char> = (0..50)
        .flat_map(|_| NewKey::random(id).unwrap().0.text().expose()[17..].chars().collect::<Vec<_>>())
        .collect();
    assert_eq!(letters.len(), 62, "each letter comes up");
}

proptest! {
    #[test]
    fn no_text_panics_and_none_but_the_key_comes_in(text in prop::collection::vec(any::<u8>(), 0..80), at in 0_usize..57) {
        let keys = Keys::default();
        let record = KeyRecord::new(KeyId::random().unwrap(), "acme".into(), named("web"), Hashed::default(), 0);
        let (key, hashed) = NewKey::random(record.id).unwrap();
        learn(&keys.table, &KeyRecord { current: hashed, ..record });
        prop_assert!(keys.identify(&text).is_err());
        let mut near = key.text().expose().as_bytes().to_vec();
        prop_assert!(keys.identify(&near).is_ok());
        if let Some(letter) = near.get_mut(at) {
            *letter = if *letter == b'a' { b'b' } else { b'a' };
        }
        prop_assert!(keys.identify(&near).is_err());
    }
}
