//! The ports in memory, with fault injection: for tests, for the simulation and for nothing else. Deterministic.

mod analysis;
mod archive;
mod artifacts;
mod branches;
mod calendars;
mod fleet;
mod host;
mod host_logs;
mod memory_store;
mod outside;
mod stream;
mod world;

pub use analysis::{FakeAlarms, FakeAppLogs, FakeMetrics};
pub use archive::MemoryArchive;
pub use artifacts::{ArtifactFault, FakeArtifacts};
pub use branches::{FakeBranches, HeadFault};
pub use calendars::MemoryCalendars;
pub use fleet::{FakeSsm, ScriptFault, SendFault};
pub use host::{
    ActiveState, Answer, Behaviour, Ending, Entry, FakeHost, Folder, Ledger, Managed, Point,
    Process, Processes, Switched, Trouble,
};
pub use host_logs::MemoryHostLogs;
pub use outside::FakeOutside;
pub use stream::FakeStream;
pub use world::{CountingIds, FakeWorld, ManualClock, MemoryConfigs, MemoryWake, Planned};

pub use memory_store::{MemoryStore, StoreCall, StoreFault, Written};
