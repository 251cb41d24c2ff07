//! Who is told of budgets: everything once.

use super::*;
use tokio::sync::mpsc;

struct Ear(mpsc::UnboundedSender<Notice>);

impl Listener for Ear {
    fn hear(&self, notice: Notice) {
        self.0.send(notice).unwrap();
    }
}

fn budget(limit: u64) -> Rule {
    Rule {
        name: "budget team".into(),
        unit: Unit::Nanodollars,
        limit,
        span: Span::Calendar(Calendar::new(Part::Month, jiff::tz::TimeZone::UTC)),
        applies: Vec::new(),
        per: vec![Dimension::Tenant, Dimension::Team],
        budget: true,
        terms: Terms { warn_at: vec![500, 800, 1_000], ..Terms::default() },
    }
}

fn limits(counters: Arc<dyn Counters>) -> (Limits, mpsc::UnboundedReceiver<Notice>) {
    let (sender, heard) = mpsc::unbounded_channel();
    (Limits::new(vec![budget(1_000)], counters).telling(Arc::default(), Arc::new(Ear(sender))), heard)
}

async fn spend(limits: &Limits, team: &str, nanos: u64) -> Result<Vec<u16>, Denied> {
    let subject = Subject::default().with(Dimension::Tenant, Some("a/1:b")).with(Dimension::Team, Some(team));
    let amounts = Amounts { tokens: 0, cost: Usd::from_nanos(nanos) };
    let grant = limits.enter(&subject, &[], || amounts).await?;
    let flags = grant.warnings().map(|(_, part)| part).collect();
    drop(grant);
    // What is told is told by a task.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    Ok(flags)
}

fn told(heard: &mut mpsc::UnboundedReceiver<Notice>) -> Vec<(Option<u16>, u64)> {
    std::iter::from_fn(|| heard.try_recv().ok()).map(|notice| (notice.part, notice.used)).collect()
}

#[tokio::test]
async fn each_part_is_told_once_and_of_each_counter() {
    let (limits, mut heard) = limits(Arc::new(Local::default()));
    assert_eq!(spend(&limits, "x", 400).await.unwrap(), [0_u16; 0]);
    assert_eq!(told(&mut heard), []);
    assert_eq!(spend(&limits, "x", 150).await.unwrap(), [0_u16; 0], "it is told when it is over");
    let first = heard.try_recv().unwrap();
    assert_eq!((first.part, first.used, first.limit, &*first.rule), (Some(500), 550, 1_000, "budget team"));
    assert_eq!(first.of, [(Dimension::Tenant, "a/1:b".into()), (Dimension::Team, "x".into())]);
    assert!(first.until.unwrap() > now());
    assert_eq!(spend(&limits, "x", 50).await.unwrap(), [500]);
    assert_eq!(told(&mut heard), []);
    assert!(spend(&limits, "x", 900).await.is_err());
    assert!(spend(&limits, "x", 900).await.is_err());
    tokio::task::yield_now().await;
    assert_eq!(told(&mut heard), [(None, 600)]);
    assert_eq!(spend(&limits, "x", 400).await.unwrap(), [500]);
    assert_eq!(told(&mut heard), [(Some(1_000), 1_000)], "what lies between is not told behind it");
    assert_eq!(spend(&limits, "y", 500).await.unwrap(), [0_u16; 0]);
    assert_eq!(told(&mut heard), [(Some(500), 500)]);
}

#[tokio::test]
async fn what_was_told_is_not_told_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    for (spent, expected) in [(600, Some(500)), (10, None), (200, Some(800)), (10, None)] {
        // Each of them ends without a word: nothing is closed.
        let (limits, mut heard) = limits(Arc::new(Durable::open(&file, now()).unwrap()));
        // In small pieces: what the file is ahead by counts as used after each.
        for _ in 0..spent / 10 {
            spend(&limits, "x", 10).await.unwrap();
        }
        let patience = Duration::from_millis(if expected.is_some() { 5_000 } else { 200 });
        let heard = tokio::time::timeout(patience, heard.recv()).await;
        assert_eq!(heard.ok().flatten().and_then(|notice| notice.part), expected);
    }
}
