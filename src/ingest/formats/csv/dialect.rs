//! The dialect of a table: delimiter, escapes, lines before the header, and whether there is a header.
//!
//! It is decided from the first bytes of a file. A header is a line whose cells name fields of a story; the delimiter is the
//! one that makes a line a header. Without a header it is the one that gives most rows the same number of cells.

use crate::ingest::{
    IngestOptions,
    decode::decode,
    fields::{Field, FieldMap, Fields},
};

/// Bytes at the beginning of a file from which the dialect is decided.
pub(super) const SAMPLE: u64 = 1 << 18;

/// The delimiters that are tried, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Lines at the beginning of a file among which the header is looked for.
const MAX_PREAMBLE: usize = 20;

/// Rows at the beginning of a file without a header from which its columns are guessed.
const MAX_ROWS: usize = 100;

/// How the rows of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Dialect {
    pub delimiter: u8,
    /// Whether a quote inside quotes is written `\"` instead of `""`.
    pub backslash: bool,
    /// Lines before the header, or before the first row.
    pub preamble: usize,
    /// Whether a header stands before the first row.
    pub header: bool,
}

impl Dialect {
    /// Decides the dialect of a table that begins with `sample`; `delimiter` is the usual one of its format.
    pub(super) fn detect(sample: &[u8], delimiter: u8, options: &IngestOptions) -> Dialect {
        let text = decode(sample);
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = text.lines().take(MAX_PREAMBLE).peekable();
        let declared = lines.peek().and_then(|line| declared_delimiter(line));
        let first = usize::from(declared.is_some());
        let given = options.delimiter.or(declared);
        let candidates: Vec<u8> = match given {
            Some(given) => vec![given],
            None => {
                std::iter::once(delimiter).chain(DELIMITERS.into_iter().filter(|d| *d != delimiter)).collect()
            }
        };
        let dialect = |delimiter, preamble, header| Dialect {
            delimiter,
            backslash: has_backslash_escapes(sample, delimiter),
            preamble,
            header,
        };
        if !options.no_header {
            let names = |line: &str, d: u8| cells(line, d);
            // The first line needs one known name; a line below a preamble needs two.
            for (preamble, line) in lines.enumerate().skip(first) {
                let is_first = preamble == first;
                let is_header = |d: &&u8| {
                    let columns = options.fields.find_columns(&names(line, **d));
                    let story = !columns[Field::Title].is_empty() || !columns[Field::Text].is_empty();
                    story && (is_first || FieldMap::is_header(&names(line, **d)))
                };
                // A line that is a header by its named columns alone tells nothing of the delimiter.
                if let Some(found) = candidates.iter().find(is_header) {
                    return dialect(*found, preamble, true);
                }
            }
        }
        let delimiter = candidates.into_iter().max_by_key(|d| regularity(sample, *d)).unwrap_or(delimiter);
        let header = !options.no_header && !options.fields.has_column_numbers() && {
            let rows = rows(sample, delimiter, first);
            rows.first().is_none_or(|row| looks_like_names(row, &rows[1..]))
        };
        dialect(delimiter, first, header)
    }

    /// The position of the header, or of the first row, in a file that begins with `sample`.
    pub(super) fn start(&self, sample: &[u8]) -> usize {
        sample.split_inclusive(|b| *b == b'\n').take(self.preamble).map(<[u8]>::len).sum()
    }

    /// A parser of the rows.
    pub(super) fn parser(&self) -> csv_core::Reader {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(self.delimiter).escape(self.backslash.then_some(b'\\')).build()
    }
}

/// The delimiter of a line `sep=;`, as Excel writes it.
fn declared_delimiter(line: &str) -> Option<u8> {
    let line = line.trim_matches('"');
    match line.get(..4)?.eq_ignore_ascii_case("sep=").then(|| &line.as_bytes()[4..])? {
        [delimiter] => Some(*delimiter),
        b"\\t" => Some(b'\t'),
        _ => None,
    }
}

