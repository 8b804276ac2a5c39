//! The title, date, publisher and address that a page states in its metadata.
//!
//! They stand in JSON-LD (schema.org), `<meta>`, `itemprop`, `<time>` and headings, often in several of them that differ.

use std::collections::BTreeSet;

use dom_query::Document;

use super::{
    dates,
    json_ld::{Article, JsonLd},
};
use crate::ingest::{domain::registrable_domain, markup};

/// The longest name of a publisher, in characters.
const MAX_NAME: usize = 60;

/// What the metadata of a page say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub title: Option<String>,
    pub publisher: Option<String>,
    pub url: Option<String>,
    /// The text of the article in JSON-LD.
    pub body: Option<String>,
    /// Dates of publication as the page has them, the most reliable first.
    dates: Vec<String>,
}

impl Metadata {
    /// Reads the metadata of a page.
    pub(super) fn read(page: &Document) -> Metadata {
        let data = JsonLd::read(page);
        let content = |selector: &str| {
            let found = page.select(selector);
            let content = found.iter().find_map(|element| element.attr("content"));
            content.map(|content| clean(&content)).filter(|content| !content.is_empty())
        };
        let canonical = page.select("link[rel~='canonical']").attr("href").map(|href| href.to_string());
        let of_meta = content("meta[property='og:title'], meta[name='og:title']")
            .or_else(|| content("meta[name='twitter:title'], meta[property='twitter:title']"));
        let page_title = clean(&page.select_single("title").text());
        let headings: Vec<String> = page.select("h1").iter().map(|h1| clean(&h1.text())).collect();
        let titles: Vec<&str> = of_meta.as_deref().into_iter().chain([page_title.as_str()]).collect();
        let named: Vec<&str> = titles.iter().copied().chain(headings.iter().map(String::as_str)).collect();
        let article = main_article(&data.articles, &named);
        let url = canonical.into_iter().chain(content("meta[property='og:url']"));
        let url = url.chain(article.and_then(|article| article.url.clone()));
        let url = url.into_iter().find(|url| url.starts_with("http"));
        let names = [
            content("meta[property='og:site_name'], meta[name='og:site_name']"),
            article.and_then(|article| article.publisher.clone()),
            content("meta[name='application-name']"),
            content("meta[name='apple-mobile-web-app-title']"),
            content(
                "meta[name='publisher'], meta[property='article:publisher_name'], meta[name='dc.publisher' i]",
            ),
        ];
        let of_articles = data.articles.iter().filter_map(|article| article.date.clone());
        let main_date = article.and_then(|article| article.date.clone());
        let page_dates = dates::find(page).into_iter().chain(data.page_dates.clone());
        Metadata {
            title: choose_title(article, &headings, &titles),
            publisher: choose_publisher(
                names.into_iter().flatten().chain(data.sites.clone()),
                url.as_deref(),
            ),
            body: article.and_then(|article| article.body.clone()),
            dates: main_date.into_iter().chain(of_articles).chain(page_dates).collect(),
            url,
        }
    }

    /// The date of publication in milliseconds since 1970 UTC. `other` is what the extractor found.
    pub(super) fn published(&self, other: Option<&str>) -> Option<i64> {
        dates::choose(self.dates.iter().map(String::as_str).chain(other))
    }
}

/// Text without entities and line breaks.
fn clean(text: &str) -> String {
    markup::decode_entities(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, in lower case.
fn word_set(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// How many words a text has in common with the likest of `titles`: the coefficient of Dice (1945), from 0 to 1.
fn likeness(text: &str, titles: &[&str]) -> f32 {
    let words = word_set(text);
    let dice = |title: &&str| {
        let other = word_set(title);
        2.0 * words.intersection(&other).count() as f32 / (words.len() + other.len()).max(1) as f32
    };
    titles.iter().map(dice).fold(0.0, f32::max)
}

/// The likest of `items` by their texts, the first of equal ones, with its likeness.
fn likest<'a, T>(items: &'a [T], text: impl Fn(&T) -> &str, titles: &[&str]) -> Option<(f32, &'a T)> {
    let mut best: Option<(f32, &T)> = None;
    for item in items {
        let likeness = likeness(text(item), titles);
        if best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, item));
        }
    }
    best
}

/// The article that a page is about: the one whose headline is likest to a title or a heading of the page.
fn main_article<'a>(articles: &'a [Article], titles: &[&str]) -> Option<&'a Article> {
    fn headline(article: &Article) -> &str {
        article.headline.as_deref().unwrap_or_default()
    }
    likest(articles, headline, titles).map(|(_, article)| article)
}

