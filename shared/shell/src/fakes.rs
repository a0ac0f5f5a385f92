//! The ports in memory, with fault injection: for tests, for the simulation and for nothing else. Deterministic.

mod branches;
mod fleet;
mod memory_store;
mod world;

pub use branches::{FakeBranches, HeadFault};
pub use fleet::{Behaviour, FakeHost, FakeSsm, SendFault};
pub use world::{
    CountingIds, FakeOutside, FakeWorld, ManualClock, MemoryConfigs, MemoryWake, Planned,
};

pub use memory_store::{MemoryStore, StoreCall, StoreFault, Written};
