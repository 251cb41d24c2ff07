//! The demo: a real gateway between a client and scripted providers, and a table of what happened.
//!
//! It needs no key and no network. It fails when a scenario does not do what its title says.

mod providers;
mod scenario;
mod table;

use crate::gateway::{self, Gateway};
use crate::step::target_directory;
use anyhow::{Context, Result, bail};
use providers::Providers;
use scenario::Shown;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use table::Table;

/// The key of the guarded tenant.
const ACME_KEY: &str = "acme-demo-key";
/// The key of the other one.
const GLOBEX_KEY: &str = "globex-demo-key";
/// The headers of an answer that tell something in a demo.
const TOLD: [&str; 5] = ["provider", "cache", "attempts", "flags", "overhead-ms"];

/// Runs the demo; unless `once`, it stays up until Ctrl-C.
pub(crate) fn run(once: bool, binary: Option<PathBuf>) -> Result<()> {
    let binary = gateway::binary(binary)?;
    println!("\n==> demo");
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(show(&binary, once))
}

async fn show(binary: &Path, once: bool) -> Result<()> {
    let providers = Providers::start().await.context("the scripted providers cannot be started")?;
    let folder = target_directory().join("demo");
    let gateway = Gateway::start(binary, &folder, "lockgate", &configuration(&providers)).await?;
    println!(
        "    ready after {} ms, configured by {}\n",
        gateway.start_up.as_millis(),
        gateway.file.display()
    );
    let shown = scenario::play(gateway.address, &providers).await?;
    println!("{}", tabulate(&shown));
    let faults: Vec<String> = shown
        .iter()
        .filter_map(|shown| Some(format!("{}: {}", shown.title, shown.fault.as_ref()?)))
        .collect();
    if !faults.is_empty() {
        bail!("{} of {} scenarios went wrong\n  {}", faults.len(), shown.len(), faults.join("\n  "));
    }
    println!("All {} scenarios did what they say.", shown.len());
    if !once {
        invite(&gateway);
        tokio::signal::ctrl_c().await?;
    }
    gateway.stop().await
}

/// Two tenants, the same routes, different chains.
fn configuration(providers: &Providers) -> String {
    let (acme, globex) = (hash(ACME_KEY), hash(GLOBEX_KEY));
    let (openai, primary) = (providers.openai.base_url(), providers.primary.base_url());
    format!(
        r#"
providers:
  openai: {{ adapter: "builtin:openai", base_url: "{openai}", credential: not-a-key }}
  primary: {{ adapter: "builtin:openai", base_url: "{primary}", credential: not-a-key }}

chains:
  strict:
    - {{ plugin: "builtin:injection-filter", config: {{ threshold: 0.8, action: reject }}, on_error: reject }}
    - {{ plugin: "builtin:pii-mask", config: {{ action: mask }}, on_error: reject }}
    - plugin: "builtin:semantic-cache"
      on_error: skip
      grants: {{ responses: true, vectors: [semantic-cache] }}
    - {{ plugin: "builtin:output-validator", streams: on-demand }}
  open: []

routes:
  assistant: {{ targets: [openai/gpt-5], chain: open }}
  resilient: {{ targets: [primary/gpt-5, openai/gpt-5], chain: open }}

tenants:
  acme: {{ keys: [{{ name: demo, hash: "{acme}" }}], routes: [assistant, resilient], chain: strict }}
  globex: {{ keys: [{{ name: demo, hash: "{globex}" }}], routes: [assistant, resilient] }}
"#
    )
}

/// A key as configurations hold it.
fn hash(key: &str) -> String {
    let digest: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest}")
}

fn tabulate(shown: &[Shown]) -> String {
    let mut table = Table::new(&[
        ("", 1),
        ("scenario", 20),
        ("the client sent", 24),
        ("the provider saw", 28),
        ("the client got", 28),
        ("status", 6),
        ("x-lockgate-…", 30),
    ]);
    for shown in shown {
        let told = TOLD.iter().filter_map(|name| {
            let value = shown.answer.header(&format!("x-lockgate-{name}"));
            // Spaces, so that the table can wrap it.
            (!value.is_empty()).then(|| format!("{name}: {}\n", value.replace(',', ", ")))
        });
        table.row([
            if shown.fault.is_none() { "✓" } else { "✗" }.to_owned(),
            shown.title.to_owned(),
            shown.sent.clone(),
            shown.seen.clone(),
            match shown.answer.error("code") {
                code if code.is_empty() => shown.got.clone(),
                code => format!("error {code}: {}", shown.got),
            },
            shown.answer.status.as_u16().to_string(),
            told.collect(),
        ]);
    }
    table.render()
}

fn invite(gateway: &Gateway) {
    let address = gateway.address;
    println!(
        r#"
The gateway stays up. Try it as acme, whose requests are guarded:

  curl -N http://{address}/v1/chat/completions -H 'authorization: Bearer {ACME_KEY}' \
    -H 'content-type: application/json' \
    -d '{{"model": "assistant", "stream": true, "messages": [{{"role": "user", "content": "Call +1 202 555 0143."}}]}}'

or with the Python SDK, as globex, whose requests are not:

  pip install openai
  python3 - <<'PY'
from openai import OpenAI
client = OpenAI(base_url="http://{address}/v1", api_key="{GLOBEX_KEY}")
answer = client.chat.completions.create(
    model="assistant", messages=[{{"role": "user", "content": "Call +1 202 555 0143."}}])
print(answer.choices[0].message.content)
PY

Its configuration is {}; a change is taken up at once. Ctrl-C ends it."#,
        gateway.file.display()
    );
}
