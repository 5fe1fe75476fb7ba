//! What each kind of bundle means: documents in, one [`model::Bundle`] out. A kind only says which document claims what;
//! whether a claim has authority is decided in `trust`.

pub mod determinism;
pub mod devportal;
pub mod devportal_draft;
mod devportal_manifest;
pub mod dsse_envelope;
pub mod evidence;
pub mod evidence_root;
pub mod kind;
pub mod layout;
pub mod links;
pub mod lists;
pub mod model;
pub mod plain;
pub mod portable;
pub mod signed;
pub mod tuf_repository;

pub use kind::{KINDS, Kind, Likelihood, find_kind, recognise, wants_document};
