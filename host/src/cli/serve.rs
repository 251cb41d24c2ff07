//! `lockgate serve`: reads the configuration, starts the listeners, and ends them gracefully.

use super::complain;
use crate::admin::Admin;
use crate::api;
use crate::app::{self, App, Source, StartError};
use crate::config::{Config, LogFormat, Tls};
use crate::server::{ConnectionInfo, RequestBody, Server, Settings, TlsFiles};
use crate::shutdown::{Drain, ReloadSignals, StopSignals};
use crate::telemetry;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Serves until told to stop.
pub fn serve(source: Source) -> ExitCode {
    let loaded = match app::read(&source, &()) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults.to_string(), 2),
    };
    let format = match loaded.config.log.format {
        LogFormat::Json => telemetry::Format::Json,
        LogFormat::Text => telemetry::Format::Text,
    };
    telemetry::init(format, &loaded.config.log.level);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let config = loaded.config.clone();
    let served = runtime.block_on(async {
        let app = App::start(source, loaded, Arc::new(())).await?;
        run(&app, &config).await
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Config(faults)) => complain(&faults.to_string(), 2),
        Err(error) => complain(&error.to_string(), 1),
    }
}

async fn run(app: &Arc<App>, config: &Config) -> Result<(), StartError> {
    let part = |what, error: &dyn std::error::Error| StartError::Part { what, why: error.to_string() };
    let drain = Drain::new(Duration::from_millis(config.limits.drain_ms));
    let stop = StopSignals::install().map_err(|error| part("signals", &error))?;
    let mut reloads = ReloadSignals::install().map_err(|error| part("signals", &error))?;
    let clients =
        Server::bind(&client_settings(config)).map_err(|error| part("the client listener", &error))?;
    let admins = Server::bind(&Settings::new(config.admin.listen))
        .map_err(|error| part("the admin listener", &error))?;
    tracing::info!(
        listen = %clients.local_addr(),
        admin = %admins.local_addr(),
        pooled = app.shared().engine.pooled(),
        "serving"
    );
    if config.watch
        && let Err(error) = app::watch(app)
    {
        tracing::warn!(%error, "files cannot be watched; reload by hand");
    }
    let reloading = app.clone();
    let reload = tokio::spawn(async move {
        loop {
            reloads.next().await;
            // What is wrong with it was logged.
            let _ = reloading.reload().await;
        }
    });
    let gateway = app.clone();
    let serving = clients.serve(
        move |mut request: http::Request<RequestBody>, connection: ConnectionInfo| {
            if let Some(identity) = connection.client_identity {
                request.extensions_mut().insert(identity);
            }
            api::handle(gateway.gateway(), request, connection.peer.ip())
        },
        drain.shutdown(),
    );
    let mut aborted = drain.shutdown();
    let admin = Admin { app: app.clone(), shutdown: drain.shutdown() };
    // The admin listener outlives the drain: readiness must be able to say so.
    let administering = tokio::spawn(admins.serve(
        move |request, connection| admin.clone().handle(request, connection.peer.ip()),
        crate::shutdown::Shutdown::never(),
    ));
    let ending = drain.clone();
    let ending = tokio::spawn(async move { ending.on_signals(stop).await });
    serving.await;
    // Requests that are made once go on without their clients.
    tokio::select! {
        () = app.shared().idempotency.settled() => {}
        () = aborted.aborting() => {}
    }
    administering.abort();
    reload.abort();
    ending.abort();
    app.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn client_settings(config: &Config) -> Settings {
    let limits = &config.limits;
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let files = |tls: &Tls| TlsFiles {
        cert: tls.cert.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
        client_optional: tls.client_optional,
    };
    Settings {
        tls: config.tls.as_ref().map(files),
        max_connections: narrow(limits.max_connections),
        max_header_bytes: narrow(limits.max_header_bytes),
        max_body_bytes: limits.max_body_bytes,
        header_timeout_ms: limits.header_timeout_ms,
        body_timeout_ms: limits.body_timeout_ms,
        idle_timeout_ms: limits.idle_timeout_ms,
        ..Settings::new(config.listen)
    }
}