/// The cells of a header line.
fn cells(line: &str, delimiter: u8) -> Vec<String> {
    line.split(char::from(delimiter)).map(|cell| cell.trim().trim_matches('"').trim().to_string()).collect()
}

/// Whether quotes inside quotes are written `\"`: such a quote stands before something that cannot follow the end of a
/// cell.
fn has_backslash_escapes(sample: &[u8], delimiter: u8) -> bool {
    let ends_cell = |b: u8| b == delimiter || b"\"\r\n".contains(&b);
    sample.windows(3).any(|w| w[..2] == *b"\\\"" && !ends_cell(w[2]))
}

/// The rows of `sample`, but for the last one, which may be cut off.
fn rows(sample: &[u8], delimiter: u8, preamble: usize) -> Vec<Vec<String>> {
    let start = sample.split_inclusive(|b| *b == b'\n').take(preamble).map(<[u8]>::len).sum::<usize>();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .escape(has_backslash_escapes(sample, delimiter).then_some(b'\\'))
        .from_reader(&sample[start..]);
    let rows = reader.byte_records().map_while(std::result::Result::ok).take(MAX_ROWS);
    let mut rows: Vec<Vec<String>> =
        rows.map(|row| row.iter().map(|cell| decode(cell).into_owned()).collect()).collect();
    if sample.len() as u64 >= SAMPLE && rows.len() > 1 && rows.len() < MAX_ROWS {
        rows.pop();
    }
    rows
}

/// How many rows have the same number of cells, more than one; the number of cells decides between equals.
fn regularity(sample: &[u8], delimiter: u8) -> (usize, usize) {
    let rows = rows(sample, delimiter, 0);
    let mut counts = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|row| row.len() > 1) {
        *counts.entry(row.len()).or_insert(0) += 1;
    }
    counts.into_iter().map(|(cells, rows)| (rows, cells)).max().unwrap_or_default()
}

/// Whether a first row is a header of unknown names rather than a record: short cells without punctuation, above rows that
/// hold text.
fn looks_like_names(row: &[String], below: &[Vec<String>]) -> bool {
    let is_name = |cell: &String| {
        let cell = cell.trim();
        let numeric = cell.parse::<f64>().is_ok();
        !cell.is_empty()
            && !numeric
            && cell.len() <= 40
            && cell.split_whitespace().count() <= 3
            && !cell.ends_with('.')
    };
    row.iter().all(is_name) || below.is_empty() && row.len() < 2
}

