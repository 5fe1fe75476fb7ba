//! Envelopes as they are written: which members there are, under which names, and which of them exclude each other.
//!
//! The visitors are written by hand for three reasons: an error names the member it is about, the spelling that was
//! met is remembered, and signatures beyond the cap are counted without being kept.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{DsseError, MAX_KEYID, MAX_SIGNATURES, Shape};

/// A string, borrowed from the document unless it has escapes (.NET writes `+` as `\u002B`).
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// An object of `signatures`, or the same members at the top level of a flat document.
#[derive(Default)]
pub(super) struct Signature<'a> {
    pub(super) keyid: Option<Text<'a>>,
    pub(super) sig: Option<Text<'a>>,
    pub(super) algorithm: Option<Text<'a>>,
    /// Written `keyId`.
    other_keyid: bool,
    /// Written `signature`.
    other_sig: bool,
}

/// A document of any shape, or the envelope inside one.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) payload_type: Option<Text<'a>>,
    pub(super) payload: Option<Text<'a>>,
    pub(super) envelope: Option<Box<Document<'a>>>,
    pub(super) single: Signature<'a>,
    pub(super) bundle_id: Option<Text<'a>>,
    pub(super) root_hash: Option<Text<'a>>,
    pub(super) signed_at: Option<Text<'a>>,
    pub(super) provider: Option<Text<'a>>,
    signatures: Option<Signatures<'a>>,
}

/// The signatures up to the cap, and how many there are in all.
#[derive(Default)]
struct Signatures<'a> {
    kept: Vec<Signature<'a>>,
    count: usize,
}

impl<'a> Document<'a> {
    /// The shape, if no two readers can find different envelopes in the document.
    pub(super) fn shape(&self) -> Result<Shape, DsseError> {
        if let Some(inner) = &self.envelope {
            let outer = self.payload_type.is_some() || self.payload.is_some() || self.signatures.is_some();
            if outer || self.single.sig.is_some() {
                return Err(DsseError::Ambiguous("an envelope and members of an envelope beside it"));
            }
            if inner.envelope.is_some() {
                return Err(DsseError::Ambiguous("an envelope and an envelope inside it"));
            }
            return match inner.shape()? {
                Shape::Standard => Ok(Shape::Nested),
                Shape::Flat | Shape::Nested => Err(DsseError::Missing("signatures")),
            };
        }
        match (&self.signatures, &self.single.sig) {
            (Some(_), Some(_)) => Err(DsseError::Ambiguous("signatures and a single signature beside them")),
            (Some(_), None) => Ok(Shape::Standard),
            (None, Some(_)) => Ok(Shape::Flat),
            (None, None) => Err(DsseError::Missing("signatures")),
        }
    }

    /// The signatures, from one to [`MAX_SIGNATURES`], each within its caps.
    pub(super) fn take_signatures(&mut self, shape: Shape) -> Result<Vec<Signature<'a>>, DsseError> {
        let kept = match shape {
            Shape::Flat => vec![std::mem::take(&mut self.single)],
            Shape::Standard | Shape::Nested => {
                let Signatures { kept, count } = self.signatures.take().unwrap_or_default();
                if count > MAX_SIGNATURES {
                    return Err(DsseError::TooManySignatures(count));
                }
                kept
            }
        };
        if kept.is_empty() {
            return Err(DsseError::NoSignatures);
        }
        for (index, signature) in kept.iter().enumerate() {
            signature.check(index)?;
        }
        Ok(kept)
    }

    /// A sentence for each way in which the document differs from the DSSE specification.
    pub(super) fn deviations(&self, shape: Shape) -> Vec<String> {
        let body = self.envelope.as_deref().unwrap_or(self);
        let listed = body.signatures.iter().flat_map(|signatures| &signatures.kept);
        let signatures: Vec<_> = match shape {
            Shape::Flat => vec![&self.single],
            Shape::Standard | Shape::Nested => listed.collect(),
        };
        let any = |has: fn(&Signature<'a>) -> bool| signatures.iter().any(|signature| has(signature));
        let layout = match shape {
            Shape::Standard => None,
            Shape::Nested => Some("the envelope is inside a larger document, as its member envelope"),
            Shape::Flat => Some("one signature is at the top level, not in a list of signatures"),
        };
        let names = match (any(|signature| signature.other_keyid), any(|signature| signature.other_sig)) {
            (true, true) => Some("signature names are keyId and signature, not keyid and sig"),
            (true, false) => Some("the key id of a signature is named keyId, not keyid"),
            (false, true) => Some("the bytes of a signature are named signature, not sig"),
            (false, false) => None,
        };
        let algorithm = any(|signature| signature.algorithm.is_some())
            .then_some("a signature names its algorithm, which nobody signed: a hint, not a fact");
        [layout, names, algorithm].into_iter().flatten().map(str::to_owned).collect()
    }
}

impl Signature<'_> {
    fn check(&self, index: usize) -> Result<(), DsseError> {
        if self.sig.is_none() {
            return Err(DsseError::NoSig(index));
        }
        match self.keyid.as_ref().map_or(0, |Text(keyid)| keyid.len()) {
            found if found > MAX_KEYID => Err(DsseError::Keyid { index, found }),
            _ => Ok(()),
        }
    }
}

/// An object that is read member by member.
trait Members<'de>: Default {
    const WHAT: &'static str;

    /// Reads the value of the member `name`, or leaves it alone and says so.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error>;
}

impl<'de> Members<'de> for Signature<'de> {
    const WHAT: &'static str = "a signature object";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "keyid" | "keyId" => {
                self.other_keyid = name == "keyId";
                set(&mut self.keyid, name, members)
            }
            "sig" | "signature" => {
                self.other_sig = name == "signature";
                set(&mut self.sig, name, members)
            }
            "algorithm" => set(&mut self.algorithm, name, members),
            _ => Ok(false),
        }
    }
}

impl<'de> Members<'de> for Document<'de> {
    const WHAT: &'static str = "an envelope object";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "payloadType" => set(&mut self.payload_type, name, members),
            "payload" => set(&mut self.payload, name, members),
            "signatures" => set(&mut self.signatures, name, members),
            "envelope" => set(&mut self.envelope, name, members),
            "bundleId" => set(&mut self.bundle_id, name, members),
            "rootHash" => set(&mut self.root_hash, name, members),
            "signedAt" | "signedAtUtc" => set(&mut self.signed_at, name, members),
            "provider" => set(&mut self.provider, name, members),
            _ => self.single.read(name, members),
        }
    }
}

/// Reads a member into its place, which another spelling of the same member may have taken.
fn set<'de, T, A>(place: &mut Option<T>, name: &str, members: &mut A) -> Result<bool, A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if place.is_some() {
        return Err(A::Error::custom(format_args!("{name}: member is present in two spellings")));
    }
    // .NET serialisers write members that are not set as null: null is absence, and what is required is missed later.
    *place = members.next_value().map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
    Ok(true)
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(Text(name)) = members.next_key()? {
            if !object.read(&name, &mut members)? {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Signature<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Document<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Signatures<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of signature objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Signatures::default();
        while list.count < MAX_SIGNATURES {
            let Some(signature) = items.next_element()? else {
                return Ok(list);
            };
            list.kept.push(signature);
            list.count += 1;
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            list.count += 1;
        }
        Ok(list)
    }
}

impl<'de> Deserialize<'de> for Signatures<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_seq(ListVisitor)
    }
}
