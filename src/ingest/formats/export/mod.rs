//! Exports of news archives: many articles in one file of text or HTML, which are split into stories.
//!
//! A layout is recognised by the lines that its articles begin or end with. Readers of other containers (word processor
//! files) hand their plain text to [`read_text`]. Text that names an archive, but has an unknown layout, gives a notice and
//! is read as a page.
//!
//! The layouts are those that public exports show: LexisNexis and Nexis Uni, Factiva with and without codes, Europresse,
//! ProQuest and NewsBank.

mod europresse;
mod factiva;
mod html;
mod lexis;
mod lines;
mod newsbank;
mod proquest;

use crate::ingest::{
    NoticeKind,
    sink::{Record, StorySink},
};

/// An article of an export.
#[derive(Debug, Default, PartialEq)]
struct Article {
    /// The number of the archive, if it is unique there.
    id: Option<String>,
    title: String,
    text: String,
    /// The date as the export has it.
    date: Option<String>,
    source: Option<String>,
    /// Its author. Kept out of the text; stories have no field for it.
    byline: Option<String>,
    url: Option<String>,
    /// The line of its first line, from 1; 0 if it is not known.
    line: u64,
}

/// The articles of an export.
#[derive(Debug, Default, PartialEq)]
struct Export {
    articles: Vec<Article>,
    /// How many articles the export says that it has.
    stated: Option<u64>,
}

/// A layout: the archive, and what splits a text. `None` if the text has another layout.
type Layout = (&'static str, fn(&str) -> Option<Export>);

/// The layouts of text, the most specific first.
const LAYOUTS: [Layout; 4] = [
    ("ProQuest", proquest::split),
    ("LexisNexis", lexis::split),
    ("Factiva", factiva::split),
    ("NewsBank", newsbank::split),
];

/// Phrases that only exports have, and the archives that they name.
const MARKS: [(&str, &str); 7] = [
    ("ProQuest document ID:", "ProQuest"),
    ("Database copyright ProQuest", "ProQuest"),
    ("\nEnd of Document\n", "LexisNexis"),
    ("LexisNexis, a division of", "LexisNexis"),
    ("Factiva, Inc. All rights reserved", "Factiva"),
    ("infoweb.newsbank.com/", "NewsBank"),
    ("Numéro de document : ", "Europresse"),
];

/// Reads the articles of an export. False if `text` is none, or its layout is unknown; that gives a notice.
pub(in crate::ingest) fn read_text(text: &str, sink: &mut StorySink) -> bool {
    for (archive, split) in LAYOUTS {
        if let Some(export) = split(text) {
            return record(archive, export, sink);
        }
    }
    if let Some((_, archive)) = MARKS.iter().find(|(mark, _)| text.contains(mark)) {
        sink.notice(0, NoticeKind::UnknownExport(archive));
    }
    false
}

/// Reads the articles of an export as HTML. False if `page` is none, or its layout is unknown; that gives a notice.
pub(in crate::ingest) fn read_html(page: &str, sink: &mut StorySink) -> bool {
    let contains = |marks: &[&str]| marks.iter().any(|mark| page.contains(mark));
    if contains(&["DocPublicationName"])
        && let Some(export) = europresse::split(page)
    {
        return record("Europresse", export, sink);
    }
    if contains(&["LXNComment", " DOCUMENTS<", "End of Document<"])
        && let Some(export) = lexis::split(&html::to_text(page, &[]))
    {
        return record("LexisNexis", export, sink);
    }
    if contains(&["Article\"", "Article'", "articleParagraph"])
        && contains(&["Document "])
        && let Some(export) = factiva::split(&html::to_text(page, &[factiva::HEADLINE]))
    {
        return record("Factiva", export, sink);
    }
    let names = [
        ("LXNComment", "LexisNexis"),
        ("<title>Factiva</title>", "Factiva"),
        ("TitreArticleVisu", "Europresse"),
    ];
    if let Some((_, archive)) = names.iter().find(|(mark, _)| page.contains(mark)) {
        sink.notice(0, NoticeKind::UnknownExport(archive));
    }
    false
}

/// Gives the articles to the sink, with a notice of how many there are. False if there are none.
fn record(archive: &'static str, export: Export, sink: &mut StorySink) -> bool {
    let found = export.articles.len() as u64;
    if found == 0 {
        sink.notice(0, NoticeKind::UnknownExport(archive));
        return false;
    }
    sink.notice(0, NoticeKind::Export { archive, found, stated: export.stated });
    for (part, article) in (0..).zip(export.articles) {
        let id = article.id.unwrap_or_else(|| sink.part_id(part));
        sink.record(Record {
            id: Some(id),
            title: article.title,
            text: article.text,
            date: article.date,
            source: article.source,
            url: article.url,
            line: article.line,
            part,
            ..Record::default()
        });
    }
    true
}

#[cfg(test)]
mod tests;
