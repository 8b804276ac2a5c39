//! Streams for the workers, written and read.

use super::*;

/// The schema of a stream, as an engine gets it.
pub fn schema(stream: Stream) -> Schema {
    let mut empty = Vec::new();
    worker::write_empty(stream, MODEL, &mut empty).unwrap();
    StreamReader::try_new(&empty[..], None).unwrap().schema().as_ref().clone()
}

/// A stream of `columns`, in batches of three rows.
pub fn written(schema: Schema, columns: Vec<ArrayRef>) -> Vec<u8> {
    let schema = Arc::new(schema);
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
    for at in (0..batch.num_rows()).step_by(3) {
        writer.write(&batch.slice(at, 3.min(batch.num_rows() - at))).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

pub fn read(bytes: &[u8]) -> Vec<RecordBatch> {
    StreamReader::try_new(bytes, None).unwrap().map(|b| b.unwrap()).collect()
}

pub fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub fn bytes(values: impl IntoIterator<Item = Vec<u8>>) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(values))
}

pub fn flags(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<BooleanArray>())
}

/// A column of lists of structs; `lengths` of each list, `columns` of the members of all.
pub fn lists(schema: &Schema, column: &str, lengths: &[usize], columns: Vec<ArrayRef>) -> ArrayRef {
    let DataType::List(item) = schema.field_with_name(column).unwrap().data_type().clone() else { panic!() };
    let items: ArrayRef = match item.data_type() {
        DataType::Struct(fields) => Arc::new(StructArray::new(fields.clone(), columns, None)),
        _ => columns[0].clone(),
    };
    let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths.iter().copied());
    Arc::new(ListArray::new(item, offsets, items, None))
}

/// A story from the worker `ingest`.
#[derive(Debug, Clone)]
pub struct IngestedStory {
    pub number: i64,
    pub id: String,
    pub title: String,
    pub text: String,
    pub published: Option<i64>,
    pub source: Option<String>,
    /// Hash and text.
    pub passages: Vec<(Vec<u8>, String)>,
    pub shingles: Vec<i64>,
}

pub fn records(lines: &[String]) -> Vec<u8> {
    let n = lines.len() as i64;
    let columns = vec![
        // Numbers need not be dense.
        ints((0..n).map(|i| i * 10)),
        texts((0..n).map(|_| "in.jsonl".to_string())),
        ints(1..=n),
        ints(0..n),
        texts(lines.iter().cloned()),
    ];
    written(schema(Stream::Records), columns)
}

pub fn ingested(lines: &[String]) -> (Vec<IngestedStory>, Vec<String>) {
    let mut out = Vec::new();
    worker::ingest(&IngestOptions::default(), &mut &records(lines)[..], &mut out).unwrap();
    let (mut stories, mut notices) = (Vec::new(), Vec::new());
    for batch in read(&out) {
        let text = |c: &str, i: usize| {
            let column = batch.column_by_name(c).unwrap().as_string::<i32>();
            column.is_valid(i).then(|| column.value(i).to_string())
        };
        for i in 0..batch.num_rows() {
            notices.extend(text("notice", i));
            let Some(id) = text("id", i) else { continue };
            let int = |c: &str| {
                let column = batch.column_by_name(c).unwrap().as_primitive::<Int64Type>();
                column.is_valid(i).then(|| column.value(i))
            };
            let passages = batch.column_by_name("passages").unwrap().as_list::<i32>().value(i);
            let (hash, passage) = (passages.as_struct().column(0), passages.as_struct().column(1));
            let (hash, passage) = (hash.as_binary::<i32>(), passage.as_string::<i32>());
            let shingles = batch.column_by_name("shingles").unwrap().as_list::<i32>().value(i);
            stories.push(IngestedStory {
                number: int("number").unwrap(),
                id,
                title: text("title", i).unwrap(),
                text: text("text", i).unwrap(),
                published: int("published"),
                source: text("source", i),
                passages: (0..passages.len())
                    .map(|p| (hash.value(p).to_vec(), passage.value(p).to_string()))
                    .collect(),
                shingles: shingles.as_primitive::<Int64Type>().values().to_vec(),
            });
        }
    }
    (stories, notices)
}

/// Stories, and pairs of them, by their place.
pub type Task = (Vec<usize>, Vec<(usize, usize)>);

pub type Embedder = dyn Fn(&[&str]) -> Result<Matrix>;

/// A vector that depends on the text alone, near for texts that share words.
pub fn words_as_vectors(texts: &[&str]) -> Result<Matrix> {
    const DIM: usize = 24;
    let mut vectors = Matrix::zeros(texts.len(), DIM);
    for (i, text) in texts.iter().enumerate() {
        let row = vectors.row_mut(i);
        for word in text.split_whitespace() {
            let hash = word.bytes().fold(7usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b)));
            row[hash % DIM] += 1.0;
        }
        normalize(row);
    }
    Ok(vectors)
}
