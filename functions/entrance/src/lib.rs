//! What the functions that face the internet share: the request as it came, bounded before anything is done with it, and the
//! check of a signature over its bytes. Nothing here may print a body, a header or a secret.

mod request;
mod signature;

pub use request::{BadRequest, Request};
pub use signature::{NoSecret, Secrets, SignedBy};
