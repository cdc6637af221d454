//! Where a port stands on its map: in rows of as many columns as fit, the low end of the range first.
//!
//! Each map has the ports of one parity. The default range gives 128 columns and 111 rows of 4 pixels, so that a row
//! spans 256 port numbers; other ranges and widths get the largest cells with which all of them fit. Lengths are in pixels
//! of the screen, not of the page, so that a cell is always a whole number of them.

/// Columns are a multiple of this, so that rows begin at even distances.
const COLUMNS: u32 = 16;

/// Room on the page for one map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// In pixels of the page.
    pub width: f64,
    pub height: f64,
    /// Pixels of the screen for one of the page.
    pub ratio: f64,
}

/// Pixels of the page that a cell has at most.
const CELL_MAX: f64 = 32.0;

/// How a map is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Geometry {
    /// Ports on this map.
    pub cells: u32,
    pub columns: u32,
    pub rows: u32,
    /// A cell with the gap behind it.
    pub cell: (u32, u32),
    pub gap: (u32, u32),
}

impl Geometry {
    /// The layout of so many ports.
    #[must_use]
    pub fn new(cells: u32, room: Room) -> Self {
        let pixels = |length: f64| (length * room.ratio).max(1.0) as u32;
        let (width, height, most) = (pixels(room.width), pixels(room.height), pixels(CELL_MAX));
        let columns_of = |side: u32| (width / side / COLUMNS * COLUMNS).max(COLUMNS);
        let fits = |side: &u32| {
            let columns = columns_of(*side);
            columns * side <= width && cells.div_ceil(columns) * side <= height
        };
        let side = (1..=most).rev().find(fits).unwrap_or(1);
        let columns = columns_of(side);
        let rows = cells.div_ceil(columns).max(1);
        // Small cells may be higher than wide, to use the room.
        let tall = if side < 4 { (height / rows).clamp(side, side * 2) } else { side };
        let gap = |side: u32| if side >= 3 { (side / 8).max(1) } else { 0 };
        Self { cells, columns, rows, cell: (side, tall), gap: (gap(side), gap(tall)) }
    }

    /// The map's width.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.columns.min(self.cells.max(1)) * self.cell.0
    }

    /// And its height.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.rows * self.cell.1
    }

    /// The left upper corner of a cell.
    #[must_use]
    pub fn corner(&self, cell: u32) -> (u32, u32) {
        (cell % self.columns * self.cell.0, cell / self.columns * self.cell.1)
    }

    /// The cell at a place.
    #[must_use]
    pub fn cell_at(&self, x: f64, y: f64) -> Option<u32> {
        if x < 0.0 || y < 0.0 {
            return None;
        }
        let (column, row) = (x as u32 / self.cell.0, y as u32 / self.cell.1);
        let cell = row.checked_mul(self.columns)?.checked_add(column)?;
        (column < self.columns && cell < self.cells).then_some(cell)
    }

    /// Rows that get a label: about eight, the first and the last among them.
    #[must_use]
    pub fn labelled_rows(&self) -> Vec<u32> {
        let last = self.rows - 1;
        let apart = self.rows.div_ceil(7).next_multiple_of(if self.rows > 16 { 16 } else { 1 });
        let mut rows: Vec<u32> = (0..last).step_by(apart as usize).collect();
        // Two labels must not lie on each other.
        if rows.last().is_some_and(|row| (last - row) * 2 < apart) {
            rows.pop();
        }
        rows.push(last);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESK: Room = Room { width: 512.0, height: 444.0, ratio: 1.0 };

    #[test]
    fn the_default_range_is_as_drawn() {
        let map = Geometry::new(14_116, DESK);
        assert_eq!((map.columns, map.rows, map.cell, map.gap), (128, 111, (4, 4), (1, 1)));
        assert_eq!((map.width(), map.height()), (512, 444));
        assert_eq!(map.labelled_rows(), [0, 16, 32, 48, 64, 80, 96, 110]);
        assert_eq!(Geometry::new(14_116, Room { ratio: 2.0, ..DESK }).cell, (8, 8));
    }

    #[test]
    fn whatever_the_range_all_cells_lie_within_the_room() {
        for width in [180.0, 256.0, 358.0, 384.0, 512.0, 700.0] {
            for ratio in [1.0, 1.25, 1.5, 2.0, 3.0] {
                for cells in [1, 2, 3, 4, 5, 17, 100, 1000, 4097, 14_116, 20_000, 32_256] {
                    let room = Room { width, height: 444.0, ratio };
                    let map = Geometry::new(cells, room);
                    // A width of less than 256 pixels cannot hold the widest map.
                    assert!(
                        width * ratio < 256.0 || f64::from(map.width()) <= width * ratio,
                        "{cells} {room:?} {map:?}"
                    );
                    assert!(f64::from(map.height()) <= 444.0 * ratio, "{cells} {room:?} {map:?}");
                    assert!(map.rows * map.columns >= cells && (map.rows - 1) * map.columns < cells);
                    let labels = map.labelled_rows();
                    assert!(labels.is_sorted() && labels.last() == Some(&(map.rows - 1)) && labels.len() < 10);
                }
            }
        }
    }

    #[test]
    fn a_place_gives_the_cell_that_stands_there() {
        let map = Geometry::new(14_116, DESK);
        for cell in [0, 1, 127, 128, 14_115] {
            let (x, y) = map.corner(cell);
            assert_eq!(map.cell_at(f64::from(x) + 0.5, f64::from(y) + 3.5), Some(cell));
        }
        assert_eq!(map.cell_at(511.0, 443.0), None, "the last row is not full");
        assert_eq!(map.cell_at(512.0, 0.0), None);
        assert_eq!(map.cell_at(-1.0, 0.0), None);
        assert_eq!(map.cell_at(f64::NAN, f64::INFINITY), None);
    }
}
