//! Every command of the runbook is run as it stands there, in the state that its section is about.
//!
//! [`known`] holds what each is expected to say. A command that is not in it fails the test, and so does one that is
//! in it and in the runbook no more.

mod known;
mod state;

use std::path::PathBuf;

use crate::deployed::Deployed;
use crate::documents::{Section, sections};
use crate::shell::Shell;

use known::Known;
use state::Scene;

const RUNBOOK: &str = "infra/RUNBOOK.md";

#[test]
fn the_test_knows_every_command_of_the_runbook() {
    let written: Vec<(String, Vec<String>)> = sections(RUNBOOK)
        .into_iter()
        .filter(|section| !section.commands.is_empty())
        .map(|section| (section.heading, section.commands))
        .collect();
    let known = known::SECTIONS.iter().map(|section| {
        let commands = section.commands.iter();
        let commands = commands.map(|(command, _)| (*command).to_owned());
        (section.heading.to_owned(), commands.collect())
    });
    assert_eq!(written, known.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_runbook_does_what_it_is_there_for() {
    let deployed = Deployed::with(&["stripe"]).await;
    let shell = Shell::of(deployed.stack(), "runbook");
    // The bearer of a secret that the runbook's reader has at hand.
    shell.write("secret.json", r#"{"api_key": "sk_test_rotated"}"#);
    let mut scene = Scene::new(&deployed);
    for section in sections(RUNBOOK) {
        if section.commands.is_empty() {
            continue;
        }
        let known = known::of(&section.heading);
        scene.set(known.state).await;
        run(&section, known, &shell, &deployed).await;
    }
}

/// `export` lines hold for the rest of their section. What the reader is asked to put in their place is.
async fn run(section: &Section, known: &Known, shell: &Shell, deployed: &Deployed) {
    let mut exports = String::new();
    for (command, (_, words)) in section.commands.iter().zip(known.commands) {
        if command.starts_with("export ") {
            let release: PathBuf = deployed.stack().paths().build();
            let release = release.display().to_string();
            exports += &command.replace(".aws-sam/build", &release);
            exports += "; ";
            continue;
        }
        let said = shell.run(&format!("{exports}{command}")).await;
        let heading = &section.heading;
        assert!(said.status.success(), "{heading}: {command}: {said:#?}");
        let lacks = said.lacks(words);
        assert_eq!(lacks, None, "{heading}: {command}: {said:#?}");
    }
}
