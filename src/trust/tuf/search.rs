//! The search through delegations (specification 1.0, step 5.6.7): pre-order, by priority, bounded.

use super::client::is_top_level;
use super::model::{TargetFile, Targets};
use super::refusal::Refusal;
use std::collections::BTreeSet;

/// Most roles that one search opens. Python-tuf and go-tuf stop at 32; hash bins are found by their prefix, so that even
/// thousands of them cost one role a level.
pub const MAX_ROLES: usize = 256;

/// Deepest chain of delegations: python-tuf opens no more roles than this in all.
pub const MAX_DEPTH: usize = 32;

/// A role to look into next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The role.
    pub role: String,
    /// Who delegates to it; `None` for the top level.
    pub delegator: Option<String>,
    depth: usize,
}

/// One search for one target.
#[derive(Debug)]
pub struct Search {
    target: String,
    /// Last is next.
    waiting: Vec<Step>,
    visited: BTreeSet<String>,
}

impl Search {
    /// A search that begins with the top-level targets.
    pub fn new(target: &str) -> Self {
        let first = Step { role: "targets".into(), delegator: None, depth: 0 };
        Search { target: target.into(), waiting: vec![first], visited: BTreeSet::new() }
    }

    /// The next role that has to be loaded, verified and looked into ([`Client::look`](super::Client::look)); `None` at the end of the search.
    ///
    /// # Errors
    /// Where a bound is reached: what lies behind it stays unknown.
    pub fn next_role(&mut self) -> Result<Option<Step>, Refusal> {
        while let Some(step) = self.waiting.pop() {
            // 5.6.7.1: a role that was visited is skipped, which also ends cycles.
            if self.visited.contains(&step.role) {
                continue;
            }
            if self.visited.len() >= MAX_ROLES {
                return Err(Refusal::SearchLimit(format!("{MAX_ROLES} roles were opened")));
            }
            if step.depth > MAX_DEPTH {
                return Err(Refusal::SearchLimit(format!("delegations go deeper than {MAX_DEPTH} roles")));
            }
            self.visited.insert(step.role.clone());
            return Ok(Some(step));
        }
        Ok(None)
    }

    /// Looks into the verified metadata of the role of `step`.
    pub(super) fn look(&mut self, step: &Step, targets: &Targets) -> Result<Option<TargetFile>, Refusal> {
        let malformed = |why: String| Refusal::Malformed { role: step.role.clone(), why };
        // 5.6.7.2: the target is listed here.
        if let Some(file) = targets.targets.get(&self.target) {
            let told = |why: &String| malformed(format!("target {:?}: {why}", self.target));
            return file.as_ref().map(|file| Some(file.clone())).map_err(told);
        }
        if targets.succinct {
            return Err(Refusal::Unsupported { role: step.role.clone(), form: "succinct_roles (TAP 15)" });
        }
        // 5.6.7.2.1: roles that may speak of the target, in order of priority, each with all that it delegates.
        let mut children = Vec::new();
        for delegation in &targets.delegations {
            if !delegation.patterns.cover(&self.target).map_err(malformed)? {
                continue;
            }
            if is_top_level(&delegation.role) {
                return Err(malformed(format!("it delegates to {:?}, a top-level role", delegation.role)));
            }
            let (role, delegator) = (delegation.role.clone(), Some(step.role.clone()));
            children.push(Step { role, delegator, depth: step.depth + 1 });
            if delegation.terminating {
                // 5.6.7.2.2: nothing of lower priority is asked, here or further up.
                self.waiting.clear();
                break;
            }
        }
        self.waiting.extend(children.into_iter().rev());
        Ok(None)
    }
}
