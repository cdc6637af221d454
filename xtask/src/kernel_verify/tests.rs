use portlab_scenarios::syscalls::{Answer, Call};

use super::*;

#[test]
fn a_seed_gives_the_same_cases() {
    for habit in habits::all() {
        let case = |seed| draft::case(habit, Random::of_case(seed, 7)).to_string();
        assert_eq!(case(1), case(1), "{}", habit.name);
        assert_ne!(case(1), case(2), "{}", habit.name);
    }
}

#[test]
fn a_draft_names_only_handles_that_a_line_above_may_give() {
    for (index, habit) in (0..600_u64).zip(habits::all().collect::<Vec<_>>().into_iter().cycle()) {
        let case = draft::case(habit, Random::of_case(3, index));
        let mut open = std::collections::BTreeSet::new();
        for line in &case.lines {
            if let Some(name) = line.call.handle() {
                assert!(open.contains(name), "{line}");
            }
            if let Call::Close(name) = &line.call {
                open.remove(name.as_str());
            }
            if let Answer::Handle(name) = &line.stated {
                assert!(open.insert(name.as_str()), "{line}");
            }
        }
    }
}

#[test]
fn no_case_of_a_habit_is_empty_and_few_sleep_long() {
    for habit in habits::all().filter(|habit| habit.name != "minutes") {
        let cases: Vec<Case> = (0..100).map(|index| draft::case(habit, Random::of_case(1, index))).collect();
        assert!(cases.iter().map(|case| case.lines.len()).sum::<usize>() > 300, "{}", habit.name);
        assert!(cases.iter().filter(|case| case.sleep_millis() > 5_000).count() < 50, "{}", habit.name);
    }
}
