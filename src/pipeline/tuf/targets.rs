//! Target files: found through delegations (step 5.6.7), read, compared, copied (step 5.7).

use super::folder::{Destination, Folder, Found};
use super::repository::OpenTarget;
use super::workflow::{Stop, Workflow};
use crate::format::digest::{Digest, Digests, Hasher, hex};
use crate::pipeline::error::EnvironmentError;
use crate::trust::check::{self, Check};
use crate::trust::tuf::names::{self, TargetPath};
use crate::trust::tuf::{Client, Search, TargetFile};
use crate::trust::verified::Verified;
use std::fs::File;
use std::io::{self, Read as _};

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

impl Workflow<'_> {
    /// One target, from its role to its bytes.
    pub(super) fn target(&mut self, client: &mut Client, name: &str) -> Result<(), Stop> {
        let (stated, role) = self.find(client, name)?;
        let file = stated.get();
        let copy_name = match &self.out {
            Some(_) => Some(self.accept(check::TUF_TARGET, name, names::copy(name))?),
            None => None,
        };
        if let Some(digests) = self.already_there(copy_name.as_deref(), file)? {
            let detail = format!("{} bytes, already in --out with the digests that {role} states", file.length);
            self.found(name, file, &digests, &role, detail);
            return Ok(());
        }
        let mut absent = Vec::new();
        for path in paths(name, file, client.consistent_snapshot()) {
            match self.repository.target(&path)? {
                Found::File(open) => return self.take(name, file, &role, open, copy_name.as_deref()),
                Found::Absent => absent.push(path.quoted),
                Found::Unusable(why) => {
                    let detail = format!("{} is there and cannot be used: {why}", path.quoted);
                    return self.fail(Check::fail(check::TUF_TARGET, name, detail));
                }
            }
        }
        let detail = format!("expected {} in the folder of targets, found none", absent.join(" or "));
        self.fail(Check::fail(check::TUF_TARGET, name, detail))
    }

    /// The first role, in the order of the search, that lists the target; none is a failure.
    fn find(&mut self, client: &mut Client, name: &str) -> Result<(Verified<TargetFile>, String), Stop> {
        self.search(client, name)?.ok_or(Stop::Refused)
    }

    /// The first role, in the order of the search, that lists the target; where none does, a failing row.
    pub(super) fn search(
        &mut self,
        client: &mut Client,
        name: &str,
    ) -> Result<Option<(Verified<TargetFile>, String)>, Stop> {
        let mut search = Search::new(name);
        loop {
            let Some(step) = self.accept(check::TUF_DELEGATION, name, search.next_role())? else {
                let detail = "no trusted role lists this target; check its name";
                self.record.checks.push(Check::fail(check::TUF_TARGET, name, detail));
                return Ok(None);
            };
            if !client.has_targets(&step) {
                self.targets_metadata(client, &step.role, step.delegator.as_deref(), check::TUF_DELEGATION)?;
            }
            if let Some(file) = self.accept(check::TUF_DELEGATION, name, client.look(&mut search, &step))? {
                self.second_opinion_on(client, name, file.get())?;
                return Ok(Some((file, step.role)));
            }
        }
    }

    /// Where the metadata of a role that was loaded lies.
    pub(super) fn path_of(&self, role: &str) -> String {
        self.loaded.get(role).map_or(role, |(path, _)| path.as_str()).to_string()
    }

    /// Digests of the copy in `--out`, where they are right.
    fn already_there(&self, copy_name: Option<&str>, file: &TargetFile) -> Result<Option<Digests>, EnvironmentError> {
        let folder = self.out.as_ref().and_then(Destination::folder);
        let (Some(folder), Some(copy_name)) = (folder, copy_name) else { return Ok(None) };
        match folder.open_file(copy_name)? {
            Found::File((mut copy, size)) if size == file.length => {
                let fail = |error| EnvironmentError::read(copy_name, error);
                let digests = digest(&mut copy, file, |_| Ok(()), fail)?;
                Ok(digests.filter(|digests| file.hashes.check(digests).is_ok()))
            }
            _ => Ok(None),
        }
    }

    /// Reads the file once, beside its final name where it is to be copied, and lets it have that name if it is right.
    fn take(
        &mut self,
        name: &str,
        file: &TargetFile,
        role: &str,
        mut open: OpenTarget,
        copy_name: Option<&str>,
    ) -> Result<(), Stop> {
        if open.size != file.length {
            let detail = format!("expected {} bytes as {role} states, found {}", file.length, open.size);
            let row = Check::fail(check::TUF_TARGET, name, detail)
                .with("expected", file.length.to_string())
                .with("found", open.size.to_string());
            return self.fail(row.with("file", open.name));
        }
        let folder: Option<&Folder> = self.out.as_mut().map(Destination::made).transpose()?;
        let mut beside = match (folder, copy_name) {
            (Some(folder), Some(copy_name)) => Some(folder.begin(copy_name)?),
            _ => None,
        };
        let fail = |error| EnvironmentError::read(&open.name, error);
        let copy = |bytes: &[u8]| beside.as_mut().map_or(Ok(()), |beside| beside.write(bytes));
        let wrong = match digest(&mut open.file, file, copy, fail)? {
            None => format!("expected {} bytes as {role} states; the file changed while it was read", file.length),
            Some(digests) => match file.hashes.check(&digests) {
                Ok(()) => {
                    beside.map_or(Ok(()), |beside| beside.publish())?;
                    let words = if copy_name.is_some() { ", copied to --out" } else { "" };
                    let detail = format!("{} bytes with the digests that {role} states{words}", file.length);
                    self.found(name, file, &digests, role, detail);
                    return Ok(());
                }
                Err(why) => format!("{why}; {role} states what is expected"),
            },
        };
        drop(beside);
        self.fail(Check::fail(check::TUF_TARGET, name, wrong).with("file", open.name))
    }

    fn found(&mut self, name: &str, file: &TargetFile, digests: &Digests, role: &str, detail: String) {
        let by = self.path_of(role);
        self.record.target(name, file.length, digests.sha256, &by);
        let row = Check::pass(check::TUF_TARGET, name, detail)
            .with("role", role)
            .with("length", file.length.to_string())
            .with("sha256", hex(&digests.sha256));
        self.record.checks.push(row);
    }
}

/// Where the target may lie: under each known digest in a consistent snapshot, else under its name.
fn paths(name: &str, file: &TargetFile, consistent: bool) -> Vec<TargetPath> {
    if !consistent {
        return vec![names::target(name, None)];
    }
    let digits = |digest: &Digest| match digest {
        Digest::Sha256(bytes) => hex(bytes),
        Digest::Sha512(bytes) => hex(bytes),
    };
    file.hashes.known().iter().map(|digest| names::target(name, Some(&digits(digest)))).collect()
}

/// Hashes a file of exactly the stated length and passes its bytes on; `None` where it has another length.
fn digest(
    file: &mut File,
    stated: &TargetFile,
    mut each: impl FnMut(&[u8]) -> Result<(), EnvironmentError>,
    fail: impl Fn(io::Error) -> EnvironmentError,
) -> Result<Option<Digests>, EnvironmentError> {
    let (mut hasher, mut total, mut buffer) = (Hasher::new(stated.hashes.needs_sha512()), 0u64, vec![0; BUFFER]);
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error)),
        };
        total += count as u64;
        if total > stated.length {
            return Ok(None);
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        each(bytes)?;
    }
    Ok((total == stated.length).then(|| hasher.finish()))
}
