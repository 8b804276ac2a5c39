//! Measurements behind the constants of the GPU encoder, and a profile of one layer.
//!
//! `cargo bench --features cuda --bench gpu -- [DEVICE] [FILE]`: DEVICE is `cuda` (default), `cuda:1`, `metal` or `candle`
//! (its CPU device). FILE has JSON lines with a `text` each; without it, synthetic stories are embedded. Prints tokens per
//! second for each amount of padding and token budget (medians of five), then the milliseconds of the operations of one
//! layer on one block of sequences.

use std::{env, error::Error, fs, time::Instant};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops;
use samestory::{
    bench,
    device::{Gpu, GpuName},
    embed::{CandleEncoder, embed_texts},
    model::Model,
    progress::NoProgress,
    story::Corpus,
};

const ROUNDS: usize = 5;

fn median(mut work: impl FnMut() -> candle_core::Result<()>) -> candle_core::Result<f64> {
    work()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[ROUNDS / 2])
}

fn texts(file: Option<&String>) -> Result<Vec<String>, Box<dyn Error>> {
    let Some(file) = file else {
        let corpus = Corpus::new(bench::synthetic(20_000));
        return Ok(corpus.rows.into_iter().map(|row| row.text).collect());
    };
    let lines = fs::read_to_string(file)?;
    let text = |line: &str| -> Result<String, Box<dyn Error>> {
        let record: serde_json::Value = serde_json::from_str(line)?;
        Ok(record["text"].as_str().ok_or("a line without a text")?.to_string())
    };
    lines.lines().map(text).collect()
}

/// The operations of one layer on `count` sequences of `length` tokens.
fn operations(device: &Device, count: usize, length: usize) -> candle_core::Result<()> {
    let (heads, size, hidden, inner, dtype) = (12, 32, 384, 1536, DType::F16);
    let tokens = count * length;
    let random = |shape: &[usize]| Tensor::randn(0f32, 1.0, shape, device)?.to_dtype(dtype);
    let (x, qkv) = (random(&[tokens, hidden])?, random(&[tokens, 3 * hidden])?);
    let (inner_states, up) = (random(&[tokens, inner])?, random(&[hidden, inner])?);
    let (bias, weight) = (random(&[inner])?, random(&[hidden])?);
    let q = random(&[count, heads, length, size])?;
    let scores = random(&[count, heads, length, length])?;
    let show = |name: &str, work: &dyn Fn() -> candle_core::Result<Tensor>| -> candle_core::Result<()> {
        let ms = 1e3
            * median(|| {
                work()?;
                device.synchronize()
            })?;
        println!("  {name:<28} {ms:>8.3} ms");
        Ok(())
    };
    println!("{count} sequences of {length} tokens");
    show("product 384 to 1536", &|| x.matmul(&up))?;
    show("bias of 1536", &|| inner_states.broadcast_add(&bias))?;
    show("GELU of 1536", &|| inner_states.gelu_erf())?;
    show("sum of 384", &|| &x + &x)?;
    show("layer norm of 384", &|| ops::layer_norm(&x, &weight, &weight, 1e-12))?;
    let parts = qkv.reshape((count, length, 3, heads, size))?;
    show("queries made contiguous", &|| parts.narrow(2, 0, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous())?;
    show("scores", &|| q.matmul(&q.t()?))?;
    show("scores scaled", &|| &scores * 0.125)?;
    show("softmax", &|| ops::softmax_last_dim(&scores))?;
    show("context", &|| scores.matmul(&q))?;
    show("context laid out", &|| q.transpose(1, 2)?.reshape((tokens, hidden)))?;
    let places = Tensor::arange(0u32, tokens as u32, device)?;
    show("rows of qkv gathered", &|| qkv.index_select(&places, 0))?;
    show("mean", &|| x.reshape((count, length, hidden))?.to_dtype(DType::F32)?.mean(D::Minus2))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let gpu = match args.first().map_or("cuda", |name| name) {
        "candle" => Gpu { name: GpuName::Cuda(0), device: Device::Cpu, free_bytes: None },
        name => match name.parse::<GpuName>()? {
            // `cargo bench` runs all benchmarks, with or without a GPU.
            name if !name.is_built() => {
                println!("this build has no {name} backend");
                return Ok(());
            }
            name => name.open()?,
        },
    };
    let model = Model::from_static(&samestory_minilm::files())?;
    let texts = texts(args.get(1))?;
    for padding in [0, 32, 16, 8, 4, 2] {
        for budget in [16_384, 65_536, 262_144] {
            let encoder =
                CandleEncoder::on_gpu(&model, &gpu)?.with_max_padding(padding).with_token_budget(budget);
            let mut tokens = 0;
            let seconds = median(|| {
                let embedded = embed_texts(&model, &encoder, &texts, &NoProgress);
                tokens = embedded.map_err(|e| candle_core::Error::Msg(e.to_string()))?.stats.tokens;
                Ok(())
            })?;
            println!("padding 1/{padding}, {budget} tokens a batch: {:.0} tokens/s", tokens as f64 / seconds);
        }
    }
    for (count, length) in [(2048, 32), (800, 80), (256, 256)] {
        operations(&gpu.device, count, length)?;
    }
    Ok(())
}
