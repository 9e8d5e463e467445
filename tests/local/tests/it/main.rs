//! What is true of the template and of the deployed stack.

mod artefacts;
mod chaos;
mod checkov;
#[path = "support/template.rs"]
mod cloudformation;
mod command;
mod conformance;
mod demo;
#[path = "support/deployed.rs"]
mod deployed;
mod dlq;
#[path = "support/documents.rs"]
mod documents;
mod events;
#[path = "support/faults.rs"]
mod faults;
mod gatekeeper;
mod iam;
mod ingest;
#[path = "support/interface_emulator.rs"]
mod interface_emulator;
#[path = "support/listener.rs"]
mod listener;
mod lives;
mod metrics;
mod monitoring;
mod on_call;
#[path = "support/random.rs"]
mod random;
#[path = "support/recorder.rs"]
mod recorder;
mod releases;
mod round_trips;
mod runbook;
#[path = "support/shell.rs"]
mod shell;
mod template;
#[path = "support/terminal.rs"]
mod terminal;
mod top;
mod traces;
mod warning;
