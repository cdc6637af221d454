//! The load against what FACTS §3 says of the kernel, and the record against the namespace that it was taken from.

use super::super::record::{Counts, Cursor, NEVER, Second, State as PortState};
use super::*;

fn run(settings: Settings) -> Run {
    let mut run = Run::new(settings).expect("a setting that the kernel takes");
    while !run.go_on(1000) {}
    run
}

fn when(run: &Run, what: What) -> Option<u32> {
    run.record.events.iter().find(|event| event.what == what).map(|event| event.at)
}

fn refused(run: &Run) -> u32 {
    run.record.seconds.iter().map(|second| second.refused).sum()
}

fn counts(run: &Run, at: u32) -> Counts {
    let mut cursor = Cursor::new(&run.record);
    cursor.seek(&run.record, at);
    cursor.counts(&run.record)
}

fn total(of: [u32; 2]) -> u32 {
    of[0] + of[1]
}

#[test]
fn at_600_per_second_the_default_range_lasts_47_seconds() {
    let run = run(Settings::default());
    // 28,232 ÷ 600 = 47.053: the request after the 28,232nd.
    assert_eq!(when(&run, What::NoPortLeft), Some(28_232 * 1000 / 600));
    assert_eq!(run.record.errno, Some(Errno::Eaddrnotavail));
    // Half of them, all even, were gone by half of that time.
    assert_eq!(when(&run, What::FirstParityGone), Some(14_116 * 1000 / 600));
    assert!(run.record.uses[..14_116].iter().all(|one| one.port % 2 == 0));
    assert!(run.record.uses[14_116..28_232].iter().all(|one| one.port % 2 == 1));
    // The first port was closed after 20 ms and waited 60 s; its timer goes off before the next millisecond.
    assert_eq!(run.record.uses[0].gone, 60_021);
    assert_eq!(when(&run, What::PortsReturn), Some(60_021));
    let exhausted = counts(&run, 52_000);
    assert_eq!((total(exhausted.time_wait), total(exhausted.established), total(exhausted.free)), (28_232, 0, 0));
    assert_eq!(run.record.refused_lately(52_000), 600);
}

#[test]
fn at_470_per_second_it_lasts_for_ever() {
    // 28,232 ÷ 60 = 470.5; a request takes 20 ms more, so that 28,232 ÷ 60.02 = 470.4 a second is what can be.
    let lasts = run(Settings { rate: 470, ..Settings::default() });
    assert_eq!((refused(&lasts), when(&lasts, What::NoPortLeft)), (0, None));
    assert_eq!(when(&lasts, What::FirstExpired), Some(60_021));
    let fails = run(Settings { rate: 471, ..Settings::default() });
    assert!(refused(&fails) > 0);
}

#[test]
fn a_time_wait_is_used_again_where_the_kernel_lets_it() {
    use Place::{Elsewhere, Here};
    // FACTS §3.5: setting, timestamps, place, whether the load goes on.
    let rows = [
        (0, true, Elsewhere, false),
        (0, true, Here, false),
        (1, true, Elsewhere, true),
        (1, true, Here, true),
        (2, true, Elsewhere, false),
        (2, true, Here, true),
        (1, false, Elsewhere, false),
        (2, false, Here, false),
    ];
    for (tw_reuse, timestamps, place, goes_on) in rows {
        // A tenth of the ports at a tenth of the rate.
        let settings =
            Settings { tw_reuse, timestamps, place, range: (40_000, 42_823), rate: 60, ..Settings::default() };
        let run = run(settings);
        assert_eq!(refused(&run) == 0, goes_on, "{settings:?}");
        assert_eq!(when(&run, What::FirstReuse).is_some(), goes_on, "{settings:?}");
        let recycled = run.record.counters.named("TcpExtTWRecycled", RUN_MS);
        assert_eq!(recycled.is_some_and(|(count, _)| count > 0), goes_on, "{settings:?}");
    }
}

#[test]
fn with_reuse_600_per_second_go_on() {
    let run = run(Settings { tw_reuse: 1, ..Settings::default() });
    assert_eq!((refused(&run), when(&run, What::NoPortLeft)), (0, None));
    // A port may be taken again a second after it was closed; the search comes around to the first of them by then.
    assert!(when(&run, What::FirstReuse).is_some_and(|at| at < 47_053));
}

#[test]
fn used_again_after_a_second_at_the_earliest() {
    let run = run(Settings { tw_reuse: 1, range: (40_000, 40_003), rate: 50, ..Settings::default() });
    let mut gaps = Vec::new();
    for (number, one) in run.record.uses.iter().enumerate() {
        let before = run.record.uses[..number].iter().rev().find(|other| other.port == one.port);
        gaps.extend(before.map(|before| one.opened - before.closed));
    }
    assert!(gaps.len() > 100);
    assert!(gaps.iter().all(|gap| (1000..1100).contains(gap)), "{gaps:?}");
}

#[test]
fn a_pool_never_runs_out() {
    let full = run(Settings { pool: 12, ..Settings::default() });
    assert_eq!(refused(&full), 0);
    // Twelve connections of 50 requests a second each carry all 600.
    assert_eq!(full.record.uses.len(), 12);
    assert!(full.record.uses.iter().all(|one| one.closed == NEVER));
    assert_eq!(full.record.seconds[60], Second { opened: 0, refused: 0, carried: 600 });
    assert!(when(&full, What::PoolFull).is_some());
    // One fewer, and the rest opens connections of its own: 50 a second.
    let short = run(Settings { pool: 11, ..Settings::default() });
    assert_eq!(short.record.seconds[30].opened, 50);
}

