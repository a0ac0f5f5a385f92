//! The ports in memory, with fault injection: for tests, for the simulation and for nothing else. Deterministic.

mod fleet;
mod memory_store;
mod world;

pub use fleet::{Behaviour, FakeHost, FakeSsm, SendFault};
pub use world::{CountingIds, FakeOutside, FakeWorld, ManualClock, MemoryConfigs, MemoryWake};

pub use memory_store::{MemoryStore, StoreCall, StoreFault, Written};
