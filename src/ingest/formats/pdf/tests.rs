//! Tests of PDF files that are written here.

use crate::ingest::{IngestOptions, IngestOutcome, tests::read_file};

/// A file of objects, numbered from 1, with its table of places. The first is the catalog; `info` is the information dictionary.
fn file(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|place| out.extend(format!("{place:010} 00000 n \n").bytes()));
    out.extend(
        format!("trailer\n<</Size {} /Root 1 0 R {trailer}>>\nstartxref\n{table}\n%%EOF", objects.len() + 1)
            .bytes(),
    );
    out
}

/// A page with this content in Helvetica, and in another font.
fn page(content: &str, font: &str) -> Vec<u8> {
    file(
        &[
            "<</Type /Catalog /Pages 2 0 R>>".into(),
            "<</Type /Pages /Kids [3 0 R] /Count 1>>".into(),
            "<</Type /Page /Parent 2 0 R /Contents 4 0 R /Resources <</Font <</F1 5 0 R /F2 6 0 R>> /XObject <</X 4 0 R>>>>>>".into(),
            format!("<</Length {} /Subtype /Form>>\nstream\n{content}\nendstream", content.len()),
            "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>".into(),
            font.into(),
            "<</Length 66>>\nstream\n1 begincodespacerange <0000> <FFFF> endcodespacerange <0001> <0416> endbfchar \nendstream".into(),
            "<</Title (Rain in Norrin) /CreationDate (D:20310506103000+02'00')>>".into(),
        ],
        "/Info 8 0 R",
    )
}

fn read(bytes: &[u8]) -> IngestOutcome {
    read_file("a.pdf", bytes, &IngestOptions::default())
}

#[test]
fn reads_text_title_and_date() {
    let check = |content: &str, expect: &str| {
        let read =
            read(&page(content, "<</Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 7 0 R>>"));
        let stories: Vec<_> = read.stories.iter().map(|s| (s.title.as_str(), s.text.as_str())).collect();
        assert_eq!(stories, [("Rain in Norrin", expect)], "{content}: {:?}", read.notices);
        assert_eq!(read.stories[0].published, crate::corpus::parse_date("2031-05-06T08:30:00Z", false));
    };
    check("BT /F1 10 Tf 50 700 Td (It rained.) Tj ET", "It rained.");
    check("BT /F1 10 Tf 50 700 Td (It rai) Tj (ned.) Tj ET", "It rained.");
    check("BT /F1 10 Tf 50 700 Td [(It) -300 (rai) 20 (ned.)] TJ ET", "It rained.");
    check("BT /F1 10 Tf 12 TL 50 700 Td (It rained on) Tj (the hills.) ' ET", "It rained on the hills.");
    check(
        "q 2 0 0 2 0 0 cm BT /F1 10 Tf 1 0 0 1 50 300 Tm (It rained, caf\\351.) Tj ET Q",
        "It rained, café.",
    );
    check("BT /F1 10 Tf 50 700 Td (It rained: ) Tj /F2 10 Tf <0001> Tj ET", "It rained: Ж");
    // The heading is larger than the text, and repeats the title.
    check(
        "BT /F1 20 Tf 50 700 Td (Rain in Norrin) Tj /F1 10 Tf 0 -40 Td (It rained on the whole town.) Tj ET",
        "It rained on the whole town.",
    );
    // A form that shows itself.
    check("BT /F1 10 Tf 50 700 Td (It rained.) Tj ET /Y Do", "It rained.");
}

#[test]
fn tells_what_is_not_read() {
    let check = |bytes: &[u8], expect: &str| {
        let read = read(bytes);
        let notices: Vec<_> = read.notices.iter().map(|notice| notice.kind.to_string()).collect();
        assert_eq!((read.stories.len(), notices), (0, vec![expect.into()]));
    };
    let helvetica = "<</Type /Font /Subtype /Type1>>";
    check(&page("0 0 100 100 re f", helvetica), "a PDF without a text layer; skipped");
    check(
        &page("BT /F2 10 Tf <00020003> Tj ET", "<</Type /Font /Subtype /Type0 /Encoding /Identity-H>>"),
        "the document was not read, or not to its end (its fonts do not say which characters they show)",
    );
}

#[test]
fn a_form_that_shows_itself_ends() {
    let read =
        read(&page("BT /F1 10 Tf 50 700 Td (Rain.) Tj ET /X Do /X Do", "<</Type /Font /Subtype /Type1>>"));
    assert!(read.stories.len() <= 1);
}
