//! Which fields of a record are the id, the title, the text, … of its story.

use std::{
    collections::{BTreeMap, HashMap},
    ops::{Index, IndexMut},
    sync::LazyLock,
};

use serde_json::Value;

use crate::{Error, Result, error::Setting, word_lists};

/// A field of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Title,
    Text,
    Published,
    Source,
    Url,
}

/// The fields with their names, in the order of [`Field`].
const FIELDS: [(Field, &str); 6] = [
    (Field::Id, "id"),
    (Field::Title, "title"),
    (Field::Text, "text"),
    (Field::Published, "published"),
    (Field::Source, "source"),
    (Field::Url, "url"),
];

static KNOWN_NAMES: LazyLock<KnownNames> = LazyLock::new(KnownNames::load);

/// The names that records give to the fields of a story.
struct KnownNames {
    /// For each name, as [`plain_name`] has it, its fields and its rank among the names of that field.
    by_name: HashMap<String, Vec<(Field, usize)>>,
}

impl KnownNames {
    fn load() -> Self {
        let lists: BTreeMap<String, Vec<String>> =
            word_lists::parse("fields.toml", include_str!("data/fields.toml"));
        let mut by_name: HashMap<String, Vec<(Field, usize)>> = HashMap::new();
        for (field, list) in FIELDS.iter().filter_map(|(field, name)| Some((*field, lists.get(*name)?))) {
            for (rank, name) in list.iter().enumerate() {
                let fields = by_name.entry(plain_name(name)).or_default();
                if fields.iter().all(|(known, _)| *known != field) {
                    fields.push((field, rank));
                }
            }
        }
        KnownNames { by_name }
    }

    /// The fields that a name may be, each with its rank.
    fn get(&self, name: &str) -> &[(Field, usize)] {
        let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let fields = if is_plain { self.by_name.get(name) } else { self.by_name.get(&plain_name(name)) };
        fields.map_or(&[], Vec::as_slice)
    }
}

/// The letters and digits of a name, in lower case.
fn plain_name(name: &str) -> String {
    name.trim().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Field {
    /// The name of the field in samestory's own records.
    pub(super) fn name(self) -> &'static str {
        FIELDS[self as usize].1
    }
}

/// A value for each field of a story.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields<T>([T; 6]);

impl<T> Fields<T> {
    /// The values that `value` gives for each field.
    pub(super) fn from_fn(mut value: impl FnMut(Field) -> T) -> Self {
        Fields(FIELDS.map(|(field, _)| value(field)))
    }
}

impl<T> Index<Field> for Fields<T> {
    type Output = T;

    fn index(&self, field: Field) -> &T {
        &self.0[field as usize]
    }
}

impl<T> IndexMut<Field> for Fields<T> {
    fn index_mut(&mut self, field: Field) -> &mut T {
        &mut self.0[field as usize]
    }
}

/// A value, and the name that it has in its record.
pub(super) type NamedValue<'n, 'v> = (&'n str, &'v Value);

/// Where the fields of a record are found: by known names, or by the paths that the user gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldMap {
    /// The path of each field, if the user gave one.
    paths: Fields<Option<String>>,
}

impl FieldMap {
    /// Reads `name=path` pairs; a path may lead into objects: `text=article.body`. `date` is another name of `published`.
    ///
    /// # Errors
    /// [`Error::Setting`] if a pair has another form, or a name is not that of a field.
    pub fn parse<T: AsRef<str>>(pairs: &[T]) -> Result<Self> {
        let mut map = FieldMap::default();
        for pair in pairs {
            let pair = pair.as_ref();
            let parsed =
                pair.split_once('=').filter(|(_, path)| !path.is_empty()).and_then(|(name, path)| {
                    let name = if name.trim() == "date" { Field::Published.name() } else { name.trim() };
                    let (field, _) = FIELDS.iter().find(|(_, known)| *known == name)?;
                    Some((*field, path.trim()))
                });
            let Some((field, path)) = parsed else {
                return Err(Error::Setting {
                    setting: Setting::Field,
                    message: format!("{pair:?} names no field of a story"),
                });
            };
            map.paths.0[field as usize] = Some(path.to_string());
        }
        Ok(map)
    }

    /// The path that the user gave for a field.
    pub(super) fn stated(&self, field: Field) -> Option<&str> {
        self.paths[field].as_deref()
    }

    /// Whether a JSON record has something, be it null, at `path`.
    pub(super) fn has_path(record: &Value, path: &str) -> bool {
        at_path(record, path).is_some()
    }

