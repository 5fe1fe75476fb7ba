//! What a report holds, borrowed from the outcome of a run.

use crate::bundle::model::{DetachedForm, Facts};
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::limits::Limits;
use crate::format::time::Time;
use crate::pipeline::cage::Held;
use crate::pipeline::inspect::Reading;
use crate::pipeline::unpack::Unpacked;
use crate::pipeline::verify::Verification;
use crate::trust::authority::Standing;
use crate::trust::check::Check;
use crate::trust::claims::Claims;
use crate::trust::envelope::Signer;
use crate::trust::rules::PolicyRecord;
use crate::trust::verdict::Verdict;

/// The input as such.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its name as the operator gave it, without folders.
    pub name: Vec<u8>,
}

/// What a verb came to.
pub enum Outcome<'a> {
    /// `inspect`: read, not verified.
    Inspected(&'a Reading),
    /// `verify`: judged.
    Verified(&'a Verification),
}

/// One report.
pub struct Report<'a> {
    /// The verb.
    pub command: &'static str,
    /// The clock of the run.
    pub at: Time,
    /// The input.
    pub subject: Subject,
    /// What came out.
    pub outcome: Outcome<'a>,
    /// What `unpack` wrote; `None` where it wrote nothing, and for every other verb.
    pub unpacked: Option<&'a Unpacked>,
    /// The exit code, after `--exit-codes`.
    pub exit_code: u8,
    /// Limits in force.
    pub limits: Limits,
    /// What the process had given up before it read the input.
    pub cage: Held,
}

/// A signature as the bundle claims it; nobody checked it.
pub struct ClaimedSigner<'a> {
    /// The document.
    pub document: &'a [u8],
    /// Key id hint.
    pub keyid: Option<&'a str>,
    /// Algorithm hint.
    pub algorithm: Option<&'a str>,
    /// Payload type.
    pub payload_type: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// The reading behind the outcome.
    pub fn reading(&self) -> &'a Reading {
        match &self.outcome {
            Outcome::Inspected(reading) => reading,
            Outcome::Verified(verification) => &verification.reading,
        }
    }

    /// The inventory.
    pub fn inventory(&self) -> &'a Inventory {
        &self.reading().inventory
    }

    /// The claims.
    pub fn claims(&self) -> &'a Claims {
        &self.reading().bundle.claims
    }

    /// All checks.
    pub fn checks(&self) -> &'a [Check] {
        match &self.outcome {
            Outcome::Inspected(reading) => &reading.checks,
            Outcome::Verified(verification) => &verification.checks,
        }
    }

    /// The verdict; `inspect` has none of its own beyond "the container is bad".
    pub fn verdict(&self) -> Verdict {
        match &self.outcome {
            Outcome::Inspected(reading) => inspected(reading),
            Outcome::Verified(verification) => verification.verdict,
        }
    }

    /// What was required.
    pub fn required(&self) -> Vec<&'static str> {
        match &self.outcome {
            Outcome::Inspected(_) => Vec::new(),
            Outcome::Verified(verification) => verification.required.iter().map(|p| p.name()).collect(),
        }
    }

    /// How the signers are known.
    pub fn authenticated_by(&self) -> &'static str {
        match &self.outcome {
            Outcome::Inspected(_) => "none",
            Outcome::Verified(verification) => verification.authenticated_by.name(),
        }
    }

    /// Keys of the operator that signed.
    pub fn signers(&self) -> &'a [Signer] {
        match &self.outcome {
            Outcome::Inspected(_) => &[],
            Outcome::Verified(verification) => &verification.signers,
        }
    }

    /// Waivers in force.
    pub fn waivers(&self) -> Vec<&str> {
        let judged: &[String] = match &self.outcome {
            Outcome::Inspected(_) => &[],
            Outcome::Verified(verification) => &verification.waivers,
        };
        judged.iter().map(String::as_str).chain(self.cage.waiver()).collect()
    }

    /// The policy file that was in force.
    pub fn policy(&self) -> Option<&'a PolicyRecord> {
        match &self.outcome {
            Outcome::Inspected(_) => None,
            Outcome::Verified(verification) => verification.policy.as_ref(),
        }
    }

    /// What documents say of themselves.
    pub fn facts(&self) -> &'a [Facts] {
        &self.reading().bundle.facts
    }

    /// The standing of an entry; none for `inspect`.
    pub fn standing(&self, entry: EntryIndex) -> Option<Standing> {
        match &self.outcome {
            Outcome::Inspected(_) => None,
            Outcome::Verified(verification) => verification.authority.standings.get(entry as usize).copied(),
        }
    }

    /// How many entries have each standing.
    pub fn count(&self, standing: Standing) -> usize {
        match &self.outcome {
            Outcome::Inspected(_) => 0,
            Outcome::Verified(verification) => {
                verification.authority.standings.iter().filter(|s| **s == standing).count()
            }
        }
    }

    /// Names of the documents that state an entry's digest, right or wrong.
    pub fn vouched_by(&self, entry: EntryIndex) -> Vec<&'a [u8]> {
        let claims = self.claims();
        let mut names: Vec<&[u8]> = claims.about(entry).iter().map(|claim| claims.name(claim.document)).collect();
        names.dedup();
        names
    }

    /// Signatures as claimed.
    pub fn claimed_signers(&self) -> Vec<ClaimedSigner<'a>> {
        let bundle = &self.reading().bundle;
        let enveloped = bundle.signed.iter().flat_map(|document| {
            document.parsed.envelope.signatures().iter().map(|signature| ClaimedSigner {
                document: &document.name,
                keyid: signature.keyid.as_deref(),
                algorithm: signature.algorithm_hint.as_deref().or(document.parsed.algorithm_hint.as_deref()),
                payload_type: Some(document.parsed.envelope.payload_type()),
            })
        });
        let detached = bundle.detached.iter().map(|document| {
            let (keyid, algorithm) = match &document.form {
                DetachedForm::Blob(_) => (None, None),
                DetachedForm::Jws(jws) => (jws.kid(), Some(jws.alg())),
            };
            ClaimedSigner { document: &document.name, keyid, algorithm, payload_type: None }
        });
        let whole = self.reading().whole.signatures.iter().map(|signature| ClaimedSigner {
            document: &signature.name,
            keyid: None,
            algorithm: None,
            payload_type: None,
        });
        let bundles = self.reading().whole.bundles.iter().map(|bundle| ClaimedSigner {
            document: &bundle.name,
            keyid: None,
            algorithm: None,
            payload_type: None,
        });
        enveloped.chain(detached).chain(whole).chain(bundles).collect()
    }
}

/// `inspect` fails only where the container is bad.
fn inspected(reading: &Reading) -> Verdict {
    let container = crate::trust::check::Class::Container;
    if reading.checks.iter().any(|c| c.failed() && c.kind.class == container) {
        Verdict::Failed(container)
    } else {
        Verdict::NotVerified
    }
}
