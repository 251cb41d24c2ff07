//! Whom a rule is for, and by what it counts.

use super::*;

fn rule(applies: &[(Dimension, &str)], per: &[Dimension]) -> Rule {
    Rule {
        name: "rule".into(),
        unit: Unit::Requests,
        limit: 1,
        span: Span::Sliding(Duration::from_secs(60)),
        applies: applies.iter().map(|(dimension, value)| (*dimension, (*value).into())).collect(),
        per: per.to_vec(),
        budget: false,
        terms: Terms::default(),
    }
}

fn subject<'a>() -> Subject<'a> {
    Subject::default()
        .with(Dimension::Tenant, Some("acme"))
        .with(Dimension::Key, Some("web"))
        .with(Dimension::Model, Some("gpt-5-mini"))
}

#[test]
fn a_rule_is_for_those_of_whom_all_is_so() {
    let is_for = |applies: &[(Dimension, &str)], per: &[Dimension]| {
        rule(applies, per).counter(&subject()).map(|key| key.to_string())
    };
    assert_eq!(is_for(&[], &[]).unwrap(), "rule");
    assert_eq!(is_for(&[(Dimension::Tenant, "acme"), (Dimension::Model, "gpt-*")], &[]).unwrap(), "rule");
    assert_eq!(is_for(&[(Dimension::Tenant, "acme"), (Dimension::Model, "claude*")], &[]), None);
    assert_eq!(is_for(&[(Dimension::Team, "*")], &[]), None, "who has no team is in none");
    assert_eq!(is_for(&[], &[Dimension::Tenant, Dimension::Key]).unwrap(), "rule/4:acme/3:web");
    assert_eq!(is_for(&[], &[Dimension::Agent]), None);
}

#[test]
fn values_cannot_be_taken_for_one_another() {
    let keyed = |tenant, key| {
        let subject =
            Subject::default().with(Dimension::Tenant, Some(tenant)).with(Dimension::Key, Some(key));
        rule(&[], &[Dimension::Tenant, Dimension::Key]).counter(&subject).unwrap()
    };
    assert_ne!(keyed("a/1:b", "c"), keyed("a", "b/1:c"));
}

#[tokio::test]
async fn what_is_of_targets_is_looked_at_when_one_is_asked() {
    let rules = vec![rule(&[], &[Dimension::Tenant]), rule(&[(Dimension::Provider, "openai")], &[])];
    let limits = Limits::new(rules, Arc::new(Local::default()));
    let (entered, most) = (subject(), Amounts::default());
    let grant = limits.enter(&entered, &[], || most).await.unwrap();
    assert_eq!(grant.level(Unit::Requests).unwrap().remaining, 0);
    let denied = limits.enter(&entered, &[], || most).await.err().unwrap();
    assert!(denied.wait().is_some() && !denied.is_hopeless());
    let asked = entered.with(Dimension::Provider, Some("openai"));
    let first = limits.ask(&asked, || most).await.unwrap();
    assert!(limits.ask(&asked, || most).await.is_err());
    assert!(limits.ask(&entered.with(Dimension::Provider, Some("mistral")), || most).await.is_ok());
    drop((grant, first));
    assert!(limits.ask(&asked, || most).await.is_err(), "a request that is over was one all the same");
}
