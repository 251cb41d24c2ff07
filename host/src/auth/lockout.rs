//! Lock-out of guessing: who shows wrong credentials waits, longer each time.
//!
//! Invariants: bounded memory and no lock, whatever addresses come; an address that is locked has no credential looked
//! at that was not seen to be good from there before, so that guesses are not answered; a credential that was is
//! served as ever, so that who shares the address is not hurt. Holds no credential, only keyed digests.
//!
//! An address of IPv6 counts with its /64: a site has that many to choose from. Addresses share slots by a hash whose
//! key is drawn at start: two may share their fate, and nobody can choose with whom.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Addresses that are told apart.
const ADDRESSES: usize = 1 << 15;
/// Good credentials that are remembered, each with where it came from.
const GOOD: usize = 1 << 16;
/// Wrong credentials are forgotten after this long without another.
const FORGET: Duration = Duration::from_secs(15 * 60);

/// How patient the lock-out is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutSettings {
    /// Wrong credentials that an address may show before it has to wait.
    pub failures: u16,
    /// The first wait; each further wrong credential doubles it.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

/// What is known of addresses. Shared by all configurations.
pub struct Lockout {
    born: Instant,
    hasher: RandomState,
    /// Failures in the upper 16 bits, the time of the last in the lower 48, in milliseconds.
    addresses: Box<[AtomicU64]>,
    good: Box<[AtomicU64]>,
}

impl Default for Lockout {
    fn default() -> Self {
        let slots = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            born: Instant::now(),
            hasher: RandomState::new(),
            addresses: slots(ADDRESSES),
            good: slots(GOOD),
        }
    }
}

impl std::fmt::Debug for Lockout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lockout").finish_non_exhaustive()
    }
}

impl Lockout {
    /// How long an address must wait before a credential of this digest is looked at; none where it is looked at now.
    #[must_use]
    pub fn wait(&self, settings: &LockoutSettings, address: IpAddr, digest: &[u8; 32]) -> Option<Duration> {
        let known = self.slot(address)?.load(Ordering::Relaxed);
        if known >> 48 == 0 {
            return None;
        }
        let ends = Duration::from_millis(known & LAST) + settings.pause(known >> 48);
        let left = ends.checked_sub(self.born.elapsed()).filter(|left| !left.is_zero())?;
        let mark = self.mark(address, digest);
        let good = self.good_slot(mark).is_some_and(|slot| slot.load(Ordering::Relaxed) == mark);
        (!good).then_some(left)
    }

    /// A credential was wrong.
    pub fn failed(&self, address: IpAddr) {
        let Some(slot) = self.slot(address) else { return };
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(LAST) & LAST;
        let forget = u64::try_from(FORGET.as_millis()).unwrap_or(u64::MAX);
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
            let before = if now.saturating_sub(known & LAST) > forget { 0 } else { known >> 48 };
            Some((before + 1).min(0xffff) << 48 | now)
        });
    }

    /// A credential was good.
    pub fn succeeded(&self, address: IpAddr, digest: &[u8; 32]) {
        let mark = self.mark(address, digest);
        if let Some(slot) = self.good_slot(mark)
            && slot.load(Ordering::Relaxed) != mark
        {
            slot.store(mark, Ordering::Relaxed);
        }
    }

    fn slot(&self, address: IpAddr) -> Option<&AtomicU64> {
        place(&self.addresses, self.hasher.hash_one(site(address)))
    }

    fn good_slot(&self, mark: u64) -> Option<&AtomicU64> {
        place(&self.good, mark)
    }

    /// Never 0, which is an empty slot.
    fn mark(&self, address: IpAddr, digest: &[u8; 32]) -> u64 {
        self.hasher.hash_one((site(address), digest)) | 1
    }
}

/// The bits of a slot that hold a time.
const LAST: u64 = (1 << 48) - 1;

impl LockoutSettings {
    fn pause(&self, failures: u64) -> Duration {
        let Some(more) = failures.checked_sub(self.failures.into()) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(u32::try_from(more).unwrap_or(u32::MAX)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// The upper bits, since a mark's lowest is always set.
fn place(slots: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    let shift = 64 - slots.len().trailing_zeros();
    slots.get(usize::try_from(hash >> shift).ok()?)
}

/// What an address counts as: itself, or its /64.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const SETTINGS: LockoutSettings =
        LockoutSettings { failures: 3, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
    const GUESS: [u8; 32] = [1; 32];
    const KEY: [u8; 32] = [2; 32];

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_waits_twice_as_long_each_time() {
        let lockout = Lockout::default();
        let here = address("192.0.2.1");
        let wait = || lockout.wait(&SETTINGS, here, &GUESS).map(|wait| wait.as_secs());
        for _ in 0..2 {
            lockout.failed(here);
            assert_eq!(wait(), None);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            lockout.failed(here);
            assert_eq!(wait(), Some(seconds));
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(wait(), None);
        }
        tokio::time::advance(FORGET + Duration::from_secs(1)).await;
        lockout.failed(here);
        assert_eq!(wait(), None, "what was long ago is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_good_from_there_is_not_hurt_and_another_is_not_looked_at() {
        let lockout = Lockout::default();
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        lockout.succeeded(here, &KEY);
        (0..9).for_each(|_| lockout.failed(here));
        assert_eq!(lockout.wait(&SETTINGS, here, &KEY), None);
        assert!(lockout.wait(&SETTINGS, here, &GUESS).is_some());
        (0..9).for_each(|_| lockout.failed(there));
        assert!(lockout.wait(&SETTINGS, there, &KEY).is_some(), "it was never good from there");
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_of_ipv6_is_one() {
        let lockout = Lockout::default();
        (0..9_u16).for_each(|n| lockout.failed(address(&format!("2001:db8:1:2:{n}::{n}"))));
        assert!(lockout.wait(&SETTINGS, address("2001:db8:1:2:ffff::1"), &GUESS).is_some());
        assert!(lockout.wait(&SETTINGS, address("2001:db8:1:3::1"), &GUESS).is_none());
        (0..9).for_each(|_| lockout.failed(address("192.0.2.9")));
        assert!(lockout.wait(&SETTINGS, address("::ffff:192.0.2.9"), &GUESS).is_some(), "the same address");
    }

    #[test]
    fn a_pause_never_wraps() {
        for failures in [0, 2, 3, 34, 35, 36, 0xffff] {
            assert!(SETTINGS.pause(failures) <= SETTINGS.longest);
        }
        assert_eq!(SETTINGS.pause(0xffff), SETTINGS.longest);
    }
}
