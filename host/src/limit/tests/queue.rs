//! Who waits for a limit, and who is next.

use super::*;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

fn rule(limit: u64, most: usize) -> Rule {
    let over = Over::Queue(Patience { most, wait: Duration::from_secs(30) });
    Rule {
        name: "few".into(),
        unit: Unit::Exchanges,
        limit,
        span: Span::AtOnce,
        applies: Vec::new(),
        per: Vec::new(),
        budget: false,
        terms: Terms { over, ..Terms::default() },
    }
}

fn limits(limit: u64, most: usize) -> Arc<Limits> {
    Arc::new(Limits::new(vec![rule(limit, most)], Arc::new(Local::default())))
}

fn waiting(limits: &Limits) -> usize {
    limits.books.waiting.len()
}

async fn enter(limits: &Limits, tenant: &str, class: u8) -> Result<Grant, Denied> {
    let mut subject = Subject::default().with(Dimension::Tenant, Some(tenant));
    subject.class = class;
    limits.enter(&subject, &[], Amounts::default).await
}

type Log = Arc<Mutex<Vec<String>>>;

/// A request that notes when it is let in, and is over at once; it waits when this returns.
async fn ask(limits: &Arc<Limits>, log: &Log, tenant: &'static str, class: u8) -> JoinHandle<()> {
    let before = waiting(limits);
    let (own, log) = (limits.clone(), log.clone());
    let task = tokio::spawn(async move {
        let grant = enter(&own, tenant, class).await.unwrap();
        log.lock().push(format!("{tenant}{class}"));
        drop(grant);
    });
    while waiting(limits) == before {
        tokio::task::yield_now().await;
    }
    task
}

#[tokio::test(start_paused = true)]
async fn classes_go_first_and_tenants_share() {
    let (limits, log) = (limits(1, 100), Log::default());
    let held = enter(&limits, "other", 1).await.unwrap();
    let mut tasks = Vec::new();
    // One tenant has asked often before the others come.
    for (tenant, class) in
        [("a", 1), ("a", 1), ("a", 1), ("b", 1), ("c", 2), ("b", 1), ("d", 0), ("a", 0), ("c", 1)]
    {
        tasks.push(ask(&limits, &log, tenant, class).await);
    }
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*log.lock(), ["d0", "a0", "a1", "b1", "c1", "a1", "b1", "a1", "c2"]);
    assert_eq!(waiting(&limits), 0);
    assert!(enter(&limits, "a", 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_in_number_and_in_time() {
    let (limits, log) = (limits(1, 2), Log::default());
    let held = enter(&limits, "a", 1).await.unwrap();
    let began = Instant::now();
    let first = ask(&limits, &log, "a", 1).await;
    let (own, patient) = (
        limits.clone(),
        tokio::spawn({
            let limits = limits.clone();
            async move { enter(&limits, "b", 1).await.map(drop) }
        }),
    );
    while waiting(&own) < 2 {
        tokio::task::yield_now().await;
    }
    let refused = enter(&limits, "c", 0).await.err().unwrap();
    assert!(matches!(refused.over, Over::Queue(_)) && began.elapsed() < Duration::from_secs(1));
    first.abort();
    assert!(first.await.is_err());
    let refused = patient.await.unwrap().err().unwrap();
    assert_eq!((began.elapsed().as_secs(), &*refused.rule), (30, "few"));
    assert_eq!(waiting(&limits), 0, "who has gone waits no longer");
    drop(held);
    assert!(enter(&limits, "c", 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_goes_behind_and_who_leaves_lets_the_next_through() {
    let (limits, log) = (limits(1, 100), Log::default());
    let held = enter(&limits, "a", 1).await.unwrap();
    let gone = ask(&limits, &log, "a", 1).await;
    let stays = ask(&limits, &log, "b", 1).await;
    gone.abort();
    assert!(gone.await.is_err());
    drop(held);
    // The one that was called has not run yet, and this one must not go before it.
    let late = enter(&limits, "z", 1).await.unwrap();
    assert_eq!(*log.lock(), ["b1"]);
    drop(late);
    stays.await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nobody_is_forgotten_and_no_more_are_in_than_may(
        asks in prop::collection::vec((0_usize..4, 0_u8..3, 0_u64..50, 0_u64..5, prop::bool::weighted(0.2)), 1..60),
        limit in 1_u64..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limits = limits(limit, 1_000);
            let inside = Arc::new(std::sync::atomic::AtomicU64::new(0));
            let mut tasks = Vec::new();
            for (tenant, class, pause, hold, leaves) in asks {
                let (limits, inside) = (limits.clone(), inside.clone());
                let task = tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    let tenant = ["a", "b", "c", "d"][tenant];
                    let entered = match leaves {
                        true => tokio::time::timeout(Duration::from_millis(hold), enter(&limits, tenant, class)).await,
                        false => Ok(enter(&limits, tenant, class).await),
                    };
                    let Ok(grant) = entered else { return };
                    let grant = grant.unwrap();
                    let now = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                    assert!(now <= limit);
                    tokio::time::sleep(Duration::from_millis(hold)).await;
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(grant);
                });
                tasks.push(task);
            }
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(waiting(&limits), 0);
            let all: Vec<_> = (0..limit).map(|_| enter(&limits, "a", 0).now_or_never().unwrap().unwrap()).collect();
            drop(all);
        });
    }
}
