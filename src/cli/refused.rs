//! Command lines that could not be parsed, and the requests for help and version that the parser answers itself.

use super::common::clock;
use super::exit::{Failure, Table};
use super::output;
use crate::format::time;
use crate::report::cleaning::{clean, clean_text};
use clap::ValueEnum as _;
use clap::error::ErrorKind;

/// Answers and returns the exit code. Since nothing was parsed, the options that shape an answer are looked up by name.
pub(super) fn report(error: &clap::Error) -> u8 {
    // Help and version are answers, on standard output; a closed pipe there is no failure.
    if !error.use_stderr() {
        let _ = error.print();
        return 0;
    }
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let value = |option: &str| value_of(&arguments, option);
    let table = value("--exit-codes").and_then(|name| Table::from_str(&name, false).ok()).unwrap_or(Table::Portcullis);
    let text = harmless(error.render().to_string(), &arguments);
    let first = text.lines().next().unwrap_or("").trim_start_matches("error: ");
    let mut failure = Failure::usage(first).under(table);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return failure.code();
    }
    text.trim_end().lines().for_each(output::complain);
    let json = arguments.iter().any(|arg| arg == "--json") || value("--format").as_deref() == Some("json");
    if let Some(command) = command(&arguments).filter(|_| json) {
        let at = value("--at").and_then(|at| time::parse_rfc3339(&at).ok()).unwrap_or_else(clock);
        failure = failure.with_report(command, at, b"");
    }
    failure.report_quietly()
}

/// The verb, where it is one that gives reports.
fn command(arguments: &[String]) -> Option<&'static str> {
    let mut words = arguments.iter().map(String::as_str);
    match (words.next()?, words.next()) {
        ("inspect", _) => Some("inspect"),
        ("verify", _) => Some("verify"),
        ("unpack", _) => Some("unpack"),
        ("diff", _) => Some("diff"),
        ("dsse", Some("verify")) => Some("dsse verify"),
        ("tuf", Some("verify")) => Some("tuf verify"),
        ("revocation", Some("verify")) => Some("revocation verify"),
        _ => None,
    }
}

fn value_of(arguments: &[String], option: &str) -> Option<String> {
    let at = arguments.iter().position(|arg| arg.split('=').next() == Some(option))?;
    let inline = arguments[at].split_once('=').map(|(_, value)| value.to_string());
    inline.or_else(|| arguments.get(at + 1).cloned())
}

/// The parser repeats arguments as they are, and a shell makes arguments of hostile file names.
fn harmless(mut text: String, arguments: &[String]) -> String {
    let values = arguments.iter().filter_map(|arg| arg.split_once('=')).map(|(_, value)| value);
    for raw in arguments.iter().map(String::as_str).chain(values) {
        let cleaned = clean(raw.as_bytes());
        if cleaned != raw {
            text = text.replace(raw, &cleaned);
        }
    }
    text.lines().map(clean_text).collect::<Vec<_>>().join("\n")
}
