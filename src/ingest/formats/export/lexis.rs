//! Exports of LexisNexis ("1 of 10 DOCUMENTS" before each article) and of Nexis Uni ("End of Document" after each).

use super::{
    Article, Export,
    lines::{Line, blocks, filled, find_date, joined, label, lines, paragraphs, states_rights, value},
};

/// Labels before the text of an article.
const HEADER_LABELS: [&str; 25] = [
    "BYLINE",
    "AUTHOR",
    "AUTOR",
    "AUTEUR",
    "VON",
    "HEADLINE",
    "TITRE",
    "SECTION",
    "RUBRIK",
    "RUBRIQUE",
    "SECCIÓN",
    "LENGTH",
    "LÄNGE",
    "LONGUEUR",
    "LONGITUD",
    "DATELINE",
    "ORT",
    "HIGHLIGHT",
    "ENCART",
    "BODY",
    "EDITION",
    "SOURCE",
    "TEXT",
    "SERIES",
    "PAGE",
];

/// Those that name the author.
const AUTHOR_LABELS: [&str; 5] = ["BYLINE", "AUTHOR", "AUTOR", "AUTEUR", "VON"];

/// Labels after the text of an article.
const TRAILER_LABELS: [&str; 29] = [
    "LOAD-DATE",
    "LOAD DATE",
    "UPDATE",
    "DATE-CHARGEMENT",
    "LANGUAGE",
    "SPRACHE",
    "LANGUE",
    "IDIOMA",
    "SUBJECT",
    "SUJET",
    "SCHLAGWORT",
    "GRAPHIC",
    "GRAFIK",
    "PUBLICATION-TYPE",
    "PUBLICATION TYPE",
    "TYPE-PUBLICATION",
    "ZEITUNGS-CODE",
    "DOCUMENT-TYPE",
    "GEOGRAPHIC",
    "LOCALISATION-GEO",
    "SECTEUR-ACTIVITE",
    "SYMBOLE-BOURSIER",
    "CORRECTION-DATE",
    "CORRECTION",
    "JOURNAL-CODE",
    "ACC-NO",
    "ISSN",
    "COPYRIGHT",
    "CLASSIFICATION",
];

/// Labels after the text that may also begin one of its paragraphs: they count where another label follows.
const WEAK_LABELS: [&str; 15] = [
    "ILLUSTRATION",
    "TYPE",
    "COUNTRY",
    "STATE",
    "CITY",
    "ORGANIZATION",
    "PERSON",
    "PERSONNE",
    "COMPANY",
    "SOCIETE",
    "INDUSTRY",
    "TICKER",
    "NAME",
    "NOTES",
    "URL",
];

/// Lines of their own after the text of an article of Nexis Uni.
const TRAILER_HEADINGS: [&str; 5] = ["Classification", "Graphic", "Notes", "Klassifizierung", "Load-Date"];

/// Splits an export.
pub(super) fn split(text: &str) -> Option<Export> {
    if !text.contains("ocument") && !text.contains("DOCUMENT") && !text.contains("okument") {
        return None;
    }
    let lines = lines(text);
    numbered(&lines).or_else(|| ended(&lines))
}

