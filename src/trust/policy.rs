//! What the operator demands and allows. The command line builds it; nothing about trust is decided anywhere else.

use super::keyring::Keyring;
use super::signature::{Scheme, SchemeSet};
use crate::format::time::Time;
use crate::format::trivy_db::Scanner;
use std::num::NonZeroUsize;

/// A property that a run can be required to establish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// Every digest that is stated is right.
    Integrity,
    /// Nothing is missing, nothing is unlisted.
    Complete,
    /// A chain from a trust anchor of the operator to every entry.
    Signature,
    /// That chain begins at a public key or certificate, not at a shared secret.
    PublicKey,
    /// TUF metadata.
    Tuf,
    /// A transparency log proof.
    Transparency,
    /// Younger than `--max-age`, and not expired where the bundle says until when it may be used.
    Fresh,
    /// In order after what was accepted before.
    Sequence,
    /// No two names that collide, none that Windows reserves.
    PortableNames,
}

impl Property {
    /// All, in the order of the report.
    pub const ALL: [Property; 9] = [
        Property::Integrity,
        Property::Complete,
        Property::Signature,
        Property::PublicKey,
        Property::Tuf,
        Property::Transparency,
        Property::Fresh,
        Property::Sequence,
        Property::PortableNames,
    ];

    /// The word on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Property::Integrity => "integrity",
            Property::Complete => "complete",
            Property::Signature => "signature",
            Property::PublicKey => "public-key",
            Property::Tuf => "tuf",
            Property::Transparency => "transparency",
            Property::Fresh => "fresh",
            Property::Sequence => "sequence",
            Property::PortableNames => "portable-names",
        }
    }

    /// The property with this name.
    pub fn from_name(name: &str) -> Option<Property> {
        Property::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// A non-standard DSSE signing input that the operator accepts besides the PAE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacySigning {
    /// The decoded payload itself.
    RawPayload,
    /// The unpadded base64url text of the payload.
    Base64urlPayload,
}

impl LegacySigning {
    /// The word on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            LegacySigning::RawPayload => "raw-payload",
            LegacySigning::Base64urlPayload => "base64url-payload",
        }
    }
}

/// The policy of one run.
#[derive(Debug)]
pub struct Policy {
    /// Trusted keys.
    pub keys: Keyring,
    /// How many distinct keys must have signed.
    pub threshold: NonZeroUsize,
    /// What `--require` named, or `None` for the default of the kind.
    pub require: Option<Vec<Property>>,
    /// Signature schemes that are acceptable.
    pub schemes: SchemeSet,
    /// Signing input accepted besides the PAE.
    pub legacy_signing: Option<LegacySigning>,
    /// A payload type to accept in place of those of the kind.
    pub payload_type: Option<String>,
    /// Globs of entries that need no document.
    pub allow_extra: Vec<String>,
    /// Oldest acceptable age in seconds.
    pub max_age: Option<i64>,
    /// The scanner that is to read a database.
    pub scanner: Option<Scanner>,
    /// The one clock of the run.
    pub at: Time,
    /// Waivers by name, repeated by the report.
    pub waivers: Vec<String>,
}

impl Policy {
    /// A policy that trusts nobody and requires the default.
    pub fn new(at: Time) -> Self {
        Policy {
            keys: Keyring::default(),
            threshold: NonZeroUsize::MIN,
            require: None,
            schemes: SchemeSet::default_for_dsse(),
            legacy_signing: None,
            payload_type: None,
            allow_extra: Vec::new(),
            max_age: None,
            scanner: None,
            at,
            waivers: Vec::new(),
        }
    }

    /// The same with ECDSA signatures of fixed length (r||s, IEEE P1363), which the vector of the DSSE specification uses.
    pub fn with_fixed_length_ecdsa(mut self) -> Self {
        self.schemes = self.schemes.with(Scheme::EcdsaP256Sha256Fixed).with(Scheme::EcdsaP384Sha384Fixed);
        self
    }

    /// What must be established: `--require`, or integrity, completeness, a signature and what the kind promises.
    pub fn required(&self, promised: &[Property]) -> Vec<Property> {
        let mut required = match &self.require {
            Some(named) => named.clone(),
            None => [&[Property::Integrity, Property::Complete, Property::Signature], promised].concat(),
        };
        // Without these two nothing was checked, so they are part of every demand.
        required.extend([Property::Integrity, Property::Complete]);
        if self.max_age.is_some() {
            required.push(Property::Fresh);
        }
        required.sort();
        required.dedup();
        required
    }

    /// The first glob of `--allow-extra` that covers `normal_path`.
    pub fn waives_extra(&self, normal_path: &[u8]) -> Option<&str> {
        self.allow_extra.iter().find(|glob| fast_glob::glob_match(glob.as_bytes(), normal_path)).map(String::as_str)
    }
}
