//! Grants: what is not granted is refused at load, and asked for again at each use.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, flag, house};
use lockgate::plugin::*;
use lockgate_guests::GREEDY;
use serde_json::json;

#[tokio::test]
async fn an_import_beyond_the_grants_does_not_load() {
    let refused = house().try_bind(GREEDY, json!({}), |_| {}).await.err();
    let Some(LoadError::Ungranted(missing)) = refused else { unreachable!("nothing is granted") };
    let imports: Vec<String> = missing.into_iter().map(|missing| missing.import).collect();
    assert_eq!(imports, ["lockgate:plugin/kv@0.1.0"]);
}

#[tokio::test]
async fn a_granted_bucket_is_read_in_the_tenants_namespace_and_another_is_denied() {
    let house = house();
    for (bucket, tenant) in [("mine", "acme"), ("mine", "umbra"), ("other", "acme")] {
        let config = json!({ "bucket": bucket, "key": "k" });
        let grant = |settings: &mut BindingSettings| {
            settings.tenant = tenant.into();
            settings.grants.kv = vec!["mine".into()];
        };
        let used = house.bind(GREEDY, config, grant).await;
        let x = exchange("hello");
        let answered = used.binding.on_request(&x).await;
        if bucket == "mine" {
            assert_eq!(answered, Ok(Decision::Next));
            assert_eq!(flag(&x, "value"), Some(format!("{tenant}/mine/k")));
        } else {
            let failed = answered.expect_err("it is not granted");
            assert_eq!(failed.fault().map(|(code, _)| code), Some("denied"));
        }
    }
}