/// The number of the article, and of all articles, that a line between articles states: "1 of 10 DOCUMENTS",
/// "Dokument 1 von 10", "Document 1 de 10".
fn numbers(line: &str) -> Option<(u64, u64)> {
    if line.len() > 60 {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.replace([',', '.'], "").parse::<u64>().ok();
    let is_noun = |word: &str| {
        ["DOCUMENT", "DOCUMENTS", "DOKUMENT", "DOKUMENTEN", "DOCUMENTOS"]
            .contains(&word.to_uppercase().as_str())
    };
    let is_of = |word: &str| ["of", "von", "de", "di"].contains(&word);
    match words[..] {
        [.., n, of, all, noun] if is_of(of) && is_noun(noun) && noun == noun.to_uppercase() => {
            Some((number(n)?, number(all)?))
        }
        [noun, n, of, all] if is_of(of) && is_noun(noun) => Some((number(n)?, number(all)?)),
        _ => None,
    }
}

/// The articles of an export that numbers them.
fn numbered(all: &[Line]) -> Option<Export> {
    let starts: Vec<(usize, (u64, u64))> =
        all.iter().enumerate().filter_map(|(at, line)| Some((at, numbers(line.text)?))).collect();
    let (_, (first, stated)) = *starts.first()?;
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([all.len()]);
    let articles: Vec<Article> =
        starts.iter().zip(ends).filter_map(|((at, _), end)| article(&all[at + 1..end])).collect();
    let has_label = |line: &Line| {
        label(line.text, &HEADER_LABELS).is_some() || label(line.text, &TRAILER_LABELS).is_some()
    };
    // A table of contents, or a text about documents, has no labels.
    if articles.is_empty() || !all.iter().any(has_label) {
        return None;
    }
    Some(Export { articles, stated: Some((stated + 1).saturating_sub(first)) })
}

/// An article below its number.
fn article(all: &[Line]) -> Option<Article> {
    let blocks = blocks(all);
    let is_label = |block: &[Line]| label(block[0].text, &HEADER_LABELS).is_some();
    let head = blocks.iter().position(|block| is_label(block)).unwrap_or(blocks.len());
    let top: Vec<&[Line]> =
        blocks[..head].iter().copied().filter(|block| !states_rights(block[0].text)).collect();
    let dated = top.iter().position(|block| find_date(&joined(block)).is_some());
    let mut found = Article { line: blocks.first()?[0].number, ..Article::default() };
    // The outlet comes first, and the title after the date.
    if let Some(at) = dated {
        found.date = find_date(&joined(top[at]));
        found.source = top[..at].first().map(|block| joined(block));
        let title: Vec<String> =
            top[at + 1..].iter().map(|block| joined(block)).filter(|text| !is_edition(text)).collect();
        found.title = title.join(" ");
    } else if let [source, .., title] = top[..] {
        (found.source, found.title) = (Some(joined(source)), joined(title));
    }
    let mut rest = head;
    let mut body: Vec<String> = Vec::new();
    while let Some(block) = blocks.get(rest).filter(|block| is_label(block)) {
        read_label(block, &mut found, &mut body);
        rest += 1;
    }
    let mut end = body_end(&blocks, rest);
    if rest == end && head == blocks.len() {
        // Without labels the text follows the title.
        (found.title, body) = (top.get(dated? + 1).map(|block| joined(block))?, Vec::new());
        let title = blocks.iter().position(|block| joined(block) == found.title)?;
        rest = title + 1;
        end = body_end(&blocks, rest);
    }
    body.push(paragraphs(&blocks[rest..end]));
    body.extend(correction(&blocks[end..]));
    body.retain(|part| !part.is_empty());
    found.text = body.join("\n\n");
    Some(found).filter(|article| !article.text.is_empty() || !article.title.is_empty())
}

/// Takes what a labelled block says: the author, the title, or a lead.
fn read_label(block: &[Line], found: &mut Article, body: &mut Vec<String>) {
    let Some((name, first)) = label(block[0].text, &HEADER_LABELS) else { return };
    let rest = joined(&block[1..]);
    let text = [first, rest.as_str()].join(" ").trim().to_string();
    match name {
        name if AUTHOR_LABELS.contains(&name) => found.byline = Some(text),
        "HEADLINE" | "TITRE" => found.title = text,
        "HIGHLIGHT" | "ENCART" | "BODY" | "TEXT" => body.push(text),
        // A label and the next one may stand in lines of one block.
        _ => {
            for at in 1..block.len() {
                if label(block[at].text, &HEADER_LABELS).is_some() {
                    return read_label(&block[at..], found, body);
                }
            }
        }
    }
}

/// Whether a block below a date names an edition, or says that a correction follows.
fn is_edition(text: &str) -> bool {
    let is_short = text.split_whitespace().count() <= 6;
    let lower = text.to_lowercase();
    let names = ["edition", "édition", "ausgabe", "edición", "correction appended"];
    is_short && names.iter().any(|name| lower.ends_with(name))
}

/// The first block from `start` on that is behind the text.
fn body_end(blocks: &[&[Line]], start: usize) -> usize {
    let is_end = |at: usize| {
        is_trailer(blocks[at])
            || (is_weak(blocks[at])
                && blocks.get(at + 1).is_some_and(|next| is_weak(next) || is_trailer(next)))
    };
    (start..blocks.len()).find(|at| is_end(*at)).unwrap_or(blocks.len())
}

fn is_trailer(block: &[Line]) -> bool {
    let first = block[0].text;
    label(first, &TRAILER_LABELS).is_some_and(|(name, _)| first.starts_with(name))
        || label(first, &["Load-Date"]).is_some()
        || states_rights(first)
}

fn is_weak(block: &[Line]) -> bool {
    label(block[0].text, &WEAK_LABELS).is_some_and(|(name, _)| block[0].text.starts_with(name))
}

/// The correction that an archive appends to an article.
fn correction(trailer: &[&[Line]]) -> Option<String> {
    let at = trailer.iter().position(|block| value(block[0].text, "CORRECTION").is_some())?;
    let first = value(trailer[at][0].text, "CORRECTION")?;
    let mut texts = vec![[first, joined(&trailer[at][1..]).as_str()].join(" ").trim().to_string()];
    texts.extend(trailer[at + 1..].iter().take_while(|block| !is_trailer(block)).map(|block| joined(block)));
    texts.retain(|text| !text.is_empty());
    Some(texts.join("\n\n"))
}

/// The articles of an export in which "End of Document" ends each.
fn ended(all: &[Line]) -> Option<Export> {
    let is_end = |line: &&Line| line.text == "End of Document" || line.text.ends_with("End of Document");
    let ends: Vec<usize> =
        all.iter().enumerate().filter(|(_, line)| is_end(line)).map(|(at, _)| at).collect();
    let mut start = 0;
    let mut articles = Vec::new();
    for end in ends {
        articles.extend(ended_article(&all[start..end]));
        start = end + 1;
    }
    let stated = all.iter().find_map(|line| {
        let count =
            line.text.strip_prefix("Documents (").or_else(|| line.text.strip_prefix("Dokumente ("))?;
        count.strip_suffix(')')?.trim().parse().ok()
    });
    (!articles.is_empty()).then_some(Export { articles, stated })
}

/// An article of Nexis Uni: title, outlet, date, rights and labels, each in a line; the heading "Body"; the text.
fn ended_article(all: &[Line]) -> Option<Article> {
    let is_heading = |line: &Line, names: &[&str]| names.contains(&line.text.trim_end_matches(':'));
    let body = all.iter().position(|line| is_heading(line, &["Body", "Text", "BODY"]))?;
    let head = filled(&all[..body]);
    let first_label = head
        .iter()
        .rposition(|line| label(line.text, &HEADER_LABELS).is_none() && !states_rights(line.text))?;
    // The list of contents before the first article may have dates too: the last one counts.
    let dated = head[..=first_label].iter().rposition(|line| find_date(line.text).is_some())?;
    let title = head.get(dated.checked_sub(2)?)?;
    let mut found = Article {
        title: title.text.to_string(),
        source: Some(head[dated - 1].text.to_string()),
        date: find_date(head[dated].text),
        line: title.number,
        ..Article::default()
    };
    let byline = head[dated..].iter().find_map(|line| label(line.text, &AUTHOR_LABELS));
    found.byline = byline.map(|(_, name)| name.to_string());
    let rest = &all[body + 1..];
    let is_end =
        |line: &Line| is_heading(line, &TRAILER_HEADINGS) || label(line.text, &["Load-Date"]).is_some();
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    found.text = paragraphs(&blocks(&rest[..end]));
    Some(found)
}
