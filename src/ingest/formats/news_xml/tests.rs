//! Tests of the readers of news items in XML.

use super::*;
use crate::{
    ingest::{self, IngestOptions, tests::read_file},
    progress::NoProgress,
    story::Story,
};

/// The stories of a document, and all that is to be told of it.
fn read_xml(name: &str, xml: &str) -> (Vec<Story>, Vec<String>) {
    let read = read_file(name, xml, &IngestOptions::default());
    let notices = read.notices.iter().chain(&read.information).map(|n| format!("{}: {}", n.line, n.kind));
    let notices = notices.collect();
    (read.stories, notices)
}

/// An item of NewsML-G2.
fn item(version: u32, meta: &str, headline: &str, content: &str) -> String {
    format!(
        "<newsItem xmlns=\"http://iptc.org/std/nar/2006-10-01/\" guid=\"urn:newsml:norrin:1\" version=\"{version}\" xml:lang=\"en\">\
         <itemMeta><itemClass qcode=\"ninat:text\"/><provider qcode=\"nprov:NorrinPost\"><name>Norrin Post</name></provider>\
         <versionCreated>2031-05-06T0{version}:00:00+02:00</versionCreated>{meta}</itemMeta>\n\
         <contentMeta><headline>{headline}</headline><by>Irena Holt</by></contentMeta><contentSet>{content}</contentSet></newsItem>"
    )
}

const XHTML: &str = "<inlineXML contenttype=\"application/xhtml+xml\"><html xmlns=\"x\"><head><title>No</title></head><body><p>It <b>rained</b> &amp;\n\
    poured.</p><p>Again.</p></body></html></inlineXML>";

#[test]
fn reads_items_of_newsml() {
    let usable = "<pubStatus qcode=\"stat:usable\"/>";
    let message = |items: &str| {
        format!("<?xml version=\"1.0\"?><newsMessage><header/><itemSet>{items}</itemSet></newsMessage>")
    };
    let nitf = "<inlineXML contenttype=\"application/nitf+xml\"><nitf><body><body.content><p>It <b>rained</b> &amp; poured.</p><p>Again.</p>\
        </body.content></body></nitf></inlineXML>";
    let data = "<inlineData contenttype=\"text/plain\">It rained &amp; poured.\n\nAgain.</inlineData>";
    let html = "<inlineData contenttype=\"text/html\">&lt;p>It rained &amp;amp; poured.&lt;/p>&lt;p>Again.&lt;/p></inlineData>";
    for content in [XHTML, nitf, data, html] {
        for xml in [
            item(1, usable, "Rain &amp; more", content),
            message(&item(1, usable, "Rain &amp; more", content)),
        ] {
            for name in ["a.xml", "a.newsml", "a"] {
                let (stories, notices) = read_xml(name, &xml);
                assert_eq!((stories.len(), notices.len()), (1, 0), "{xml}: {notices:?}");
                let story = &stories[0];
                assert_eq!(
                    (story.title.as_str(), story.text.as_str()),
                    ("Rain & more", "It rained & poured.\n\nAgain."),
                    "{xml}"
                );
                assert_eq!(
                    (story.id.as_str(), story.source.as_deref()),
                    ("urn:newsml:norrin:1", Some("Norrin Post"))
                );
                assert_eq!(story.published, crate::corpus::date::parse("2031-05-06T01:00:00+02:00"));
            }
        }
    }
    let package =
        message(&format!("<packageItem guid=\"p\"><groupSet/></packageItem>{}", item(1, "", "Rain", XHTML)));
    let (stories, notices) = read_xml("a.xml", &package);
    assert_eq!((stories.len(), &notices[..]), (1, &["0: not read: 1 packageItem elements".to_string()][..]));
    let picture = item(1, "", "Rain", "<remoteContent href=\"a.jpg\"/>");
    assert_eq!(read_xml("a.xml", &picture).1.len(), 2);
}

