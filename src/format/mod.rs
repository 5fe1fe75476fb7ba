//! Bytes to values and back: containers, digests, names, strict text formats, and the inventory of what was read.
//!
//! Nothing here opens a file, reads a clock or decides about trust. Every parser takes untrusted input.

pub mod anomaly;
pub mod bbolt;
pub mod blob_signature;
pub mod checksums;
pub mod compress;
pub mod cosign;
pub mod database;
pub mod digest;
pub mod dsse;
pub mod intoto;
pub mod inventory;
pub mod json;
pub mod jws;
pub mod layout;
pub mod limits;
pub mod merkle;
pub mod note;
pub mod oci;
pub mod path;
pub mod pax;
pub mod records;
pub mod rekor;
pub mod revocation;
pub mod sigstore;
pub mod tar;
mod tar_header;
pub mod time;
pub mod trivy_db;
pub mod trivy_java;
pub mod yaml;
