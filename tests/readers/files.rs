//! Mutation and fuzz targets for the files of a user and of a model: rules, boilerplate, decisions, pairs, manifests, weights.

use std::{fs, path::Path};

use samestory::{
    boilerplate::BoilerplateList,
    compare::{
        Comparer, CosineBaseline, Options, Provenance, RULES_SCHEMA, RuleTable, Thresholds, read_pairs,
        write_pairs,
    },
    group::Decisions,
    model::{BertConfig, ModelManifest, Weights},
    progress::NoProgress,
    search::SearchReport,
    story::{Corpus, Story, StoryId},
    vector::Matrix,
};

use super::{Reader, data};

/// `samestory.toml`, a boilerplate list, `model.toml`, `config.json` and decisions.
pub const SETTINGS: Reader = Reader { name: "settings", read: settings, seeds: settings_seeds, cost: 1 };
pub const PAIRS: Reader = Reader { name: "pairs", read: pairs, seeds: || vec![pairs_seed()], cost: 2 };
pub const WEIGHTS: Reader =
    Reader { name: "weights", read: weights, seeds: || vec![weights_seed()], cost: 1 };

fn settings(bytes: &[u8]) {
    if let Ok(config) = BertConfig::from_json("config.json", bytes) {
        assert!(config.head_size() > 0 && config.operations(128) > 0.0);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(table) = RuleTable::from_toml("samestory.toml", text) {
        let written = table.to_toml().expect("a table that was read can be written");
        let again =
            RuleTable::from_toml("samestory.toml", &written).expect("a table that was written can be read");
        // Compared as texts, because NaN is not equal to itself.
        assert_eq!(again.to_toml().ok(), Some(written));
        let background = || CosineBaseline::measure(&Matrix::from_vec(vec![0.6, 0.8, 1.0, 0.0, 0.0, 1.0], 2));
        table.for_model("another", background);
    }
    if let Ok(list) = BoilerplateList::from_toml("boilerplate.toml", text) {
        let written = list.to_toml().expect("a table that was read can be written");
        assert_eq!(
            BoilerplateList::from_toml("boilerplate.toml", &written).ok().as_ref(),
            Some(&list),
            "{written}"
        );
        let mut merged = list.clone();
        merged.merge(list);
    }
    let _ = ModelManifest::from_toml("model.toml", text);
    if let Ok(decisions) = Decisions::parse(Path::new("decisions.jsonl"), text) {
        let Ok(resolved) = decisions.resolve(&corpus()) else { return };
        let (all, named) = (decisions.pairs.len(), decisions.canonical.len());
        let known = resolved.must_link.len() + resolved.cannot_link.len() + resolved.canonical.len();
        assert_eq!(known + resolved.unresolved.len(), all + named);
    }
}

fn settings_seeds() -> Vec<Vec<u8>> {
    let table = RuleTable {
        schema: RULES_SCHEMA,
        fingerprint: "f".into(),
        related_quantiles: vec![0.5],
        thresholds: Thresholds::default(),
    };
    let list = "[[passage]]\ntext = \"Read on.\"\nexclude = false\nstories = 4\nplace = \"foot\"\nexamples = [\"x\"]\n";
    let decisions = "{\"schema\":1,\"a\":\"x\",\"b\":\"y\",\"decision\":\"same\"}\n\
                     {\"schema\":1,\"a\":\"y\",\"b\":\"z\",\"decision\":\"different\"}\n\
                     {\"schema\":1,\"id\":\"x\",\"decision\":\"canonical\"}\n";
    vec![
        table.to_toml().unwrap().into(),
        list.into(),
        decisions.into(),
        data("models/all-MiniLM-L6-v2/model.toml"),
        data("models/all-MiniLM-L6-v2/config.json"),
    ]
}

fn corpus() -> Corpus {
    let story = |id: &str| Story { id: id.into(), text: format!("A text of {id}."), ..Story::default() };
    Corpus::new(["x", "y", "z"].map(story).to_vec())
}

fn provenance(corpus: &Corpus) -> Provenance {
    Provenance::new(corpus, "model", "cpu", "auto", &BoilerplateList::default())
}

fn pairs(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let (file, corpus) = (folder.path().join("pairs.jsonl"), corpus());
    fs::write(&file, bytes).expect("a file");
    let Ok((search, verdicts)) = read_pairs(&file, &provenance(&corpus), &corpus, &Thresholds::default())
    else {
        return;
    };
    let mut written = Vec::new();
    write_pairs(&provenance(&corpus), &search, &corpus, &verdicts, &mut written).expect("memory takes all");
    fs::write(&file, &written).expect("a file");
    let (again, same) = read_pairs(&file, &provenance(&corpus), &corpus, &Thresholds::default())
        .unwrap_or_else(|e| panic!("pairs that were written cannot be read: {e}"));
    assert_eq!((again, same), (search, verdicts));
}

fn pairs_seed() -> Vec<u8> {
    let (corpus, options) = (corpus(), Options::default());
    let vectors = Matrix::from_vec(vec![0.6, 0.8, 1.0, 0.0, 0.0, 1.0], 2);
    let comparer = Comparer::new(&corpus, vectors.clone(), &options);
    let all = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| (StoryId(a), StoryId(b)));
    let verdicts = comparer.compare_all(&all, &NoProgress).unwrap();
    let mut written = Vec::new();
    write_pairs(&provenance(&corpus), &SearchReport::default(), &corpus, &verdicts, &mut written).unwrap();
    written
}

/// Opens a file of tensors and reads every tensor that it lists.
fn weights(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let file = folder.path().join("model.safetensors");
    fs::write(&file, bytes).expect("a file");
    let Ok(weights) = Weights::open(&file) else { return };
    for (name, shape) in weights.shapes() {
        let (rows, cols) = match *shape {
            [cols] => (1, cols),
            [rows, cols] => (rows, cols),
            _ => (1, 1),
        };
        if let Ok(tensor) = weights.get(name, rows, cols) {
            assert_eq!(tensor.to_f32().len(), rows * cols);
        }
    }
    let _ = weights.get("embeddings.LayerNorm.weight", 1, 2);
}

fn weights_seed() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"bert.embeddings.LayerNorm.weight":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},"c":{"dtype":"F16","shape":[1,2],"data_offsets":[20,24]},"__metadata__":{"format":"pt"}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[7; 24]].concat()
}
