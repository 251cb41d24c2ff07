//! `lockgate keys`: makes, lists, changes and revokes keys of a running gateway, over its admin listener.
//!
//! The gateway keeps the keys, so that a change holds from the moment it is acknowledged; nothing here opens its file.
//! A new key is the only thing on standard output, so that it can be piped to where it belongs.

use super::{complain, print};
use crate::auth::{ClientFormat, KeyId, Priority};
use crate::clock::unix_seconds;
use crate::secret::Secret;
use crate::upstream::{Upstream, UpstreamSettings};
use bytes::Bytes;
use clap::{Args, Subcommand};
use http::{HeaderValue, Method, Request, header};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// Bytes of an answer.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `lockgate keys`.
#[derive(Debug, Args)]
pub struct Keys {
    /// The admin listener of the gateway.
    #[arg(long, env = "LOCKGATE_ADMIN", default_value = "http://127.0.0.1:8081", global = true)]
    admin: String,
    /// The file with the admin token. Without one, the variable LOCKGATE_ADMIN_TOKEN has it.
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key, and prints it. It is shown this once.
    Create {
        /// Whose it is.
        tenant: String,
        /// Its name in logs and records.
        name: String,
        #[command(flatten)]
        said: Said,
    },
    /// Lists keys.
    List {
        /// Of this tenant alone.
        #[arg(long)]
        tenant: Option<String>,
        /// Those that are revoked as well.
        #[arg(long)]
        revoked: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Shows what is known of a key, as JSON.
    Show {
        /// Which.
        id: KeyId,
    },
    /// Changes what is said of a key, from now on.
    Update {
        /// Which.
        id: KeyId,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        said: Said,
    },
    /// Gives a key another secret, and prints it.
    Rotate {
        /// Which.
        id: KeyId,
        /// How long the old secret stays good, such as 90s, 30m, 12h or 7d.
        #[arg(long, default_value = "1h", value_parser = duration)]
        overlap: Duration,
    },
    /// Ends a key at once.
    Revoke {
        /// Which.
        id: KeyId,
    },
}

/// What can be said of a key.
#[derive(Debug, Args)]
struct Said {
    /// The team it is of.
    #[arg(long)]
    team: Option<String>,
    /// The person it is of.
    #[arg(long)]
    user: Option<String>,
    /// The application it is of.
    #[arg(long)]
    service: Option<String>,
    /// The agent it is of.
    #[arg(long)]
    agent: Option<String>,
    /// Its requests may say which user and agent they are of.
    #[arg(long)]
    delegates: bool,
    /// What its requests are told apart by, such as feature=search,stage=beta.
    #[arg(long = "tag", value_name = "NAME=VALUE", value_delimiter = ',', value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Whether its requests go before others where they wait: high, normal, low.
    #[arg(long, value_parser = priority)]
    priority: Option<Priority>,
    /// Models that lead to one target, such as gpt-*=openai/gpt-5.
    #[arg(long = "pin", value_name = "MODEL=TARGET", value_delimiter = ',', value_parser = pair)]
    pins: Vec<(String, String)>,
    /// When it ends, from now, such as 12h or 90d.
    #[arg(long, value_parser = duration)]
    expires_in: Option<Duration>,
    /// Routes that it may be used for, such as smart,openai/*.
    #[arg(long, value_delimiter = ',')]
    routes: Option<Vec<String>>,
    /// Models.
    #[arg(long, value_delimiter = ',')]
    models: Option<Vec<String>>,
    /// Client APIs: openai, anthropic, gemini, responses, cohere.
    #[arg(long, value_delimiter = ',', value_parser = format)]
    formats: Option<Vec<ClientFormat>>,
    /// Tools.
    #[arg(long, value_delimiter = ',')]
    tools: Option<Vec<String>>,
    /// Tokens of an answer at most.
    #[arg(long)]
    max_tokens: Option<u64>,
    /// Regions that its requests may go to.
    #[arg(long, value_delimiter = ',')]
    residency: Option<Vec<String>>,
    /// The chain that replaces those of its routes.
    #[arg(long)]
    chain: Option<String>,
}

impl Said {
    fn body(self) -> Map<String, Value> {
        let expires = self.expires_in.and_then(|time| {
            let at = i64::try_from(unix_seconds().saturating_add(time.as_secs())).ok()?;
            Some(jiff::Timestamp::from_second(at).ok()?.to_string())
        });
        let all = json!({
            "team": self.team, "user": self.user, "service": self.service, "agent": self.agent,
            "delegates": self.delegates.then_some(true), "expires": expires, "priority": self.priority,
            "tags": map(self.tags), "pins": map(self.pins),
            "permissions": only(json!({
                "routes": self.routes, "models": self.models, "formats": self.formats, "tools": self.tools,
                "max_tokens": self.max_tokens, "residency": self.residency, "chain": self.chain,
            })),
        });
        only(all)
    }
}

/// What is said of all that could be.
fn only(all: Value) -> Map<String, Value> {
    let Value::Object(all) = all else { return Map::new() };
    let said = |value: &Value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty());
    all.into_iter().filter(|(_, value)| said(value)).collect()
}

