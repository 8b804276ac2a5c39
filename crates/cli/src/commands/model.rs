//! `samestory model`: what models there are, what they are, whether their files are whole.

use std::fs;

use clap::{Args, Subcommand};
use samestory::model::Model;

use super::Outcome;
use crate::{
    env,
    error::{CliError, Result},
    output,
    runtime::{built_in_model, open_model},
};

const EXAMPLES: &str = "\
Examples:
  samestory model list
  samestory model verify models/my-model";

/// The arguments of `samestory model`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ModelArgs {
    #[command(subcommand)]
    pub command: ModelCommand,
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// List the models that need no download: built in, and in the local Hugging Face cache
    List,
    /// Show the properties of a model
    Info {
        /// A model folder or a Hugging Face id [default: the built-in one]
        model: Option<String>,
    },
    /// Check a model's files against their checksums
    Verify {
        /// A model folder or a Hugging Face id [default: the built-in one]
        model: Option<String>,
    },
    /// Download a model into the local Hugging Face cache (needs a build with the feature `hub`)
    Fetch {
        /// A Hugging Face id: org/name
        id: String,
        /// The exact revision
        #[arg(long)]
        revision: Option<String>,
    },
}

/// Runs the command.
pub fn run(args: &ModelArgs) -> Result<Outcome> {
    match &args.command {
        ModelCommand::List => list()?,
        ModelCommand::Info { model } => info(&open_model(model.as_deref())?)?,
        ModelCommand::Verify { model } => {
            let model = open_model(model.as_deref())?;
            let checked = model.verify()?;
            output::write_to(None, |out| {
                if checked.is_empty() {
                    return writeln!(
                        out,
                        "{}: it has no model.toml, so its checksums are unknown",
                        model.name
                    );
                }
                checked.iter().try_for_each(|file| writeln!(out, "ok  {file}"))
            })?;
        }
        ModelCommand::Fetch { id, revision } => fetch(id, revision.as_deref())?,
    }
    Ok(Outcome::Done)
}

fn list() -> Result<()> {
    let embedded = built_in_model().ok();
    let mut cached = Vec::new();
    if let Some(entries) = env::hub_cache().and_then(|dir| fs::read_dir(dir).ok()) {
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(id) = name.strip_prefix("models--") {
                cached.push(id.replacen("--", "/", 1));
            }
        }
    }
    cached.sort();
    output::write_to(None, |out| {
        if let Some(model) = &embedded {
            writeln!(out, "{:<50} built in, the default", model.name)?;
        }
        for id in &cached {
            writeln!(out, "{:<50} in the Hugging Face cache", samestory::report::sanitize_line(id, 50))?;
        }
        Ok(())
    })
}

fn info(model: &Model) -> Result<()> {
    let c = &model.config;
    output::write_to(None, |out| {
        writeln!(out, "name         {}", model.name)?;
        writeln!(out, "fingerprint  {}", model.fingerprint())?;
        writeln!(out, "vectors      {} values, {:?} pooling", c.hidden_size, model.pooling)?;
        writeln!(out, "window       {} tokens", model.max_tokens)?;
        writeln!(
            out,
            "encoder      {} layers, {} heads, {} wide between",
            c.num_hidden_layers, c.num_attention_heads, c.intermediate_size
        )
    })
}

#[cfg(feature = "hub")]
fn fetch(id: &str, revision: Option<&str>) -> Result<()> {
    let cache = env::hub_cache().ok_or_else(|| CliError::Usage {
        option: "HF_HOME".into(),
        message: "there is no home folder to hold the cache".into(),
        hint: "set HF_HOME to a folder".into(),
    })?;
    let folder = samestory::model::fetch(id, revision, &cache)?;
    output::write_to(None, |out| writeln!(out, "{}", folder.display()))
}

#[cfg(not(feature = "hub"))]
fn fetch(id: &str, _: Option<&str>) -> Result<()> {
    Err(CliError::Usage {
        option: format!("model fetch {id}"),
        message: "this build has no network code".into(),
        hint: "build with --features hub, or put config.json, tokenizer.json and model.safetensors \
               into a folder and give it to --model"
            .into(),
    })
}
