//! Everything the stand-in knows, behind one lock, and the tasks that work on it.
//!
//! The lock is never held across an await. Whoever changes something that could let a document begin calls
//! `workers::begin` afterwards.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::commands::Command;
use crate::documents::Documents;
use crate::events::{Origin, Parcel};
use crate::faults::Faults;
use crate::hosts::{Host, ProcessGroup};
use crate::keeping::Keeper;
use crate::ministack::MiniStack;
use crate::options::Options;

/// How many events and complaints are kept for inspection.
const JOURNAL_MAX: usize = 10_000;

/// The stand-in's whole world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) ministack: Option<MiniStack>,
    state: Mutex<State>,
    tasks: Mutex<JoinSet<()>>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) documents: Documents,
    pub(crate) commands: BTreeMap<String, Command>,
    pub(crate) hosts: BTreeMap<String, Host>,
    pub(crate) faults: Faults,
    pub(crate) origin: Origin,
    has_ended: bool,
    parcels: UnboundedSender<Parcel>,
    journal: VecDeque<Value>,
    complaints: VecDeque<String>,
    keeper: Option<Keeper>,
}

/// The locked state. What was changed is kept before the lock is let go, and so before anybody can be told of it.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    is_touched: bool,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.is_touched = true;
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.is_touched {
            self.state.keep();
        }
    }
}

impl World {
    /// A world with the hosts of the options and what was kept of an earlier one, and the events that will come out.
    pub(crate) fn new(options: Options) -> anyhow::Result<(Arc<Self>, UnboundedReceiver<Parcel>)> {
        let (parcels, received) = unbounded_channel();
        let hosts = options
            .hosts
            .iter()
            .cloned()
            .map(|host| (host.id.clone(), Host::new(host)));
        let mut state = State {
            documents: Documents::with_public_ones(),
            commands: BTreeMap::new(),
            hosts: hosts.collect(),
            faults: Faults::default(),
            origin: Origin {
                region: options.region.clone(),
                account: options.account.clone(),
            },
            has_ended: false,
            parcels,
            journal: VecDeque::new(),
            complaints: VecDeque::new(),
            keeper: None,
        };
        if let Some(path) = &options.kept_in {
            state.keeper = Some(Keeper::open(path, &mut state)?);
        }
        let world = Self {
            ministack: MiniStack::new(&options),
            options,
            state: Mutex::new(state),
            tasks: Mutex::new(JoinSet::new()),
        };
        Ok((Arc::new(world), received))
    }

    /// The state, for a short while.
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked {
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner),
            is_touched: false,
        }
    }

    /// Starts a task that ends with the world.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Milliseconds of real time in so many seconds of an SSM time limit.
    pub(crate) fn seconds(&self, seconds: u64) -> u64 {
        seconds.saturating_mul(self.options.second_ms)
    }

    /// Notes a trouble of the stand-in's own, for whoever looks at the control endpoint.
    pub(crate) fn complain(&self, complaint: String) {
        keep(&mut self.lock().complaints, complaint);
    }

    /// Kills the scripts that run and ends every task.
    pub(crate) fn end(&self) {
        self.lock().end();
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}

impl State {
    /// Sends an event on its way, in as many copies as the faults leave of it.
    pub(crate) fn emit(&mut self, event: Option<Value>) {
        let Some(entry) = event else { return };
        let copies = self.faults.copies_of_event();
        keep(
            &mut self.journal,
            json!({"entry": entry, "copies": copies.len(), "delays_ms": copies}),
        );
        for delay_ms in copies {
            let parcel = Parcel {
                entry: entry.clone(),
                delay_ms,
            };
            // The courier is gone only when the world ends.
            let _ = self.parcels.send(parcel);
        }
    }

    /// The events made so far, the lost ones too, and the troubles noted.
    pub(crate) fn describe_events(&self) -> Value {
        json!({"events": self.journal, "complaints": self.complaints})
    }

    /// Notes that a script runs. One that was being started while the world ended is killed on the spot.
    pub(crate) fn script_started(
        &mut self,
        host: &str,
        command: &str,
        incarnation: u32,
        script: ProcessGroup,
    ) {
        if self.has_ended {
            script.kill();
        } else if let Some(host) = self.hosts.get_mut(host) {
            host.script_started(command, incarnation, script);
        }
    }

    /// Forgets commands, documents, events and faults, and kills what runs; hosts and their settings stay.
    pub(crate) fn reset(&mut self) {
        for host in self.hosts.values_mut() {
            for script in host.scripts() {
                script.kill();
            }
            *host = Host::new(host.options.clone());
        }
        self.commands.clear();
        self.documents = Documents::with_public_ones();
        self.faults = Faults::default();
        self.journal.clear();
        self.complaints.clear();
    }

    /// Writes down what changed. After the end nothing counts any more: what dies then is not a result.
    fn keep(&mut self) {
        let Some(mut keeper) = self.keeper.take().filter(|_| !self.has_ended) else {
            return;
        };
        if let Err(error) = keeper.keep(self) {
            keep(&mut self.complaints, format!("{error:#}"));
        }
        self.keeper = Some(keeper);
    }

    /// SIGKILL to every script that runs, and to those that are about to.
    fn end(&mut self) {
        self.has_ended = true;
        for script in self.hosts.values().flat_map(Host::scripts) {
            script.kill();
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= JOURNAL_MAX {
        list.pop_front();
    }
    list.push_back(item);
}
