//! What is written where: decided on values, before anything is made.

use super::staging::is_reserved;
use super::{Request, UnpackError};
use crate::bundle::links::Symlinks;
use crate::format::digest::Sha256Bytes;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Observed};
use crate::format::path;
use crate::pipeline::verify::Verification;
use crate::trust::authority::Standing;
use crate::trust::clearance::Clearance;
use std::collections::{BTreeSet, HashMap};

/// Bytes of a file system that a folder or a small file takes at least, for the estimate of what is needed.
const BLOCK: u64 = 4096;
/// The bit of the owner that makes a file a program.
const EXECUTABLE: u32 = 0o100;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The entry.
    pub(super) entry: EntryIndex,
    /// Its name below the target.
    pub(super) name: Vec<u8>,
    /// What its bytes must come to: those that were verified, of the plain text where it is decrypted.
    pub(super) sha256: Sha256Bytes,
    /// And how many they are.
    pub(super) size: u64,
    /// 0644 or 0755.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) mtime: i64,
    /// Whether it is written decrypted.
    pub(super) sealed: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its name below the target.
    pub(super) name: Vec<u8>,
    /// Where it leads: for a symbolic link as it stands, for a hard link the name of the file below the target.
    pub(super) to: Vec<u8>,
    /// A hard link, of which a copy is made.
    pub(super) hard: bool,
}

/// How many entries are left out, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Set aside: nobody vouches for them.
    pub set_aside: u64,
    /// Waived by `--allow-extra`: nobody vouches for them either.
    pub unlisted: u64,
    /// Not named by `--only`.
    pub not_selected: u64,
    /// With no more components than are stripped.
    pub stripped: u64,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Files, in the order of the inventory.
    pub(super) files: Vec<Item>,
    /// Folders, each after the one that it lies in.
    pub(super) folders: BTreeSet<Vec<u8>>,
    /// Times of folders that are entries.
    pub(super) times: Vec<(Vec<u8>, i64)>,
    /// Links.
    pub(super) links: Vec<Link>,
    /// Bytes of copies for hard links.
    copied: u64,
    /// What is left out.
    pub(super) skipped: Skipped,
}

