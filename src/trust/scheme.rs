//! Signature schemes by name, and the sets of them that a policy allows.

use std::fmt;

use super::key::KeyKind;

/// How a signature is made and encoded. The scheme comes from the key and the policy, never from what is
/// verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RFC 8032 section 5.1, pure Ed25519.
    Ed25519,
    /// FIPS 186-5 section 6 with SHA-256, DER `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
    EcdsaP256Sha256,
    /// The same with P-384 and SHA-384.
    EcdsaP384Sha384,
    /// The same with P-384 and SHA-256, as some signing services make them.
    EcdsaP384Sha256,
    /// r and s side by side, 32 bytes each (IEEE P1363, RFC 7518 section 3.4).
    EcdsaP256Sha256Fixed,
    /// r and s side by side, 48 bytes each.
    EcdsaP384Sha384Fixed,
    /// RFC 8017 section 8.1 with SHA-256, MGF1 with SHA-256, salt of 32 bytes exactly.
    RsaPssSha256,
    /// RFC 8017 section 8.2 with SHA-256.
    RsaPkcs1v15Sha256,
    /// RFC 2104 with SHA-256, full tag. A shared secret, so whoever verifies can also sign.
    HmacSha256,
}

impl Scheme {
    /// All schemes, in the one order in which they are tried and listed.
    pub const ALL: [Self; 9] = [
        Self::Ed25519,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::EcdsaP384Sha256,
        Self::EcdsaP256Sha256Fixed,
        Self::EcdsaP384Sha384Fixed,
        Self::RsaPssSha256,
        Self::RsaPkcs1v15Sha256,
        Self::HmacSha256,
    ];

    /// The stable name, for policies and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::EcdsaP384Sha256 => "ecdsa-p384-sha256",
            Self::EcdsaP256Sha256Fixed => "ecdsa-p256-sha256-p1363",
            Self::EcdsaP384Sha384Fixed => "ecdsa-p384-sha384-p1363",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaPkcs1v15Sha256 => "rsa-pkcs1v15-sha256",
            Self::HmacSha256 => "hmac-sha256",
        }
    }

    /// The scheme of exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether keys of this type can check the scheme. HMAC fits no public key.
    pub fn fits(self, kind: KeyKind) -> bool {
        match self {
            Self::Ed25519 => kind == KeyKind::Ed25519,
            Self::EcdsaP256Sha256 | Self::EcdsaP256Sha256Fixed => kind == KeyKind::EcdsaP256,
            Self::EcdsaP384Sha384 | Self::EcdsaP384Sha256 | Self::EcdsaP384Sha384Fixed => kind == KeyKind::EcdsaP384,
            Self::RsaPssSha256 | Self::RsaPkcs1v15Sha256 => matches!(kind, KeyKind::Rsa { .. }),
            Self::HmacSha256 => false,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The schemes that a policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemeSet(u16);

impl SchemeSet {
    /// The set that allows nothing.
    pub const EMPTY: Self = Self(0);

    /// What DSSE signatures may use unless the policy says otherwise: Ed25519, ECDSA in DER with the curve's
    /// hash and P-384 with SHA-256 besides, RSA-PSS, RSA PKCS#1 v1.5. Fixed-length ECDSA and HMAC only where
    /// the policy names them.
    pub const fn default_for_dsse() -> Self {
        Self::EMPTY
            .with(Scheme::Ed25519)
            .with(Scheme::EcdsaP256Sha256)
            .with(Scheme::EcdsaP384Sha384)
            .with(Scheme::EcdsaP384Sha256)
            .with(Scheme::RsaPssSha256)
            .with(Scheme::RsaPkcs1v15Sha256)
    }

    /// This set and one scheme more.
    #[must_use]
    pub const fn with(self, scheme: Scheme) -> Self {
        Self(self.0 | 1 << scheme as u16)
    }

    /// Whether the set allows the scheme.
    pub const fn contains(self, scheme: Scheme) -> bool {
        self.0 & (1 << scheme as u16) != 0
    }

    /// Whether the set allows nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The schemes of the set in the order of [`Scheme::ALL`], however the set was made.
    pub fn iter(self) -> impl Iterator<Item = Scheme> {
        Scheme::ALL.into_iter().filter(move |scheme| self.contains(*scheme))
    }
}

impl From<Scheme> for SchemeSet {
    fn from(scheme: Scheme) -> Self {
        Self::EMPTY.with(scheme)
    }
}

impl FromIterator<Scheme> for SchemeSet {
    fn from_iter<I: IntoIterator<Item = Scheme>>(schemes: I) -> Self {
        schemes.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// The names, separated by commas; `none` for the empty set.
impl fmt::Display for SchemeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scheme::name).collect();
        f.write_str(if names.is_empty() { "none".into() } else { names.join(", ") }.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_found_again() {
        let names = Scheme::ALL.map(Scheme::name);
        assert_eq!(
            names,
            [
                "ed25519",
                "ecdsa-p256-sha256",
                "ecdsa-p384-sha384",
                "ecdsa-p384-sha256",
                "ecdsa-p256-sha256-p1363",
                "ecdsa-p384-sha384-p1363",
                "rsa-pss-sha256",
                "rsa-pkcs1v15-sha256",
                "hmac-sha256",
            ]
        );
        assert!(Scheme::ALL.into_iter().all(|scheme| Scheme::from_name(scheme.name()) == Some(scheme)));
        assert_eq!(Scheme::from_name("none"), None);
        assert_eq!(Scheme::from_name("ED25519"), None);
    }

    #[test]
    fn a_scheme_fits_one_type_of_key() {
        let kinds = [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa { bits: 2048 }];
        for scheme in Scheme::ALL {
            let fitting = kinds.iter().filter(|kind| scheme.fits(**kind)).count();
            assert_eq!(fitting, usize::from(scheme != Scheme::HmacSha256), "{scheme}");
        }
    }

    #[test]
    fn sets_iterate_in_fixed_order() {
        let set: SchemeSet = [Scheme::RsaPssSha256, Scheme::Ed25519].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Scheme::Ed25519, Scheme::RsaPssSha256]);
        assert_eq!(set.to_string(), "ed25519, rsa-pss-sha256");
        assert_eq!(SchemeSet::EMPTY.to_string(), "none");
        assert!(SchemeSet::EMPTY.is_empty() && !set.is_empty());
    }

    #[test]
    fn the_dsse_default_has_neither_fixed_ecdsa_nor_hmac() {
        let set = SchemeSet::default_for_dsse();
        let left_out: Vec<_> = Scheme::ALL.into_iter().filter(|scheme| !set.contains(*scheme)).collect();
        let expected = [Scheme::EcdsaP256Sha256Fixed, Scheme::EcdsaP384Sha384Fixed, Scheme::HmacSha256];
        assert_eq!(left_out, expected);
        assert!(set.with(Scheme::EcdsaP256Sha256Fixed).contains(Scheme::EcdsaP256Sha256Fixed));
    }
}
