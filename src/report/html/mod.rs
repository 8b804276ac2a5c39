//! The report as one HTML page: it holds all its data, fetches nothing, and exports the reviewer's decisions.
//!
//! The page is `page.html` with its style, its script (bundled from `js/`) and its data filled in. Story text is hostile:
//! it is only ever inside the data, which is base64, or JSON without `<`, and the script makes text nodes of it. The content
//! security policy in the page's head allows the style and the script that were compiled into this program, by their
//! hashes, and forbids everything else: an injected script or style has no effect, and nothing can be fetched or sent.

mod base64;
mod bundle;
mod data;
mod evidence;

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use evidence::Evidence;

use super::{Manifest, related::Related};
use crate::{
    group::{Constraints, Groups},
    hex,
    story::Corpus,
};
use base64::base64;
use data::{Index, Texts};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");

/// What a page shows.
pub struct Page<'a> {
    /// The command that made it: `dedup`, `link` or `report`.
    pub command: &'static str,
    /// The stories.
    pub corpus: &'a Corpus,
    /// Their groups.
    pub groups: &'a Groups,
    /// The decisions that the groups follow already.
    pub decided: &'a Constraints,
    /// What the comparer found: aligned passages, boilerplate, coverage.
    pub evidence: &'a Evidence,
    /// The summary of the run.
    pub manifest: &'a Manifest,
    /// The storylines, for the command `link`.
    pub related: Option<&'a Related>,
}

/// The version of the page's data.
const DATA_SCHEMA: u32 = 2;

/// What stands in the page without compression: small, and readable in its source.
#[derive(Serialize)]
struct About<'a> {
    /// [`DATA_SCHEMA`].
    schema: u32,
    command: &'a str,
    /// A digest of the index: the browser stores decisions under it.
    run: &'a str,
    manifest: &'a Manifest,
}

/// Writes the page.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_html(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let index = serde_json::to_vec(&Index::new(page))?;
    let texts = serde_json::to_vec(&Texts::new(page))?;
    let run = hex::encode(&Sha256::digest(&index)[..8]);
    let about = About { schema: DATA_SCHEMA, command: page.command, run: &run, manifest: page.manifest };
    // Inside a script element only "<" can end or change it.
    let about = serde_json::to_string(&about)?.replace('<', "\\u003c");
    let script = bundle::script().map_err(io::Error::other)?;
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        let Some((name, after)) = after.split_once("}}") else { break };
        let text = match name {
            "policy" => policy(STYLE, script),
            "style" => STYLE.into(),
            "script" => script.into(),
            "about" => about.clone(),
            "index" => base64(&pack(&index)?),
            "texts" => base64(&pack(&texts)?),
            _ => return Err(io::Error::other(format!("page.html has an unknown placeholder {name}"))),
        };
        out.write_all(text.as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// The content security policy of a page with this style and this script.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| base64(&Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(script),
        hash(style)
    )
}

fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes)?;
    packed.finish()
}
