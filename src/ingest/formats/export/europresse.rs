//! Exports of Europresse (Cedrom-SNi) as HTML.
//!
//! The class `DocPublicationName` begins an article, `DocHeader` holds its date, `titreArticleVisu` its title; the text
//! ends at the number of the document.

use super::{
    Article, Export,
    html::{self, MARK},
    lines::{Line, blocks, byline, find_date, is_name, joined, lines, paragraphs, states_rights, value},
};

const OUTLET: &str = "DocPublicationName";
const HEADER: &str = "DocHeader";
const TITLE: &str = "titreArticleVisu";
const AUTHORS: &str = "docAuthors";
/// The last part of an article: its number and rights.
const CERTIFICATE: &str = "txtCertificat";

/// Splits an export.
pub(super) fn split(page: &str) -> Option<Export> {
    let text = html::to_text(page, &[OUTLET, HEADER, TITLE, AUTHORS, CERTIFICATE]);
    let lines = lines(&text);
    let starts: Vec<usize> =
        (0..lines.len()).filter(|&at| marked(lines[at].text, OUTLET).is_some()).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let articles: Vec<Article> =
        starts.iter().zip(ends).filter_map(|(start, end)| article(&lines[*start..end])).collect();
    let stated = lines.iter().find_map(|line| value(line.text, "Nombre de document(s)")?.parse().ok());
    (!articles.is_empty()).then_some(Export { articles, stated })
}

/// The text of a line that an element of `class` begins.
fn marked<'a>(line: &'a str, class: &str) -> Option<&'a str> {
    line.strip_prefix(MARK)?.strip_prefix(class)?.strip_prefix(MARK).map(str::trim)
}

fn article(all: &[Line]) -> Option<Article> {
    let outlet = marked(all.first()?.text, OUTLET)?;
    let title = all.iter().position(|line| marked(line.text, TITLE).is_some())?;
    let headers: Vec<&str> = all[..title].iter().filter_map(|line| marked(line.text, HEADER)).collect();
    let header = headers.join(" ");
    let end = all.iter().position(|line| {
        line.text.starts_with("Numéro de document") || marked(line.text, CERTIFICATE).is_some()
    });
    let rest = &all[title + 1..end.unwrap_or(all.len()).max(title + 1)];
    // The title may go on behind a word that is marked as found.
    let more = rest.iter().take_while(|line| !line.text.is_empty() && !line.text.starts_with(MARK)).count();
    let first = Line { text: marked(all[title].text, TITLE)?, ..all[title] };
    let title_text = [&[first], &rest[..more]].concat();
    let mut found = Article {
        title: joined(&title_text).trim().to_string(),
        // "Norrin Post, no. 5968" names the issue too.
        source: Some(outlet.split(", no.").next().unwrap_or(outlet).trim().to_string()),
        date: find_date(&header),
        ..Article::default()
    };
    let mut body = blocks(&rest[more..]);
    if let Some(authors) = body.iter().position(|block| marked(block[0].text, AUTHORS).is_some()) {
        let block = body.remove(authors);
        found.byline = marked(block[0].text, AUTHORS).map(String::from).filter(|name| !name.is_empty());
    }
    body.retain(|block| !block[0].text.starts_with(MARK));
    if let [first, _, ..] = body[..] {
        let line = joined(first);
        if found.byline.is_none() && (byline(&line).is_some() || is_name(&line)) {
            found.byline = Some(byline(&line).unwrap_or(&line).to_string());
            body.remove(0);
        }
    }
    let is_end = |block: &&[Line]| {
        states_rights(block[0].text) || ["Note(s) :", "Illustration(s) :"].contains(&block[0].text)
    };
    let end = body.iter().position(is_end).unwrap_or(body.len());
    found.text = paragraphs(&body[..end]);
    found.id = all.iter().find_map(|line| value(line.text, "Numéro de document").map(String::from));
    Some(found).filter(|article| !article.title.is_empty() || !article.text.is_empty())
}