#[test]
fn another_destination_has_all_ports_again() {
    let run = run(Settings { destinations: 2, ..Settings::default() });
    assert_eq!(refused(&run), 0);
    let counted = counts(&run, 50_000);
    // 30,001 requests were made, the first and every second after it here.
    assert_eq!(total(counted.time_wait) + total(counted.established), 15_001);
}

#[test]
fn small_ranges() {
    let four = run(Settings { range: (40_000, 40_003), rate: 10, ..Settings::default() });
    let ports: Vec<u16> = four.record.uses[..4].iter().map(|one| one.port).collect();
    assert!(ports[..2].iter().all(|port| port % 2 == 0) && ports[2..].iter().all(|port| port % 2 == 1), "{ports:?}");
    assert_eq!(when(&four, What::NoPortLeft), Some(400));
    // An odd number of ports loses one; one alone is used.
    for (range, most) in [((40_000, 40_002), 2), ((40_001, 40_003), 2), ((40_000, 40_000), 1)] {
        let run = run(Settings { range, rate: 10, ..Settings::default() });
        assert_eq!(run.record.seconds[0].opened, most, "{range:?}");
        assert_eq!(total(counts(&run, 30_000).time_wait), most, "{range:?}");
        assert_eq!(total(counts(&run, 30_000).free), run.record.settings.ports() - most);
    }
}

#[test]
fn a_listener_in_the_range_bars_its_port() {
    let here = run(Settings { place: Place::Here, range: (8080, 8083), rate: 10, tw_reuse: 0, ..Settings::default() });
    assert_eq!(here.record.barred, [8080]);
    assert_eq!(here.record.seconds[0].opened, 3);
    let mut cursor = Cursor::new(&here.record);
    cursor.seek(&here.record, 5000);
    assert_eq!(cursor.state(&here.record, 0), PortState::Barred);
    // The server's listener is on another host, and bars nothing here.
    let elsewhere = run(Settings { range: (8080, 8083), rate: 10, tw_reuse: 0, ..Settings::default() });
    assert_eq!(elsewhere.record.seconds[0].opened, 4);
}

#[test]
fn no_counter_tells_of_it() {
    let run = run(Settings::default());
    // From 50 s to 55 s every connect is refused, and nothing else happens.
    let at = |second: u32| run.record.counters.at(second * 1000).collect::<Vec<_>>();
    assert_eq!(run.record.seconds[50], Second { opened: 0, refused: 600, carried: 0 });
    assert_eq!(at(50), at(55));
    assert_eq!(run.record.counters.moved(55_000), 0);
    assert_eq!(run.record.counters.named("TcpExtTCPTimeWaitOverflow", RUN_MS), Some((0, 0)));
}

#[test]
fn the_record_agrees_with_the_kernel_at_every_second() {
    for settings in [
        Settings { rate: 700, ..Settings::default() },
        Settings { rate: 90, tw_reuse: 1, range: (40_000, 40_099), ..Settings::default() },
        Settings { rate: 333, place: Place::Here, pool: 3, range: (1024, 9999), ..Settings::default() },
    ] {
        let mut run = Run::new(settings).expect("a setting that the kernel takes");
        let mut cursor = Cursor::new(&run.record);
        let mut seen = 0;
        while !run.go_on(1) {
            let counted = run.record.counters.at(run.record.until).map(|(name, value)| (name, u64::from(value)));
            assert!(counted.eq(run.hosts.client.counters.all()), "{settings:?} at {}", run.record.until);
            if run.record.until < seen * 1000 {
                continue;
            }
            seen += 1;
            let client = &run.hosts.client;
            let peer = canonical(settings.destination(0).ip());
            cursor.seek(&run.record, run.record.until);
            let counted = cursor.counts(&run.record);
            let waits = client.time_waits().filter(|(_, wait)| wait.peer == peer).count();
            let open = client.sockets().filter(|(_, one)| one.peer == peer && one.dport == 8080).count();
            assert_eq!(total(counted.time_wait) as usize, waits, "{settings:?} at {}", run.record.until);
            assert_eq!(total(counted.established) as usize, open, "{settings:?} at {}", run.record.until);
        }
        assert!(seen > 119);
    }
}

#[test]
fn any_moment_is_the_same_from_either_side() {
    let run = run(Settings { tw_reuse: 1, range: (40_000, 40_199), rate: 300, ..Settings::default() });
    let mut walker = Cursor::new(&run.record);
    for at in [0, 40, 119_999, 61_000, 1021, 60_019, 60_021, 3, 90_000] {
        walker.seek(&run.record, at);
        let mut fresh = Cursor::new(&run.record);
        fresh.seek(&run.record, at);
        for place in 0..200 {
            assert_eq!(walker.state(&run.record, place), fresh.state(&run.record, place), "port {place} at {at}");
        }
    }
}

#[test]
fn two_runs_are_equal() {
    let settings = Settings { rate: 900, place: Place::Here, ..Settings::default() };
    let (one, two) = (run(settings), run(settings));
    assert_eq!(one.record.attempts, two.record.attempts);
    assert_eq!(one.record.uses, two.record.uses);
}

#[test]
fn the_counters_are_those_of_the_moment_that_is_shown() {
    let run = run(Settings { rate: 10, ..Settings::default() });
    // At each moment: connections that stand, those that wait, and what the counters say of them.
    for (at, established, waiting) in [(0, 1, 0), (19, 1, 0), (20, 0, 1), (100, 1, 1), (1000, 1, 10)] {
        let counts = counts(&run, at);
        assert_eq!((total(counts.established), total(counts.time_wait)), (established, waiting), "at {at}");
        let value = |name| run.record.counters.named(name, at).map(|(value, _)| value);
        assert_eq!(value("TcpActiveOpens"), Some(established + waiting), "at {at}");
        assert_eq!(value("TcpExtTW"), Some(waiting), "at {at}");
    }
}
