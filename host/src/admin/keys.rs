//! The keys of clients, for administrators: made, listed, changed, rotated, revoked.
//!
//! Invariants: a key's text is in the one answer to who made or rotated it, and nowhere else; nothing is acknowledged
//! that is not kept. What a key may do is checked against the configuration that serves now.

use crate::auth::{
    HolderSettings, KeyChangeError, KeyId, KeyRecord, KeySettings, KeyStoreError, NewKey, Page, Permissions,
    Priority, Tags,
};
use crate::clock::unix_seconds;
use crate::error::{Error, Party};
use crate::proxy::Gateway;
use crate::route::Routes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Keys of one page at most, and where nothing is said.
const MAX_PAGE: u32 = 1_000;
const PAGE: u32 = 100;
/// Seconds that an old secret stays good where nothing is said: time to bring the new one to where it is used.
const OVERLAP: u64 = 3_600;
const MAX_OVERLAP: u64 = 90 * 24 * 3_600;
/// Bytes of a name.
const MAX_NAME: usize = 128;

/// What is said of a key, in requests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    name: String,
    team: Option<String>,
    user: Option<String>,
    service: Option<String>,
    agent: Option<String>,
    delegates: bool,
    tags: BTreeMap<String, String>,
    priority: Priority,
    pins: BTreeMap<String, String>,
    permissions: Permissions,
    /// RFC 3339.
    expires: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rotation {
    overlap_s: Option<u64>,
}

/// Makes a key.
///
/// # Errors
/// What is said of it makes no sense, or it is not kept.
pub(super) async fn create(gateway: &Gateway, body: &[u8]) -> Result<Value, Error> {
    let mut body = object(body)?;
    let Some(Value::String(tenant)) = body.shift_remove("tenant") else {
        return Err(invalid("`tenant` is missing."));
    };
    let settings = settings(gateway, &tenant, body, None)?;
    let (tenant, _) = gateway.tenants.get_key_value(&*tenant).ok_or_else(no_tenant)?;
    let made = gateway.auth.keys().create(tenant.clone(), settings).await;
    let (record, key) = made.map_err(refused)?;
    Ok(shown_once(&record, &key))
}

/// Changes what is said of a key: a merge patch (RFC 7396).
///
/// # Errors
/// As for [`create`]; there is no such key.
pub(super) async fn update(gateway: &Arc<Gateway>, id: &str, body: &[u8]) -> Result<Value, Error> {
    let patch = object(body)?;
    let changing = gateway.clone();
    let change = move |record: &KeyRecord| {
        let mut said = said(&record.settings);
        merge(&mut said, patch);
        settings(&changing, &record.tenant, said, Some(&record.settings)).map_err(Refusal)
    };
    let changed: Result<KeyRecord, Refusal> = gateway.auth.keys().update(read_id(id)?, change).await;
    changed.map(|record| shown(&record)).map_err(|refusal| refusal.0)
}

/// Gives a key another secret.
///
/// # Errors
/// There is no such key, or it is not kept.
pub(super) async fn rotate(gateway: &Gateway, id: &str, body: &[u8]) -> Result<Value, Error> {
    let rotation: Rotation = if body.is_empty() {
        Rotation::default()
    } else {
        serde_json::from_slice(body)
            .map_err(|_| invalid("The body is `{\"overlap_s\": SECONDS}`, or nothing."))?
    };
    let overlap = rotation.overlap_s.unwrap_or(OVERLAP);
    if overlap > MAX_OVERLAP {
        return Err(invalid("`overlap_s` is 90 days at most."));
    }
    let rotated = gateway.auth.keys().rotate(read_id(id)?, Duration::from_secs(overlap)).await;
    let (record, key) = rotated.map_err(refused)?;
    Ok(shown_once(&record, &key))
}

/// Ends a key.
///
/// # Errors
/// There is no such key, or that is not kept.
pub(super) async fn revoke(gateway: &Gateway, id: &str) -> Result<Value, Error> {
    let revoked = gateway.auth.keys().revoke(read_id(id)?).await;
    revoked.map(|record| shown(&record)).map_err(refused)
}

/// One key.
///
/// # Errors
/// There is no such key.
pub(super) async fn get(gateway: &Gateway, id: &str) -> Result<Value, Error> {
    gateway.auth.keys().get(read_id(id)?).await.map(|record| shown(&record)).map_err(refused)
}

