//! Everything that a world lets out, in one text.

use causeway::credentials::CredentialState;

use super::Simulation;

/// Everything that a seed's world emits: letters, records, reports; what it logs goes to the caller's subscriber.
#[derive(Debug)]
pub struct Emitted {
    /// All of it, as JSON and as `Debug` show it.
    pub text: String,
    /// Letters that were sent.
    pub letters: u64,
    /// How long it lasted, in virtual ms.
    pub lasted_ms: i64,
    /// Secrets that the lane was given to use.
    pub secrets_handed_out: u64,
}

/// Runs the world of `seed` and gathers what it emits.
pub fn emitted(seed: u64) -> Emitted {
    let mut simulation = Simulation::of_seed(seed, false);
    simulation.gathered = Some(String::new());
    simulation.play();
    let mut text = simulation.gathered.take().unwrap_or_default();
    let world = simulation.world();
    for dead in &world.queue.letters {
        let attributes = causeway::queue::attributes::of_letter(&dead.letter);
        text.push_str(&format!("{:?} {attributes:?}\n", dead.letter));
    }
    for record in world.ledger.records().values() {
        let json = serde_json::to_string(record).unwrap_or_default();
        text.push_str(&format!("{record:?} {json}\n"));
    }
    for (key, stored) in world.states.values() {
        // Where tokens are kept, encrypted; shown as the operators' command would.
        let debug = serde_json::from_value::<CredentialState>(stored.value.clone());
        let is_credentials = key.ends_with("#credentials");
        text.push_str(&if is_credentials {
            format!("{debug:?}\n")
        } else {
            format!("{key} {stored:?}\n")
        });
    }
    Emitted {
        text,
        letters: world.counts.letters,
        lasted_ms: world.now - crate::world::START,
        secrets_handed_out: world.counts.secrets,
    }
}