/// The headline of JSON-LD; else the heading that is likest to one of `titles`, if it has half of the words in common; else
/// the first of these.
fn choose_title(article: Option<&Article>, headings: &[String], titles: &[&str]) -> Option<String> {
    let has_titles = titles.iter().any(|title| !title.is_empty());
    let heading = likest(headings, String::as_str, titles)
        .filter(|(likeness, h1)| !h1.is_empty() && (*likeness > 0.5 || !has_titles));
    let heading = heading.map(|(_, h1)| h1.clone());
    let headline = article.and_then(|article| article.headline.as_deref());
    let headline = headline.map(|headline| clean(&markup::to_text(headline.into())));
    let headline = headline.filter(|headline| !headline.is_empty());
    match (headline, heading) {
        // A headline that was cut off for search engines.
        (Some(cut), Some(whole)) if starts_like(&whole, &cut) => Some(whole),
        (Some(headline), _) => Some(headline),
        (None, Some(heading)) => Some(heading),
        (None, None) => titles.iter().find(|title| !title.is_empty()).map(|title| title.to_string()),
    }
}

/// Whether `cut` is the beginning of `whole` with an ellipsis.
fn starts_like(whole: &str, cut: &str) -> bool {
    cut.strip_suffix('…').or(cut.strip_suffix("...")).is_some_and(|head| whole.starts_with(head.trim_end()))
}

