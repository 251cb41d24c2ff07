//! Requests that may cost so much that somebody must approve of them first.
//!
//! An approval is a text that an operator gets from the admin listener and hands to whoever asks: for one request of a
//! tenant, or of one of its keys, up to an amount and until a time. Invariants: only who has the secret can make one; it
//! is used once, on all replicas that share the counters and, where they are kept, after a restart; it is compared in
//! constant time and shown in no log. A request is looked at as it comes in: what its route's plugins make of it is not.

use super::detour;
use super::life::Life;
use super::quota;
use crate::clock::unix_seconds;
use crate::error::{Error, Party};
use crate::limit::{Counters, Demand, Meter, Refusal, Settlement};
use crate::price::Usd;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The header that an approval comes in.
pub const HEADER: &str = "x-lockgate-approval";
/// How an approval begins, so that it is known for one, and of which kind.
const PREFIX: &str = "lga1";
/// Bytes of an approval at most.
const LONGEST: usize = 2_048;
/// Seconds that an approval is good for at most: a week.
pub const LONGEST_SECONDS: u64 = 7 * 24 * 3_600;

/// Who approves, of what, and what becomes of the rest.
pub struct Approvals {
    above: Usd,
    downgrades: bool,
    key: hmac::Key,
    counters: Arc<dyn Counters>,
}

/// What is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Of which tenant.
    pub tenant: String,
    /// Of which key; any of the tenant's where none is named.
    pub key: Option<String>,
    /// What the request may cost, in billionths of a dollar.
    pub most: u64,
    /// When it was made, in seconds since the Unix epoch.
    pub from: u64,
    /// Until when.
    pub until: u64,
    /// What tells it from others.
    pub id: String,
}

impl Approvals {
    /// Approvals of what may cost more than this. `downgrades`: whether a request without one goes to cheaper targets.
    #[must_use]
    pub fn new(above: Usd, downgrades: bool, secret: &Secret, counters: Arc<dyn Counters>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self { above, downgrades, key, counters }
    }

    /// Whether a request that may cost this much needs one.
    #[must_use]
    pub fn needed(&self, cost: Usd) -> bool {
        cost > self.above
    }

    /// Makes an approval of one request, good for so many seconds.
    #[must_use]
    pub fn issue(&self, tenant: &str, key: Option<&str>, most: Usd, seconds: u64) -> (String, Approved) {
        let from = unix_seconds();
        let approved = Approved {
            tenant: tenant.to_owned(),
            key: key.map(str::to_owned),
            most: most.nanos(),
            from,
            until: from.saturating_add(seconds.clamp(1, LONGEST_SECONDS)),
            id: format!("{:032x}", fastrand::u128(..)),
        };
        let said = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&approved).unwrap_or_default());
        let said = format!("{PREFIX}.{said}");
        let signed = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, said.as_bytes()).as_ref());
        (format!("{said}.{signed}"), approved)
    }

    /// Reads an approval that was given by us and is good now.
    fn read(&self, text: &str) -> Option<Approved> {
        let (said, signed) = text.rsplit_once('.').filter(|_| text.len() <= LONGEST)?;
        let signed = URL_SAFE_NO_PAD.decode(signed).ok()?;
        hmac::verify(&self.key, said.as_bytes(), &signed).ok()?;
        let said = URL_SAFE_NO_PAD.decode(said.strip_prefix(PREFIX)?.strip_prefix('.')?).ok()?;
        let approved: Approved = serde_json::from_slice(&said).ok()?;
        (approved.from..approved.until).contains(&unix_seconds()).then_some(approved)
    }

    /// Uses an approval up.
    async fn spend(&self, approved: &Approved) -> Result<(), Refusal> {
        let micros = |seconds: u64| seconds.saturating_mul(1_000_000);
        let meter = Meter::Period { limit: 1, from: micros(approved.from), to: micros(approved.until) };
        let demand =
            Demand { key: format!("approval!{}", approved.id).into(), meter, amount: 1, soft: false };
        let now = crate::limit::now();
        self.counters.take(std::slice::from_ref(&demand), now).await.map_err(|(_, refusal)| refusal)?;
        self.counters.settle(&[Settlement { demand, taken: now, used: 1 }], now);
        Ok(())
    }
}

