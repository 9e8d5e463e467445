//! The command lines of documents: what follows `$ ` in their fenced `console` blocks.

use std::fs;

use causeway_local::stack::root;

/// A heading of the second level with its command lines, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading's text.
    pub heading: String,
    /// What follows `$ `.
    pub commands: Vec<String>,
}

/// The sections of a document of the project.
///
/// # Panics
/// When there is no such document, or a block of it mixes commands with what they print: nobody could tell a
/// forgotten `$ ` from output.
pub fn sections(document: &str) -> Vec<Section> {
    let text = fs::read_to_string(root().join(document));
    of(&text.unwrap_or_else(|error| panic!("{document}: {error}")))
}

fn of(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match (fence, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    sections.push(Section {
                        heading: heading.to_owned(),
                        commands: Vec::new(),
                    });
                }
            }
            (Some("console"), None) => {
                let command = line.strip_prefix("$ ");
                let command = command.unwrap_or_else(|| panic!("not a command: {line}"));
                let section = sections.last_mut().expect("commands stand below a heading");
                section.commands.push(command.to_owned());
            }
            (Some(_), None) => {}
        }
    }
    sections
}

#[test]
fn commands_are_what_console_blocks_hold_below_their_headings() {
    let text = "# T\n## One\n```sh\n$ no\n```\n```console\n$ a b\n$ c\n```\n## Two\ntext\n## Three\n```console\n$ d\n```\n";
    let found: Vec<(String, Vec<String>)> = of(text)
        .into_iter()
        .map(|section| (section.heading, section.commands))
        .collect();
    let expected = [
        ("One", vec!["a b", "c"]),
        ("Two", vec![]),
        ("Three", vec!["d"]),
    ];
    let expected = expected.map(|(heading, commands)| {
        let commands = commands.into_iter().map(str::to_owned).collect();
        (heading.to_owned(), commands)
    });
    assert_eq!(found, expected);
}
