//! Which kept answers an operator wants gone, as a query says it.
//!
//! Invariant: a query that says nothing, or something that is not known, removes nothing.

use crate::error::{Error, Party};
use crate::store::answers::Stale;
use http::StatusCode;
use std::time::Duration;

/// Reads `tenant`, `tag` (several times: all of them), `namespace`, `version` and `older_than` (seconds). The
/// `semantic-cache` tells namespaces and versions as tags.
///
/// # Errors
/// 400 for a query that names nothing, or something else.
pub(super) fn read(query: &str) -> Result<Stale, Error> {
    let mut stale = Stale::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            _ if value.is_empty() => return Err(bad("A parameter is empty.")),
            "tenant" => stale.tenant = Some(value.into_owned()),
            "tag" => stale.tags.push(value.into_owned()),
            "namespace" | "version" => stale.tags.push(format!("{name}:{value}")),
            "older_than" => {
                let seconds = value.parse().map_err(|_| bad("older_than is a number of seconds."))?;
                stale.older_than = Some(Duration::from_secs(seconds));
            }
            _ => return Err(bad("The parameters are tenant, tag, namespace, version and older_than.")),
        }
    }
    if stale == Stale::default() {
        return Err(bad("Say which answers: by tenant, tag, namespace, version or older_than."));
    }
    Ok(stale)
}

fn bad(message: &str) -> Error {
    Error::new(Party::Client, StatusCode::BAD_REQUEST, "invalid_query", message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_query_says_what_goes() {
        let stale = read("tenant=acme&tag=a%20b&tag=c&namespace=n&version=7&older_than=60").unwrap();
        let tags = ["a b", "c", "namespace:n", "version:7"].map(str::to_owned).to_vec();
        let wanted = Stale { tenant: Some("acme".into()), tags, older_than: Some(Duration::from_secs(60)) };
        assert_eq!(stale, wanted);
        for query in ["", "tenant=", "older_than=soon", "older_than=-1", "everything=true", "tag"] {
            assert_eq!(read(query).unwrap_err().code, "invalid_query", "{query}");
        }
    }
}
