//! Landlock: which files may be written (Linux, Documentation/userspace-api/landlock.rst).

use super::Place;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictSelfAttr as _,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

/// The newest interface whose rights are known here. What an older kernel lacks is left out by the crate.
const NEWEST: ABI = ABI::V9;
/// The first interface with a right to cut files short.
pub(super) const FORBIDS_TRUNCATION: u32 = 3;

/// Gives up writing anywhere but in `places`, and executing anywhere; `links`: symbolic links may be made in `places`.
/// Returns the version of the interface in force, or why nothing is.
pub(super) fn restrict(places: &[Place], links: bool) -> Result<u32, String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let handled = AccessFs::from_write(NEWEST) | AccessFs::Execute;
    let mut rules = Ruleset::default()
        .handle_access(handled)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(|error| say(&error))?;
    for place in places {
        // A place that is not there cannot be written either: the run says so when it tries.
        let Ok(opened) = PathFd::new(&place.path) else { continue };
        let rights = if place.folder { in_folder(links) } else { AccessFs::WriteFile | AccessFs::Truncate };
        // Pipes without a name are in no folder, cannot be named in a rule, and need none.
        if !place.folder && place.path.canonicalize().is_err() {
            continue;
        }
        rules = rules.add_rule(PathBeneath::new(opened, rights)).map_err(|error| say(&error))?;
    }
    let status = rules.all_threads(true).and_then(|rules| rules.restrict_self()).map_err(|error| say(&error))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("not enabled when this kernel was started".into())
        }
        (RulesetStatus::NotEnforced, _) => Err("this kernel has none (Linux 5.13 is the first)".into()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as u32),
        (_, _) => Err("this kernel says that it has none".into()),
    }
}

/// Files and folders are made, written, renamed and removed; never devices, sockets or pipes.
fn in_folder(links: bool) -> BitFlags<AccessFs> {
    let files = AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::RemoveFile | AccessFs::Refer;
    let folders = AccessFs::MakeDir | AccessFs::RemoveDir;
    if links { files | folders | AccessFs::MakeSym } else { files | folders }
}