/// The name that the domain of the address has too; else the first one.
fn choose_publisher(names: impl Iterator<Item = String>, url: Option<&str>) -> Option<String> {
    let names: Vec<String> =
        names.filter(|name| !name.is_empty() && name.chars().count() <= MAX_NAME).collect();
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let domain = url.and_then(registrable_domain);
    let label = domain.as_deref().and_then(|domain| domain.split('.').next()).map(letters);
    let is_of_domain = |name: &&String| {
        let name = letters(name);
        label.as_deref().is_some_and(|label| name.contains(label) || name.len() > 2 && label.contains(&name))
    };
    names.iter().find(is_of_domain).or(names.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::date;

    fn read(head: &str, body: &str) -> Metadata {
        let page = format!("<!doctype html><html><head>{head}</head><body>{body}</body></html>");
        Metadata::read(&Document::from(page))
    }

    #[test]
    fn finds_the_date_wherever_a_page_has_it() {
        let ld = |json: &str| format!("<script type=\"application/ld+json\">{json}</script>");
        let check = |head: &str, body: &str| {
            assert_eq!(
                read(head, body).published(None),
                date::parse("2031-05-06T06:00:00Z"),
                "{head} {body}"
            );
        };
        let date = "\"datePublished\":\"2031-05-06T08:00:00+02:00\"";
        check(&ld(&format!("{{\"@type\":\"NewsArticle\",{date}}}")), "");
        check(&ld(&format!("[{{\"@type\":[\"Thing\",\"NewsArticle\"],{date}}}]")), "");
        check(
            &ld(&format!("{{\"@graph\":[{{\"@type\":\"WebSite\"}},{{\"@type\":\"Article\",{date}}}]}}")),
            "",
        );
        check(
            &ld(&format!("{{\"@type\":\"WebPage\",\"mainEntity\":{{\"@type\":\"BlogPosting\",{date}}}}}")),
            "",
        );
        check(
            &ld(&format!(
                "{{\"@context\":[\"a\",{{}}],\"@type\":\"ReportageNewsArticle\",\"headline\":\"a\nb\",{date}}};"
            )),
            "",
        );
        check(&ld(&format!("<!-- {{\"@type\":\"NewsArticle\",{date}}} -->")), "");
        let page = "{\"@type\":\"WebPage\",\"datePublished\":\"2020-01-01\"}";
        check(&ld(&format!("[{page},{{\"@type\":\"NewsArticle\",\"headline\":\"x\",{date}}}]")), "");
        for name in [
            "property=article:published_time",
            "name=date",
            "itemprop=datePublished",
            "name=DC.Date",
            "name=sailthru.date",
        ] {
            check(&format!("<meta {name} content=\"2031-05-06T08:00:00+02:00\">"), "");
        }
        check("", "<time datetime=\"2031-05-06T08:00:00+02:00\">6 May</time>");
        check("", "<span itemprop=datePublished content=\"2031-05-06T06:00Z\">6 May</span>");
        check("", "<span itemprop=\"dateCreated datePublished\">6 May 2031, 06:00 UTC</span>");
        // The JSON-LD has no zone, the meta has one.
        let meta = "<meta name=date content=\"2031-05-06T08:00:00+02:00\">";
        check(&(ld("{\"@type\":\"NewsArticle\",\"datePublished\":\"2031-05-06 08:00:00.0\"}") + meta), "");
        check(&(ld("{\"@type\":\"NewsArticle\",\"datePublished\":\"2031-05-06\"}") + meta), "");
    }

    #[test]
    fn finds_title_publisher_and_address() {
        let head = "<title>Rain - Norrin Post</title><meta property=og:site_name content=\"Norrin Post\">\
                    <link rel=canonical href=\"https://norrin.example/rain\">";
        let found = read(head, "<h1>Rain <b>in</b> Norrin</h1>");
        assert_eq!(found.title.as_deref(), Some("Rain in Norrin"));
        assert_eq!(found.publisher.as_deref(), Some("Norrin Post"));
        assert_eq!(found.url.as_deref(), Some("https://norrin.example/rain"));
        assert_eq!(read("<title> Rain </title>", "").title.as_deref(), Some("Rain"));
        assert_eq!(read("", ""), Metadata::default());
    }

    #[test]
    fn chooses_the_headline_of_the_article_among_several() {
        let check = |head: &str, body: &str, expect: &str| {
            assert_eq!(read(head, body).title.as_deref(), Some(expect), "{head} {body}");
        };
        let ld = |json: &str| format!("<script type=\"application/ld+json\">{json}</script>");
        let article = |headline: &str| format!("{{\"@type\":\"NewsArticle\",\"headline\":\"{headline}\"}}");
        // A list of other stories stands before the article.
        let list =
            ld(&format!("[{},{}]", article("Owl found in belfry"), article("Norrin closes eastern quay")));
        check(
            &(list + "<title>Norrin closes eastern quay - Norrin Post</title>"),
            "",
            "Norrin closes eastern quay",
        );
        check(
            &ld(&article("Norrin closes eastern quay for…")),
            "<h1>Norrin closes eastern quay for repairs</h1>",
            "Norrin closes eastern quay for repairs",
        );
        check(&ld(&article("Norrin&#39;s quay &amp; <i>ferries</i>")), "", "Norrin's quay & ferries");
        // The first heading is that of a box.
        let title = "<title>Norrin closes eastern quay | Norrin Post</title>";
        check(title, "<h1>Log in</h1><h1>Norrin closes eastern quay</h1>", "Norrin closes eastern quay");
        check(title, "<h1>Norrin Post shop</h1>", "Norrin closes eastern quay | Norrin Post");
        check(
            "<meta property=og:title content=\"Norrin closes quay\"><title>x</title>",
            "<h1>Owl</h1>",
            "Norrin closes quay",
        );
    }

    #[test]
    fn chooses_the_publisher_that_the_domain_names() {
        let check = |names: &[&str], url: Option<&str>, expect: Option<&str>| {
            let found = choose_publisher(names.iter().map(|name| name.to_string()), url);
            assert_eq!(found.as_deref(), expect, "{names:?}");
        };
        let url = Some("https://www.norrinpost.example/a");
        check(&["Sport", "Norrin Post"], url, Some("Norrin Post"));
        check(&["Norrin Post Online", "Media Group"], url, Some("Norrin Post Online"));
        check(&["Media Group", "Holding"], url, Some("Media Group"));
        check(&["Media Group"], None, Some("Media Group"));
        check(&[], url, None);
    }

    #[test]
    fn finds_dates_under_names_of_any_spelling_and_shown_ones() {
        let check = |head: &str, body: &str| {
            let found = read(head, body).published(None);
            assert_eq!(found, date::parse("2031-05-06T06:00:00Z"), "{head} {body}");
        };
        check("<meta name=article:published:time content=\"2031-05-06T08:00:00+02:00\">", "");
        check("<meta property=Publish_Date content=\"2031-05-06 06:00\">", "");
        check("", "<p class=js-dateline data-publicationdate=\"2031-05-06T08:00:00+02:00\">6 May</p>");
        check("", "<span class=article-date>Published: 6 May 2031 06:00</span>");
        check("<meta property=og:updated_time content=\"2031-05-06T08:00:00+02:00\">", "");
    }
}
