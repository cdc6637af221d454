//! The scripts whose answers a real kernel gave, in the engine. The kernel itself is asked by `cargo xtask kernel-verify`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use portlab_scenarios::syscalls::engine::Engine;
use portlab_scenarios::syscalls::{Case, Verdict, parse, run_case};

/// Where the answers depend on what the kernel draws, some seed gives those that are stated.
const SEEDS: u64 = 16;

fn verdicts(case: &Case) -> Vec<Verdict> {
    let run = |seed| run_case(&mut Engine::new(seed), case);
    let good = (0..SEEDS).map(run).find(|verdicts| !verdicts.iter().any(Verdict::differs));
    good.unwrap_or_else(|| run(0))
}

#[test]
fn the_engine_answers_as_the_kernel_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures/syscalls");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = 0;
    let mut wrong = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let script = parse(&fs::read_to_string(&file).unwrap()).unwrap_or_else(|error| panic!("{name}, {error}"));
        for case in script.cases() {
            cases += 1;
            let verdicts = verdicts(&case);
            if let Some(index) = verdicts.iter().position(Verdict::differs) {
                let line = &case.lines[index];
                writeln!(wrong, "{name}, line {}: {line}: {:?}", line.number, verdicts[index]).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases > 5_000, "the fixtures are there: {cases}");
}
