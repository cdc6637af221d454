//! The instrument in motion: which moment is shown, how time runs, and how far the run has been worked out.
//!
//! A change of the settings begins a new run, which is worked out in slices between frames; the moment that is shown waits
//! for it where it is ahead. Time is virtual: at 10× ten seconds of the hosts pass in one of the reader's. Left out: a
//! change of settings in the middle of a run.

use portlab_engine::linux::bind::Refusal;

use super::record::{Cursor, RUN_MS, Record};
use super::run::Run;
use super::settings::Settings;

/// How many times as fast as the wall clock time can run.
pub const SPEEDS: [u32; 3] = [1, 10, 60];

/// For how long of each frame a run is worked out, in ms.
const SLICE_MS: f64 = 7.0;

/// Requests and answers between two looks at the clock.
const BETWEEN_LOOKS: u32 = 64;

/// A frame that took longer counts as this long, in ms: the page was hidden.
const FRAME_MS_MAX: f64 = 250.0;

/// How long each picture stands where less motion is wanted, in ms.
const CUT_MS: f64 = 1000.0;

/// Over how long of the wall clock the pace is measured, in ms.
const PACE_MS: f64 = 500.0;

/// What a reader does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Set(Settings),
    Seek(u32),
    /// To the next event.
    Step,
    /// To the event before.
    Back,
    Play(bool),
    /// Play, or stop.
    TogglePlay,
    Speed(u32),
}

/// The state.
#[derive(Debug)]
pub struct Live {
    run: Run,
    cursor: Cursor,
    /// The moment that is asked for; what is shown may lag behind it.
    at: f64,
    /// The latest moment that was ever shown.
    seen: u32,
    pub speed: u32,
    pub playing: bool,
    /// A step waits for the event that it goes to.
    stepping: bool,
    last_frame: Option<f64>,
    /// Whether time goes on by cuts, and how long the picture has stood, in ms.
    cuts: bool,
    stood: f64,
    /// Virtual and wall time since the pace was measured last, in ms.
    measured: (f64, f64),
    /// How many times as fast as the wall clock time ran lately.
    pub pace: Option<f64>,
    /// How long this run has taken to work out, in ms of the wall clock.
    pub worked_ms: f64,
}

impl Live {
    /// At the beginning of a run that has not been worked out.
    ///
    /// # Errors
    /// Those of [`Run::new`].
    pub fn new(settings: Settings) -> Result<Self, Refusal> {
        let run = Run::new(settings)?;
        Ok(Self {
            cursor: Cursor::new(&run.record),
            run,
            at: 0.0,
            seen: 0,
            speed: 10,
            playing: false,
            stepping: false,
            last_frame: None,
            cuts: false,
            stood: 0.0,
            measured: (0.0, 0.0),
            pace: None,
            worked_ms: 0.0,
        })
    }

    /// The same for a reader who wants less motion: time goes on by cuts, a second apart.
    #[must_use]
    pub fn in_cuts(self) -> Self {
        Self { cuts: true, ..self }
    }

    #[must_use]
    pub fn record(&self) -> &Record {
        &self.run.record
    }

    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The moment that is shown, in ms.
    #[must_use]
    pub fn shown(&self) -> u32 {
        (self.at as u32).min(self.record().until)
    }

    /// The latest moment that was shown, as far as this run is known.
    #[must_use]
    pub fn seen(&self) -> u32 {
        self.seen.min(self.record().until)
    }

