//! The only floor that opens files: sources, the scan, and the verbs as functions from a request to an outcome.

mod base;
mod bundle_tuf;
mod databases;
mod documents;
pub mod dsse;
mod entries;
pub mod error;
pub mod inspect;
mod java_index;
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
pub mod spool;
mod stream;
mod tree;
mod trivy;
pub mod tuf;
pub mod verify;
pub mod whole;
