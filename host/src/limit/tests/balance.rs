//! That it balances: what limits hold is what is reserved and what was used, whatever happens in whatever order.

use super::*;

/// Three levels of budgets, the lowest one of each team.
fn budgets(limit: u64) -> Vec<Rule> {
    let levels = [("organisation", vec![Dimension::Organisation], 3), ("tenant", vec![Dimension::Tenant], 2)];
    let team = ("team", vec![Dimension::Tenant, Dimension::Team], 1);
    let rule = |(name, per, times): (&str, Vec<Dimension>, u64)| Rule {
        name: name.into(),
        unit: Unit::Nanodollars,
        limit: limit * times,
        span: Span::Calendar(Calendar::new(Part::Month, jiff::tz::TimeZone::UTC)),
        applies: Vec::new(),
        per,
        budget: true,
        terms: Terms::default(),
    };
    levels.into_iter().chain([team]).map(rule).collect()
}

fn subject(team: usize) -> Subject<'static> {
    let (tenant, team) = [("t1", "a"), ("t1", "b"), ("t2", "a"), ("t2", "c")][team];
    Subject::default()
        .with(Dimension::Organisation, Some("o"))
        .with(Dimension::Tenant, Some(tenant))
        .with(Dimension::Team, Some(team))
}

fn money(nanos: u64) -> Amounts {
    Amounts { tokens: 0, cost: Usd::from_nanos(nanos) }
}

#[derive(Debug, Clone)]
enum Step {
    Enter(usize, u64),
    /// Ends one of those that are open, having used so much of what it had reserved, in hundredths.
    End(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_usize..4, 1_u64..400).prop_map(|(team, amount)| Step::Enter(team, amount)),
        (0_usize..50, 0_u64..150).prop_map(|(which, part)| Step::End(which, part)),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn reservations_settlements_and_refunds_add_up(steps in steps(), limit in 200_u64..2_000) {
        let limits = Limits::new(budgets(limit), Arc::new(Local::default()));
        let mut open: Vec<(usize, u64, Grant)> = Vec::new();
        let mut used = [0_u64; 4];
        for step in steps {
            match step {
                Step::Enter(team, amount) => {
                    let entered = limits.enter(&subject(team), &[], || money(amount)).now_or_never().unwrap();
                    let out = |of: &[usize]| -> u64 {
                        let reserved = open.iter().filter(|(team, ..)| of.contains(team)).map(|(_, amount, _)| amount);
                        reserved.sum::<u64>() + of.iter().map(|team| used[*team]).sum::<u64>()
                    };
                    let tenant = if team < 2 { [0, 1] } else { [2, 3] };
                    let fits = [(&[0, 1, 2, 3][..], 3), (&tenant, 2), (&[team], 1)]
                        .into_iter()
                        .all(|(of, times)| out(of) + amount <= limit * times);
                    prop_assert_eq!(entered.is_ok(), fits, "all that fits is given, and nothing else");
                    open.extend(entered.ok().map(|grant| (team, amount, grant)));
                }
                Step::End(which, part) if !open.is_empty() => {
                    let (team, amount, mut grant) = open.swap_remove(which % open.len());
                    let spent = amount * part / 100;
                    grant.used(money(spent));
                    used[team] += spent;
                }
                Step::End(..) => {}
            }
        }
        // Whoever is left goes away without a word: that counts in full, and then nothing is out.
        for (team, amount, grant) in open {
            used[team] += amount;
            drop(grant);
        }
        for (rule, _, level) in limits.look(&subject(0), money(0)) {
            let expected: u64 = match &*rule.name {
                "organisation" => used.iter().sum(),
                "tenant" => used[0] + used[1],
                _ => used[0],
            };
            let level = level.unwrap();
            prop_assert_eq!(level.used, expected);
            prop_assert_eq!(level.remaining, rule.limit.saturating_sub(expected), "nothing stays reserved");
        }
    }
}

#[tokio::test]
async fn a_soft_budget_counts_and_refuses_nothing() {
    let mut rules = budgets(100);
    rules.iter_mut().for_each(|rule| rule.terms.soft = rule.name.as_ref() == "team");
    let limits = Limits::new(rules, Arc::new(Local::default()));
    let grant = limits.enter(&subject(0), &[], || money(150)).await.unwrap();
    assert_eq!(grant.level(Unit::Nanodollars).unwrap().remaining, 50, "what is soft is no bound");
    drop(grant);
    let team = |limits: &Limits| limits.look(&subject(0), money(0)).last().unwrap().2.unwrap();
    assert_eq!((team(&limits).used, team(&limits).remaining), (150, 0));
    assert!(limits.enter(&subject(0), &[], || money(60)).await.is_err(), "the hard ones above it hold");
    assert_eq!(team(&limits).used, 150);
}

#[test]
fn a_stream_is_ended_by_what_is_neither_reserved_nor_left() {
    let mut rules = budgets(100);
    rules.iter_mut().for_each(|rule| rule.terms.cut_off = rule.name.as_ref() == "team");
    let limits = Limits::new(rules, Arc::new(Local::default()));
    let enter = |amount| limits.enter(&subject(0), &[], || money(amount)).now_or_never().unwrap().unwrap();
    let (mine, other) = (enter(30), enter(50));
    assert!(mine.cuts_off());
    assert_eq!(mine.exceeded(money(50)), None, "twenty are left beside its thirty");
    assert_eq!(mine.exceeded(money(51)).map(|name| &**name), Some("team"));
    drop(other);
    assert!(mine.exceeded(money(51)).is_some(), "who said nothing has used all");
}