/// The columns of a table without a header: the text is the longest on average, the title the first other one of several
/// words.
pub(super) fn guess_columns(sample: &[u8], dialect: &Dialect) -> Fields<Vec<usize>> {
    let rows = rows(sample, dialect.delimiter, dialect.preamble);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mean = |column: usize, measure: &dyn Fn(&str) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| measure(cell)).sum::<usize>() / rows.len().max(1)
    };
    let words = |column| mean(column, &|cell| cell.split_whitespace().count());
    let text = (0..width).max_by_key(|column| mean(*column, &str::len)).filter(|column| words(*column) >= 2);
    let title = (0..width).find(|column| Some(*column) != text && words(*column) >= 2);
    Fields::from_fn(|field| match field {
        Field::Text => text.into_iter().collect(),
        Field::Title => title.into_iter().collect(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{read_file, stories};

    #[test]
    fn decides_the_delimiter_by_the_header() {
        for (name, d) in
            [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t"), ("a.tsv", ",")]
        {
            let rows =
                ["id,title,text", "1,Rain,\"It rained, and; then|some.\"", "2,Sun,\"It shone\nagain.\""];
            let rows = [rows[0].replace(',', d), rows[1].replacen(',', d, 2), rows[2].replacen(',', d, 2)];
            let (found, notices) = stories(name, rows.join("\n"));
            let expect = [("Rain", "It rained, and; then|some."), ("Sun", "It shone\nagain.")];
            assert_eq!(found, expect.map(|(a, b)| (a.to_string(), b.to_string())), "{d:?}: {notices:?}");
            assert!(notices.is_empty(), "{notices:?}");
        }
    }

    #[test]
    fn finds_the_header_below_a_preamble() {
        let check = |text: &str, expect: usize| {
            let (found, notices) = stories("a.csv", text);
            assert_eq!((found.len(), notices.len()), (expect, 0), "{text}: {notices:?}");
            assert!(found.iter().all(|(title, _)| title == "Rain"), "{found:?}");
        };
        check("sep=;\nid;title;text\n1;Rain;It rained.\n", 1);
        check("\"sep=|\"\r\ntitle|text\r\nRain|It rained.\r\n", 1);
        check("\u{feff}Export of 6 May 2031\n\nid,title,text\n1,Rain,It rained.\n2,Rain,Again.\n", 2);
        check("Archive;;\nDesk 4;;\ntitle;text;date\nRain;It rained.;2031-05-06\n", 1);
    }

    #[test]
    fn reads_tables_without_a_header() {
        let rows = "\"3\",\"Shares rise on quay vote\",\"Shares rose as the harbour board voted to close the quay.\"\n\
                    \"4\",\"Owl found in belfry\",\"A rare orange owl was found asleep in the belfry, on Monday.\"\n";
        let outcome = read_file("a.csv", rows, &IngestOptions::default());
        let found: Vec<_> = outcome.stories.iter().map(|s| (s.title.as_str(), s.origin.line)).collect();
        assert_eq!(found, [("Shares rise on quay vote", 1), ("Owl found in belfry", 2)]);
        assert_eq!(outcome.information.len(), 1, "{:?}", outcome.information);
        let fields = FieldMap::parse(&["text=2", "title=1"]).unwrap();
        let options = IngestOptions { fields, no_header: true, ..IngestOptions::default() };
        let outcome = read_file("a.csv", "Rain,It rained.\nSun,It shone.\n", &options);
        let found: Vec<_> = outcome.stories.iter().map(|s| (s.title.as_str(), s.text.as_str())).collect();
        assert_eq!(found, [("Rain", "It rained."), ("Sun", "It shone.")]);
        // A header whose names are unknown is no record.
        let outcome = read_file(
            "a.csv",
            "Kopfzeile;Absatz\nRegen;Es regnete den ganzen Tag.\n",
            &IngestOptions::default(),
        );
        assert_eq!(outcome.stories.len(), 0);
        assert!(outcome.notices[0].kind.to_string().contains("Kopfzeile, Absatz"), "{:?}", outcome.notices);
    }

    #[test]
    fn reads_backslash_escapes() {
        let text = r#"id,title,text
1,"Mayor: \"No, never\"","The mayor said \"no\", and left."
2,"Path C:\","Plain."
"#;
        let (found, _) = stories("a.csv", text);
        assert_eq!(found[0], ("Mayor: \"No, never\"".into(), "The mayor said \"no\", and left.".into()));
        // Without a quote inside quotes a backslash is a backslash.
        let (found, _) = stories("a.csv", "id,title,text\n2,\"Path C:\\\",Plain.\n");
        assert_eq!(found, [("Path C:\\".to_string(), "Plain.".to_string())]);
    }

    #[test]
    fn reports_a_quote_that_swallows_rows() {
        let (found, notices) =
            stories("a.csv", "id,text,\"note\na1,The ship sank.,x\na2,The bridge opened.,y\n");
        assert!(found.is_empty() && notices[0].contains("takes in 2 lines"), "{notices:?}");
        let rows: String = (0..9).map(|i| format!("{i},It rained {i} times.,x\n")).collect();
        let (_, notices) = stories("a.csv", format!("id,text,note\n0,\"Never closed.,x\n{rows}"));
        assert!(notices[0].contains("takes in"), "{notices:?}");
    }
}
