//! What documents of word processors and PDF files have in common: paragraphs, a title, a date.

use super::text;
use crate::ingest::sink::{Record, StorySink};

/// A document as its reader found it.
#[derive(Debug, Default)]
pub(in crate::ingest) struct WrittenDocument {
    /// The title in its properties, which may be a file name or that of a template.
    pub title: Option<String>,
    /// The date in its properties.
    pub date: Option<String>,
    pub paragraphs: Vec<Paragraph>,
}

/// A paragraph, or the row of a table.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Paragraph {
    pub text: String,
    /// Whether it has the style of a title or of a first heading.
    pub is_heading: bool,
}

/// Titles that programs give to documents without one.
const EMPTY_TITLES: [&str; 9] =
    ["untitled", "document", "document1", "dokument1", "title", "unknown", "none", "slide 1", "print"];

/// Among how many first paragraphs the title is looked for.
const TITLE_PLACES: usize = 3;

impl WrittenDocument {
    /// Gives the stories of the document to the sink: one, or several that begin at date lines as on a page of text.
    pub(in crate::ingest) fn give(mut self, sink: &mut StorySink) {
        self.paragraphs.retain_mut(|paragraph| {
            paragraph.text = squeeze(&paragraph.text);
            !paragraph.text.is_empty()
        });
        let heading = self.paragraphs.iter().take(TITLE_PLACES).position(|p| p.is_heading);
        let stated = self.title.take().map(|title| squeeze(&title)).filter(|title| is_title(title));
        let repeated = stated.as_ref().and_then(|title| {
            let first = self.paragraphs.iter().take(TITLE_PLACES);
            first.into_iter().position(|p| p.text.eq_ignore_ascii_case(title))
        });
        let title = repeated.or(heading).map(|at| self.paragraphs.remove(at).text).or(stated);
        let texts: Vec<&str> = self.paragraphs.iter().map(|p| p.text.as_str()).collect();
        let text = texts.join("\n\n");
        let Some(title) = title.filter(|_| !text::has_several(&text)) else {
            return text::read_dated(&text, self.date, sink);
        };
        let id = Some(sink.file_id());
        sink.record(Record { id, title, text, date: self.date, ..Record::default() });
    }
}

/// Whether a title in the properties is one, not the name of a file or what a program puts there.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let is_file = ["doc", "docx", "odt", "rtf", "pdf", "indd", "qxd", "tmp", "dot", "dotx"]
        .iter()
        .any(|extension| lower.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.')));
    title.chars().any(char::is_alphabetic)
        && !is_file
        && !EMPTY_TITLES.contains(&lower.as_str())
        && !lower.starts_with("microsoft word - ")
}

/// `text` with single spaces and without empty lines.
fn squeeze(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Paragraphs that are put together while a document is read. The rows of tables are paragraphs, unless a cell holds several.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Paragraphs {
    done: Vec<Paragraph>,
    /// Paragraphs that are not ended, each inside of the one before: text boxes lie inside of paragraphs.
    open: Vec<Paragraph>,
    /// For each row that is not ended: the place of its first paragraph, that of its current cell, and whether each cell so far
    /// has at most one.
    rows: Vec<(usize, usize, bool)>,
}

/// How deep paragraphs and tables may lie in one another; what is deeper belongs to the innermost.
const MAX_DEPTH: usize = 64;

impl Paragraphs {
    pub(in crate::ingest) fn begin(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Paragraph::default());
        }
    }

    pub(in crate::ingest) fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    /// The current paragraph is a heading.
    pub(in crate::ingest) fn mark_heading(&mut self) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.is_heading = self.rows.is_empty();
        }
    }

    pub(in crate::ingest) fn end(&mut self) {
        self.done.extend(self.open.pop().filter(|paragraph| !paragraph.text.trim().is_empty()));
    }

    pub(in crate::ingest) fn begin_row(&mut self) {
        if self.rows.len() < MAX_DEPTH {
            self.rows.push((self.done.len(), self.done.len(), true));
        }
    }

    pub(in crate::ingest) fn end_cell(&mut self) {
        if let Some((_, cell, is_flat)) = self.rows.last_mut() {
            *is_flat &= self.done.len() <= *cell + 1;
            *cell = self.done.len();
        }
    }

    pub(in crate::ingest) fn end_row(&mut self) {
        if let Some((first, _, true)) = self.rows.pop()
            && self.done.len() > first + 1
        {
            let cells: Vec<String> = self.done.drain(first..).map(|cell| cell.text).collect();
            self.done.push(Paragraph { text: cells.join(" | "), is_heading: false });
        }
    }

    pub(in crate::ingest) fn finish(mut self) -> Vec<Paragraph> {
        while !self.open.is_empty() {
            self.end();
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tables_are_paragraphs_unless_a_cell_holds_several() {
        let check = |rows: &[&[&[&str]]], expect: &[&str]| {
            let mut out = Paragraphs::default();
            for row in rows {
                out.begin_row();
                for cell in *row {
                    for paragraph in *cell {
                        out.begin();
                        out.push(paragraph);
                        out.end();
                    }
                    out.end_cell();
                }
                out.end_row();
            }
            let found = out.finish();
            assert_eq!(found.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), expect);
        };
        check(&[&[&["Town"], &["Rain"]], &[&["Norrin"], &["7 mm"]]], &["Town | Rain", "Norrin | 7 mm"]);
        check(&[&[&["One.", "Two."], &["Aside"]]], &["One.", "Two.", "Aside"]);
        check(&[&[&["Alone"], &[]]], &["Alone"]);
    }

    #[test]
    fn titles_of_programs_are_no_titles() {
        for title in
            ["Microsoft Word - rain.doc", "rain_final.docx", "Untitled", "Document1", "12.3", "rain.pdf"]
        {
            assert!(!is_title(title), "{title}");
        }
        for title in ["Rain in Norrin", "The Document", "Rain (1)"] {
            assert!(is_title(title), "{title}");
        }
    }
}
