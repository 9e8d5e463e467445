//! The corpus, replayed; and that targets and engine can fail.

use causeway_fuzz::random::{Chance, mutated, survives};
use causeway_fuzz::{TARGETS, Target, corpus};

/// Most inputs and bytes that are checked in for one target.
const MAX_INPUTS: usize = 400;
const MAX_BYTES: usize = 96 * 1024;

#[test]
fn every_kept_input_holds() {
    for target in TARGETS {
        let inputs = corpus::inputs(&corpus::folder(target)).expect("a folder of inputs");
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        assert!(
            inputs.len() <= MAX_INPUTS && bytes <= MAX_BYTES,
            "{} has grown: {bytes} bytes",
            target.name
        );
        for (file, input) in inputs {
            assert!(
                survives(target, &input),
                "{}: {}",
                target.name,
                file.display()
            );
        }
    }
}

#[test]
fn mutations_of_the_corpus_hold() {
    for target in TARGETS {
        let inputs = corpus::inputs(&corpus::folder(target)).expect("a folder of inputs");
        let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
        let mut chance = Chance::new(22);
        for _ in 0..2_000 {
            let input = mutated(&inputs, target.max_len, &mut chance);
            assert!(input.len() <= target.max_len);
            let text = String::from_utf8_lossy(&input);
            assert!(survives(target, &input), "{}: {text:?}", target.name);
        }
    }
}

#[test]
fn the_blind_engine_finds_a_planted_fault() {
    let planted = Target {
        name: "planted",
        run: |data| assert!(!String::from_utf8_lossy(data).contains("null}")),
        max_len: 32,
    };
    let inputs = vec![b"{\"a\":nul}".to_vec()];
    let mut chance = Chance::new(1);
    let found = (0..20_000).any(|_| !survives(planted, &mutated(&inputs, 32, &mut chance)));
    assert!(found);
}
