//! The cage of a run, and the option that does without.

use crate::pipeline::cage::{Cage, Held};

/// The option of every verb that reads what others wrote.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits on hostile input")]
pub(super) struct CageArgs {
    /// Do not give up the rights to open sockets, to start programs and to write files; the report repeats this
    #[arg(long)]
    no_cage: bool,
}

impl CageArgs {
    /// Enters `cage`, unless the operator does without. Called before any file is opened: keys travel too.
    pub(super) fn enter(&self, cage: &Cage) -> Held {
        if self.no_cage { Held::waived() } else { cage.enter() }
    }
}
