//! The report as one page for a browser: everything inside, nothing fetched, decisions taken back.
//!
//! The page is `page.html` with its style, script and data put into their places. Story text is hostile: it is only ever
//! inside the data, which is base64 or JSON without `<`, and the script makes text nodes of it. The policy in the
//! page's head lets run and look what was compiled into this program, by its hash, and forbids everything else: a
//! script or style that slipped through would do nothing, and nothing can be fetched or sent.

mod base64;
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
/// In this order they are one script.
const SCRIPTS: [&str; 14] = [
    include_str!("dom.js"),
    include_str!("data.js"),
    include_str!("keep.js"),
    include_str!("given.js"),
    include_str!("decide.js"),
    include_str!("place.js"),
    include_str!("lines.js"),
    include_str!("elsewhere.js"),
    include_str!("diff.js"),
    include_str!("charts.js"),
    include_str!("list.js"),
    include_str!("members.js"),
    include_str!("group.js"),
    include_str!("main.js"),
];

/// What a page shows.
pub struct Page<'a> {
    /// The command that made it: `dedup`, `link` or `report`.
    pub command: &'static str,
    /// The stories.
    pub corpus: &'a Corpus,
    /// Their groups.
    pub groups: &'a Groups,
    /// What people decided of the stories before: the groups honour it.
    pub decided: &'a Constraints,
    /// What the comparer knows of them.
    pub evidence: &'a Evidence,
    /// The figures of the run.
    pub manifest: &'a Manifest,
    /// The storylines, if that was asked for.
    pub related: Option<&'a Related>,
}

/// What stands in the page as it is: small, and readable in the source.
#[derive(Serialize)]
struct About<'a> {
    /// The version of the data.
    schema: u32,
    command: &'a str,
    /// A digest of what was found: decisions are kept under it.
    run: &'a str,
    manifest: &'a Manifest,
}

/// Writes the page.
pub fn write_html(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let index = serde_json::to_vec(&Index::new(page))?;
    let texts = serde_json::to_vec(&Texts::new(page))?;
    let run = hex::encode(&Sha256::digest(&index)[..8]);
    let about = About { schema: 1, command: page.command, run: &run, manifest: page.manifest };
    // Inside a script element only "<" can end or change it.
    let about = serde_json::to_string(&about)?.replace('<', "\\u003c");
    let script = SCRIPTS.concat();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        let Some((name, after)) = after.split_once("}}") else { break };
        let text = match name {
            "policy" => policy(STYLE, &script),
            "style" => STYLE.into(),
            "script" => script.clone(),
            "about" => about.clone(),
            "index" => base64(&pack(&index)?),
            "texts" => base64(&pack(&texts)?),
            _ => return Err(io::Error::other(format!("page.html asks for {name}"))),
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
