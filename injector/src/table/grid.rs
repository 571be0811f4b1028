//! Rows of words in columns as wide as they need to be, as text or as Markdown. Pure.

/// A column that only parts others, in text.
pub(crate) const BAR: &str = "|";

/// Lines are at most so long, if they can be.
const LINE_MAX: usize = 80;

/// A table: the first column to the left, all others to the right.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    /// Lines above the rows; all rows have as many words.
    pub(crate) heads: Vec<Vec<String>>,
    /// The rows.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    /// With these lines above.
    pub(crate) fn new<const N: usize>(heads: &[[&str; N]]) -> Grid {
        let heads = heads.iter().map(|head| head.map(str::to_owned).to_vec()).collect();
        Grid { heads, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, words: [String; N]) {
        self.rows.push(words.to_vec());
    }

    /// Leaves out columns, by their place, of which this says so.
    pub(crate) fn without(mut self, is_dropped: impl Fn(usize) -> bool) -> Grid {
        for row in self.heads.iter_mut().chain(&mut self.rows) {
            let mut at = 0..;
            row.retain(|_| !is_dropped(at.next().expect("counts on and on")));
        }
        self
    }

    /// As text; its lines have no blanks at their ends. Where names make lines longer than [`LINE_MAX`], the long ones stand on
    /// lines of their own.
    pub(crate) fn text(&self) -> String {
        let lines = || self.heads.iter().chain(&self.rows);
        let columns = lines().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| lines().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max();
        let mut widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        if let [names, rest @ ..] = &mut widths[..] {
            let room = LINE_MAX.saturating_sub(rest.iter().map(|width| width + 1).sum());
            if *names > room {
                let first = |row: &Vec<String>| row.first().map_or(0, |word| word.chars().count());
                // No narrower than its head, and no wider than the longest name that has room.
                let least = self.heads.iter().map(first).max().unwrap_or(0);
                let fitting = self.rows.iter().map(first).filter(|width| *width <= room).max().unwrap_or(0);
                *names = fitting.max(least);
            }
        }
        let line = |row: &Vec<String>| {
            let words = row.iter().zip(&widths).enumerate().map(|(column, (word, &width))| match column {
                0 if word.chars().count() > width => format!("{word}\n{:width$}", ""),
                0 => format!("{word:width$}"),
                _ => format!(" {word:>width$}"),
            });
            format!("{}\n", words.collect::<String>().trim_end())
        };
        lines().map(line).collect()
    }

    /// As a table of Markdown, which has one head: the last.
    pub(crate) fn markdown(&self) -> String {
        let is_bar = |column: usize| self.heads.iter().all(|head| head[column] == BAR);
        let line = |row: &Vec<String>| {
            let words = row.iter().enumerate().filter(|(column, _)| !is_bar(*column));
            let words: Vec<String> = words.map(|(_, word)| word.replace('|', "\\|")).collect();
            format!("| {} |\n", words.join(" | "))
        };
        let Some(head) = self.heads.last() else { return String::new() };
        let columns = (0..head.len()).filter(|column| !is_bar(*column)).count();
        let rule = format!("|---|{}\n", "---:|".repeat(columns.saturating_sub(1)));
        [line(head), rule].into_iter().chain(self.rows.iter().map(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&[["name", BAR, "count", "more"]]);
        grid.row(["a|b".to_owned(), BAR.to_owned(), "1".to_owned(), String::new()]);
        grid.row(["longer".to_owned(), BAR.to_owned(), "123456".to_owned(), "7".to_owned()]);
        grid
    }

    #[test]
    fn columns_are_as_wide_as_their_words() {
        assert_eq!(grid().text(), "name   |  count more\na|b    |      1\nlonger | 123456    7\n");
        assert_eq!(grid().without(|column| column == 3).text(), "name   |  count\na|b    |      1\nlonger | 123456\n");
    }

    #[test]
    fn a_name_that_makes_lines_too_long_has_a_line_of_its_own() {
        let mut grid = Grid::new(&[["operation", "count", "more"]]);
        let (long, count) = ("x".repeat(32), "7".repeat(50));
        grid.row([long.clone(), count.clone(), "1".to_owned()]);
        grid.row(["fits-in-well".to_owned(), count.clone(), "2".to_owned()]);
        let text = grid.text();
        let expected = format!("{long}\n{:12} {count}    1\nfits-in-well {count}    2\n", "");
        assert!(text.ends_with(&expected), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= LINE_MAX), "{text}");
        grid.rows.remove(0);
        assert_eq!(grid.text().lines().count(), 2, "nothing is parted that need not be");
    }

    #[test]
    fn markdown_has_no_bars_of_text() {
        let expected = "| name | count | more |\n|---|---:|---:|\n| a\\|b | 1 |  |\n| longer | 123456 | 7 |\n";
        assert_eq!(grid().markdown(), expected);
    }
}
