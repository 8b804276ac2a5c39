//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use samestory::{DeviceChoice, corpus::DateOrder, device::Precision, ingest::Charset};

/// Options of every command that reads stories.
#[derive(Args)]
pub struct InputArgs {
    /// Where a field is found in JSON or CSV records (repeatable): id, title, text, date, source, url
    #[arg(long = "field", value_name = "NAME=PATH")]
    pub fields: Vec<String>,
    /// The encoding of the files, as in windows-1251 [default: declared in the file, or detected]
    #[arg(long, value_name = "NAME", value_parser = str::parse::<Charset>)]
    pub encoding: Option<Charset>,
    /// Leave out files of folders that .gitignore and .ignore exclude
    #[arg(long)]
    pub respect_ignore: bool,
    /// Where the list of records is in a JSON object, as in response.docs [default: found by its structure]
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// What is between the cells of a CSV file: a character, or tab [default: detected]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    pub delimiter: Option<u8>,
    /// CSV files have no header line; --field takes numbers of columns, as in text=3
    #[arg(long)]
    pub no_header: bool,
    /// The order of day and month in dates such as 05/06/2031: dmy or mdy [default: shown by other dates of the file]
    #[arg(long, value_name = "dmy|mdy", value_parser = str::parse::<DateOrder>)]
    pub date_order: Option<DateOrder>,
    /// The longest record, as in 500M or 2G; a longer one is skipped [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_record: Option<u64>,
    /// Write all notices on the input, as JSON lines; the terminal shows the first 20
    #[arg(long, value_name = "FILE")]
    pub notices: Option<PathBuf>,
    /// End with exit code 2 if any input was bad (it is read as far as possible either way)
    #[arg(long)]
    pub strict: bool,
}

/// A store whose stories a command works on, in addition to files.
#[derive(Args)]
pub struct StoreArgs {
    /// Work on the stories of a store too, which `samestory index` made; nothing in it is embedded again
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
}

/// The store of a command that works on nothing else.
#[derive(Args)]
pub struct OwnStoreArgs {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
}

/// Input and model of the commands that report on the groups of files or of a store.
#[derive(Args)]
pub struct GroupSourceArgs {
    /// Files and folders; `-` is standard input [default: the store of SAMESTORY_STORE, or the nearest .samestory]
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// A list of boilerplate that `samestory boilerplate learn` wrote [default: only what the stories themselves show]
    #[arg(long, value_name = "FILE")]
    pub boilerplate: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Where a report goes.
#[derive(Args)]
pub struct OutArgs {
    /// Where the report goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of every command that embeds.
#[derive(Args)]
pub struct ComputeArgs {
    /// A model folder or a Hugging Face id [default: the built-in all-MiniLM-L6-v2]
    #[arg(long, value_name = "FOLDER|ID")]
    pub model: Option<String>,
    /// What computes; `auto` is the GPU that this build and machine have, else the CPU, and the summary names it
    #[arg(long, value_name = "auto|cpu|cuda[:N]|metal", default_value = "auto", value_parser = parse_device)]
    pub device: DeviceChoice,
    /// What the model's layers compute in: `native` is bf16, f16 or f32; `int8` is faster on x86-64 processors without
    /// AMX, a little less exact, and its vectors do not mix with others
    #[arg(long, value_name = "native|int8", default_value = "native", value_parser = str::parse::<Precision>)]
    pub precision: Precision,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress and no summary on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// A delimiter is one byte.
fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err("give one character, as in ;, or the word tab".into()),
    }
}

/// A number of bytes, with K, M or G for powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.trim().to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B')
    {
        text if text.ends_with('K') => (text.trim_end_matches('K').to_string(), 10),
        text if text.ends_with('M') => (text.trim_end_matches('M').to_string(), 20),
        text if text.ends_with('G') => (text.trim_end_matches('G').to_string(), 30),
        text => (text.to_string(), 0),
    };
    let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| "give a size, as in 500M or 2G".into())
}

fn parse_device(name: &str) -> Result<DeviceChoice, String> {
    name.parse().map_err(|_| "no such device".into())
}

/// A finite number.
pub fn parse_finite(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "give a number, as in 0.5".into())
}

/// A number of hours above 0.
pub fn parse_hours(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(hours) if hours.is_finite() && hours > 0.0 => Ok(hours),
        _ => Err("give a number of hours above 0, as in 36".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(parse_size(text).ok(), expect, "{text}");
        check("1000", Some(1000));
        check("2k", Some(2048));
        check("500M", Some(500 << 20));
        check("2 GiB", Some(2 << 30));
        check("3MB", Some(3 << 20));
        for text in ["", "0", "M", "-1", "1.5G", "99999999999G"] {
            check(text, None);
        }
    }
}
