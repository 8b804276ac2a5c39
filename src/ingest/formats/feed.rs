//! Entries of RSS and Atom feeds.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::news_xml;
use crate::ingest::{
    NoticeKind, markup,
    sink::{Record, StorySink},
};

/// Elements that hold one entry, and the elements around them.
const ENTRIES: [&str; 2] = ["item", "entry"];

/// The texts of an entry, by what they are for; each has the first that is not empty.
#[derive(Default)]
struct Entry {
    id: Option<String>,
    title: Option<String>,
    content: Option<String>,
    summary: Option<String>,
    published: Option<String>,
    updated: Option<String>,
    source: Option<String>,
    url: Option<String>,
}

/// Reads the entries of a feed, or news items under the same extension. XML of another kind gives no story.
pub(super) fn read(xml: &str, sink: &mut StorySink) {
    if news_xml::is_news(xml) {
        return news_xml::read(xml, sink);
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut path: Vec<String> = Vec::new();
    let (mut entry, mut text) = (None::<Entry>, String::new());
    let (mut channel, mut record, mut line, mut counted) = (None, 0, 1, 0usize);
    let mut is_feed = false;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(xml.len()).min(xml.len());
        let event = reader.read_event();
        match event {
            Ok(Event::Start(start)) => {
                let name = local_name(&start);
                is_feed |= path.is_empty() && ["rss", "feed", "rdf"].contains(&name.as_str());
                if ENTRIES.contains(&name.as_str()) {
                    line += xml.as_bytes()[counted..at].iter().filter(|b| **b == b'\n').count() as u64;
                    counted = at;
                    entry = Some(Entry::default());
                } else if inside_markup(&path) {
                    text.push_str(&tag(&start, ""));
                } else {
                    text.clear();
                }
                add_link(&name, &start, &mut entry);
                path.push(name);
            }
            Ok(Event::Empty(start)) => {
                if inside_markup(&path) {
                    text.push_str(&tag(&start, "/"));
                }
                add_link(&local_name(&start), &start, &mut entry);
            }
            Ok(Event::Text(part)) => text.push_str(&part),
            Ok(Event::CData(part)) => text.push_str(&part),
            Ok(Event::GeneralRef(name)) => text.push_str(&format!("&{};", &*name)),
            Ok(Event::End(_)) => {
                let Some(name) = path.pop() else { continue };
                if inside_markup(&path) {
                    text.push_str(&format!("</{name}>"));
                    continue;
                }
                if ENTRIES.contains(&name.as_str()) {
                    if let Some(entry) = entry.take() {
                        sink.record(entry.into_record(&channel, line, record));
                        record += 1;
                    }
                } else if let Some(entry) = &mut entry {
                    let is_direct = path.last().is_some_and(|parent| ENTRIES.contains(&parent.as_str()));
                    entry.set(&name, std::mem::take(&mut text), is_direct);
                } else if name == "title" && channel.is_none() {
                    channel = Some(markup::to_text(std::mem::take(&mut text)));
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                let place = xml.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() as u64 + 1;
                sink.notice(place, NoticeKind::Xml(error.to_string()));
                break;
            }
        }
    }
    if record == 0 {
        let what = if is_feed { "the feed has no entries" } else { "it is neither RSS nor Atom" };
        sink.notice(0, NoticeKind::Xml(what.into()));
    }
}

impl Entry {
    /// Takes the text of the element `name`.
    fn set(&mut self, name: &str, text: String, is_direct: bool) {
        let field = match name {
            "title" if is_direct => &mut self.title,
            "guid" | "id" if is_direct => &mut self.id,
            "link" if is_direct => &mut self.url,
            "encoded" | "content" => &mut self.content,
            "description" | "summary" if is_direct => &mut self.summary,
            "pubdate" | "published" | "date" | "issued" if is_direct => &mut self.published,
            "updated" | "modified" if is_direct => &mut self.updated,
            "source" | "publisher" if is_direct => &mut self.source,
            "title" | "name" if self.source.is_none() => &mut self.source,
            _ => return,
        };
        if !text.trim().is_empty() && field.is_none() {
            *field = Some(text.trim().to_string());
        }
    }

    fn into_record(self, channel: &Option<String>, line: u64, record: u64) -> Record {
        let text = self.content.or(self.summary).map(markup::to_text).unwrap_or_default();
        let url = self.url.map(markup::to_text);
        // The domain of the address says more than the title of the channel.
        let source = self.source.map(markup::to_text).or_else(|| channel.clone().filter(|_| url.is_none()));
        Record {
            id: self.id.map(markup::to_text),
            title: self.title.map(markup::to_text).unwrap_or_default(),
            text,
            date: self.published.or(self.updated),
            source,
            url,
            line,
            record,
            ..Record::default()
        }
    }
}

/// The name of an element without its prefix, in lower case.
fn local_name(start: &BytesStart) -> String {
    start.local_name().as_ref().to_lowercase()
}

/// Whether the innermost element is part of the XHTML inside an Atom text.
fn inside_markup(path: &[String]) -> bool {
    let texts = ["content", "summary", "encoded", "description"];
    path.iter().any(|name| texts.contains(&name.as_str()))
}

/// Takes the address of an Atom link.
fn add_link(name: &str, start: &BytesStart, entry: &mut Option<Entry>) {
    let attribute = |name: &str| {
        let found = start.try_get_attribute(name).ok()??;
        Some(found.value.into_owned())
    };
    let Some(entry) = entry.as_mut().filter(|entry| name == "link" && entry.url.is_none()) else { return };
    if attribute("rel").is_none_or(|rel| rel == "alternate") {
        entry.url = attribute("href");
    }
}

/// A tag of XHTML as it stands in the feed, without its attributes.
fn tag(start: &BytesStart, end: &str) -> String {
    format!("<{}{end}>", local_name(start))
}

#[cfg(test)]
mod tests {
    use crate::ingest::{IngestOptions, tests::read_file};

    fn check(name: &str, xml: &str, expect: &[(&str, &str, &str)]) {
        let read = read_file(name, xml, &IngestOptions::default());
        let found: Vec<_> =
            read.stories.iter().map(|s| (s.id.as_str(), s.title.as_str(), s.text.as_str())).collect();
        assert_eq!(found, expect, "{:?}", read.notices);
        assert!(read.stories.iter().all(|story| story.published.is_some()), "{:?}", read.stories);
        assert!(
            read.stories.iter().all(|story| story.source.as_deref() == Some("norrin.example")),
            "{:?}",
            read.stories
        );
    }

    #[test]
    fn reads_rss() {
        let rss = "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:content=\"c\" xmlns:dc=\"d\"><channel><title>Norrin</title>\n\
            <item><title>Rain &amp; sun</title><link>https://norrin.example/1</link><guid>g1</guid>\
            <pubDate>Tue, 06 May 2031 08:00:00 +0200</pubDate><description>Lead.</description>\
            <content:encoded><![CDATA[<p>It rained&nbsp;twice.</p><p>Then not.</p>]]></content:encoded></item>\n\
            <item><title><![CDATA[Sun]]></title><link>https://norrin.example/2</link><guid>g2</guid>\
            <dc:date>2031-05-06T08:00:00Z</dc:date><description>&lt;p&gt;It shone.&lt;/p&gt;</description></item></channel></rss>";
        for name in ["feed.xml", "feed.rss", "feed"] {
            check(
                name,
                rss,
                &[("g1", "Rain & sun", "It rained twice.\n\nThen not."), ("g2", "Sun", "It shone.")],
            );
        }
        let rdf = rss.replace("<rss version=\"2.0\"", "<rdf:RDF").replace("</rss>", "</rdf:RDF>");
        check(
            "feed.rdf",
            &rdf,
            &[("g1", "Rain & sun", "It rained twice.\n\nThen not."), ("g2", "Sun", "It shone.")],
        );
    }

    #[test]
    fn reads_atom() {
        let atom = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Norrin</title><updated>2031-05-06T06:00:00Z</updated>\
            <entry><id>a</id><title type=\"html\">Rain &amp;mdash; again</title><link rel=\"self\" href=\"x\"/>\
            <link href=\"https://norrin.example/1\"/><updated>2031-05-06T06:00:00Z</updated>\
            <author><name>Irena Holt</name></author>\
            <content type=\"xhtml\"><div><p>It <b>rained</b>.</p><p>Again.</p></div></content></entry></feed>";
        let read = read_file("feed.atom", atom, &IngestOptions::default());
        let story = &read.stories[0];
        assert_eq!((story.id.as_str(), story.title.as_str()), ("a", "Rain — again"));
        assert_eq!(story.text, "It rained.\n\nAgain.");
        assert_eq!(story.url.as_deref(), Some("https://norrin.example/1"));
    }

    #[test]
    fn other_xml_is_not_read_as_text() {
        for xml in [
            "<?xml version=\"1.0\"?><opml><body>Text.</body></opml>",
            "<rss><channel/></rss>",
            "<feed>",
            "<?xml version=\"1.0\"?>",
        ] {
            let read = read_file("a.xml", xml, &IngestOptions::default());
            assert_eq!((read.stories.len(), read.notices.len()), (0, 1), "{xml}");
        }
        let broken = "<rss><channel><item><title>Rain</title></item><item><title>Sun</ti";
        let read = read_file("a.rss", broken, &IngestOptions::default());
        assert_eq!((read.stories.len(), read.notices.len()), (1, 1), "{:?}", read.notices);
    }
}
