//! Merkle trees of transparency logs (RFC 6962, the same in RFC 9162): leaf and node hashes, proofs of inclusion and of
//! consistency, and the root of a list of hashes. SHA-256 throughout.
//!
//! A leaf is hashed with a zero byte in front, a node with a one, so that no node can pass for a leaf. Sizes and indices come
//! from the caller, and with them the number of hashes that a proof must have: one too many or too few is refused.

use super::digest::Sha256Bytes;
use sha2::{Digest as _, Sha256};

/// Most hashes of one proof: the path through the largest tree, of 2^63 leaves, and as much again for consistency.
pub const MAX_HASHES: usize = 128;

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum ProofError {
    #[error("the tree has {size} leaves, so there is none with index {index}")]
    Index { index: u64, size: u64 },
    #[error("a tree of {new} leaves cannot be the later state of one of {old}")]
    Sizes { old: u64, new: u64 },
    #[error("expected a proof of {expected} hashes for this place in the tree, found {found}")]
    Length { expected: usize, found: usize },
    #[error("the hashes lead to the root {found}, not to {expected}")]
    Root { expected: String, found: String },
}

/// The hash of a leaf: SHA-256 of a zero byte and the untrusted entry (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Sha256Bytes {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// The hash of an inner node: SHA-256 of a one byte and the hashes of its children.
pub fn node_hash(left: &Sha256Bytes, right: &Sha256Bytes) -> Sha256Bytes {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The hash of the tree over `leaves`, which are leaf hashes; of none, SHA-256 of nothing.
pub fn root_of(leaves: &[Sha256Bytes]) -> Sha256Bytes {
    match leaves {
        [] => Sha256::new().finalize().into(),
        [leaf] => *leaf,
        _ => {
            // The largest power of two below the number of leaves.
            let split = 1 << (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(split);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// Checks that the leaf with hash `leaf` is the one with `index` in the tree of `size` leaves whose root is `root`
/// (RFC 9162, section 2.1.3.2). All arguments are untrusted.
///
/// # Errors
/// [`ProofError`]: the index lies outside, the proof has the wrong length, or leads to another root.
pub fn check_inclusion(
    leaf: &Sha256Bytes,
    index: u64,
    size: u64,
    proof: &[Sha256Bytes],
    root: &Sha256Bytes,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let (inner, border) = lengths(index, size);
    let expected = inner + border;
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let (below, along) = proof.split_at(inner);
    let seed = chain_inner(*leaf, below, index);
    same(root, &chain_right(seed, along))
}

/// Checks that the tree of `old` leaves with the root `old_root` is the beginning of that of `new` leaves with `new_root`
/// (RFC 9162, section 2.1.4.2). All arguments are untrusted. Trees of one size are consistent where they are equal. The empty
/// tree is the beginning of every other, which says nothing of that one, so it is refused.
///
/// # Errors
/// [`ProofError`]: the sizes are out of order, the proof has the wrong length, or leads to other roots.
pub fn check_consistency(
    old: u64,
    new: u64,
    proof: &[Sha256Bytes],
    old_root: &Sha256Bytes,
    new_root: &Sha256Bytes,
) -> Result<(), ProofError> {
    if old == new {
        return match proof.len() {
            0 => same(new_root, old_root),
            found => Err(ProofError::Length { expected: 0, found }),
        };
    }
    if old == 0 || old > new {
        return Err(ProofError::Sizes { old, new });
    }
    let (inner, border) = lengths(old - 1, new);
    let shift = old.trailing_zeros() as usize;
    let inner = inner - shift;
    // A whole subtree is its own beginning: its root is not in the proof.
    let start = usize::from(old != 1 << shift);
    let expected = start + inner + border;
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let (first, rest) = proof.split_at(start);
    let seed = first.first().unwrap_or(old_root);
    let (below, along) = rest.split_at(inner);
    let mask = (old - 1) >> shift;
    let found = chain_right(chain_inner_right(*seed, below, mask), along);
    same(old_root, &found)?;
    same(new_root, &chain_right(chain_inner(*seed, below, mask), along))
}

fn same(expected: &Sha256Bytes, found: &Sha256Bytes) -> Result<(), ProofError> {
    if expected == found {
        return Ok(());
    }
    Err(ProofError::Root { expected: super::digest::hex(expected), found: super::digest::hex(found) })
}

/// Hashes of the path below the point where the paths of the leaf and of the last leaf meet, and those above it.
fn lengths(index: u64, size: u64) -> (usize, usize) {
    let inner = (u64::BITS - (index ^ (size - 1)).leading_zeros()) as usize;
    let border = index.checked_shr(inner as u32).unwrap_or(0).count_ones() as usize;
    (inner, border)
}

fn chain_inner(seed: Sha256Bytes, proof: &[Sha256Bytes], index: u64) -> Sha256Bytes {
    proof.iter().enumerate().fold(seed, |hash, (level, other)| {
        if (index >> level) & 1 == 0 { node_hash(&hash, other) } else { node_hash(other, &hash) }
    })
}

/// As [`chain_inner`], for the older tree: what lies to the right was not there yet.
fn chain_inner_right(seed: Sha256Bytes, proof: &[Sha256Bytes], index: u64) -> Sha256Bytes {
    let left = proof.iter().enumerate().filter(|(level, _)| (index >> level) & 1 == 1);
    left.fold(seed, |hash, (_, other)| node_hash(other, &hash))
}

fn chain_right(seed: Sha256Bytes, proof: &[Sha256Bytes]) -> Sha256Bytes {
    proof.iter().fold(seed, |hash, other| node_hash(other, &hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Sha256Bytes> {
        (0..count).map(|n| leaf_hash(n.to_string().as_bytes())).collect()
    }

    /// The path of `index`, by the definition of RFC 6962 section 2.1.1.
    fn path(index: usize, leaves: &[Sha256Bytes]) -> Vec<Sha256Bytes> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let split = 1 << (leaves.len() - 1).ilog2();
        let (left, right) = leaves.split_at(split);
        let (mut below, other) = if index < split {
            (path(index, left), root_of(right))
        } else {
            (path(index - split, right), root_of(left))
        };
        below.push(other);
        below
    }

    /// The proof between the first `old` leaves and all, by the definition of section 2.1.2.
    fn between(old: usize, leaves: &[Sha256Bytes], whole: bool) -> Vec<Sha256Bytes> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![root_of(leaves)] };
        }
        let split = 1 << (leaves.len() - 1).ilog2();
        let (left, right) = leaves.split_at(split);
        let (mut below, other) = if old <= split {
            (between(old, left, whole), root_of(right))
        } else {
            (between(old - split, right, false), root_of(left))
        };
        below.push(other);
        below
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_at_its_place_only() {
        for size in 1..=40usize {
            let (all, root) = (leaves(size), root_of(&leaves(size)));
            for index in 0..size {
                let proof = path(index, &all);
                for other in 0..size + 2 {
                    let held = check_inclusion(&all[index], other as u64, size as u64, &proof, &root).is_ok();
                    assert_eq!(held, other == index, "{index} as {other} of {size}");
                }
                let longer = [&proof[..], &[root]].concat();
                assert!(check_inclusion(&all[index], index as u64, size as u64, &longer, &root).is_err());
            }
        }
    }

    #[test]
    fn every_beginning_of_every_small_tree_is_consistent_with_it_alone() {
        for size in 1..=33usize {
            let all = leaves(size);
            for old in 1..=size {
                let proof = between(old, &all, true);
                let check = |old_root: &Sha256Bytes, old: usize| {
                    check_consistency(old as u64, size as u64, &proof, old_root, &root_of(&all))
                };
                check(&root_of(&all[..old]), old).unwrap_or_else(|error| panic!("{old} of {size}: {error}"));
                assert!(check(&leaf_hash(b"other"), old).is_err());
            }
        }
    }

    #[test]
    fn the_largest_tree_is_no_trouble() {
        let hash = leaf_hash(b"x");
        let long = check_inclusion(&hash, u64::MAX - 1, u64::MAX, &[hash; 64], &hash);
        assert!(matches!(long, Err(ProofError::Length { .. } | ProofError::Root { .. })), "{long:?}");
        let far = check_inclusion(&hash, u64::MAX, u64::MAX, &[], &hash);
        assert!(matches!(far, Err(ProofError::Index { .. })), "{far:?}");
        assert!(check_consistency(1 << 63, u64::MAX, &[hash; 64], &hash, &hash).is_err());
        assert!(check_consistency(0, 1, &[], &hash, &hash).is_err());
    }

    #[test]
    fn a_node_is_no_leaf() {
        let all = leaves(2);
        let node: Vec<u8> = all.concat();
        assert_ne!(leaf_hash(&node), node_hash(&all[0], &all[1]));
        assert!(check_inclusion(&leaf_hash(&node), 0, 1, &[], &root_of(&all)).is_err());
    }
}