/// Runs one of the commands.
pub fn keys(args: Keys) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let admin = match AdminClient::new(&args.admin, args.token_file.as_deref()) {
        Ok(admin) => admin,
        Err(why) => return complain(&why, 2),
    };
    match runtime.block_on(run(&admin, args.command)) {
        Ok(text) => print(text.trim_end()),
        Err(why) => complain(&why, 1),
    }
}

async fn run(admin: &AdminClient, command: Command) -> Result<String, String> {
    match command {
        Command::Create { tenant, name, said } => {
            let mut body = said.body();
            body.insert("tenant".into(), tenant.into());
            body.insert("name".into(), name.into());
            Ok(new_key(&admin.ask(Method::POST, "/keys", Some(body)).await?))
        }
        Command::List { tenant, revoked, json } => list(admin, tenant, revoked, json).await,
        Command::Show { id } => {
            let shown = admin.ask(Method::GET, &format!("/keys/{id}"), None).await?;
            serde_json::to_string_pretty(&shown).map_err(|error| error.to_string())
        }
        Command::Update { id, name, said } => {
            let mut body = said.body();
            body.extend(name.map(|name| ("name".to_owned(), name.into())));
            if body.is_empty() {
                return Err("say what is to change".into());
            }
            admin.ask(Method::PATCH, &format!("/keys/{id}"), Some(body)).await?;
            Ok(format!("{id}: changed"))
        }
        Command::Rotate { id, overlap } => {
            let body = only(json!({ "overlap_s": overlap.as_secs() }));
            Ok(new_key(&admin.ask(Method::POST, &format!("/keys/{id}/rotate"), Some(body)).await?))
        }
        Command::Revoke { id } => {
            admin.ask(Method::DELETE, &format!("/keys/{id}"), None).await?;
            Ok(format!("{id}: revoked"))
        }
    }
}

/// The key for standard output; what is known of it besides goes to the terminal.
fn new_key(answer: &Value) -> String {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    // Whoever reads may have gone; that is no failure.
    let _ = writeln!(
        std::io::stderr(),
        "{} of {}: keep the key, it is not shown again",
        text("id"),
        text("tenant")
    );
    text("key").to_owned()
}

async fn list(
    admin: &AdminClient,
    tenant: Option<String>,
    revoked: bool,
    json: bool,
) -> Result<String, String> {
    let mut text = String::new();
    let mut after = 0;
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", "1000").append_pair("after", &after.to_string());
        query.append_pair("revoked", if revoked { "true" } else { "false" });
        if let Some(tenant) = &tenant {
            query.append_pair("tenant", tenant);
        }
        let page = admin.ask(Method::GET, &format!("/keys?{}", query.finish()), None).await?;
        for key in page.get("keys").and_then(Value::as_array).into_iter().flatten() {
            let field = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or("-");
            let written = if json {
                writeln!(text, "{key}")
            } else {
                let [id, tenant, name] = ["id", "tenant", "name"].map(field);
                let (state, expires) = (field("state"), field("expires"));
                writeln!(text, "{id}  {state:8}  {expires:20}  {tenant}  {name}")
            };
            written.map_err(|error| error.to_string())?;
        }
        match page.get("next").and_then(Value::as_u64) {
            Some(next) => after = next,
            None => return Ok(text),
        }
    }
}

/// The admin listener of a gateway.
struct AdminClient {
    upstream: Upstream,
    token: Option<Secret>,
}

impl AdminClient {
    fn new(url: &str, token_file: Option<&std::path::Path>) -> Result<Self, String> {
        let settings = UpstreamSettings {
            connect: PATIENCE,
            first_byte: PATIENCE,
            total: PATIENCE,
            ..UpstreamSettings::new(url)
        };
        let upstream = Upstream::new(settings).map_err(|error| format!("--admin: {error}"))?;
        let token = match token_file {
            Some(file) => {
                let read = std::fs::read_to_string(file);
                Some(read.map_err(|error| format!("{}: {error}", file.display()))?.trim().to_owned())
            }
            None => std::env::var("LOCKGATE_ADMIN_TOKEN").ok().filter(|token| !token.is_empty()),
        };
        Ok(Self { upstream, token: token.map(Secret::new) })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Map<String, Value>>,
    ) -> Result<Value, String> {
        let body = body.map_or_else(Bytes::new, |body| Value::Object(body).to_string().into());
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.upstream.url(path).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| "the admin token is not one that a header can hold".to_owned())?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let unreachable =
            |error: crate::upstream::UpstreamError| format!("the gateway cannot be asked: {error}");
        let answered = self.upstream.send(request).await.map_err(unreachable)?;
        let status = answered.status;
        let answer = answered.body.collect(MAX_ANSWER).await.map_err(unreachable)?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let why = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason");
        Err(format!("the gateway answers {}: {why}", status.as_u16()))
    }
}

fn map(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a name, =, and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn priority(text: &str) -> Result<Priority, String> {
    serde_json::from_value(text.into()).map_err(|_| "high, normal or low".into())
}

fn format(text: &str) -> Result<ClientFormat, String> {
    serde_json::from_value(text.into()).map_err(|_| "openai, anthropic, gemini, responses or cohere".into())
}

/// A time such as 90s, 30m, 12h or 7d.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(seconds)
    });
    read.map(Duration::from_secs).ok_or_else(|| "a time is a number and s, m, h or d".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for wrong in ["", "s", "1", "-1h", "1w", "99999999999999999999d", "9999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
