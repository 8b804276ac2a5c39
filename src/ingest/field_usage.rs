//! Which names of records were read as which fields of stories, over all inputs of a run.

use serde_json::Value;

use super::fields::{Field, FieldMap, Fields};
use crate::{Error, Result};

/// Names that are remembered; records with more have generated names.
const MAX_SEEN: usize = 200;

/// Records of which all names are looked at. Later ones rarely have others, and take as long.
const MAX_RECORDS: u64 = 1000;

/// The fields in the order in which they are shown, with the words for them.
const SHOWN: [(Field, &str); 6] = [
    (Field::Text, "text"),
    (Field::Title, "title"),
    (Field::Published, "date"),
    (Field::Source, "source"),
    (Field::Url, "url"),
    (Field::Id, "id"),
];

/// The names that the records of a run have, and those that were read as fields of stories. Inputs that are no records, as
/// web pages, have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldUsage {
    records: u64,
    /// The names that were read as each field, with the number of records.
    used: Fields<Vec<(String, u64)>>,
    /// Whether a record has the name that the user stated for the field.
    has_stated: Fields<bool>,
    /// Whether a publisher was taken from the address of a story.
    source_of_url: bool,
    /// All names, in the order in which they were met first.
    seen: Vec<String>,
}

impl FieldUsage {
    /// Whether no record with named fields was read.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// What was read as what: `text=content, title=headline`. Several names of one field have `|` between them, the most
    /// frequent first.
    pub fn recognised(&self) -> String {
        let shown = SHOWN.iter().filter_map(|(field, word)| {
            let mut names = self.used[*field].clone();
            if *field == Field::Source && names.is_empty() && self.source_of_url {
                names.clone_from(&self.used[Field::Url]);
            }
            names.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
            (!names.is_empty()).then(|| format!("{word}={}", names.join("|")))
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The fields that no record has, of title, date and source.
    pub fn missing(&self) -> Vec<&'static str> {
        let has = |field: Field| !self.used[field].is_empty() || field == Field::Source && self.source_of_url;
        let wanted = |field: Field| matches!(field, Field::Title | Field::Published | Field::Source);
        SHOWN.iter().filter(|(field, _)| wanted(*field) && !has(*field)).map(|(_, word)| *word).collect()
    }

    /// The names that records have, in the order in which they were met.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }

    /// Remembers the names of a JSON record; `inner` is the object in it that holds the title and the text.
    pub(super) fn see_record(&mut self, record: &Value, inner: &Value, map: &FieldMap) {
        self.records += 1;
        for (field, _) in &SHOWN {
            if let Some(path) = map.stated(*field).filter(|_| !self.has_stated[*field]) {
                self.has_stated[*field] = FieldMap::has_path(inner, path) || FieldMap::has_path(record, path);
            }
        }
        if self.records > MAX_RECORDS {
            return;
        }
        for (name, value) in record.as_object().into_iter().flatten() {
            self.see(name);
            for inner in value.as_object().into_iter().flat_map(|object| object.keys()) {
                self.see(&format!("{name}.{inner}"));
            }
        }
    }

    /// Remembers the names of the columns of a table, and which columns hold which fields.
    pub(super) fn see_columns(&mut self, names: &[String], columns: &Fields<Vec<usize>>, map: &FieldMap) {
        self.records += 1;
        names.iter().for_each(|name| self.see(name.trim()));
        for (field, _) in &SHOWN {
            let is_column = columns[*field].iter().any(|column| *column < names.len());
            self.has_stated[*field] |= map.stated(*field).is_some() && is_column;
        }
    }

    fn see(&mut self, name: &str) {
        if self.seen.len() < MAX_SEEN && !name.is_empty() && !self.seen.iter().any(|known| known == name) {
            self.seen.push(name.to_string());
        }
    }

    /// Counts a record whose field has a value under `name`.
    pub(super) fn count(&mut self, field: Field, name: &str) {
        let names = &mut self.used[field];
        match names.iter_mut().find(|(known, _)| known == name) {
            Some((_, n)) => *n += 1,
            None => names.push((name.to_string(), 1)),
        }
    }

    /// Remembers that a publisher was taken from an address.
    pub(super) fn note_source_of_url(&mut self) {
        self.source_of_url = true;
    }

    /// Checks that each name that `map` states is that of a field of some record.
    ///
    /// # Errors
    /// [`Error::FieldNotFound`] if one is not. No error if there were no records.
    pub(super) fn check(&self, map: &FieldMap) -> Result<()> {
        for (field, _) in SHOWN.iter().filter(|_| !self.is_empty()) {
            if let Some(path) = map.stated(*field).filter(|_| !self.has_stated[*field]) {
                return Err(Error::FieldNotFound {
                    field: field.name(),
                    path: path.into(),
                    seen: self.seen.clone(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Error,
        ingest::{FieldMap, FieldUsage, IngestOptions, Input, read, tests::read_file},
        progress::NoProgress,
    };

    fn usage(name: &str, text: &str) -> FieldUsage {
        read_file(name, text, &IngestOptions::default()).fields
    }

    #[test]
    fn says_what_was_read_as_what() {
        let check = |name: &str, text: &str, recognised: &str, missing: &[&str]| {
            let usage = usage(name, text);
            assert_eq!((usage.recognised().as_str(), &usage.missing()[..]), (recognised, missing), "{text}");
        };
        check(
            "a.jsonl",
            r#"{"headline":"Rain","content":"It rained.","publishedAt":"2031-05-06","link":"https://norrin.example/1"}"#,
            "text=content, title=headline, date=publishedAt, source=link, url=link",
            &[],
        );
        check(
            "a.json",
            r#"[{"title":"Rain","text":"It rained."}]"#,
            "text=text, title=title",
            &["date", "source"],
        );
        // An empty value is no field; several names of one field are all shown.
        check(
            "a.jsonl",
            "{\"title\":\"Rain\",\"body\":\"It rained.\"}\n{\"title\":\"Sun\",\"text\":\"It shone.\",\"date\":\"\"}\n\
             {\"title\":\"Fog\",\"text\":\"It cleared.\",\"source\":\"\"}\n",
            "text=text|body, title=title",
            &["date", "source"],
        );
        check(
            "a.csv",
            "Headline,Body,Desk\nRain,It rained.,x\n",
            "text=Body, title=Headline",
            &["date", "source"],
        );
        check(
            "a.json",
            r#"{"articles":[{"_id":"1","title":"Rain","text":"It rained."}]}"#,
            "text=text, title=title, id=_id",
            &["date", "source"],
        );
        check("a.txt", "Rain\n\nIt rained.", "", &["title", "date", "source"]);
        assert!(usage("a.txt", "Rain\n\nIt rained.").is_empty());
        assert_eq!(
            usage("a.jsonl", r#"{"text":"It rained.","meta":{"by":"x"}}"#).seen(),
            ["meta", "meta.by", "text"]
        );
    }

    #[test]
    fn a_stated_field_that_no_record_has_is_an_error() {
        let check = |name: &str, text: &str, pair: &str, seen: Option<&[&str]>| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
            let fields = FieldMap::parse(&[pair]).unwrap();
            let options = IngestOptions { fields, ..IngestOptions::default() };
            let read = read(vec![Input::Path(folder.path().into())], &options, &NoProgress);
            match (read, seen) {
                (Ok(_), None) => {}
                (Err(Error::FieldNotFound { seen: found, .. }), Some(seen)) => {
                    assert_eq!(found, seen, "{pair}")
                }
                (other, _) => panic!("{name} {pair}: {other:?}"),
            }
        };
        let record = "{\"title\":\"Rain\",\"meta\":{\"body\":\"It rained.\"},\"date\":null}\n";
        let seen: &[&str] = &["date", "meta", "meta.body", "title"];
        check("a.jsonl", record, "text=meta.body", None);
        check("a.jsonl", record, "date=date", None);
        check("a.jsonl", &format!("{{\"title\":\"Sun\",\"text\":\"x\"}}\n{record}"), "published=date", None);
        check("a.jsonl", record, "text=body", Some(seen));
        check("a.jsonl", record, "text=meta.text", Some(seen));
        check("a.csv", "title,text\nRain,It rained.\n", "text=Text", None);
        check("a.csv", "title,text\nRain,It rained.\n", "text=body", Some(&["title", "text"]));
        check("a.csv", "title,text\nRain,It rained.\n", "text=3", Some(&["title", "text"]));
        check("a.txt", "Rain\n\nIt rained.", "text=body", None);
    }
}
