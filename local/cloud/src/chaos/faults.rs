//! Does to the local cloud what is planned, and notes what it really met: a kill that finds nobody is no fault.
//!
//! A fault that needs something to hit (a running script, a reply to lose) waits for it a while; one that lasts is taken
//! back when its time is over. Nothing of it is left when [`Weather::follow`] returns.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use ssm_stand_in::{Action, EventFaultChange, FaultChange, HostFaultChange, LostReply};

use super::Teller;
use super::disk::Disks;
use super::plan::{FUNCTIONS, Fault, Kind, Timed};
use super::watch::Watch;
use crate::LocalCloud;
use crate::clock::now_ms;
use crate::hosts::Host;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a fault waits for something to hit.
const PATIENCE_MS: u64 = 30_000;
/// How many percent of the events a fault of events hits.
const MOST: u8 = 80;

/// A fault that met something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// What it was.
    pub(crate) kind: Kind,
    /// When it was over.
    pub(crate) over_ms: u64,
    /// Whether a deployment was at work.
    pub(crate) at_work: bool,
    /// What it was, in words.
    pub(crate) words: String,
}

/// A fault that waits for something to hit.
struct Armed {
    fault: Fault,
    since_ms: u64,
    target_since_ms: Option<u64>,
}

/// A fault that lasts.
struct Lasting {
    fault: Fault,
    until_ms: u64,
    events_before: u64,
    at_work: bool,
}

/// What there is to hit, as the stand-in shows it.
#[derive(Default)]
struct Targets {
    busy_hosts: BTreeSet<String>,
    replies_to_lose: u64,
    calls_to_throttle: u64,
}

/// The faults of a run.
pub(crate) struct Weather<'a> {
    cloud: &'a LocalCloud,
    disks: &'a Disks,
    watch: &'a Watch,
    teller: Teller,
    armed: Vec<Armed>,
    lasting: Vec<Lasting>,
    /// What met something, in order.
    pub(crate) hits: Vec<Hit>,
    /// How many met nothing, by kind.
    pub(crate) missed: BTreeMap<Kind, usize>,
}

impl<'a> Weather<'a> {
    pub(crate) fn new(
        cloud: &'a LocalCloud,
        disks: &'a Disks,
        watch: &'a Watch,
        teller: Teller,
    ) -> Self {
        Self {
            cloud,
            disks,
            watch,
            teller,
            armed: Vec::new(),
            lasting: Vec::new(),
            hits: Vec::new(),
            missed: BTreeMap::new(),
        }
    }

