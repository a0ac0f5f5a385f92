//! Starting and stopping: the listener, the courier of events, and an end that leaves no script behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::faults::FaultChange;
use crate::options::Options;
use crate::world::World;
use crate::{api, control, courier};

/// The largest request that is taken, above the largest document.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// How long open connections may take to end at a stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A stand-in that is about to start.
#[derive(Debug)]
pub struct StandIn;

impl StandIn {
    /// Starts a stand-in on the current Tokio runtime; it answers when this returns.
    ///
    /// # Errors
    /// When the options are refused or the address cannot be listened on.
    pub async fn start(options: Options) -> anyhow::Result<RunningStandIn> {
        options.check()?;
        let listen = options.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener
            .local_addr()
            .context("the listener has no address")?;
        let (world, parcels) = World::new(options)?;
        world.spawn(courier::carry(Arc::clone(&world), parcels));
        api::watch_open_commands(&world);
        let (stop, mut stopped) = watch::channel(false);
        let router = router(Arc::clone(&world));
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // A dropped sender means the same as a stop.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        });
        let server = tokio::spawn(async move { serving.await.context("the server broke") });
        Ok(RunningStandIn {
            address,
            world,
            stop,
            server,
        })
    }
}

/// A stand-in that runs. Dropping it kills the scripts it started, as [`RunningStandIn::stop`] does.
#[derive(Debug)]
pub struct RunningStandIn {
    address: SocketAddr,
    world: Arc<World>,
    stop: watch::Sender<bool>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl RunningStandIn {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for `AWS_ENDPOINT_URL_SSM`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the fault switches, as a `POST` to `/_longshore/faults` does.
    ///
    /// # Errors
    /// When the change names a host that does not exist; nothing is changed then.
    pub fn set_faults(&self, change: &FaultChange) -> anyhow::Result<()> {
        control::apply(&self.world, change).map_err(|why| anyhow!(why))
    }

    /// Stops answering, kills the scripts that still run, and ends every task.
    ///
    /// # Errors
    /// When the server had broken before.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.world.end();
        if let Ok(ended) = tokio::time::timeout(STOP_GRACE, &mut self.server).await {
            return ended.context("the server's task broke")?;
        }
        // A client that keeps its connection open must not keep the stand-in alive.
        self.server.abort();
        Ok(())
    }
}

impl Drop for RunningStandIn {
    fn drop(&mut self) {
        self.world.end();
        self.server.abort();
    }
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route(
            "/_longshore/faults",
            get(control::faults).post(control::set_faults),
        )
        .route(
            "/_longshore/hosts",
            get(control::hosts).post(control::add_host),
        )
        .route("/_longshore/commands", get(control::commands))
        .route("/_longshore/reset", post(control::reset))
        .route("/_longshore/events", get(control::events))
        .route("/", post(api::handle))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(world)
}
