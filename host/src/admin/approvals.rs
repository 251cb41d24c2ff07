//! `POST /approvals`: an approval of one request that may cost much.

use crate::error::Error;
use crate::price::Usd;
use crate::proxy::{Gateway, LONGEST_APPROVAL_SECONDS};
use serde_json::{Value, json};

/// How long an approval is good for where nothing is said: an hour.
const SECONDS: u64 = 3_600;

/// Makes an approval: of a `tenant`, of one `key` of it, of `max_usd`, good for `seconds`.
///
/// # Errors
/// 400 for a query that does not say of whom and of how much, 404 where nothing needs approvals.
pub(super) fn issue(gateway: &Gateway, query: &str) -> Result<Value, Error> {
    let (mut tenant, mut key, mut most, mut seconds) = (None, None, None, SECONDS);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "tenant" => tenant = Some(value.into_owned()),
            "key" => key = Some(value.into_owned()),
            "max_usd" => {
                let amount: Usd = value.parse().map_err(|_| bad("max_usd is an amount, such as 2.50."))?;
                most = Some(amount);
            }
            "seconds" => {
                let known =
                    value.parse().ok().filter(|seconds| (1..=LONGEST_APPROVAL_SECONDS).contains(seconds));
                seconds = known.ok_or_else(|| bad("seconds are a number, 604800 at most."))?;
            }
            _ => return Err(bad("The parameters are tenant, key, max_usd and seconds.")),
        }
    }
    let (Some(tenant), Some(most)) = (tenant, most) else {
        return Err(bad("Say of whom and of how much: tenant and max_usd."));
    };
    if !gateway.tenants.contains_key(tenant.as_str()) {
        return Err(bad("There is no such tenant."));
    }
    let approvals = gateway.approvals.as_ref().ok_or_else(super::unknown)?;
    let (approval, approved) = approvals.issue(&tenant, key.as_deref(), most, seconds);
    tracing::info!(id = approved.id, tenant, key, max_usd = %most, until = approved.until, "a request is approved of");
    Ok(json!({
        "approval": approval,
        "id": approved.id,
        "tenant": tenant,
        "key": key,
        "max_usd": most.to_string(),
        "expires": approved.until,
    }))
}

fn bad(message: &str) -> Error {
    Error::bad_request("invalid_query", message)
}
