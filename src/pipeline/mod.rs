//! The only floor that opens files: sources, the scan, and the verbs as functions from a request to an outcome.

mod base;
mod bundle_tuf;
mod documents;
pub mod dsse;
mod entries;
pub mod error;
pub mod inspect;
mod meter;
mod nested;
pub mod progress;
mod random;
mod record;
mod reread;
pub mod scan;
mod sealed;
pub mod sidecar;
mod signatures;
pub mod source;
mod stream;
mod tree;
pub mod tuf;
pub mod verify;
pub mod whole;
