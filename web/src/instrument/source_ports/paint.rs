//! Two maps as pixels: a moment of a record drawn into memory, for a canvas to take over as it is.
//!
//! A free port is a dot, a `TIME_WAIT` a square that cools along the ramp, an open connection larger than its cell with a
//! halo around it, a port that a listener holds a hollow square. So states differ in shape as well as in colour. Nothing
//! is remembered from one picture to the next: writing all pixels takes less time than finding out which have changed.

use super::geometry::Geometry;
use super::record::{Counts, Cursor, Record, State};

/// How many colours a `TIME_WAIT` goes through.
const RAMP: usize = 256;

/// How long that takes, in ms.
const COOLING_MS: u32 = 60_000;

/// A colour: red, green and blue.
pub type Rgb = [u8; 3];

/// A colour, and how much of the pixel it covers, as a canvas keeps it.
pub type Pixel = [u8; 4];

/// The colours of the page's theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    ramp: Vec<Pixel>,
    dot: Rgb,
    established: Pixel,
    halo: Pixel,
    barred: Pixel,
}

impl Palette {
    /// From the colours of the style sheet: stops of the ramp, and one for each of the others.
    #[must_use]
    pub fn new(stops: &[Rgb], dot: Rgb, established: Rgb, halo: Rgb, barred: Rgb) -> Self {
        let last = stops.len().saturating_sub(1);
        let ramp = (0..RAMP).map(|step| {
            let place = (step * last) as f64 / (RAMP - 1) as f64;
            let (from, part) = ((place as usize).min(last.saturating_sub(1)), place.fract());
            let part = if place as usize > from { 1.0 } else { part };
            let mix = |channel: usize| {
                let (a, b) = (f64::from(stops[from][channel]), f64::from(stops[(from + 1).min(last)][channel]));
                (a + (b - a) * part).round() as u8
            };
            pixel([mix(0), mix(1), mix(2)], 255)
        });
        let ramp = if stops.is_empty() { vec![[0; 4]; RAMP] } else { ramp.collect() };
        Self { ramp, dot, established: pixel(established, 255), halo: pixel(halo, 255), barred: pixel(barred, 255) }
    }

    /// The colour of a connection that was closed so long ago, in ms.
    fn cooled(&self, age: u32) -> Pixel {
        self.ramp[(age.min(COOLING_MS) as usize * (RAMP - 1)) / COOLING_MS as usize]
    }
}

fn pixel([red, green, blue]: Rgb, covers: u8) -> Pixel {
    [red, green, blue, covers]
}

/// The picture of one map.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub geometry: Geometry,
    /// Row by row.
    pub pixels: Vec<Pixel>,
    /// Cells that are drawn over their neighbours.
    above: Vec<(u32, State)>,
}

impl Picture {
    /// An empty one.
    #[must_use]
    pub fn new(geometry: Geometry) -> Self {
        let size = geometry.width() as usize * geometry.height() as usize;
        Self { geometry, pixels: vec![[0; 4]; size], above: Vec::new() }
    }

    /// Draws the ports of one parity (0: the one that is scanned first) and counts them.
    pub fn paint(&mut self, palette: &Palette, record: &Record, cursor: &Cursor, parity: usize, counts: &mut Counts) {
        self.pixels.fill([0; 4]);
        self.above.clear();
        let free = self.dot(palette.dot);
        let Geometry { cells, columns, cell, gap, .. } = self.geometry;
        let (width, solid) = (self.geometry.width() as usize, (cell.0 - gap.0) as usize);
        let (mut column, mut start) = (0, 0);
        for number in 0..cells {
            let place = number as usize * 2 + parity;
            if place >= record.settings.ports() as usize {
                break;
            }
            let state = cursor.state(record, place);
            counts.add(place, state);
            match state {
                State::TimeWait(age) => {
                    let colour = palette.cooled(age);
                    for line in 0..(cell.1 - gap.1) as usize {
                        let from = start + line * width;
                        self.pixels[from..from + solid].fill(colour);
                    }
                }
                State::Free => {
                    for (offset, colour) in &free {
                        self.pixels[start + offset] = *colour;
                    }
                }
                State::Established(_) | State::Barred => self.above.push((number, state)),
            }
            (column, start) = (column + 1, start + cell.0 as usize);
            if column == columns {
                (column, start) = (0, (number as usize + 1) / columns as usize * cell.1 as usize * width);
            }
        }
        for (number, state) in std::mem::take(&mut self.above) {
            self.paint_above(palette, number, state);
        }
    }

    /// The pixels of a free port, from its corner: a dot of a pixel and a half.
    fn dot(&self, colour: Rgb) -> Vec<(usize, Pixel)> {
        let Geometry { cell, gap, .. } = self.geometry;
        let width = self.geometry.width() as usize;
        let side = ((cell.0.min(cell.1) * 3) as f64 / 8.0).clamp(1.0, 6.0);
        let (x, y) = ((cell.0 - gap.0) as usize / 2, (cell.1 - gap.1) as usize / 2);
        let (x, y) = (x.saturating_sub(side as usize / 2), y.saturating_sub(side as usize / 2));
        let mut pixels = Vec::new();
        for line in 0..side.ceil() as usize {
            for dot in 0..side.ceil() as usize {
                let cover = (side - line as f64).min(1.0) * (side - dot as f64).min(1.0);
                if x + dot < cell.0 as usize && y + line < cell.1 as usize {
                    pixels.push(((y + line) * width + x + dot, pixel(colour, (cover * 255.0) as u8)));
                }
            }
        }
        pixels
    }

