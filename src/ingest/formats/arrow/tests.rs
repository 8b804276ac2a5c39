//! Tests of the readers of Arrow.

use std::{fs, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Int64Array, LargeStringArray, ListArray, RecordBatch,
    StringArray, StringViewArray, TimestampMicrosecondArray,
    builder::{ListBuilder, StringBuilder},
    types::Int32Type,
};
use arrow_ipc::{
    CompressionType,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};

use crate::{
    ingest::{IngestOptions, IngestOutcome, Input, read, tests::read_file},
    progress::NoProgress,
};

/// Two stories; the columns of text are of the given arrays.
fn batch(title: ArrayRef, text: ArrayRef) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
    let date: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(1_930_000_000_000_000), None]));
    RecordBatch::try_from_iter([("id", id), ("headline", title), ("body", text), ("date", date)]).unwrap()
}

fn plain() -> RecordBatch {
    batch(
        Arc::new(StringArray::from(vec!["Rain", "Sun"])),
        Arc::new(StringArray::from(vec!["It rained.", "It shone."])),
    )
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn file(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn check(read: &IngestOutcome) {
    assert_eq!(read.notices, []);
    let stories: Vec<_> = read
        .stories
        .iter()
        .map(|s| (s.id.as_str(), s.title.as_str(), s.text.as_str(), s.published))
        .collect();
    assert_eq!(
        stories,
        [("7", "Rain", "It rained.", Some(1_930_000_000_000)), ("8", "Sun", "It shone.", None)]
    );
    assert_eq!((read.stories[1].origin.line, read.stories[1].origin.record), (2, 1));
}

#[test]
fn reads_streams_and_files_of_every_kind_of_text() {
    let titles = vec!["Rain", "Sun"];
    let texts = vec!["It rained.", "It shone."];
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in &texts {
        lists.values().append_value(text);
        lists.append(true);
    }
    let lists: ListArray = lists.finish();
    let dictionary: DictionaryArray<Int32Type> = titles.iter().copied().collect();
    for batch in [
        plain(),
        batch(Arc::new(dictionary), Arc::new(LargeStringArray::from(texts.clone()))),
        batch(
            Arc::new(StringViewArray::from(titles.clone())),
            Arc::new(StringViewArray::from(texts.clone())),
        ),
        batch(Arc::new(BinaryArray::from_iter_values(&titles)), Arc::new(lists)),
    ] {
        let halves = [batch.slice(0, 1), batch.slice(1, 1)];
        check(&read_file("a.arrow", stream(&halves), &IngestOptions::default()));
        check(&read_file("a", stream(std::slice::from_ref(&batch)), &IngestOptions::default()));
        for compression in [None, Some(CompressionType::LZ4_FRAME)] {
            for name in ["a.feather", "a.arrow", "a.ipc", "a"] {
                check(&read_file(name, file(&batch, compression), &IngestOptions::default()));
            }
        }
    }
}

#[test]
fn reads_a_saved_data_set_as_one_input() {
    let folder = tempfile::tempdir().unwrap();
    let split = folder.path().join("train");
    let write = |folder: &Path, state: &str| {
        fs::create_dir_all(folder).unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
        put("dataset_info.json", b"{\"features\": {\"title\": 1}, \"description\": \"News\"}");
        put("state.json", state.as_bytes());
        put("cache-1.arrow", &stream(&[plain()]));
        put("data-00000-of-00002.arrow", &stream(&[plain().slice(0, 1)]));
        put("data-00001-of-00002.arrow", &stream(&[plain().slice(1, 1)]));
    };
    let state = "{\"_data_files\": [{\"filename\": \"data-00000-of-00002.arrow\"}, {\"filename\": \"data-00001-of-00002.arrow\"}], \
        \"_indices_data_files\": null}";
    write(&split, state);
    fs::write(folder.path().join("dataset_dict.json"), "{\"splits\": [\"train\"]}").unwrap();
    for input in [&split, &folder.path().to_path_buf()] {
        let outcome = read(vec![Input::Path(input.clone())], &IngestOptions::default(), &NoProgress).unwrap();
        check(&outcome);
        assert_eq!((outcome.files, &outcome.information[..]), (1, &[][..]));
    }
    write(&split, &state.replace("null", "[{\"filename\": \"indices.arrow\"}]"));
    let outcome = read(vec![Input::Path(split)], &IngestOptions::default(), &NoProgress).unwrap();
    assert!(outcome.stories.is_empty() && outcome.notices[0].to_string().contains("flatten_indices"));
}

#[test]
fn hostile_files_are_notices() {
    let whole = file(&plain(), Some(CompressionType::LZ4_FRAME));
    for cut in 0..whole.len() {
        let read = read_file("a.feather", &whole[..cut], &IngestOptions::default());
        assert!(read.stories.len() <= 2 && read.stories.len() + read.notices.len() > 0, "{cut}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        assert_eq!(read_file("a.feather", bytes, &IngestOptions::default()).files, 1, "{at}");
    }
}
