//! Golden tests: every encoder against f32 vectors of sentence-transformers (`scripts/golden.py`), and against itself.

use crate::{
    device::{Isa, Precision},
    embed::{CandleEncoder, CandleReferenceEncoder, Encoder, PackedBatch, cpu_encoder, embed_texts},
    hex,
    model::Model,
    progress::NoProgress,
    vector::{Matrix, dot},
};
use serde_json::Value;

struct Golden {
    text: String,
    ids: Vec<u32>,
    vector: Vec<f32>,
}

fn golden() -> Vec<Golden> {
    let file: Value = serde_json::from_str(include_str!("../../tests/golden/minilm.json")).unwrap();
    let entry = |v: &Value| {
        let bytes = hex::decode(v["vector"].as_str().unwrap()).unwrap();
        Golden {
            text: v["text"].as_str().unwrap().into(),
            ids: v["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect(),
            vector: bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        }
    };
    file["texts"].as_array().unwrap().iter().map(entry).collect()
}

/// Every encoder that this machine supports.
fn encoders(model: &Model) -> Vec<Box<dyn Encoder>> {
    let mut encoders: Vec<Box<dyn Encoder>> = vec![
        Box::new(CandleEncoder::on_cpu(model).unwrap()),
        Box::new(CandleReferenceEncoder::new(model).unwrap()),
    ];
    encoders.extend(Isa::available().into_iter().map(|isa| cpu_encoder(model, isa).unwrap()));
    let int8 = Model::from_static(&samestory_minilm::files()).unwrap().with_precision(Precision::Int8);
    encoders.extend(Isa::available().into_iter().map(|isa| cpu_encoder(&int8, isa).unwrap()));
    encoders
}

/// The stride over the golden texts for tests that encode repeatedly. candle and portable code are slow without
/// optimization; every seventh text gives one of each length, with the longest at the end.
fn stride(encoder: &dyn Encoder) -> usize {
    let name = encoder.describe();
    if name.contains("portable int8") {
        return 21;
    }
    if name.contains("candle") || name.contains("portable") { 7 } else { 1 }
}

/// Whether it computes everything in f32.
fn is_f32(encoder: &dyn Encoder) -> bool {
    let name = encoder.describe();
    name.contains("f32") && !name.contains("int8")
}

fn encode(encoder: &dyn Encoder, sequences: &[&[u32]]) -> Matrix {
    let mut batch = PackedBatch::default();
    sequences.iter().for_each(|ids| batch.push(ids));
    encoder.encode(&batch, &|_| Ok(())).unwrap()
}

/// The lowest cosine with the golden vectors, and its text.
fn lowest_cosine(model: &Model, encoder: &dyn Encoder) -> (f32, String) {
    let golden = golden();
    let sequences: Vec<&[u32]> = golden.iter().map(|g| &g.ids[..]).collect();
    // Eight at a time: an encoder that pads would pad all to the longest.
    let parts: Vec<Matrix> = sequences.chunks(8).map(|part| encode(encoder, part)).collect();
    assert!(parts.iter().all(|p| (p.rows(), p.dim()) == (8, model.config.hidden_size)));
    let vector = |i: usize| parts[i / 8].row(i % 8);
    let cosines = golden.iter().enumerate().map(|(i, g)| (dot(vector(i), &g.vector), g.text.clone()));
    cosines.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn tokenizer_gives_the_golden_ids() {
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    for g in golden() {
        let ids = model.tokenizer.encode(&g.text).unwrap();
        if ids.len() <= model.max_tokens {
            assert_eq!(ids, g.ids, "{:?}", g.text);
        } else {
            // sentence-transformers truncates where samestory continues with another window.
            assert_eq!(ids[..255], g.ids[..255], "{:?}", g.text);
        }
    }
}

#[test]
fn every_encoder_gives_the_golden_vectors() {
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    for encoder in encoders(&model) {
        let (cosine, text) = lowest_cosine(&model, &*encoder);
        // int8: 0.993 for a single character, where no errors average out; 0.998 for passages.
        let min_cosine = if encoder.describe().contains("int8") { 0.99 } else { 0.9995 };
        assert!(cosine >= min_cosine, "{}: {cosine} for {text:?}", encoder.describe());
    }
}

/// f16 and padded attention as on a GPU, on candle's CPU device: tests the numbers, not the device.
#[test]
fn f16_with_padding_gives_the_golden_vectors_in_any_batch() {
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    let encoder = CandleEncoder::new(&model, candle_core::Device::Cpu, candle_core::DType::F16)
        .unwrap()
        .with_max_padding(8);
    let mut golden: Vec<Golden> = golden().into_iter().step_by(7).collect();
    golden.sort_by_key(|g| std::cmp::Reverse(g.ids.len()));
    let sequences: Vec<&[u32]> = golden.iter().map(|g| &g.ids[..]).collect();
    let together = encode(&encoder, &sequences);
    for (i, g) in golden.iter().enumerate() {
        let cosine = dot(together.row(i), &g.vector);
        assert!(cosine >= 0.9995, "{cosine} for {:?}", g.text);
        let alone = encode(&encoder, &[&g.ids]);
        assert!(dot(alone.row(0), together.row(i)) > 0.99999, "{:?}", g.text);
    }
}

/// With the f32 weights, which are not in the repository: put the source files of `scripts/import-model` into a folder, then
/// run `SAMESTORY_F32_MODEL=FOLDER cargo test --lib golden -- --ignored`.
#[test]
#[ignore = "needs the f32 weights in the folder that SAMESTORY_F32_MODEL names"]
fn f32_encoders_give_the_golden_vectors_with_f32_weights() {
    let folder = std::env::var_os("SAMESTORY_F32_MODEL").unwrap();
    let model = Model::open(folder.as_ref()).unwrap();
    for encoder in encoders(&model).into_iter().filter(|e| is_f32(&**e)) {
        let (cosine, text) = lowest_cosine(&model, &*encoder);
        assert!(cosine >= 0.99999, "{}: {cosine} for {text:?}", encoder.describe());
    }
}

#[test]
fn vectors_do_not_depend_on_the_batch_or_its_order() {
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    let golden = golden();
    for encoder in encoders(&model) {
        let name = encoder.describe();
        let golden: Vec<&Golden> = golden.iter().step_by(stride(&*encoder)).collect();
        let sequences: Vec<&[u32]> = golden.iter().map(|g| &g.ids[..]).collect();
        let reversed: Vec<&[u32]> = sequences.iter().rev().copied().collect();
        let last = sequences.len() - 1;
        let together = encode(&*encoder, &sequences);
        let reverse_order = encode(&*encoder, &reversed);
        for (i, ids) in sequences.iter().enumerate() {
            let alone = encode(&*encoder, &[ids]);
            let text = &golden[i].text;
            if name.contains("candle") {
                // candle chooses the blocking of matrix products by shape, so sums may differ in the last bits.
                assert!(dot(alone.row(0), together.row(i)) > 0.999_999, "{name}: {text:?}");
                assert!(dot(reverse_order.row(last - i), together.row(i)) > 0.999_999, "{name}: {text:?}");
            } else {
                assert_eq!(alone.row(0), together.row(i), "{name}: {text:?}");
                assert_eq!(reverse_order.row(last - i), together.row(i), "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn vectors_do_not_depend_on_threads() {
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    let golden = golden();
    for encoder in encoders(&model) {
        let texts: Vec<&str> = golden.iter().step_by(stride(&*encoder)).map(|g| &g.text[..]).collect();
        let run = |threads: usize| -> Matrix {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| embed_texts(&model, &*encoder, &texts, &NoProgress).unwrap().vectors)
        };
        assert_eq!(run(1), run(3), "{}", encoder.describe());
    }
}