    /// Whether anything moves by itself.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.playing || !self.record().is_complete()
    }

    /// Does it.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Set(settings) => self.set(settings.clamped()),
            Act::Seek(at) => self.seek(at),
            Act::Step => {
                self.playing = false;
                self.stepping = true;
                self.take_step();
            }
            Act::Back => {
                let shown = self.shown();
                let before =
                    self.record().events.iter().rev().find(|event| event.at < shown).map_or(0, |event| event.at);
                self.seek(before);
            }
            Act::Play(on) => {
                if on && self.shown() >= RUN_MS {
                    self.at = 0.0;
                }
                (self.playing, self.stepping, self.pace, self.measured) = (on, false, None, (0.0, 0.0));
                self.stood = 0.0;
            }
            Act::TogglePlay => self.act(Act::Play(!self.playing)),
            Act::Speed(speed) => (self.speed, self.pace, self.measured) = (speed, None, (0.0, 0.0)),
        }
        self.settle();
    }

    fn set(&mut self, settings: Settings) {
        if settings == self.record().settings {
            return;
        }
        if let Ok(run) = Run::new(settings) {
            self.cursor = Cursor::new(&run.record);
            (self.run, self.worked_ms, self.stepping) = (run, 0.0, false);
        }
    }

    fn seek(&mut self, at: u32) {
        (self.at, self.playing, self.stepping) = (f64::from(at.min(RUN_MS)), false, false);
    }

    /// Goes to the next event, if it is known by now.
    fn take_step(&mut self) {
        let shown = self.shown();
        if let Some(next) = self.record().events.iter().find(|event| event.at > shown).filter(|_| self.stepping) {
            (self.at, self.stepping) = (f64::from(next.at), false);
        }
    }

    /// One frame: works on for a slice and lets time pass. `now` is the frame's time, `clock` tells the time within it.
    pub fn frame(&mut self, now: f64, clock: impl Fn() -> f64) {
        let passed = self.last_frame.map_or(0.0, |last| (now - last).clamp(0.0, FRAME_MS_MAX));
        if !self.record().is_complete() {
            let began = clock();
            while !self.run.go_on(BETWEEN_LOOKS) && clock() - began < SLICE_MS {}
            self.worked_ms += clock() - began;
        }
        self.take_step();
        if self.playing {
            self.play(passed);
        }
        self.last_frame = self.moves().then_some(now);
        self.settle();
    }

    fn play(&mut self, passed: f64) {
        self.stood += passed;
        if self.cuts && self.stood < CUT_MS {
            return;
        }
        let passed = std::mem::take(&mut self.stood);
        let before = self.at.min(f64::from(self.record().until));
        self.at = (before + passed * f64::from(self.speed)).min(f64::from(self.record().until));
        self.measured = (self.measured.0 + self.at - before, self.measured.1 + passed);
        if self.measured.1 >= PACE_MS {
            self.pace = Some(self.measured.0 / self.measured.1);
            self.measured = (0.0, 0.0);
        }
        if self.at >= f64::from(RUN_MS) {
            self.playing = false;
        }
    }

    fn settle(&mut self) {
        let shown = self.shown();
        self.seen = self.seen.max(shown);
        self.cursor.seek(&self.run.record, shown);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::record::What;
    use super::*;

    /// A clock that goes on by so many ms with every look.
    fn ticking(ms: f64) -> impl Fn() -> f64 {
        let now = Cell::new(0.0);
        move || now.replace(now.get() + ms)
    }

    fn worked_out(settings: Settings) -> Live {
        let mut live = Live::new(settings).expect("a setting that the kernel takes");
        while live.moves() {
            live.frame(0.0, ticking(0.001));
        }
        live
    }

    #[test]
    fn a_frame_works_no_longer_than_its_slice() {
        let mut live = Live::new(Settings::default()).expect("settings");
        // Each look takes 4 ms: two of them are within the slice.
        live.frame(0.0, ticking(4.0));
        let first = live.record().attempts.len();
        assert!(first > 0 && first <= 3 * BETWEEN_LOOKS as usize, "{first}");
        assert!(live.moves() && !live.record().is_complete());
        assert_eq!(live.shown(), 0, "working ahead shows nothing");
    }

    #[test]
    fn steps_go_from_event_to_event_and_back() {
        let mut live = worked_out(Settings::default());
        let mut seen = Vec::new();
        for _ in 0..5 {
            live.act(Act::Step);
            seen.push(live.shown());
        }
        assert_eq!(seen, [23_526, 47_053, 60_021, 107_075, 120_000]);
        live.act(Act::Step);
        assert_eq!(live.shown(), RUN_MS);
        live.act(Act::Back);
        live.act(Act::Back);
        assert_eq!((live.shown(), live.record().event_at(live.shown()).what), (60_021, What::PortsReturn));
        assert_eq!(live.seen(), RUN_MS, "what was seen stays seen");
    }

    #[test]
    fn a_step_waits_for_what_is_not_worked_out() {
        let mut live = Live::new(Settings::default()).expect("settings");
        live.act(Act::Step);
        assert_eq!(live.shown(), 0);
        while live.shown() == 0 {
            live.frame(0.0, ticking(1.0));
        }
        assert_eq!(live.shown(), 23_526);
    }

    #[test]
    fn time_runs_as_many_times_as_fast_and_stops_at_the_end() {
        let mut live = worked_out(Settings { rate: 1, ..Settings::default() });
        live.act(Act::Play(true));
        for frame in 0..=60 {
            live.frame(f64::from(frame) * 16.0, ticking(0.0));
        }
        assert_eq!(live.shown(), 9600);
        assert_eq!(live.pace, Some(10.0));
        live.act(Act::Speed(60));
        for frame in 61..400 {
            live.frame(f64::from(frame) * 16.0, ticking(0.0));
        }
        assert_eq!((live.shown(), live.playing, live.moves()), (RUN_MS, false, false));
        live.act(Act::Play(true));
        assert_eq!(live.shown(), 0, "from the beginning again");
    }

    #[test]
    fn less_motion_is_a_picture_a_second() {
        let mut live = worked_out(Settings { rate: 1, ..Settings::default() }).in_cuts();
        live.act(Act::Play(true));
        let mut pictures = Vec::new();
        for frame in 0..=150 {
            live.frame(f64::from(frame) * 20.0, ticking(0.0));
            pictures.push(live.shown());
        }
        pictures.dedup();
        assert_eq!(pictures, [0, 10_000, 20_000, 30_000]);
    }

    #[test]
    fn time_does_not_run_ahead_of_the_run() {
        let mut live = Live::new(Settings::default()).expect("settings");
        live.act(Act::Speed(60));
        live.act(Act::Play(true));
        for frame in 0..4 {
            live.frame(f64::from(frame) * 200.0, ticking(8.0));
            assert_eq!(live.shown(), live.shown().min(live.record().until));
        }
        assert!(live.record().until < 2000 && live.playing);
    }

    #[test]
    fn new_settings_show_the_same_moment_of_another_run() {
        let mut live = worked_out(Settings::default());
        live.act(Act::Seek(52_000));
        live.act(Act::Set(Settings { rate: 300, ..Settings::default() }));
        assert_eq!((live.shown(), live.moves()), (0, true), "nothing of it is known yet");
        while live.moves() {
            live.frame(0.0, ticking(0.01));
        }
        assert_eq!(live.shown(), 52_000);
        assert_eq!(live.record().attempt_at(52_000).map(|last| last.opened), Some(15_601));
        live.act(Act::Set(Settings { rate: 0, ..Settings::default() }));
        assert_eq!(live.record().settings.rate, 1, "within its limits");
    }
}