/// A page of keys: those made first come first. `next` is what to say as `after` for those that follow.
///
/// # Errors
/// The query makes no sense.
pub(super) async fn list(gateway: &Gateway, query: &str) -> Result<Value, Error> {
    let mut page = Page { limit: PAGE, ..Page::default() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || value.parse().map_err(|_| invalid("A number is expected."));
        match &*name {
            "tenant" => page.tenant = Some(value.into_owned()),
            "after" => page.after = number()?,
            "limit" => page.limit = u32::try_from(number()?).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE),
            "revoked" => page.revoked = &*value == "true",
            _ => return Err(invalid("The parameters are tenant, after, limit and revoked.")),
        }
    }
    let limit = page.limit;
    let keys = gateway.auth.keys().list(page).await.map_err(refused)?;
    let full = u32::try_from(keys.len()).is_ok_and(|count| count == limit);
    let next = keys.last().filter(|_| full).map(|(place, _)| *place);
    let keys: Vec<Value> = keys.iter().map(|(_, record)| shown(record)).collect();
    Ok(json!({ "keys": keys, "next": next }))
}

/// What is said of a key, where it makes sense. What was said before is not asked about again: it made sense then.
fn settings(
    gateway: &Gateway,
    tenant: &str,
    said: Map<String, Value>,
    before: Option<&KeySettings>,
) -> Result<KeySettings, Error> {
    let said: Said = serde_json::from_value(said.into()).map_err(|error| invalid(&format!("{error}.")))?;
    let routes = gateway.tenants.get(tenant).ok_or_else(no_tenant)?;
    let Said { name, team, user, service, agent, delegates, tags, priority, pins, permissions, expires } =
        said;
    for text in
        [Some(&name), team.as_ref(), user.as_ref(), service.as_ref(), agent.as_ref()].into_iter().flatten()
    {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !(1..=MAX_NAME).contains(&text.len()) || !visible {
            return Err(invalid("A name is 1 to 128 printable ASCII characters."));
        }
    }
    let is_new = before.is_none_or(|before| before.name != name);
    if is_new && gateway.auth.has_key(tenant, &name) {
        return Err(refused(KeyStoreError::NameTaken.into()));
    }
    if let Some((field, message)) = permissions.faults().into_iter().next() {
        return Err(invalid(&format!("permissions.{field}: {message}.")));
    }
    if routes.behind(permissions.chain.as_deref()).is_none() {
        let message = "permissions.chain: the tenant's `chains` do not name it.";
        return Err(invalid(message));
    }
    if Tags::of(tags.iter().map(|(name, value)| (name.as_str(), value.as_str()))).is_none() {
        return Err(invalid(
            "tags: up to 16, each name and value of letters, digits and '-_.:/', 64 at most.",
        ));
    }
    for (model, target) in pins.iter().filter(|(model, target)| {
        // What was pinned before was asked about then; where its target is gone, the key's requests are refused.
        before.is_none_or(|before| before.holder.pins.get(*model) != Some(*target))
    }) {
        pin(routes, model, target)?;
    }
    let expires = expires.map(|text| time(&text)).transpose()?;
    if expires.is_some_and(|time| time <= unix_seconds())
        && before.is_none_or(|before| before.expires != expires)
    {
        return Err(no_time());
    }
    let holder = HolderSettings { team, user, service, agent, delegates, tags, priority, pins };
    Ok(KeySettings { name, holder, permissions, expires })
}

/// Whether a model can be pinned to a target: rules and plugins may send it to any route, so each has the target.
fn pin(routes: &Routes, model: &str, target: &str) -> Result<(), Error> {
    let refuse = |why: &str| Err(invalid(&format!("pins: {why}.")));
    let begin = model.strip_suffix('*').unwrap_or(model);
    if model.is_empty() || begin.contains('*') || model.len() > MAX_NAME {
        return refuse("a model is a name; `*` may only end it");
    }
    if routes.resolve(begin).is_none() {
        return refuse("no route of the tenant serves the model");
    }
    for route in routes.all() {
        if !route.targets.iter().any(|known| known.id == target && known.model.is_some()) {
            return refuse(
                "not all routes of the tenant have the target; name it in the tenant's `pin_targets`",
            );
        }
        let own = route.policy.as_ref().and_then(|policy| policy.pins.find("", begin));
        if own.is_some_and(|own| **own != *target) {
            return refuse("a route pins the model to another target");
        }
    }
    Ok(())
}