    fn paint_above(&mut self, palette: &Palette, number: u32, state: State) {
        let Geometry { cell, gap, .. } = self.geometry;
        let (x, y) = self.geometry.corner(number);
        let (x, y) = (x.cast_signed(), y.cast_signed());
        let (wide, high) = ((cell.0 - gap.0).cast_signed(), (cell.1 - gap.1).cast_signed());
        // Small cells grow by half their size, large ones need not.
        let more = (cell.0.cast_signed() / 2).clamp(1, 4);
        match state {
            State::Barred => {
                self.fill(x - more, y - more, wide + 2 * more, high + 2 * more, palette.halo);
                self.fill(x - more + 1, y - more + 1, wide + 2 * more - 2, high + 2 * more - 2, palette.barred);
                self.fill(x, y, wide, high, palette.halo);
            }
            _ => {
                self.fill(x - 2 * more, y - 2 * more, wide + 4 * more, high + 4 * more, palette.halo);
                self.fill(x - more, y - more, wide + 2 * more, high + 2 * more, palette.established);
            }
        }
    }

    /// Fills what of a rectangle lies within the picture.
    fn fill(&mut self, x: i32, y: i32, wide: i32, high: i32, colour: Pixel) {
        let (width, height) = (self.geometry.width().cast_signed(), self.geometry.height().cast_signed());
        let within =
            |from: i32, length: i32, end: i32| (from.clamp(0, end) as usize, (from + length).clamp(0, end) as usize);
        let (columns, rows) = (within(x, wide, width), within(y, high, height));
        for row in rows.0..rows.1 {
            let start = row * width as usize;
            self.pixels[start + columns.0..start + columns.1].fill(colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Room;
    use super::super::run::Run;
    use super::super::settings::{Place, Settings};
    use super::*;

    const STOPS: [Rgb; 3] = [[0, 0, 0], [100, 100, 100], [200, 0, 50]];

    fn palette() -> Palette {
        Palette::new(&STOPS, [1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12])
    }

    fn painted(settings: Settings, at: u32, parity: usize) -> (Picture, Counts) {
        let mut run = Run::new(settings).expect("a setting that the kernel takes");
        while run.record.until <= at && !run.go_on(1) {}
        let mut cursor = Cursor::new(&run.record);
        cursor.seek(&run.record, at);
        let room = Room { width: 512.0, height: 444.0, ratio: 1.0 };
        let mut picture = Picture::new(Geometry::new(settings.ports().div_ceil(2), room));
        let mut counts = Counts::default();
        picture.paint(&palette(), &run.record, &cursor, parity, &mut counts);
        (picture, counts)
    }

    fn pixels_of(picture: &Picture, colour: Rgb) -> usize {
        picture.pixels.iter().filter(|pixel| **pixel == self::pixel(colour, 255)).count()
    }

    #[test]
    fn the_ramp_goes_through_its_stops() {
        let palette = palette();
        assert_eq!(palette.cooled(0), pixel([0, 0, 0], 255));
        assert_eq!(palette.cooled(60_000), pixel([200, 0, 50], 255));
        assert_eq!(palette.cooled(99_999), pixel([200, 0, 50], 255));
        assert_eq!(palette.cooled(15_100), pixel([50, 50, 50], 255));
        assert_eq!(Palette::new(&[], [0; 3], [0; 3], [0; 3], [0; 3]).cooled(7), [0; 4]);
    }

    #[test]
    fn every_port_of_the_parity_is_drawn_once() {
        let (picture, counts) = painted(Settings::default(), 0, 0);
        assert_eq!((counts.free[0], counts.established[0]), (14_115, 1));
        // One pixel of each dot is covered in full; the open connection's halo lies over its neighbours.
        let dots = pixels_of(&picture, [1, 2, 3]);
        assert!((14_100..=14_115).contains(&dots), "{dots}");
        assert_eq!(pixels_of(&picture, [4, 5, 6]), 49);
        let (other, counts) = painted(Settings::default(), 0, 1);
        assert_eq!(pixels_of(&other, [1, 2, 3]), 14_116);
        assert_eq!((counts.all(0), counts.all(1)), (0, 14_116));
    }

    #[test]
    fn a_time_wait_fills_its_cell() {
        let settings = Settings { range: (40_000, 40_003), rate: 1, ..Settings::default() };
        let (picture, counts) = painted(settings, 20, 0);
        assert_eq!((counts.time_wait[0], counts.free[0]), (1, 1));
        assert_eq!(pixels_of(&picture, [0, 0, 0]), 28 * 28);
    }

    #[test]
    fn an_odd_range_has_one_cell_fewer_on_the_second_map() {
        let settings = Settings { range: (40_000, 40_002), rate: 1, ..Settings::default() };
        assert_eq!(painted(settings, 0, 0).1.all(0), 2);
        assert_eq!(painted(settings, 0, 1).1.all(1), 1);
    }

    #[test]
    fn a_range_of_any_size_is_drawn_while_it_is_used() {
        for high in 40_000..40_006 {
            for rate in [1, 600] {
                let settings = Settings { range: (40_000, high), rate, ..Settings::default() };
                for at in [0, 1, 500, 3000] {
                    let all = [0, 1].map(|parity| painted(settings, at, parity).1.all(parity));
                    assert_eq!(all[0] + all[1], settings.ports(), "up to {high}, {rate} a second, at {at} ms");
                }
            }
        }
    }

    #[test]
    fn a_listener_has_a_shape_of_its_own() {
        let settings = Settings { place: Place::Here, range: (8080, 8083), rate: 1, ..Settings::default() };
        let (picture, counts) = painted(settings, 0, 0);
        assert_eq!(counts.barred, [1, 0]);
        assert!(pixels_of(&picture, [10, 11, 12]) > 50);
    }
}
