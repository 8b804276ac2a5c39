//! The main text of a page.
//!
//! Pages offer several: what the extractor finds, the text in JSON-LD, and the paragraphs of the element that says it is the
//! article.

use std::collections::HashMap;

use dom_query::Document;

use crate::{corpus::page_chrome, ingest::markup};

/// The shortest main text of the extractor that is trusted, in bytes.
const MIN_EXTRACTED: usize = 80;

/// The shortest text in JSON-LD that may be the whole article, in bytes; many pages state a summary there.
const MIN_STATED: usize = 300;

/// The shortest text of an element that says it is the article, in bytes.
const MIN_MARKED: usize = 20;

/// Elements that are no text of an article, wherever they stand.
const NO_TEXT: &str = "nav, aside, footer, form, button, figure, script, style, noscript, template, [hidden], \
     [aria-hidden='true'], [role='navigation'], [role='complementary']";

/// Elements that say they are the article, the most reliable first.
const ARTICLES: [&str; 4] = ["[itemprop~='articleBody']", "article", "main", "[role='main']"];

/// The main text: `extracted` by the extractor, `stated` in JSON-LD, or marked on the `page`.
pub(super) fn choose(extracted: Option<String>, stated: Option<&str>, page: &str) -> Option<String> {
    let extracted = extracted.map(|text| page_chrome::strip_chrome_lines(&text));
    let extracted = extracted.filter(|text| text.len() >= MIN_EXTRACTED);
    let stated = stated.map(|text| page_chrome::strip_chrome_lines(&markup::to_text(text.into())));
    match (extracted, stated.filter(|text| text.len() >= MIN_STATED)) {
        (Some(extracted), Some(stated)) => {
            Some(if is_better(&stated, &extracted) { stated } else { extracted })
        }
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) => marked(page),
    }
}

/// Whether the text in JSON-LD is the better one: the extractor lost much of it, or took in much else.
fn is_better(stated: &str, extracted: &str) -> bool {
    let (own, other) = (word_counts(stated), word_counts(extracted));
    let shared: usize = own.iter().map(|(word, n)| n.min(other.get(word).unwrap_or(&0))).sum();
    let [of_stated, of_extracted] =
        [&own, &other].map(|counts| shared as f32 / counts.values().sum::<usize>().max(1) as f32);
    let lost = of_stated < 0.75 && of_extracted > 0.5;
    let more = of_stated > 0.9 && of_extracted < 0.75 && of_extracted > 0.4;
    lost || more
}

/// How often each word of a text occurs; characters are words where there are no spaces.
fn word_counts(text: &str) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if word.is_ascii() || word.len() < 30 {
            *counts.entry(word).or_insert(0) += 1;
        } else {
            for (at, c) in word.char_indices() {
                *counts.entry(&word[at..at + c.len_utf8()]).or_insert(0) += 1;
            }
        }
    }
    counts
}

/// The paragraphs of the element that says it is the article.
fn marked(page: &str) -> Option<String> {
    let document = Document::from(page);
    document.select(NO_TEXT).remove();
    ARTICLES.iter().find_map(|selector| {
        let texts = document.select(selector).iter().map(|article| {
            let paragraphs = article.select("p, h2, h3, h4, li:not(:has(p)), blockquote:not(:has(p))");
            let paragraphs =
                paragraphs.iter().map(|p| p.text().split_whitespace().collect::<Vec<_>>().join(" "));
            page_chrome::strip_chrome_lines(&paragraphs.collect::<Vec<_>>().join("\n\n"))
        });
        texts.max_by_key(String::len).filter(|text| text.len() >= MIN_MARKED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_text_that_is_whole() {
        let sentence = |i: usize| {
            format!("The board of harbour number {i} voted on day {i} to close quay {i} for works.")
        };
        let text = |from: usize, to: usize| (from..to).map(sentence).collect::<Vec<_>>().join("\n\n");
        let check = |extracted: &str, stated: &str, takes_stated: bool| {
            let chosen = choose(Some(extracted.into()), Some(stated), "").unwrap();
            assert_eq!(chosen, if takes_stated { stated } else { extracted });
        };
        check(&text(0, 20), &text(0, 20), false);
        // The extractor lost half of the text, or took in as much again of other stories.
        check(&text(0, 10), &text(0, 20), true);
        check(
            &[text(0, 10), "Wholly other words stand here, of owls and belfries. ".repeat(10)].join("\n\n"),
            &text(0, 10),
            true,
        );
        // JSON-LD has the beginning only, or another text.
        check(&text(0, 20), &text(0, 5), false);
        check(&text(0, 20), &"Wholly other words stand here, of owls and belfries. ".repeat(30), false);
    }

    #[test]
    fn reads_the_element_that_says_it_is_the_article() {
        let check = |body: &str, expect: Option<&str>| {
            assert_eq!(choose(None, None, body).as_deref(), expect, "{body}");
        };
        check(
            "<nav><p>Home and everything else that this site has</p></nav><article><h1>Quay</h1><p>Norrin will close its \
             eastern quay for repairs.</p><aside><p>Other news of the day, as every day</p></aside></article>",
            Some("Norrin will close its eastern quay for repairs."),
        );
        check(
            "<article><p>Owl found in the belfry of Saint Odo, asleep</p></article><article><p>Norrin will close its \
             eastern quay for repairs.</p><ul><li>Ferries</li></ul></article>",
            Some("Norrin will close its eastern quay for repairs.\n\nFerries"),
        );
        check("<div>Norrin will close its eastern quay for repairs.</div>", None);
    }
}
