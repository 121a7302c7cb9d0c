//! CSV as RFC 4180 writes it, safe to open in a spreadsheet.

use std::fmt::{Display, Write};

use domain::time::Instant;
use time::format_description::well_known::Rfc3339;

/// Lines of cells.
#[derive(Debug, Default)]
pub(super) struct Csv {
    text: String,
    /// Whether the next cell is not the first of its line.
    within_line: bool,
}

impl Csv {
    /// A cell of words, some of which strangers chose. A spreadsheet takes some beginnings for a formula: an apostrophe
    /// before them makes it show the words.
    pub(super) fn text(&mut self, words: &str) -> &mut Self {
        self.separate();
        let formula = words.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let quoted = words.contains(['"', ',', '\r', '\n']);
        if quoted {
            self.text.push('"');
        }
        if formula {
            self.text.push('\'');
        }
        self.text.push_str(&words.replace('"', "\"\""));
        if quoted {
            self.text.push('"');
        }
        self
    }

    /// A cell of words, empty if there are none.
    pub(super) fn maybe(&mut self, words: Option<&str>) -> &mut Self {
        self.text(words.unwrap_or_default())
    }

    /// A cell of our own making: a number, an identifier.
    pub(super) fn plain(&mut self, value: impl Display) -> &mut Self {
        self.separate();
        // Writing to memory cannot fail.
        let _written = write!(self.text, "{value}");
        self
    }

    /// A cell with an instant, empty if there is none.
    pub(super) fn instant(&mut self, at: impl Into<Option<Instant>>) -> &mut Self {
        let text = at.into().and_then(|at| at.format(&Rfc3339).ok());
        self.plain(text.unwrap_or_default())
    }

    /// Ends the line.
    pub(super) fn end(&mut self) {
        self.text.push_str("\r\n");
        self.within_line = false;
    }

    /// A whole line of names.
    pub(super) fn header(&mut self, names: &[&str]) {
        for name in names {
            self.text(name);
        }
        self.end();
    }

    /// The lines.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        if self.within_line {
            self.text.push(',');
        }
        self.within_line = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(words: &str) -> String {
        let mut csv = Csv::default();
        csv.text(words);
        csv.into_text()
    }

    #[test]
    fn cells_with_separators_quotes_or_lines_are_quoted() {
        for (words, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hello\"", "\"say \"\"hello\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("été", "été"),
        ] {
            assert_eq!(cell(words), expected);
        }
    }

    #[test]
    fn words_that_a_spreadsheet_would_compute_become_words() {
        for (words, expected) in [
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a=1", "a=1"),
        ] {
            assert_eq!(cell(words), expected);
        }
    }

    #[test]
    fn numbers_of_ours_stay_numbers_and_lines_end_as_the_standard_says() {
        let mut csv = Csv::default();
        csv.header(&["a", "b"]);
        csv.plain(-5).maybe(None).end();
        assert_eq!(csv.into_text(), "a,b\r\n-5,\r\n");
    }
}
