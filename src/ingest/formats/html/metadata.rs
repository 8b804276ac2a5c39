//! The title, date, publisher and address that a page states in its metadata.
//!
//! Dates stand in JSON-LD (schema.org), `<meta>`, `itemprop` and `<time>`, often in several of them.

use dom_query::Document;
use serde_json::Value;

use crate::corpus::date;

/// Names of `<meta>` (name, property or itemprop) that hold the date of publication, the most reliable first.
const DATE_NAMES: [&str; 24] = [
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "datePublished",
    "parsely-pub-date",
    "sailthru.date",
    "cXenseParse:recs:publishtime",
    "cXenseParse:publishtime",
    "dcterms.created",
    "dcterms.date",
    "dc.date.issued",
    "dc.date.created",
    "dc.date",
    "date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_date",
    "publication_date",
    "publication-date",
    "published_at",
    "article.published",
    "article:published",
    "dateCreated",
];

const HOUR: i64 = 3_600_000;

/// What the metadata of a page say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub title: Option<String>,
    pub publisher: Option<String>,
    pub url: Option<String>,
    /// Dates of publication as the page has them, the most reliable first.
    dates: Vec<String>,
    /// Dates of the web pages in JSON-LD around the articles.
    page_dates: Vec<String>,
}

impl Metadata {
    /// Reads the metadata of a page.
    pub(super) fn read(page: &Document) -> Metadata {
        let mut metadata = Metadata::default();
        for script in page.select("script[type*='ld+json']").iter() {
            if let Some(data) = parse_json_ld(&script.text()) {
                metadata.add_json_ld(&data, 0);
            }
        }
        let content = |selector: &str| {
            let found = page.select(selector);
            let content = found.iter().find_map(|element| element.attr("content"));
            content.map(|content| content.trim().to_string()).filter(|content| !content.is_empty())
        };
        for name in DATE_NAMES {
            let of = |attribute| format!("meta[{attribute}='{name}' i]");
            metadata.dates.extend(["property", "name", "itemprop"].map(of).iter().find_map(|s| content(s)));
        }
        for element in
            page.select("[itemprop~='datePublished'], article time[datetime], time[datetime]").iter()
        {
            let text = element
                .attr("datetime")
                .or_else(|| element.attr("content"))
                .unwrap_or_else(|| element.text());
            metadata.dates.push(text.trim().to_string());
        }
        let dates = std::mem::take(&mut metadata.page_dates);
        metadata.dates.extend(dates);
        let text = |selector: &str| {
            let text = page.select_single(selector).text().split_whitespace().collect::<Vec<_>>().join(" ");
            Some(text).filter(|text| !text.is_empty())
        };
        let title = || {
            let of_meta =
                content("meta[property='og:title']").or_else(|| content("meta[name='twitter:title']"));
            of_meta.or_else(|| text("article h1")).or_else(|| text("h1")).or_else(|| text("title"))
        };
        metadata.title = metadata.title.or_else(title);
        metadata.publisher = content("meta[property='og:site_name']").or(metadata.publisher);
        let canonical = page.select("link[rel~='canonical']").attr("href").map(|href| href.to_string());
        metadata.url = content("meta[property='og:url']").or(canonical).or(metadata.url);
        metadata.url = metadata.url.filter(|url| url.starts_with("http"));
        metadata
    }

    /// Takes what the articles of JSON-LD say: inside lists, `@graph` and `mainEntity` too.
    fn add_json_ld(&mut self, data: &Value, depth: usize) {
        if depth > 8 {
            return;
        }
        if let Value::Array(items) = data {
            items.iter().for_each(|item| self.add_json_ld(item, depth + 1));
        }
        let Value::Object(object) = data else { return };
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(|text| text.trim().to_string());
        let kind = match object.get("@type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        let is_article = ["Article", "Posting", "Report"].iter().any(|name| kind.contains(name));
        if is_article || kind.contains("WebPage") {
            let date = text("datePublished").or_else(|| text("dateCreated")).filter(|date| !date.is_empty());
            if is_article { &mut self.dates } else { &mut self.page_dates }.extend(date);
        }
        if is_article {
            self.title = self.title.take().or_else(|| text("headline").filter(|title| !title.is_empty()));
            let publisher = object.get("publisher").and_then(|p| p.get("name")).and_then(Value::as_str);
            self.publisher = self.publisher.take().or_else(|| publisher.map(String::from));
            self.url = self.url.take().or_else(|| text("url"));
        }
        for key in ["@graph", "mainEntity", "mainEntityOfPage", "hasPart"] {
            if let Some(inner) = object.get(key) {
                self.add_json_ld(inner, depth + 1);
            }
        }
    }

    /// The date of publication in milliseconds since 1970 UTC. `first` is the date that goes before all others. A date
    /// without a zone, or without a clock time, gives way to a date that has one and is at most 14 hours off.
    pub(super) fn published(&self, first: Option<&str>) -> Option<i64> {
        let texts = first.into_iter().chain(self.dates.iter().map(String::as_str));
        let dates: Vec<(&str, i64)> = texts.filter_map(|text| Some((text, date::parse(text)?))).collect();
        let (text, at) = *dates.first()?;
        if date::has_zone(text) {
            return Some(at);
        }
        let has_clock = text.contains(':');
        let near = |other: &i64| {
            let difference = (other - at).abs();
            if has_clock {
                difference <= 14 * HOUR && difference % (HOUR / 4) == 0
            } else {
                difference <= 38 * HOUR
            }
        };
        let better = dates.iter().find(|(text, other)| date::has_zone(text) && near(other));
        Some(better.map_or(at, |(_, at)| *at))
    }
}

/// Parses JSON-LD, in which line breaks may stand inside strings and comments around the whole.
fn parse_json_ld(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
    let text = text.trim_start_matches("//<![CDATA[").trim_end_matches("//]]>").trim().trim_end_matches(';');
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&text.replace(|c: char| c.is_control(), " ")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
