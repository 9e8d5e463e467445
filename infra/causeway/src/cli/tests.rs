//! Whatever the command tells a person to type is a command line of this command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::ArgMatches;
use clap::ValueEnum;
use clap::error::ErrorKind;

use super::*;
use crate::output::Kind;

/// Keys and names that a shell, or clap, would take for something else.
pub const ODD: [&str; 12] = [
    "order-1",
    "o'clock #5",
    "two  blanks",
    "\"$HOME\" `id` $(id)",
    "back\\slash\\n",
    "-v",
    "--watch",
    "--",
    "#1",
    "~/x*?[a]{b,c}",
    "a;b|c>d&e!f",
    "=x",
];

/// The words of a printed command, as a POSIX shell hands them over.
pub fn words(printed: &str) -> Vec<String> {
    let split = Process::new("sh")
        .args(["-c", &format!("printf '%s\\0' {printed}")])
        .output()
        .expect("sh is everywhere");
    let text = String::from_utf8(split.stdout).expect("text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// What this command makes of a printed one that ends `text`: the verb, and its arguments.
pub fn taken(text: &str) -> (String, ArgMatches) {
    let at = text
        .find("causeway ")
        .unwrap_or_else(|| panic!("no command: {text}"));
    let read = Cli::command().try_get_matches_from(words(&text[at..]));
    let mut matches = read.unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut verb = Vec::new();
    while let Some((name, below)) = matches.remove_subcommand() {
        verb.push(name);
        matches = below;
    }
    (verb.join(" "), matches)
}

/// The argument `name` of `matches`, as it was typed.
pub fn typed(matches: &ArgMatches, name: &str) -> Option<String> {
    let mut raw = matches.get_raw(name)?;
    raw.next().map(|value| value.to_string_lossy().into_owned())
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path
            .extension()
            .is_some_and(|it| it == "rs" || it == "yaml")
        {
            into.push(path);
        }
    }
}

/// Commands in `text`: between backquotes, behind `First: ` of an alarm, or at a literal's beginning.
fn mentioned(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let marks = [
        ("`causeway ", '`'),
        ("First: causeway ", '.'),
        ("\"causeway ", '"'),
    ];
    let mut found = Vec::new();
    for (mark, end) in marks {
        for (at, _) in text.match_indices(mark) {
            let rest = &text[at + mark.len() - "causeway ".len()..];
            found.extend(rest.split_once(end).map(|(command, _)| command.to_owned()));
        }
    }
    found
}

/// Names that a text leaves to be filled in.
fn filled(command: &str) -> String {
    let mut text = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once(['{', '<']) {
        let close = after.find(['}', '>']).map_or(after.len(), |at| at + 1);
        text += before.trim_end_matches('$');
        text += "stripe";
        rest = &after[close..];
    }
    text + rest
}

/// A verb or an option that is gone stands in no text. What a text leaves out is no fault.
#[test]
fn every_command_that_stands_in_a_text_is_one_of_this_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![
        root.join("template.yaml"),
        root.join("infra/lane-alarms.yaml"),
    ];
    for folder in [
        "infra/causeway/src",
        "shared/insights/src/explain",
        "functions",
    ] {
        sources(&root.join(folder), &mut files);
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a file");
        // Unit tests in a file stand at its end.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for command in mentioned(text) {
            let line = filled(&command)
                .replace("[/CONNECTION]", "/x")
                .replace('…', "x");
            seen += 1;
            // A `|` stands between verbs of one family in headlines of modules; one command is made of its words.
            if line.contains(['|', '[', '\\']) || command == "causeway {}" {
                continue;
            }
            let read = Cli::command().try_get_matches_from(line.split(' '));
            let Err(error) = read else { continue };
            let is_short = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::MissingSubcommand,
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayVersion,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            if !is_short.contains(&error.kind()) {
                wrong.push(format!("{}: `{command}`: {error}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 60, "{seen}");
}

#[test]
fn a_shell_hands_over_what_was_quoted() {
    assert_eq!(words(r"a 'b c' 'd'\''e' '…'"), ["a", "b c", "d'e", "…"]);
    for odd in ODD {
        let line = crate::text::CommandLine::new("dlq show").argument("stripe");
        let (verb, matches) = taken(&line.argument(odd).to_string());
        assert_eq!(
            (&*verb, typed(&matches, "letter")),
            ("dlq show", Some(odd.to_owned()))
        );
    }
}

fn leaves(command: &clap::Command, path: &str, into: &mut Vec<String>) {
    let mut below = command.get_subcommands().peekable();
    let is_verb_itself =
        below.peek().is_none() || command.get_arguments().any(|one| one.get_id() == "watch");
    if is_verb_itself {
        into.push(path.to_owned());
    }
    for one in below.filter(|one| one.get_name() != "help") {
        leaves(one, &format!("{path} {}", one.get_name()), into);
    }
}

/// `docs/command.md` has a section for each kind of result, and names every verb.
#[test]
fn the_page_of_the_json_knows_every_kind_and_every_verb() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command.md");
    let page = fs::read_to_string(page).expect("the page");
    for kind in Kind::value_variants() {
        let name = kind.to_possible_value().expect("a name");
        let heading = format!("\n## `{}`\n", name.get_name());
        assert_eq!(page.matches(&heading).count(), 1, "{heading}");
    }
    let sections = page.matches("\n## `").count();
    assert_eq!(
        sections,
        Kind::value_variants().len(),
        "a section of a kind that is gone"
    );
    let mut verbs = Vec::new();
    leaves(&Cli::command(), "causeway", &mut verbs);
    assert!(verbs.len() > 35, "{verbs:?}");
    for verb in verbs {
        assert!(
            page.replace('\n', " ").contains(&format!("`{verb}")),
            "{verb}"
        );
    }
}
