//! The exact self-join, on the vectors of a NumPy file written by `samestory embed --format npy`.
//!
//! `cargo bench --bench join -- FILE FLOOR ROWS,ROWS… [DEVICE]` prints the median seconds of three runs (of one, beyond
//! 30 s) for the first ROWS rows. DEVICE is an instruction set, `cuda`, `metal`, or `candle`: the tensor search on candle's
//! CPU device.

use std::{env, error::Error, fs, time::Instant};

use samestory::{
    device::{GpuName, Isa},
    progress::NoProgress,
    search::{TensorSearch, self_join},
    vector::Matrix,
};

/// Reads an f32 matrix from a NumPy file of version 1: ten bytes, the last two the length of the header, then the header.
fn read(file: &str) -> Result<Matrix, Box<dyn Error>> {
    let bytes = fs::read(file)?;
    let magic =
        bytes.get(..10).filter(|b| b.starts_with(b"\x93NUMPY\x01")).ok_or("no NumPy file of version 1")?;
    let start = 10 + usize::from(u16::from_le_bytes([magic[8], magic[9]]));
    let header =
        String::from_utf8_lossy(bytes.get(10..start).ok_or("a header that is cut off")?).into_owned();
    let shape =
        header.split('(').nth(1).and_then(|s| s.split(')').next()).ok_or("a header without a shape")?;
    let columns = shape.split(',').nth(1).ok_or("not a matrix")?.trim().parse()?;
    if !header.contains("<f4") || header.contains("'fortran_order': True") {
        return Err("not f32 in rows".into());
    }
    let values = bytes[start..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok(Matrix::from_vec(values, columns))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let (Some(file), Some(floor), Some(sizes)) = (args.first(), args.get(1), args.get(2)) else {
        println!("nothing to join: cargo bench --bench join -- FILE FLOOR ROWS,ROWS [DEVICE]");
        return Ok(());
    };
    let name = args.get(3).map_or(Isa::detect().name(), |name| name);
    let tensors = match name {
        "candle" => Some(TensorSearch::new(candle_core::Device::Cpu, candle_core::DType::F32)),
        name => {
            name.parse::<GpuName>().ok().map(|gpu| gpu.open()).transpose()?.map(|g| TensorSearch::on_gpu(&g))
        }
    };
    let (all, floor) = (read(file)?, floor.parse()?);
    for size in sizes.split(',') {
        let size: usize = size.parse()?;
        let values = all.as_slice().get(..size * all.dim()).ok_or("fewer rows than that")?;
        let rows = Matrix::from_vec(values.to_vec(), all.dim());
        let mut times = Vec::new();
        let mut pairs = 0;
        // One run suffices if it takes long: the noise is relatively small.
        while times.len() < 3 && times.iter().sum::<f64>() < 30.0 {
            let start = Instant::now();
            pairs = match &tensors {
                Some(tensors) => tensors.self_join(&rows, floor, &NoProgress)?.len(),
                None => self_join(&rows, floor, name.parse()?, &NoProgress)?.len(),
            };
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{name}: {size} rows at {floor}: {:.2} s ({:.2} to {:.2}), {pairs} pairs",
            times[times.len() / 2],
            times[0],
            times[times.len() - 1]
        );
    }
    Ok(())
}
