//! A table for a terminal: cells wrap at words, columns keep their widths.

/// Columns with their titles and widths.
pub(crate) struct Table {
    columns: Vec<(&'static str, usize)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &[(&'static str, usize)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text.
    pub(crate) fn render(&self) -> String {
        let rule = |left, middle, right| {
            let bars: Vec<String> = self.columns.iter().map(|(_, width)| "─".repeat(width + 2)).collect();
            format!("{left}{}{right}\n", bars.join(middle))
        };
        let titles = self.columns.iter().map(|(title, _)| (*title).to_owned()).collect::<Vec<_>>();
        let mut text = rule("┌", "┬", "┐");
        text.push_str(&self.line(&titles));
        for row in &self.rows {
            text.push_str(&rule("├", "┼", "┤"));
            text.push_str(&self.line(row));
        }
        text.push_str(&rule("└", "┴", "┘"));
        text
    }

    fn line(&self, cells: &[String]) -> String {
        let nothing = String::new();
        let widths = self.columns.iter().map(|(_, width)| *width);
        let wrapped: Vec<(usize, Vec<String>)> = widths
            .enumerate()
            .map(|(index, width)| (width, wrap(cells.get(index).unwrap_or(&nothing), width)))
            .collect();
        let height = wrapped.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
        let mut text = String::new();
        for at in 0..height {
            for (width, lines) in &wrapped {
                let shown = lines.get(at).unwrap_or(&nothing);
                let padding = " ".repeat(width.saturating_sub(shown.chars().count()));
                text.push_str(&format!("│ {shown}{padding} "));
            }
            text.push_str("│\n");
        }
        text
    }
}

/// A text in lines of at most `width` characters; a longer word is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let mut word: Vec<char> = word.chars().collect();
            let taken = line.chars().count();
            if taken > 0 && taken + 1 + word.len() > width {
                lines.push(std::mem::take(&mut line));
            } else if taken > 0 {
                line.push(' ');
            }
            while word.len() > width {
                let rest = word.split_off(width);
                lines.push(word.into_iter().collect());
                word = rest;
            }
            line.extend(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Table, wrap};

    #[test]
    fn words_wrap_and_long_ones_are_cut() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\nb", 3), ["a", "b"]);
        assert_eq!(wrap("über über", 4), ["über", "über"]);
    }

    #[test]
    fn every_line_is_equally_wide() {
        let mut table = Table::new(&[("name", 6), ("what", 9)]);
        table.row(["a name".to_owned(), "that is longer than its cell".to_owned()]);
        table.row(["short".to_owned()]);
        let widths: Vec<usize> = table.render().lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == 22), "{widths:?}");
    }
}
