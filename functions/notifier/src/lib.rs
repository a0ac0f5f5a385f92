//! `notifier`: tells people what became of a deployment. What is said is made by [`message`], how each channel says it by
//! [`slack`] and [`sns`]; all of it is pure.

pub mod message;
pub mod slack;
pub mod sns;
mod text;
