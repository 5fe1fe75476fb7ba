//! A strict DER reader for the few shapes that keys and ECDSA signatures have
//! (ITU-T X.690 section 10), and the matching writer.
//!
//! The reader borrows, never allocates, and refuses everything that has more than one encoding: indefinite
//! lengths, lengths and integers with needless octets, bytes after the end. One value therefore has one
//! encoding, which is what makes a digest of a key's DER an identity of the key. It knows no limits of its
//! own: callers cap the input's size.
//!
//! Not here: what the values mean. `spki` gives keys their meaning, `signature` does so for ECDSA signatures.

/// Universal tag INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// Universal tag BIT STRING.
pub(crate) const BIT_STRING: u8 = 0x03;
/// Universal tag OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// Universal tag NULL.
pub(crate) const NULL: u8 = 0x05;
/// Universal tag OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;
/// Universal tag SEQUENCE, constructed.
pub(crate) const SEQUENCE: u8 = 0x30;

/// Why bytes are not the one DER encoding of the expected structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum DerError {
    #[error("expected {expected} more bytes, found {found}")]
    Truncated { expected: usize, found: usize },
    #[error("expected tag 0x{expected:02x}, found 0x{found:02x}")]
    Tag { expected: u8, found: u8 },
    #[error("expected a definite length in its shortest form, found length octet 0x{found:02x}")]
    Length { found: u8 },
    #[error("expected the end, found {found} trailing bytes")]
    TrailingBytes { found: usize },
    #[error("expected a non-negative integer, found a negative one")]
    NegativeInteger,
    #[error("expected an integer in its shortest form, found needless or no octets")]
    NonMinimalInteger,
    #[error("expected a bit string of whole bytes, found {found} unused bits or no octet")]
    UnusedBits { found: u8 },
    #[error("expected an object identifier, found octets that encode none")]
    ObjectIdentifier,
}