impl Plan {
    /// The plan for what `clearance` covers of `verification`.
    ///
    /// # Errors
    /// Options that do not fit the bundle: a glob that matches nothing, names that meet once they are stripped, links
    /// without `--links inside`, nothing that is left.
    pub(super) fn of(
        verification: &Verification,
        clearance: &Clearance,
        request: &Request,
    ) -> Result<Plan, UnpackError> {
        let inventory = &verification.reading.inventory;
        let mut plan = Plan::default();
        let mut globs = vec![false; request.only.len()];
        for (index, entry) in inventory.entries.iter().enumerate() {
            let name = entry.normal_path();
            if name.is_empty() || !selected(name, &request.only, &mut globs) {
                plan.skipped.not_selected += u64::from(!name.is_empty());
                continue;
            }
            let standing = verification.authority.standings.get(index).copied().unwrap_or(Standing::Unlisted);
            if !clearance.covers(standing, request.include_set_aside) {
                match standing {
                    Standing::SetAside => plan.skipped.set_aside += 1,
                    _ => plan.skipped.unlisted += 1,
                }
                continue;
            }
            match stripped(name, request.strip_components) {
                Some(own) => plan.add(inventory, index as EntryIndex, entry, own.to_vec(), request)?,
                None => plan.skipped.stripped += u64::from(entry.kind != EntryKind::Dir),
            }
        }
        if let Some((glob, _)) = request.only.iter().zip(&globs).find(|(_, matched)| !**matched) {
            return Err(UnpackError::Usage(format!(
                "no entry matches --only {glob}; inspect --entries lists the names"
            )));
        }
        plan.check_names()?;
        plan.check_symbolic_links()?;
        plan.check_hard_links(request.read.scan.limits.max_bytes)?;
        if plan.files.is_empty() && plan.links.is_empty() && plan.folders.is_empty() && !inventory.entries.is_empty() {
            let why =
                "nothing is left to be written: --only, --strip-components and what nobody vouches for leave no entry";
            return Err(UnpackError::Usage(why.into()));
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        inventory: &Inventory,
        index: EntryIndex,
        entry: &Observed,
        name: Vec<u8>,
        request: &Request,
    ) -> Result<(), UnpackError> {
        if is_reserved(&name) {
            let why =
                "has a name that unpack gives to folders of its own, which later runs remove; leave it out with --only";
            return Err(refused(entry, why));
        }
        let mut parent = name.as_slice();
        while let Some(slash) = parent.iter().rposition(|c| *c == b'/') {
            parent = &parent[..slash];
            if !self.folders.insert(parent.to_vec()) {
                break;
            }
        }
        match entry.kind {
            EntryKind::Dir => {
                self.times.push((name.clone(), entry.mtime));
                self.folders.insert(name);
            }
            EntryKind::File if entry.hashed => {
                self.files.push(Item { mode: file_mode(entry), ..item(inventory, index, name) });
            }
            kind if kind.is_link() && request.links_inside => {
                let link = self.link(inventory, index, name, kind == EntryKind::Hardlink, request);
                self.links.push(link.ok_or_else(|| refused(entry, "leads to where nothing is written"))?);
            }
            kind if kind.is_link() => {
                return Err(refused(
                    entry,
                    "is a link; add --links inside to make links that stay inside, or leave it out with --only",
                ));
            }
            // The first pass ends such a bundle as a bad container.
            kind => return Err(refused(entry, &format!("is a {}, which is never written", kind.name()))),
        }
        Ok(())
    }

    /// `None` for a hard link that leads outside of what is written, also after components were stripped.
    fn link(
        &self,
        inventory: &Inventory,
        index: EntryIndex,
        name: Vec<u8>,
        hard: bool,
        request: &Request,
    ) -> Option<Link> {
        let target = inventory.links.get(&index)?;
        if hard {
            // In normal form: the name of the file is looked up among those that are written.
            let target = path::link_destination(b"", target, false, |_| false).ok()?;
            let to = stripped(&target, request.strip_components)?.to_vec();
            return Some(Link { name, to, hard });
        }
        Some(Link { name, to: target.to_vec(), hard })
    }

    /// Judged with the names that all of them get: with fewer components above it, the same target may lead further up, and
    /// through other links.
    fn check_symbolic_links(&self) -> Result<(), UnpackError> {
        let symbolic = || self.links.iter().filter(|link| !link.hard);
        let symlinks = Symlinks::new(symbolic().map(|link| link.name.as_slice()));
        for Link { name, to, .. } in symbolic() {
            symlinks.destination(name, to, true).map_err(|why| {
                let (name, to) = (path::lossless(name), path::lossless(to));
                UnpackError::Usage(format!("{name} would be a link to {to} that {why}; leave it out with --only"))
            })?;
        }
        Ok(())
    }

    /// No two entries get one name, and none lies below a file.
    fn check_names(&self) -> Result<(), UnpackError> {
        let mut names: Vec<&[u8]> = self.files.iter().map(|item| item.name.as_slice()).collect();
        names.extend(self.links.iter().map(|link| link.name.as_slice()));
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let taken = twice.or_else(|| names.iter().find(|name| self.folders.contains(**name)).copied());
        taken.map_or(Ok(()), |name| {
            Err(UnpackError::Usage(format!(
                "two entries would get the name {} once components are stripped; strip fewer, or choose with --only",
                path::lossless(name)
            )))
        })
    }

    /// Each hard link leads to a file that is written. Notes how much is copied for them.
    fn check_hard_links(&mut self, max_bytes: u64) -> Result<(), UnpackError> {
        let files: HashMap<&[u8], u64> = self.files.iter().map(|item| (item.name.as_slice(), item.size)).collect();
        let mut copied = 0u64;
        for link in self.links.iter().filter(|link| link.hard) {
            let (name, to) = (path::lossless(&link.name), path::lossless(&link.to));
            let Some(size) = files.get(link.to.as_slice()) else {
                let why = format!("{name} is a hard link to a file that is not written: {to}");
                return Err(UnpackError::Usage(why));
            };
            copied = copied.saturating_add(*size);
        }
        self.copied = copied;
        // A few bytes of archive can be many copies.
        if self.bytes() > max_bytes {
            let why =
                format!("copies for hard links make more than {max_bytes} bytes; raise --max-bytes to write them");
            return Err(UnpackError::Usage(why));
        }
        Ok(())
    }

    /// Bytes of all files, copies for hard links included.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().fold(self.copied, |sum, item| sum.saturating_add(item.size))
    }

