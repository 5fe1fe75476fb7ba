//! The Update Framework: which metadata may be believed, and which target files it names (specification 1.0, section 5).
//!
//! Bytes in, a point in time in, an answer out: the caller chooses file names, reads files, stores what was accepted and
//! hashes targets. Two judges look at every document. Our own rules ([`Client`]) follow the specification step by step and
//! count *keys*; the engine (`sigstore-tuf`, behind `engine`) then has to accept the same bytes. What either refuses is
//! refused.
//!
//! | attack | answer |
//! | --- | --- |
//! | one key under two ids, or signing twice, toward a threshold (CVE-2026-6966) | counted by key material |
//! | threshold 0 (CVE-2026-23992) | refused while reading |
//! | a root version left out, repeated or decreased (CVE-2025-2885) | exactly N + 1, signed by N and by itself |
//! | older timestamp, snapshot or targets, roles that vanish (CVE-2022-29173, CVE-2025-2887) | compared with the stored state, expired or not |
//! | delegations: cycles, depth, `terminating`, order (CVE-2025-2886, CVE-2024-47534) | [`Search`] |
//! | delegated metadata without expiry, length or hash checks (CVE-2026-6967) | the same function for all targets metadata |
//! | version 2^63 that nothing can follow | [`MAX_VERSION`] |
//! | names that become paths (CVE-2026-6968, CVE-2026-24686) | [`names`] |
//! | the same key twice in one JSON object | refused before anything is read |

mod accept;
mod client;
mod engine;
mod keys;
mod model;
pub mod names;
mod refusal;
mod search;

pub use accept::{Accepted, RoleSigner};
pub use client::{Client, Recalled, RootView, Updated};
pub use engine::signed_text;
pub use model::{Hashes, MAX_VERSION, Pin, TargetFile, TopLevel};
pub use refusal::Refusal;
pub use search::{MAX_DEPTH, MAX_ROLES, Search, Step};

/// Most root versions that one run follows. Go-tuf and python-tuf stop at 256, tough at 1024; a repository that rotates
/// its root every week for nineteen years stays below this, and 1024 files of 1 MiB are read in seconds.
pub const MAX_ROOTS: u64 = 1024;

/// Largest root, timestamp and (where the parent states no length) snapshot file, in bytes: that of tough.
pub const MAX_METADATA: u64 = 1 << 20;

/// Largest targets file where the snapshot states no length, in bytes: that of tough.
pub const MAX_TARGETS: u64 = 10 << 20;

/// Largest file whatever the parent states, in bytes: it is held in memory three times over while it is judged.
pub const MAX_STATED: u64 = 64 << 20;
