//! portcullis: the gate through which software and data enter an air-gapped site.
//!
//! Reads bundles as they come off removable media, says what they are, and says who vouches for each byte. It opens no
//! socket, runs no script of a bundle, trusts no key of a bundle, and never mistakes "nothing was checked" for success.
//!
//! The floors, from the bottom; each uses those below it only (`tests/floors.rs` reads the imports):
//!
//! - [`format`](mod@format): bytes to values: tar, compression, digests, names, strict JSON, plain YAML, DSSE,
//!   JWS, checksum lists, record counts, the inventory;
//! - [`trust`]: keys, signatures, claims, authority, policy, verdict;
//! - [`bundle`]: what each kind of bundle means;
//! - [`pipeline`]: the only floor that opens files: sources, the scan, the verbs;
//! - [`report`]: outcomes as text and JSON;
//! - [`cli`]: argv, the clock, exit codes.
//!
//! ```
//! use portcullis::format::inventory::Inventory;
//! use portcullis::bundle::recognise;
//!
//! // Nothing at all is recognised as a plain collection without lists, and says so.
//! let nothing = recognise(&Inventory::default(), None);
//! assert_eq!(nothing.kind.id(), "plain");
//! assert!(nothing.because.contains("no checksum list"));
//! ```

pub mod bundle;
pub mod cli;
pub mod format;
pub mod pipeline;
pub mod report;
pub mod trust;
