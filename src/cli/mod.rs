//! The command line: argv to a request, a report to bytes, a verdict to an exit code. The only floor that reads the clock.

mod anchors;
mod apply;
mod cage;
mod common;
mod diff;
mod display;
mod dsse;
mod exit;
mod inspect;
mod key;
mod keys;
mod output;
mod refused;
mod rekor;
mod revocation;
mod selftest;
mod sigstore;
mod trust;
mod tuf;
mod unpack;
mod verify;

use clap::{CommandFactory as _, Parser, Subcommand};
use exit::Failure;
use std::io::Write as _;

/// The gate through which software and data enter an air-gapped site: inspects and verifies bundles without a network.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 good, 1 different, 2 usage, 3 not verified, 4 environment, 20 integrity, 21 signature, 22 tuf, \
                        23 transparency, 24 container, 25 freshness, 26 sequence."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say what the input is and why, what it holds, and who claims to have signed it. Verifies nothing
    Inspect(inspect::Args),
    /// Check the whole chain: container, signatures, digests, completeness, age
    Verify(Box<verify::Args>),
    /// Verify, and write what was verified below a folder: whole or not at all
    Unpack(Box<unpack::Args>),
    /// Say what changes if one bundle replaces another
    Diff(Box<diff::Args>),
    /// DSSE envelopes by themselves
    #[command(subcommand)]
    Dsse(dsse::Verb),
    /// Sigstore bundles by themselves
    #[command(subcommand)]
    Sigstore(sigstore::Verb),
    /// TUF repositories by themselves
    #[command(subcommand)]
    Tuf(tuf::Verb),
    /// Revocation lists by themselves
    #[command(subcommand)]
    Revocation(revocation::Verb),
    /// Keys
    #[command(subcommand)]
    Key(key::Verb),
    /// Trust policies
    #[command(subcommand)]
    Trust(trust::Verb),
    /// Try attacks that travel inside this program on this machine; 0 only if all of them are refused
    Selftest(selftest::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Runs the program with the arguments of the process; returns its exit code.
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused::report(&error),
    };
    let outcome = match &cli.verb {
        Verb::Inspect(args) => inspect::run(args),
        Verb::Verify(args) => verify::run(args),
        Verb::Unpack(args) => unpack::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::Dsse(dsse::Verb::Verify(args)) => dsse::run(args),
        Verb::Sigstore(sigstore::Verb::Verify(args)) => sigstore::run(args),
        Verb::Tuf(tuf::Verb::Verify(args)) => tuf::run(args),
        Verb::Revocation(revocation::Verb::Verify(args)) => revocation::run(args),
        Verb::Key(key::Verb::Show(args)) => key::run(args),
        Verb::Trust(trust::Verb::Show(args)) => trust::run(args),
        Verb::Selftest(args) => selftest::run(args),
        Verb::Completions { shell } => generated(|out| {
            clap_complete::generate(*shell, &mut Cli::command(), "portcullis", out);
            Ok(())
        }),
        Verb::Man => generated(manual),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

/// The page of the program, followed by one section a verb.
fn manual(out: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(Cli::command()).render(out)?;
    for verb in Cli::command().get_subcommands().filter(|verb| verb.get_name() != "help") {
        clap_mangen::Man::new(verb.clone().display_name(format!("portcullis-{}", verb.get_name()))).render(out)?;
    }
    Ok(())
}

fn generated(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    write(&mut bytes)
        .and_then(|()| output::tolerate_closed(std::io::stdout().lock().write_all(&bytes)))
        .map_err(Failure::stdout)?;
    Ok(0)
}
