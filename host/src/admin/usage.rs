//! `GET /usage`: what was used, by whatever it is asked by.

use crate::error::Error;
use crate::ledger::{Column, Ledger, Query, Sums};
use crate::price::Currency;
use serde_json::{Map, Value, json};

/// What is asked: `by=team,model`, `tenant=`, `since=` and `until=` in seconds since the Unix epoch.
///
/// # Errors
/// It asks for something that there is not.
fn read(query: &str) -> Result<Option<Query>, Error> {
    if query.is_empty() {
        return Ok(None);
    }
    let mut asked = Query::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "by" => {
                for wanted in value.split(',').filter(|wanted| !wanted.is_empty()) {
                    let known = Column::ALL.into_iter().find(|column| column.name() == wanted);
                    asked
                        .by
                        .push(known.filter(|known| !asked.by.contains(known)).ok_or_else(unknown_column)?);
                }
            }
            "tenant" => asked.tenant = Some(value.into_owned()),
            "since" => asked.since_ms = Some(milliseconds("since", &value)?),
            "until" => asked.until_ms = Some(milliseconds("until", &value)?),
            _ => {
                return Err(Error::bad_request(
                    "invalid_query",
                    "Only by, tenant, since and until are known.",
                ));
            }
        }
    }
    Ok(Some(asked))
}

fn unknown_column() -> Error {
    let known: Vec<&str> = Column::ALL.into_iter().map(Column::name).collect();
    let message = format!("This must be some of {}, each once and between commas.", known.join(", "));
    Error::bad_request("invalid_query", message).param("by")
}

fn milliseconds(name: &'static str, value: &str) -> Result<u64, Error> {
    let seconds: Option<u64> = value.parse().ok();
    seconds.and_then(|seconds| seconds.checked_mul(1_000)).ok_or_else(|| {
        Error::bad_request("invalid_query", "This must be seconds since the Unix epoch.").param(name)
    })
}

/// Answers; without a question with the sums of each tenant.
///
/// # Errors
/// It asks for something that there is not, or that only records in a file tell.
pub async fn answer(ledger: &Ledger, currency: Option<&Currency>, query: &str) -> Result<Value, Error> {
    let Some(query) = read(query)? else { return Ok(of_tenants(ledger, currency)) };
    let by = query.by.clone();
    let told = ledger.report(query).await;
    let told = told.map_err(|error| Error::internal("The ledger could not be read.").caused_by(error))?;
    let Some(sums) = told else {
        let message = "Only records that are kept in a file can be asked this: `ledger: { file: … }`.";
        return Err(Error::bad_request("no_ledger_file", message));
    };
    Ok(sums.into_iter().map(|sums| line(&by, sums, currency)).collect())
}

fn line(by: &[Column], sums: Sums, currency: Option<&Currency>) -> Value {
    let group = by.iter().zip(sums.group).map(|(column, value)| (column.name().to_owned(), value.into()));
    let mut line: Map<String, Value> = group.collect();
    line.insert("requests".into(), sums.requests.into());
    line.insert("unpriced".into(), sums.unpriced.into());
    line.insert("estimated".into(), sums.estimated.into());
    line.insert("input_tokens".into(), sums.input_tokens.into());
    line.insert("output_tokens".into(), sums.output_tokens.into());
    line.insert("cost_usd".into(), sums.cost.to_string().into());
    if let Some(currency) = currency {
        line.insert("cost".into(), currency.show(sums.cost).into());
    }
    line.into()
}

fn of_tenants(ledger: &Ledger, currency: Option<&Currency>) -> Value {
    let line = |total: crate::ledger::TenantTotals| {
        let mut line = json!({
            "tenant": total.tenant,
            "requests": total.requests,
            "unpriced": total.unpriced,
            "input_tokens": total.input_tokens,
            "output_tokens": total.output_tokens,
            "cost_usd": total.cost.to_string(),
        });
        if let (Some(line), Some(currency)) = (line.as_object_mut(), currency) {
            line.insert("cost".into(), currency.show(total.cost).into());
        }
        line
    };
    ledger.totals().into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_asked_is_read_and_nonsense_is_refused() {
        assert!(read("").unwrap().is_none());
        let asked = read("by=team,model&tenant=a%20b&since=1&until=2").unwrap().unwrap();
        assert_eq!(asked.by, [Column::Team, Column::Model]);
        assert_eq!(asked.tenant.as_deref(), Some("a b"));
        assert_eq!((asked.since_ms, asked.until_ms), (Some(1_000), Some(2_000)));
        for wrong in [
            "by=team,team",
            "by=teams",
            "by=1;drop",
            "since=x",
            "until=-1",
            "since=99999999999999999999",
            "x=1",
        ] {
            assert_eq!(read(wrong).unwrap_err().code, "invalid_query", "{wrong}");
        }
    }
}
