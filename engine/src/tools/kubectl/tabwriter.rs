//! Elastic columns: the text/tabwriter of Go, as kubectl uses it for tables (minimum width 6, padding 3,
//! widths remembered across flushes, `cli-runtime/pkg/printers/tabwriter.go`) and for `describe` (0, 2).
//!
//! A cell ends at a tab; the last cell of a line belongs to no column. A column is a run of neighbouring lines
//! that have a cell there. A line of one cell flushes everything before it. Left out: right alignment, HTML, escapes.

pub struct TabWriter {
    min_width: usize,
    padding: usize,
    remembered: Option<Vec<usize>>,
    lines: Vec<Vec<String>>,
    cell: String,
    widths: Vec<usize>,
    out: String,
}

/// For tables of `kubectl get` and its kin.
pub fn table() -> TabWriter {
    TabWriter::new(6, 3, true)
}

/// For `kubectl describe`.
pub fn description() -> TabWriter {
    TabWriter::new(0, 2, false)
}

impl TabWriter {
    pub fn new(min_width: usize, padding: usize, remember: bool) -> TabWriter {
        TabWriter {
            min_width,
            padding,
            remembered: remember.then(Vec::new),
            lines: vec![Vec::new()],
            cell: String::new(),
            widths: Vec::new(),
            out: String::new(),
        }
    }

    pub fn write(&mut self, text: &str) {
        for ch in text.chars() {
            match ch {
                '\t' | '\u{b}' => {
                    self.end_cell();
                }
                '\n' | '\u{c}' => {
                    let cells = self.end_cell();
                    self.lines.push(Vec::new());
                    if ch == '\u{c}' || cells == 1 {
                        self.flush();
                    }
                }
                _ => self.cell.push(ch),
            }
        }
    }

    pub fn flush(&mut self) {
        if !self.cell.is_empty() {
            self.end_cell();
        }
        let lines = std::mem::replace(&mut self.lines, vec![Vec::new()]);
        self.widths.clear();
        self.format(&lines, 0, lines.len());
    }

    /// What was written and flushed since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// Starts the column widths anew, as kubectl does between tables.
    pub fn forget_widths(&mut self) {
        if let Some(widths) = &mut self.remembered {
            widths.clear();
        }
    }

    pub fn finish(mut self) -> String {
        self.flush();
        self.out
    }

    fn end_cell(&mut self) -> usize {
        let cell = std::mem::take(&mut self.cell);
        let line = self.lines.last_mut().expect("there is always a current line");
        line.push(cell);
        line.len()
    }

    /// Formats lines `from..to`, whose columns left of `widths.len()` are settled.
    fn format(&mut self, lines: &[Vec<String>], mut from: usize, to: usize) {
        let column = self.widths.len();
        let mut this = from;
        while this < to {
            if column + 1 >= lines[this].len() {
                this += 1;
                continue;
            }
            self.write_lines(lines, from, this);
            from = this;
            let mut width = self.min_width;
            while this < to && column + 1 < lines[this].len() {
                width = width.max(lines[this][column].chars().count() + self.padding);
                this += 1;
            }
            width = self.remember(width);
            self.widths.push(width);
            self.format(lines, from, this);
            self.widths.pop();
            from = this;
        }
        self.write_lines(lines, from, to);
    }

    fn remember(&mut self, width: usize) -> usize {
        let column = self.widths.len();
        let Some(remembered) = &mut self.remembered else { return width };
        if remembered.len() < column {
            remembered.extend_from_slice(&self.widths[remembered.len()..]);
        }
        if remembered.len() == column {
            remembered.push(width);
        }
        remembered[column] = remembered[column].max(width);
        remembered[column]
    }

    fn write_lines(&mut self, lines: &[Vec<String>], from: usize, to: usize) {
        for (index, line) in lines.iter().enumerate().take(to).skip(from) {
            for (column, cell) in line.iter().enumerate() {
                self.out.push_str(cell);
                if let Some(width) = self.widths.get(column) {
                    let text = cell.chars().count();
                    self.out.extend(std::iter::repeat_n(' ', width.saturating_sub(text)));
                }
            }
            if index + 1 < lines.len() {
                self.out.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut writer: TabWriter, text: &str, want: &str) {
        writer.write(text);
        assert_eq!(writer.finish(), want);
    }

    #[test]
    fn cells_of_a_table_are_at_least_six_wide_and_three_apart() {
        check(table(), "A\tNAME\tX\nb\tlonger\ty\n", "A     NAME     X\nb     longer   y\n");
        check(table(), "NAME\tLAST\nx\t\n", "NAME   LAST\nx      \n");
    }

    #[test]
    fn a_line_of_one_cell_ends_the_columns_above() {
        check(
            description(),
            "Name:\tx\nHead:\n  Longer name:\ty\n  A:\tb\n",
            "Name:  x\nHead:\n  Longer name:  y\n  A:            b\n",
        );
    }

    #[test]
    fn a_column_is_a_run_of_lines() {
        check(description(), "a\tb\tc\nlonger\td\nx\te\tf\n", "a       b  c\nlonger  d\nx       e  f\n");
    }

    #[test]
    fn widths_are_remembered_until_forgotten() {
        let mut writer = table();
        writer.write("long-long\ta\n");
        writer.flush();
        writer.write("b\tc\n");
        writer.flush();
        writer.forget_widths();
        writer.write("b\tc\n");
        assert_eq!(writer.finish(), "long-long   a\nb           c\nb     c\n");
    }
}