/// Lets a request through that needs no approval, or has one, which is then to be spent.
///
/// # Errors
/// 403 for one that has none, or none that is for it.
pub(super) fn check(life: &mut Life) -> Result<Option<Approved>, Error> {
    let gateway = life.gateway.clone();
    let given = life.approval.take();
    let Some(approvals) = &gateway.approvals else { return Ok(None) };
    let costs = quota::costs(life);
    let most = costs.iter().flatten().max().copied().unwrap_or(Usd::ZERO);
    if !approvals.needed(most) {
        return Ok(None);
    }
    if let Some(given) = given {
        let approved = approvals.read(given.expose()).filter(|approved| {
            let principal = &life.principal;
            *approved.tenant == *principal.tenant
                && approved.key.as_deref().is_none_or(|key| *key == *principal.key)
                && approved.most >= most.nanos()
        });
        let wrong = || refused("invalid_approval", "The approval is not valid for this request.");
        return approved.ok_or_else(wrong).map(Some);
    }
    if approvals.downgrades && detour::cap(life, approvals.above, &costs) {
        return Ok(None);
    }
    let above = approvals.above;
    let message = format!(
        "This request may cost up to {most} US dollars; above {above} it needs an approval in '{HEADER}'."
    );
    Err(refused("approval_required", message))
}

/// Uses an approval up, once nothing else stands in the way of its request.
///
/// # Errors
/// 403 for one that was used before.
pub(super) async fn spend(life: &Life, approved: Option<Approved>) -> Result<(), Error> {
    let (Some(approved), Some(approvals)) = (approved, &life.gateway.approvals) else { return Ok(()) };
    match approvals.spend(&approved).await {
        Ok(()) => {
            life.exchange.flag("approval", &approved.id);
            Ok(())
        }
        Err(Refusal::Short(_)) => Err(refused("invalid_approval", "The approval has been used already.")),
        Err(_) => {
            let message = "The gateway cannot note that the approval is used. Try again later.";
            Err(Error::new(Party::Internal, StatusCode::SERVICE_UNAVAILABLE, "limits_unavailable", message))
        }
    }
}

fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(Party::Client, StatusCode::FORBIDDEN, code, message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::limit::Local;
    use proptest::prelude::*;

    fn approvals(secret: &str) -> Approvals {
        let secret = Secret::new(secret);
        Approvals::new(Usd::from_nanos(1_000), false, &secret, Arc::new(Local::default()))
    }

    #[tokio::test]
    async fn an_approval_is_read_by_who_made_it_and_used_once() {
        let own = approvals("a secret of the gateway");
        let (text, approved) = own.issue("acme", Some("web"), Usd::from_nanos(5), 60);
        assert_eq!(own.read(&text).unwrap(), approved);
        assert!(approvals("another secret of another").read(&text).is_none());
        assert!(own.spend(&approved).await.is_ok());
        assert!(matches!(own.spend(&approved).await, Err(Refusal::Short(_))));
        let (_, other) = own.issue("acme", None, Usd::from_nanos(5), 60);
        assert!(own.spend(&other).await.is_ok());
    }

    #[test]
    fn what_is_over_or_not_yet_is_no_approval() {
        let own = approvals("a secret of the gateway");
        let (_, approved) = own.issue("acme", None, Usd::from_nanos(5), 60);
        let signed = |approved: &Approved| {
            let said = format!("{PREFIX}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(approved).unwrap()));
            let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&own.key, said.as_bytes()).as_ref());
            format!("{said}.{tag}")
        };
        assert!(own.read(&signed(&approved)).is_some());
        let now = unix_seconds();
        assert!(own.read(&signed(&Approved { from: now - 60, until: now, ..approved.clone() })).is_none());
        assert!(own.read(&signed(&Approved { from: now + 60, until: now + 90, ..approved })).is_none());
    }

    proptest! {
        #[test]
        fn nothing_else_is_an_approval(text in ".{0,80}", place in 0_usize..200, byte in 0x21_u8..0x7f) {
            let own = approvals("a secret of the gateway");
            prop_assert!(own.read(&text).is_none());
            let (good, approved) = own.issue("acme", None, Usd::from_nanos(5), 60);
            let mut changed = good.clone().into_bytes();
            let place = place % changed.len();
            changed[place] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(changed == good || own.read(&changed).is_none_or(|read| read == approved));
        }
    }
}
