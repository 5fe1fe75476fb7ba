//! The only floor that opens files: sources, the scan, and the verbs as functions from a request to an outcome.

pub mod dsse;
mod entries;
pub mod error;
pub mod inspect;
pub mod progress;
mod random;
mod record;
pub mod scan;
pub mod sidecar;
pub mod source;
mod stream;
mod tree;
pub mod tuf;
pub mod verify;
