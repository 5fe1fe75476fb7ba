//! Who vouches for what: keys, signatures, claims, authority, policy and verdict. Decides on values; opens nothing, prints
//! nothing, reads no clock.

pub mod authority;
pub mod blob;
pub mod check;
pub mod claims;
pub mod clearance;
pub mod envelope;
pub mod identity;
pub mod jwk;
pub mod jws;
pub mod key;
pub mod keyring;
pub mod policy;
pub mod policy_file;
pub mod rekor;
pub mod revocation;
pub mod revoked;
pub mod rules;
pub mod sealed;
pub mod second_opinion;
pub mod signature;
pub mod sigstore;
pub mod statement;
pub mod terms;
pub mod threshold;
pub mod tuf;
pub mod verdict;
pub mod verified;
pub mod whole;

#[cfg(test)]
pub(crate) mod age_vectors;
mod der;
mod key_error;
mod pem;
mod scheme;
mod secret;
mod spki;
mod tally;

pub use verified::Verified;
