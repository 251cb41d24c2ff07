//! The text of a key: `lgk_ID_SECRET`. The id is no secret; the secret has 238 bits of the system's randomness.
//!
//! Invariant: a secret is in nothing that can be printed, but where it is shown on purpose.

use super::record::Hashed;
use crate::secret::Secret;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "lgk_";
const ID: usize = 12;
const SECRET: usize = 40;
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The most that a byte may be so that every letter comes up as often.
const EVEN: u8 = 4 * 62;

/// Which key it is. It may be shown and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID]);

impl KeyId {
    pub(super) fn random() -> Option<Self> {
        random().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// It is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is {ID} letters and digits")]
pub struct NoId;

impl FromStr for KeyId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let id = text.as_bytes().try_into().map_err(|_| NoId)?;
        if is_plain(text.as_bytes()) { Ok(Self(id)) } else { Err(NoId) }
    }
}

/// A key that was just made: the only time that its text is known.
#[derive(Debug)]
pub struct NewKey {
    id: KeyId,
    text: Secret,
}

impl NewKey {
    /// A key, and what is kept of it.
    pub(super) fn random(id: KeyId) -> Option<(Self, Hashed)> {
        let secret: [u8; SECRET] = random()?;
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).ok()?;
        let text = format!("{PREFIX}{id}_{}", secret.map(char::from).iter().collect::<String>());
        Some((Self { id, text: Secret::new(text) }, Hashed::of(salt, &secret)))
    }

    /// Which key it is.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The text, for whoever asked for the key.
    #[must_use]
    pub const fn text(&self) -> &Secret {
        &self.text
    }
}

/// The id and the secret of what looks like a key.
pub(super) fn parse(text: &[u8]) -> Option<(KeyId, &[u8])> {
    let (id, secret) = text.strip_prefix(PREFIX.as_bytes())?.split_at_checked(ID)?;
    let secret = secret.strip_prefix(b"_").filter(|secret| secret.len() == SECRET)?;
    let id = id.try_into().ok().filter(|id: &[u8; ID]| is_plain(id))?;
    is_plain(secret).then_some((KeyId(id), secret))
}

/// Whether a credential says that it is a key of this kind.
pub(super) fn claims(text: &[u8]) -> bool {
    text.starts_with(PREFIX.as_bytes())
}

fn is_plain(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_alphanumeric)
}

/// Letters of the system's randomness, each as likely as any other.
fn random<const N: usize>() -> Option<[u8; N]> {
    let source = SystemRandom::new();
    let mut letters = [0; N];
    let mut places = letters.iter_mut();
    let mut place = places.next();
    while place.is_some() {
        let mut bytes = [0; 64];
        source.fill(&mut bytes).ok()?;
        for byte in bytes.into_iter().filter(|byte| *byte < EVEN) {
            let Some(letter) = place else { break };
            *letter = *LETTERS.get(usize::from(byte % 62))?;
            place = places.next();
        }
    }
    Some(letters)
}
