//! What the operator demands and allows. The command line builds it; nothing about trust is decided anywhere else.

use super::keyring::Keyring;
use super::rekor::Logs;
use super::rules::{PolicyRecord, Rules, Waived};
use super::signature::{Scheme, SchemeSet};
use super::sigstore;
use super::statement::Demand;
use crate::format::time::{self, Time};
use crate::format::trivy_db::Scanner;
use std::num::NonZeroUsize;
use std::sync::Arc;

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

/// The policy of one run. What depends on the kind of the input is settled by [`Policy::for_kind`].
#[derive(Debug, Clone)]
pub struct Policy {
    /// Trusted keys.
    pub keys: Keyring,
    /// Authorities and logs behind Sigstore bundles, and whose certificate is accepted.
    pub sigstore: Option<Arc<sigstore::Trust>>,
    /// Transparency logs behind receipts. Their keys sign checkpoints and never count for a bundle.
    pub logs: Logs,
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
    /// What signed statements have to be.
    pub statement: Demand,
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
    /// What the policy file says besides its keys.
    pub rules: Option<Arc<Rules>>,
    /// Whether `threshold` was given by itself and takes the place of what the file says.
    pub threshold_given: bool,
    /// The kind of the input: set by [`Policy::for_kind`].
    pub kind: Option<String>,
    /// The policy file, and what took the place of its words: set by [`Policy::for_kind`].
    pub record: Option<PolicyRecord>,
}

impl Policy {
    /// A policy that trusts nobody and requires the default.
    pub fn new(at: Time) -> Self {
        Policy {
            keys: Keyring::default(),
            sigstore: None,
            logs: Logs::default(),
            threshold: NonZeroUsize::MIN,
            require: None,
            schemes: SchemeSet::default_for_dsse(),
            legacy_signing: None,
            payload_type: None,
            statement: Demand::default(),
            allow_extra: Vec::new(),
            max_age: None,
            scanner: None,
            at,
            waivers: Vec::new(),
            rules: None,
            threshold_given: false,
            kind: None,
            record: None,
        }
    }

    /// The policy for an input of this kind: where a policy file says something of it that no option says, that holds. Until
    /// this is called, keys that are for some kinds only do not count, and the threshold is the highest of the file.
    pub fn for_kind(&self, kind: &str) -> Policy {
        let mut policy = Policy { kind: Some(kind.to_string()), ..self.clone() };
        let Some(rules) = &self.rules else { return policy };
        let mut overridden = Vec::new();
        let threshold = rules.threshold(Some(kind));
        if !self.threshold_given {
            policy.threshold = threshold;
        } else if threshold != self.threshold {
            overridden.push(format!("--threshold {} in place of {threshold}", self.threshold));
        }
        match (self.max_age, rules.max_age(kind)) {
            (None, of_file) => policy.max_age = of_file,
            (Some(given), Some(of_file)) if given != of_file => overridden.push(format!(
                "--max-age {} in place of {}",
                time::describe_seconds(given),
                time::describe_seconds(of_file)
            )),
            (Some(_), _) => {}
        }
        let (required, added) = (rules.require(kind), self.require.as_ref());
        if let Some(given) = added.filter(|given| required.iter().any(|property| !given.contains(property))) {
            overridden.push(format!("--require {} in place of {}", names(given), names(&required)));
        }
        for waiver in rules.waivers(kind) {
            if let Waived::Legacy(mode) = waiver.what {
                if self.legacy_signing.is_some_and(|given| given != mode) {
                    overridden.push(format!("--legacy-signing in place of {}", mode.name()));
                } else if self.legacy_signing.is_none() {
                    policy.legacy_signing = Some(mode);
                    policy.waivers.push(waiver.words());
                }
            }
        }
        policy.record = Some(PolicyRecord { overridden, ..rules.file.clone() });
        policy
    }

    /// The kind of the input, once it is known.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The policy file that is in force, for the report.
    pub fn record(&self) -> Option<&PolicyRecord> {
        self.record.as_ref()
    }

    /// What a policy file demands of this kind besides what the kind promises. An explicit `--require` takes its place.
    pub fn demanded(&self) -> Vec<Property> {
        match (&self.rules, &self.kind) {
            (Some(rules), Some(kind)) if self.require.is_none() => rules.require(kind),
            _ => Vec::new(),
        }
    }

    /// The same with ECDSA signatures of fixed length (r||s, IEEE P1363), which the vector of the DSSE specification uses.
    pub fn with_fixed_length_ecdsa(mut self) -> Self {
        self.schemes = self.schemes.with(Scheme::EcdsaP256Sha256Fixed).with(Scheme::EcdsaP384Sha384Fixed);
        self
    }

    /// What must be established: `--require`, or integrity, completeness, a signature, what the kind promises and what a
    /// policy file adds.
    pub fn required(&self, promised: &[Property]) -> Vec<Property> {
        let mut required = match &self.require {
            Some(named) => named.clone(),
            None => [&[Property::Integrity, Property::Complete, Property::Signature], promised].concat(),
        };
        required.extend(self.demanded());
        // Without these two nothing was checked, so they are part of every demand.
        required.extend([Property::Integrity, Property::Complete]);
        if self.max_age.is_some() {
            required.push(Property::Fresh);
        }
        required.sort();
        required.dedup();
        required
    }

    /// The first waiver of an entry that no document lists, in the words of the report; `--allow-extra` first.
    pub fn waives_extra(&self, normal_path: &[u8]) -> Option<String> {
        let matches = |glob: &str| fast_glob::glob_match(glob.as_bytes(), normal_path);
        if let Some(glob) = self.allow_extra.iter().find(|glob| matches(glob)) {
            return Some(format!("--allow-extra {glob}"));
        }
        let (rules, kind) = (self.rules.as_deref()?, self.kind.as_deref()?);
        let mut of_file = rules.waivers(kind);
        of_file.find(|waiver| matches!(&waiver.what, Waived::Extra(glob) if matches(glob))).map(|waiver| waiver.words())
    }
}

fn names(properties: &[Property]) -> String {
    properties.iter().map(|property| property.name()).collect::<Vec<_>>().join(",")
}
