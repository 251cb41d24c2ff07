//! nginx as a plain reverse proxy: the yardstick.
//!
//! It is set up as one would for this job: as many workers as processors, connections to the upstream kept, no
//! access log, no buffering (streams pass at once).

use crate::process::{Process, free_address};
use anyhow::Result;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Its configuration, in its folder.
const FILE: &str = "nginx.conf";

/// nginx, running.
#[derive(Debug)]
pub(crate) struct Nginx {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it calls itself.
    pub(crate) version: String,
    folder: PathBuf,
    process: Process,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is killed leaves its workers behind; one that is told to stop takes them along.
        let mut command = std::process::Command::new("nginx");
        command.args(arguments(&self.folder)).args(["-s", "stop"]);
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Nginx {
    /// Starts nginx before the upstream; none where it is not installed.
    ///
    /// # Errors
    /// It is installed, and does not start.
    pub(crate) async fn start(folder: &Path, upstream: SocketAddr) -> Result<Option<Self>> {
        let Ok(said) = Command::new("nginx").arg("-v").output().await else { return Ok(None) };
        let said = String::from_utf8_lossy(&said.stderr);
        let version = said.trim().trim_start_matches("nginx version: ").to_owned();
        let folder = folder.join("nginx");
        std::fs::create_dir_all(&folder)?;
        let address = free_address().await?;
        std::fs::write(folder.join(FILE), configuration(&folder, address, upstream))?;
        let mut command = Command::new("nginx");
        command.args(arguments(&folder)).args(["-g", "daemon off;"]);
        let process = Process::start("nginx", command, folder.join("output.log"))?;
        let mut nginx = Self { address, version, folder, process };
        nginx.process.ready(address, None).await?;
        Ok(Some(nginx))
    }
}

fn arguments(folder: &Path) -> [OsString; 4] {
    ["-p".into(), folder.into(), "-c".into(), folder.join(FILE).into()]
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
{temporary}    keepalive_requests 1000000000;
    upstream provider {{
        server {upstream};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
        }}
    }}
}}
"
    )
}