    /// The values of a JSON object's fields.
    pub(super) fn find_in_json<'v>(&self, record: &'v Value) -> Fields<Option<&'v Value>> {
        let named = self.find_named_in_json(record);
        Fields::from_fn(|field| named[field].map(|(_, value)| value))
    }

    /// The values of a JSON object's fields, each with its name.
    pub(super) fn find_named_in_json<'n, 'v: 'n>(
        &'n self,
        record: &'v Value,
    ) -> Fields<Option<NamedValue<'n, 'v>>> {
        let mut found: Fields<Vec<(usize, NamedValue)>> = Fields::default();
        for (name, value) in record.as_object().into_iter().flatten() {
            for (field, rank) in KNOWN_NAMES.get(name) {
                found[*field].push((*rank, (name.as_str(), value)));
            }
        }
        Fields::from_fn(|field| match &self.paths[field] {
            Some(path) => {
                let value = at_path(record, path).filter(|value| !value.is_null());
                value.map(|value| (path.as_str(), value))
            }
            None => {
                let values = &mut found[field];
                values.sort_by_key(|(rank, _)| *rank);
                let mut values = values.iter().map(|(_, named)| *named).filter(|(_, value)| !value.is_null());
                // An empty value does not hide one under another name.
                let first = values.clone().next();
                values.find(|(_, value)| has_content(value)).or(first)
            }
        })
    }

    /// The columns of a header that may hold each field, the likeliest first. A path that is no name in the header may be the
    /// number of a column, from 1.
    pub(super) fn find_columns(&self, header: &[String]) -> Fields<Vec<usize>> {
        let column = |name: &str| header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
        let mut known: Fields<Vec<(usize, usize)>> = Fields::default();
        for (column, name) in header.iter().enumerate() {
            for (field, rank) in KNOWN_NAMES.get(name) {
                known[*field].push((*rank, column));
            }
        }
        Fields::from_fn(|field| match &self.paths[field] {
            Some(name) => column(name).or_else(|| column_number(name)).into_iter().collect(),
            None => {
                let mut columns = known[field].clone();
                columns.sort_unstable();
                columns.into_iter().map(|(_, column)| column).collect()
            }
        })
    }

    /// Whether a field is given by the number of a column.
    pub(super) fn has_column_numbers(&self) -> bool {
        self.paths.0.iter().flatten().any(|path| column_number(path).is_some())
    }

    /// Whether `cells` name fields of a story: a title or a text, and another one.
    pub(super) fn is_header(cells: &[String]) -> bool {
        let columns = FieldMap::default().find_columns(cells);
        let named = FIELDS.iter().filter(|(field, _)| !columns[*field].is_empty()).count();
        named > 1 && !(columns[Field::Title].is_empty() && columns[Field::Text].is_empty())
    }
}

/// The index of the column that has this number, from 1.
fn column_number(path: &str) -> Option<usize> {
    path.parse::<usize>().ok()?.checked_sub(1)
}

/// Whether a value may be that of a field: neither null nor blank nor a boolean.
fn has_content(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        Value::Number(_) | Value::Object(_) => true,
    }
}

/// The value at `path`, with dots between keys. A key that contains dots itself wins over a path.
fn at_path<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    record.get(path).or_else(|| path.split('.').try_fold(record, |value, key| value.get(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_by_name_or_path() {
        let record = serde_json::json!({"Headline": "H", "body": "B", "meta": {"by": "S"}, "a.b": 1});
        let check = |pairs: &[&str], field: Field, expect: Option<&str>| {
            let found = FieldMap::parse(pairs).unwrap().find_in_json(&record)[field].map(Value::to_string);
            assert_eq!(found.as_deref(), expect, "{pairs:?}");
        };
        check(&[], Field::Title, Some("\"H\""));
        check(&[], Field::Text, Some("\"B\""));
        check(&[], Field::Source, None);
        check(&["source=meta.by"], Field::Source, Some("\"S\""));
        check(&["id=a.b"], Field::Id, Some("1"));
        check(&["text=none"], Field::Text, None);
        let record = serde_json::json!({"text": null, "body": " ", "content": "C", "date": "2031", "published": true,
            "title": "", "id": null});
        let found = FieldMap::default().find_in_json(&record);
        let found = FIELDS.map(|(field, _)| found[field].map(Value::to_string).unwrap_or_default());
        assert_eq!(found, ["", "\"\"", "\"C\"", "\"2031\"", "", ""]);
    }

    #[test]
    fn knows_the_names_of_usual_programs() {
        let check = |record: Value, expect: [&str; 6]| {
            let found = FieldMap::default().find_in_json(&record);
            let found = FIELDS.map(|(field, _)| found[field].and_then(Value::as_str).unwrap_or_default());
            assert_eq!(found, expect, "{record}");
        };
        use serde_json::json;
        // NewsAPI, news-please, trafilatura, The Guardian, Scrapy, schema.org.
        check(
            json!({"title": "T", "description": "D", "content": "C", "publishedAt": "2031", "url": "U"}),
            ["", "T", "C", "2031", "", "U"],
        );
        check(
            json!({"title": "T", "maintext": "M", "date_publish": "2031", "source_domain": "S", "url": "U", "description": "D"}),
            ["", "T", "M", "2031", "S", "U"],
        );
        check(
            json!({"hostname": "H", "source": "S", "text": "X", "date": "2031"}),
            ["", "", "X", "2031", "S", ""],
        );
        check(
            json!({"id": "I", "webTitle": "T", "webUrl": "U", "webPublicationDate": "2031"}),
            ["I", "T", "", "2031", "", "U"],
        );
        check(
            json!({"Article Title": "T", "Article_Text": "X", "Published Date": "2031"}),
            ["", "T", "X", "2031", "", ""],
        );
        check(
            json!({"headline": "T", "articleBody": "X", "datePublished": "2031"}),
            ["", "T", "X", "2031", "", ""],
        );
        check(json!({"title": "T", "description": "D"}), ["", "T", "D", "", "", ""]);
    }

    #[test]
    fn rejects_a_malformed_pair_with_the_names() {
        for pair in ["body=x", "text", "text=", "=x"] {
            let error = FieldMap::parse(&[pair]).unwrap_err();
            assert!(error.to_string().contains("names no field"), "{pair}");
        }
    }
}