fn time(text: &str) -> Result<u64, Error> {
    let time = text.parse::<jiff::Timestamp>().ok().and_then(|time| u64::try_from(time.as_second()).ok());
    time.ok_or_else(no_time)
}

fn no_time() -> Error {
    invalid("`expires` is a time to come, such as 2030-01-31T00:00:00Z.")
}

/// What [`Said`] reads.
fn said(settings: &KeySettings) -> Map<String, Value> {
    let KeySettings { name, holder, permissions, expires } = settings;
    let mut said = Map::new();
    said.insert("name".into(), name.as_str().into());
    for (field, value) in [
        ("team", &holder.team),
        ("user", &holder.user),
        ("service", &holder.service),
        ("agent", &holder.agent),
    ] {
        said.extend(value.as_ref().map(|value| (field.to_owned(), value.as_str().into())));
    }
    if holder.delegates {
        said.insert("delegates".into(), true.into());
    }
    for (field, map) in [("tags", &holder.tags), ("pins", &holder.pins)] {
        if !map.is_empty() {
            said.insert(field.into(), json!(map));
        }
    }
    if holder.priority != Priority::default() {
        said.insert("priority".into(), json!(holder.priority));
    }
    if *permissions != Permissions::default() {
        said.insert("permissions".into(), serde_json::to_value(permissions).unwrap_or_default());
    }
    said.extend(expires.map(|time| ("expires".to_owned(), written(time))));
    said
}

fn shown(record: &KeyRecord) -> Value {
    let now = unix_seconds();
    let is_over = record.settings.expires.is_some_and(|expires| expires <= now);
    let state = match record.revoked {
        Some(_) => "revoked",
        None if is_over => "expired",
        None => "active",
    };
    let mut all = Map::new();
    all.insert("id".into(), record.id.to_string().into());
    all.insert("tenant".into(), (*record.tenant).into());
    all.insert("state".into(), state.into());
    all.extend(said(&record.settings));
    let overlaps = record.previous_ends().filter(|ends| *ends > now && record.revoked.is_none());
    for (field, time) in [
        ("created", Some(record.created)),
        ("rotated", record.rotated),
        ("old_secret_ends", overlaps),
        ("revoked", record.revoked),
    ] {
        all.extend(time.map(|time| (field.to_owned(), written(time))));
    }
    all.into()
}

fn shown_once(record: &KeyRecord, key: &NewKey) -> Value {
    let mut all = shown(record);
    if let Value::Object(all) = &mut all {
        all.insert("key".into(), key.text().expose().into());
    }
    all
}

fn written(seconds: u64) -> Value {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or(Value::Null, |time| time.to_string().into())
}

fn merge(said: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (field, value) in patch {
        match (value, said.get_mut(&field)) {
            (Value::Null, _) => drop(said.shift_remove(&field)),
            (Value::Object(patch), Some(Value::Object(inner))) => merge(inner, patch),
            (value, _) => drop(said.insert(field, value)),
        }
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(body).map_err(|_| invalid("The body is a JSON object."))
}

fn read_id(id: &str) -> Result<KeyId, Error> {
    id.parse().map_err(|_| refused(KeyChangeError::Unknown))
}

fn invalid(message: &str) -> Error {
    Error::bad_request("invalid_key_settings", message)
}

fn no_tenant() -> Error {
    invalid("There is no such tenant.")
}

/// An error of the API, where one of the keys may stand as well.
struct Refusal(Error);

impl From<KeyChangeError> for Refusal {
    fn from(error: KeyChangeError) -> Self {
        Self(refused(error))
    }
}

fn refused(error: KeyChangeError) -> Error {
    let (status, code) = match &error {
        KeyChangeError::NotKept => (StatusCode::CONFLICT, "keys_not_kept"),
        KeyChangeError::Unknown => (StatusCode::NOT_FOUND, "unknown_key"),
        KeyChangeError::Store(KeyStoreError::NameTaken) => (StatusCode::CONFLICT, "name_taken"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "keys_unavailable"),
    };
    let party = if status.is_server_error() { Party::Internal } else { Party::Client };
    Error::new(party, status, code, format!("{error}.")).caused_by(error)
}