/// A cursor over untrusted DER.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(untrusted: &'a [u8]) -> Self {
        Self { rest: untrusted }
    }

    /// The tag of the next value, or `None` at the end.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The contents octets of the next value, which must carry `tag`.
    pub(crate) fn read(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        match self.peek() {
            Some(found) if found != tag => Err(DerError::Tag { expected: tag, found }),
            Some(_) => self.value(),
            None => Err(DerError::Truncated { expected: 2, found: 0 }),
        }
    }

    /// The contents octets of the next value, whatever its tag.
    pub(crate) fn value(&mut self) -> Result<&'a [u8], DerError> {
        self.take(1)?;
        let length = self.length()?;
        self.take(length)
    }

    /// A reader over the contents of the next value, a SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, DerError> {
        self.read(SEQUENCE).map(Reader::new)
    }

    /// The magnitude of the next value, a non-negative INTEGER: big-endian, no leading zero octet, empty for
    /// zero.
    pub(crate) fn unsigned_integer(&mut self) -> Result<&'a [u8], DerError> {
        match self.read(INTEGER)? {
            [] => Err(DerError::NonMinimalInteger),
            [0] => Ok(&[]),
            [0, next, ..] if *next < 0x80 => Err(DerError::NonMinimalInteger),
            [0, magnitude @ ..] => Ok(magnitude),
            [0xff, next, ..] if *next >= 0x80 => Err(DerError::NonMinimalInteger),
            [first, ..] if *first >= 0x80 => Err(DerError::NegativeInteger),
            magnitude => Ok(magnitude),
        }
    }

    /// The octets of the next value, a BIT STRING without unused bits.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], DerError> {
        match self.read(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            other => Err(DerError::UnusedBits { found: other.first().copied().unwrap_or(0) }),
        }
    }

    /// `Ok` when everything was read.
    pub(crate) fn finish(self) -> Result<(), DerError> {
        match self.rest.len() {
            0 => Ok(()),
            found => Err(DerError::TrailingBytes { found }),
        }
    }

    /// A definite length in its shortest form (X.690 sections 8.1.3 and 10.1), at most 2^24 - 1.
    fn length(&mut self) -> Result<usize, DerError> {
        let first = self.take(1)?.first().copied().unwrap_or(0);
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let octets = usize::from(first & 0x7f);
        if !(1..=3).contains(&octets) {
            return Err(DerError::Length { found: first });
        }
        let length = self.take(octets)?.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
        let shortest = if length < 0x80 { 0 } else { length.ilog2() as usize / 8 + 1 };
        if octets == shortest { Ok(length) } else { Err(DerError::Length { found: first }) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DerError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(DerError::Truncated { expected: count, found: self.rest.len() })?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The dotted form of an object identifier's contents octets (X.690 section 8.19).
///
/// Returns `None` for octets that encode none, or arcs beyond 64 bits.
pub(crate) fn dotted(oid: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut arc: Option<u64> = None;
    for octet in oid {
        // A leading 0x80 would be a needless octet.
        if arc.is_none() && *octet == 0x80 {
            return None;
        }
        let value = arc.unwrap_or(0).checked_mul(128)? | u64::from(octet & 0x7f);
        arc = Some(value);
        if octet & 0x80 == 0 {
            arcs.push(value);
            arc = None;
        }
    }
    let (first, others) = arcs.split_first()?;
    if arc.is_some() {
        return None;
    }
    let root = (*first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in others {
        text.push_str(&format!(".{arc}"));
    }
    Some(text)
}

/// One value with the given tag; its contents are the parts, joined.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    let octets = length.to_be_bytes();
    if length < 0x80 {
        out.push(octets[octets.len() - 1]);
    } else {
        let first = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len() - 1);
        let significant = &octets[first..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A non-negative INTEGER from a big-endian magnitude, leading zero octets dropped.
pub(crate) fn encode_unsigned(magnitude: &[u8]) -> Vec<u8> {
    let first = magnitude.iter().position(|octet| *octet != 0).unwrap_or(magnitude.len());
    let significant = &magnitude[first..];
    match significant.first() {
        Some(octet) if *octet < 0x80 => encode(INTEGER, &[significant]),
        _ => encode(INTEGER, &[&[0], significant]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn integer(der: &[u8]) -> Result<&[u8], DerError> {
        let mut reader = Reader::new(der);
        let magnitude = reader.unsigned_integer()?;
        reader.finish().map(|()| magnitude)
    }

    #[test]
    fn integers_have_one_encoding() {
        assert_eq!(integer(&[2, 1, 0]), Ok(&[][..]));
        assert_eq!(integer(&[2, 1, 0x7f]), Ok(&[0x7f][..]));
        assert_eq!(integer(&[2, 2, 0, 0x80]), Ok(&[0x80][..]));
        assert_eq!(integer(&[2, 2, 0, 0x7f]), Err(DerError::NonMinimalInteger));
        assert_eq!(integer(&[2, 2, 0xff, 0x80]), Err(DerError::NonMinimalInteger));
        assert_eq!(integer(&[2, 0]), Err(DerError::NonMinimalInteger));
        assert_eq!(integer(&[2, 1, 0x80]), Err(DerError::NegativeInteger));
        assert_eq!(integer(&[2, 1, 1, 0]), Err(DerError::TrailingBytes { found: 1 }));
    }

    #[test]
    fn lengths_have_one_encoding() {
        assert_eq!(integer(&[2, 0x81, 1, 1]), Err(DerError::Length { found: 0x81 }));
        assert_eq!(integer(&[2, 0x80, 1, 0, 0]), Err(DerError::Length { found: 0x80 }));
        assert_eq!(integer(&[2, 0x84, 0, 0, 0, 1, 1]), Err(DerError::Length { found: 0x84 }));
        assert_eq!(integer(&[2, 0xff, 1]), Err(DerError::Length { found: 0xff }));
        let long = encode(OCTET_STRING, &[&[7; 200]]);
        assert_eq!(long[..3], [4, 0x81, 200]);
        assert_eq!(Reader::new(&long).read(OCTET_STRING).map(<[u8]>::len), Ok(200));
        let mut padded = long.clone();
        padded.splice(1..3, [0x82, 0, 200]);
        assert_eq!(Reader::new(&padded).value(), Err(DerError::Length { found: 0x82 }));
        assert_eq!(Reader::new(&long[..150]).value(), Err(DerError::Truncated { expected: 200, found: 147 }));
    }

    #[test]
    fn bit_strings_hold_whole_bytes() {
        assert_eq!(Reader::new(&[3, 2, 0, 9]).bit_string(), Ok(&[9][..]));
        assert_eq!(Reader::new(&[3, 2, 1, 8]).bit_string(), Err(DerError::UnusedBits { found: 1 }));
        assert_eq!(Reader::new(&[3, 0]).bit_string(), Err(DerError::UnusedBits { found: 0 }));
    }

    #[test]
    fn object_identifiers_are_named() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]).as_deref(), Some("1.2.840.10045.2.1"));
        assert_eq!(dotted(&[0x88, 0x37, 3]).as_deref(), Some("2.999.3"));
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0x2a, 0x86]), None);
        assert_eq!(dotted(&[0x2a, 0x80, 1]), None);
        assert_eq!(dotted(&[0xff; 12]), None);
    }

    proptest! {
        #[test]
        fn written_integers_read_back(magnitude in proptest::collection::vec(any::<u8>(), 0..300)) {
            let first = magnitude.iter().position(|octet| *octet != 0).unwrap_or(magnitude.len());
            let der = encode_unsigned(&magnitude);
            prop_assert_eq!(integer(&der), Ok(&magnitude[first..]));
        }

        #[test]
        fn whatever_reads_is_the_only_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader::new(&bytes);
            if let (Some(tag), Ok(contents)) = (reader.peek(), reader.value()) {
                prop_assert!(bytes.starts_with(&encode(tag, &[contents])));
            }
            let _ = dotted(&bytes);
        }
    }
}