    /// Bytes that the tree takes on a usual file system.
    pub(super) fn needed(&self, done: impl Fn(&Item) -> bool) -> u64 {
        let left = self.files.iter().filter(|item| !done(item));
        block_bytes(self.folders.len() as u64, left.map(|item| item.size).chain([self.copied]))
    }
}

/// Bytes that files of these sizes take, with their folders.
pub(super) fn block_bytes(folders: u64, sizes: impl Iterator<Item = u64>) -> u64 {
    let whole = |bytes: u64| bytes.div_ceil(BLOCK).saturating_mul(BLOCK);
    sizes.fold(BLOCK.saturating_mul(folders + 1), |sum, size| sum.saturating_add(whole(size)))
}

/// The mode that a file gets.
pub(super) fn file_mode(entry: &Observed) -> u32 {
    if entry.mode & EXECUTABLE == 0 { 0o644 } else { 0o755 }
}

/// The file `entry` of `inventory` under the name `name`: its plain text where it was encrypted and has been opened.
pub(super) fn item(inventory: &Inventory, entry: EntryIndex, name: Vec<u8>) -> Item {
    let found = inventory.entry(entry);
    let plain = inventory.sealed.get(&entry).and_then(|sealed| sealed.plain.as_ref());
    let (sha256, size) = plain.map_or((found.sha256, found.size), |plain| (plain.sha256, plain.size));
    Item { entry, name, sha256, size, mode: 0o644, mtime: found.mtime, sealed: plain.is_some() }
}

fn refused(entry: &Observed, why: &str) -> UnpackError {
    UnpackError::Usage(format!("{} {why}", path::lossless(&entry.path)))
}

/// Whether a glob matches the name or a folder above it; notes which globs have matched.
fn selected(name: &[u8], only: &[String], matched: &mut [bool]) -> bool {
    if only.is_empty() {
        return true;
    }
    let ends = name.iter().enumerate().filter(|(_, c)| **c == b'/').map(|(at, _)| at);
    let names: Vec<&[u8]> = ends.map(|end| &name[..end]).chain([name]).collect();
    let mut any = false;
    for (glob, matched) in only.iter().zip(matched) {
        if names.iter().any(|name| fast_glob::glob_match(glob.as_bytes(), name)) {
            *matched = true;
            any = true;
        }
    }
    any
}

/// The name without its first components; `None` where nothing is left.
fn stripped(name: &[u8], components: usize) -> Option<&[u8]> {
    let mut rest = name;
    for _ in 0..components {
        rest = &rest[rest.iter().position(|c| *c == b'/')? + 1..];
    }
    Some(rest).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_stripped_as_tar_does() {
        assert_eq!(stripped(b"a/b/c", 0), Some(&b"a/b/c"[..]));
        assert_eq!(stripped(b"a/b/c", 2), Some(&b"c"[..]));
        assert_eq!((stripped(b"a/b/c", 3), stripped(b"a", 1)), (None, None));
    }

    #[test]
    fn globs_match_names_and_the_folders_above_them() {
        let only = ["portal".to_string(), "*.txt".to_string(), "none".to_string()];
        let mut matched = [false; 3];
        assert!(selected(b"portal/a/index.html", &only, &mut matched));
        assert!(selected(b"checksums.txt", &only, &mut matched));
        assert!(!selected(b"sdks/x", &only, &mut matched));
        assert_eq!(matched, [true, true, false]);
    }
}