    /// Plays the plan until its time is over.
    pub(crate) async fn follow(&mut self, faults: &[Timed<Fault>], length: Duration) -> Result<()> {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let mut faults = faults.iter().peekable();
        while self.teller.elapsed_ms() < length_ms {
            let now = self.teller.elapsed_ms();
            while let Some(due) = faults.next_if(|fault| fault.at_ms <= now) {
                self.begin(&due.what).await?;
            }
            self.try_armed().await?;
            self.end_lasting(now_ms()).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.calm().await
    }

    /// Ends every fault.
    async fn calm(&mut self) -> Result<()> {
        for armed in std::mem::take(&mut self.armed) {
            self.miss(armed.fault.kind);
        }
        self.end_lasting(u64::MAX).await?;
        self.cloud.agents().set_faults(&FaultChange {
            reset: true,
            ..FaultChange::default()
        })
    }

    async fn begin(&mut self, fault: &Fault) -> Result<()> {
        match fault.kind {
            Kind::FunctionKilled | Kind::ScriptKilled | Kind::AgentRestarted => self.arm(fault),
            Kind::ReplyLost | Kind::Throttled => {
                self.switch(fault, true)?;
                self.arm(fault);
            }
            Kind::AgentKilled
            | Kind::StartedLate
            | Kind::HostOffline
            | Kind::DiskFull
            | Kind::EventsDropped
            | Kind::EventsDoubled
            | Kind::EventsDelayed
            | Kind::ReadsLag => self.begin_lasting(fault).await?,
            // These travel with the pushes.
            Kind::WebhookDoubled | Kind::WebhookReordered | Kind::WebhookForged => {}
        }
        Ok(())
    }

    fn arm(&mut self, fault: &Fault) {
        self.armed.push(Armed {
            fault: fault.clone(),
            since_ms: now_ms(),
            target_since_ms: None,
        });
    }

    async fn try_armed(&mut self) -> Result<()> {
        if self.armed.is_empty() {
            return Ok(());
        }
        let targets = self.targets().await?;
        for mut armed in std::mem::take(&mut self.armed) {
            if self.strike(&mut armed, &targets)? {
                self.teller.tell(&format!("⚡ {}", armed.fault));
                self.hit(&armed.fault, self.watch.with(|past| past.is_at_work()));
            } else if now_ms().saturating_sub(armed.since_ms) > PATIENCE_MS {
                self.miss(armed.fault.kind);
            } else {
                self.armed.push(armed);
            }
        }
        Ok(())
    }

    /// Tries once; says whether it hit.
    fn strike(&self, armed: &mut Armed, targets: &Targets) -> Result<bool> {
        let fault = &armed.fault;
        match fault.kind {
            Kind::FunctionKilled => {
                let one = FUNCTIONS.get(fault.function..=fault.function);
                let mut killed = 0;
                for name in one.unwrap_or(&FUNCTIONS) {
                    killed = self.cloud.kill_function(name)?.max(killed);
                }
                Ok(killed > 0)
            }
            Kind::ReplyLost => Ok(targets.replies_to_lose == 0),
            Kind::Throttled => Ok(targets.calls_to_throttle == 0),
            Kind::ScriptKilled | Kind::AgentRestarted => {
                let Some(host) = self.host(fault) else {
                    return Ok(false);
                };
                if !targets.busy_hosts.contains(&host.id) {
                    armed.target_since_ms = None;
                    return Ok(false);
                }
                let since = *armed.target_since_ms.get_or_insert_with(now_ms);
                let is_time = now_ms().saturating_sub(since) >= fault.for_ms;
                if is_time {
                    self.switch(fault, true)?;
                }
                Ok(is_time)
            }
            Kind::AgentKilled
            | Kind::StartedLate
            | Kind::HostOffline
            | Kind::DiskFull
            | Kind::EventsDropped
            | Kind::EventsDoubled
            | Kind::EventsDelayed
            | Kind::ReadsLag
            | Kind::WebhookDoubled
            | Kind::WebhookReordered
            | Kind::WebhookForged => Ok(false),
        }
    }

    async fn begin_lasting(&mut self, fault: &Fault) -> Result<()> {
        self.teller.tell(&format!("⚡ {fault}"));
        let until_ms = now_ms().saturating_add(fault.for_ms);
        let same = |lasting: &&mut Lasting| {
            let is_everywhere = is_of_events(fault.kind) || fault.kind == Kind::ReadsLag;
            lasting.fault.kind == fault.kind && (is_everywhere || lasting.fault.host == fault.host)
        };
        if let Some(lasting) = self.lasting.iter_mut().find(same) {
            lasting.until_ms = lasting.until_ms.max(until_ms);
            return Ok(());
        }
        let events_before = self.events_hit(fault.kind).await?;
        self.switch(fault, true)?;
        self.lasting.push(Lasting {
            fault: fault.clone(),
            until_ms,
            events_before,
            at_work: self.watch.with(|past| past.is_at_work()),
        });
        Ok(())
    }

    async fn end_lasting(&mut self, now: u64) -> Result<()> {
        let (over, lasting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.lasting)
            .into_iter()
            .partition(|lasting| lasting.until_ms <= now);
        self.lasting = lasting;
        for ended in over {
            self.switch(&ended.fault, false)?;
            let of_events = is_of_events(ended.fault.kind);
            if of_events && self.events_hit(ended.fault.kind).await? <= ended.events_before {
                self.miss(ended.fault.kind);
                continue;
            }
            self.hit(&ended.fault, ended.at_work);
        }
        Ok(())
    }

    /// Begins a fault, or takes it back.
    fn switch(&self, fault: &Fault, on: bool) -> Result<()> {
        let Some(host) = self.host(fault) else {
            return Ok(());
        };
        if fault.kind == Kind::DiskFull {
            return if on {
                self.disks.fill(host, fault.amount)
            } else {
                self.disks.free(host)
            };
        }
        self.cloud.agents().set_faults(&change(fault, &host.id, on))
    }

    fn host(&self, fault: &Fault) -> Option<&Host> {
        self.cloud.hosts().get(fault.host)
    }

    fn hit(&mut self, fault: &Fault, at_work: bool) {
        self.hits.push(Hit {
            kind: fault.kind,
            over_ms: now_ms(),
            at_work,
            words: fault.to_string(),
        });
    }

    fn miss(&mut self, kind: Kind) {
        let count = self.missed.entry(kind).or_default();
        *count = count.saturating_add(1);
    }

    async fn targets(&self) -> Result<Targets> {
        let hosts: Value = serde_json::from_str(&self.cloud.agents().shown("hosts").await?)?;
        let faults: Value = serde_json::from_str(&self.cloud.agents().shown("faults").await?)?;
        let number = |path: &str| faults.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        let busy = hosts.as_array().into_iter().flatten().filter(|host| {
            let running = host.get("running").and_then(Value::as_array);
            running.is_some_and(|running| !running.is_empty())
        });
        Ok(Targets {
            busy_hosts: busy
                .filter_map(|host| Some(host.get("id")?.as_str()?.to_owned()))
                .collect(),
            replies_to_lose: number("/lose_send_replies"),
            calls_to_throttle: number("/throttle/*"),
        })
    }

    /// How many events a fault of this kind has hit since the start.
    async fn events_hit(&self, kind: Kind) -> Result<u64> {
        if !is_of_events(kind) {
            return Ok(0);
        }
        let shown: Value = serde_json::from_str(&self.cloud.agents().shown("events").await?)?;
        let events = shown.get("events").and_then(Value::as_array);
        let is_hit = |event: &&Value| {
            let delays = event.get("delays_ms").and_then(Value::as_array);
            let delays: Vec<u64> = delays
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .collect();
            if kind == Kind::EventsDropped {
                delays.is_empty()
            } else if kind == Kind::EventsDoubled {
                delays.len() > 1
            } else {
                delays.iter().any(|delay| *delay > 0)
            }
        };
        let count = events.into_iter().flatten().filter(is_hit).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

const fn is_of_events(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::EventsDropped | Kind::EventsDoubled | Kind::EventsDelayed
    )
}

/// The stand-in's switches for a fault, on or off.
fn change(fault: &Fault, host: &str, on: bool) -> FaultChange {
    let amount = if on { fault.amount } else { 0 };
    let percent = Some(if on { MOST } else { 0 });
    let host = host.to_owned();
    let none = FaultChange::default;
    let of_host = |change: HostFaultChange| FaultChange {
        hosts: [(host.clone(), change)].into(),
        ..none()
    };
    let of_events = |events: EventFaultChange| FaultChange {
        events: Some(events),
        ..none()
    };
    let act = |action: Action| FaultChange {
        actions: vec![action],
        ..none()
    };
    match fault.kind {
        Kind::ScriptKilled => act(Action::KillScript {
            host: host.clone(),
            command: None,
        }),
        Kind::AgentRestarted => act(Action::RestartAgent { host: host.clone() }),
        Kind::AgentKilled if on => act(Action::KillAgent { host: host.clone() }),
        Kind::AgentKilled => act(Action::StartAgent { host: host.clone() }),
        Kind::StartedLate => of_host(HostFaultChange {
            start_delay_ms: Some(amount),
            ..HostFaultChange::default()
        }),
        Kind::HostOffline => of_host(HostFaultChange {
            offline: Some(on),
            ..HostFaultChange::default()
        }),
        Kind::EventsDropped => of_events(EventFaultChange {
            drop_percent: percent,
            ..EventFaultChange::default()
        }),
        Kind::EventsDoubled => of_events(EventFaultChange {
            duplicate_percent: percent,
            ..EventFaultChange::default()
        }),
        Kind::EventsDelayed => of_events(EventFaultChange {
            delay_ms: Some((0, amount)),
            ..EventFaultChange::default()
        }),
        Kind::ReplyLost => FaultChange {
            lose_send_replies: Some(1),
            lost_reply: Some(match amount {
                0 => LostReply::Disconnect,
                _ => LostReply::ServerError,
            }),
            ..none()
        },
        Kind::Throttled => FaultChange {
            throttle: Some([("*".to_owned(), u32::try_from(amount).unwrap_or(1))].into()),
            ..none()
        },
        Kind::ReadsLag => FaultChange {
            read_lag_ms: Some(amount),
            ..none()
        },
        Kind::FunctionKilled
        | Kind::DiskFull
        | Kind::WebhookDoubled
        | Kind::WebhookReordered
        | Kind::WebhookForged => none(),
    }
}