#[test]
fn reads_articles_of_nitf() {
    let xml = "<?xml version=\"1.0\"?><!DOCTYPE nitf SYSTEM \"nitf.dtd\"><nitf><head><title>Slug</title><docdata management-status=\"usable\">\
        <doc-id id-string=\"n1\"/><date.issue norm=\"20310506T080000+0200\"/><doc.copyright holder=\"Norrin Post\"/></docdata></head>\n\
        <body><body.head><hedline><hl1>Rain</hl1><hl2>Again</hl2></hedline><byline>By Irena Holt</byline></body.head><body.content>\
        <media><media-caption>A cloud</media-caption></media><p>It rained.</p><block><p>It poured.</p></block></body.content><body.end/></body></nitf>";
    let (stories, notices) = read_xml("a.xml", xml);
    assert_eq!((stories.len(), notices.len()), (1, 0), "{notices:?}");
    let story = &stories[0];
    assert_eq!([&story.id, &story.title, &story.text], ["n1", "Rain", "It rained.\n\nIt poured."]);
    assert_eq!(story.source.as_deref(), Some("Norrin Post"));
    assert_eq!(story.published, crate::corpus::date::parse("2031-05-06T08:00:00+02:00"));
}

#[test]
fn a_withdrawn_story_is_left_out() {
    let story = item(1, "", "Rain", XHTML);
    let withdrawals = [
        item(2, "<pubStatus qcode=\"stat:canceled\"/>", "Rain", XHTML),
        item(2, "<pubStatus uri=\"http://cv.iptc.org/newscodes/pubstatusg2/withheld\"/>", "Rain", ""),
        item(2, "<signal qcode=\"sig:kill\"/>", "Rain", XHTML),
        item(2, "", "KILL: Rain", XHTML),
        item(2, "<pubStatus qcode=\"stat:canceled\"/><link rel=\"irel:evolvedFrom\" residref=\"urn:newsml:norrin:1\"/>", "Rain", XHTML)
            .replacen("norrin:1", "norrin:9", 1),
    ];
    let other = item(1, "", "Sun", XHTML).replace("norrin:1", "norrin:2");
    for withdrawal in withdrawals {
        for items in [[&story, &withdrawal, &other], [&other, &withdrawal, &story]] {
            let xml =
                format!("<newsMessage><itemSet>{}{}{}</itemSet></newsMessage>", items[0], items[1], items[2]);
            let (stories, notices) = read_xml("a.xml", &xml);
            assert_eq!(stories.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["Sun"], "{xml}");
            assert_eq!(notices.iter().filter(|n| n.contains("withdrawn")).count(), 2, "{notices:?}");
        }
    }
    // A version after the withdrawal is a story again; a correction is one.
    let killed = item(2, "<pubStatus qcode=\"stat:canceled\"/>", "Rain", XHTML);
    let again = item(3, "<signal qcode=\"sig:correction\"/>", "CORRECTION: Rain", XHTML);
    let (stories, _) = read_xml("a.xml", &format!("<newsMessage>{story}{killed}{again}</newsMessage>"));
    assert_eq!(stories.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["CORRECTION: Rain"]);
    for headline in ["Kill rate falls", "KILLED in Norrin", "KILLS three"] {
        assert!(!is_kill_headline(headline), "{headline}");
    }
}

#[test]
fn hostile_documents_are_notices() {
    let deep = format!("<newsItem>{}", "<a>".repeat(100_000));
    for xml in [deep.as_str(), "<nitf><body>", "<newsItem guid='a'/>", "<nitf a=\"", "<newsMessage/>"] {
        let (stories, notices) = read_xml("a.xml", xml);
        assert_eq!(stories.len(), 0);
        assert!(!notices.is_empty(), "{}", &xml[..xml.len().min(40)]);
    }
    let whole = item(1, "", "Rain", XHTML);
    for cut in 0..whole.len() {
        read_xml("a.xml", whole.get(..cut).unwrap_or_default());
    }
}

#[test]
fn every_story_that_is_left_out_has_a_notice() {
    let story = item(1, "", "Rain", XHTML);
    let withdrawal = item(2, "<pubStatus qcode=\"stat:canceled\"/>", "Rain", XHTML);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.xml");
    std::fs::write(&path, format!("<newsMessage><itemSet>{story}{withdrawal}</itemSet></newsMessage>"))
        .unwrap();
    let mut notices = Vec::new();
    let mut on_notice = |notice: &ingest::Notice| notices.push(notice.kind.to_string());
    let inputs = vec![ingest::Input::Path(path)];
    let outcome = ingest::read_with(inputs, &IngestOptions::default(), &mut on_notice, &NoProgress).unwrap();
    assert!(outcome.stories.is_empty());
    assert_eq!(notices, ["withdrawn by its publisher; left out"; 2]);
}
