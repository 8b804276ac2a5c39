//! Tests of the readers of exports of news archives.

use crate::ingest::{IngestOptions, tests::read_file};

/// What an export must give: for each article its title, outlet, day and text; and the last notice.
fn check(name: &str, export: &str, expect: &[[&str; 4]], notice: &str) {
    let read = read_file(name, export, &IngestOptions::default());
    let day = |at: Option<i64>| {
        let at = at.map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap().to_string());
        at.map(|at| at[..10].to_string()).unwrap_or_default()
    };
    let found: Vec<[String; 4]> = read
        .stories
        .iter()
        .map(|s| [s.title.clone(), s.source.clone().unwrap_or_default(), day(s.published), s.text.clone()])
        .collect();
    let notices =
        read.information.iter().chain(&read.notices).map(|n| n.kind.to_string()).collect::<Vec<_>>();
    assert_eq!(found, expect, "{export}\n{notices:?}");
    assert!(notices.iter().any(|n| n.contains(notice)), "{notices:?}");
}

const RAIN: [&str; 4] =
    ["Rain in Norrin", "Norrin Post", "2031-05-06", "It rained twice.\n\nThen it did not."];
const SUN: [&str; 4] = ["Sun over Brell", "Brell Echo", "2031-05-07", "It shone."];

#[test]
fn splits_exports_of_lexisnexis() {
    let article = |number: &str, top: &str, title: &str, labels: &str, text: &str, trailer: &str| {
        format!("                  {number}\n\n{top}\n\n{title}\n\n{labels}\n\n{text}\n\n{trailer}\n\n")
    };
    let rain = |number: &str| {
        article(
            number,
            "              Norrin Post\n\n             May 6, 2031 Tuesday\n               City Edition",
            "Rain in\nNorrin",
            "BYLINE: Irena Holt\n\nSECTION: Pg. 3\n\nLENGTH: 6 words",
            "It rained twice.\n\nThen it did not.",
            "LOAD-DATE: May 7, 2031\n\nLANGUAGE: ENGLISH\n\n      Copyright 2031 Norrin Post\n    All Rights Reserved",
        )
    };
    let sun = |number: &str| {
        article(
            number,
            "      Copyright 2031 Brell Echo\n      All Rights Reserved\n\n      Brell Echo\n\n     7 May 2031 Wednesday",
            "Sun over Brell",
            "LENGTH: 2 words",
            "It shone.",
            "PUBLICATION-TYPE: Newspaper",
        )
    };
    let both = rain("1 of 2 DOCUMENTS") + &sun("2 of 2 DOCUMENTS");
    for name in ["a.txt", "a"] {
        check(name, &both, &[RAIN, SUN], "an export of LexisNexis; read as 2 articles");
    }
    check("a.txt", &both.replace('\n', "\r\n"), &[RAIN, SUN], "read as 2 articles");
    let cut = rain("1 of 3 DOCUMENTS") + &sun("2 of 3 DOCUMENTS");
    check("a.txt", &cut, &[RAIN, SUN], "2 articles found where it names 3");
    let part = rain("11 of 12 DOCUMENTS") + &sun("12 of 12 DOCUMENTS");
    check("a.txt", &part, &[RAIN, SUN], "read as 2 articles");
    let german = "Dokument 1 von 2\n\nNorrin Post\n\n6. Mai 2031 Dienstag\n\nRain in Norrin\n\nAUTOR: Irena Holt\n\n\
        LÄNGE: 6 Wörter\n\nIt rained twice.\n\nThen it did not.\n\nSPRACHE: GERMAN\n\n\
        Dokument 2 von 2\n\nBrell Echo\n\n7. Mai 2031\n\nSun over Brell\n\nLÄNGE: 2 Wörter\n\nIt shone.\n\nUPDATE: 8. Mai 2031\n";
    check("a.txt", german, &[RAIN, SUN], "read as 2 articles");
    let html = "<html><head><title>&nbsp;</title></head><body><!-- LXNComment 1 --><br><div class=\"c0\"><p><span>1 of 2 DOCUMENTS</span></p>\
        </div><br><div><p>Norrin Post</p></div><br><div><p><span>May</span><span> 6, 2031 Tuesday</span><span>&nbsp;<br>City Edition</span></p>\
        </div><br><div><p><span>Rain in Norrin</span></p></div><div><p><b>BYLINE: </b><span>By Irena Holt</span></p></div><div><p><b>LENGTH: </b>\
        6 words</p></div><div><p>It rained\ntwice.</p><p>Then it did not.</p></div><div><p><b>LANGUAGE: </b>ENGLISH</p></div>\
        <div><p>2 of 2 DOCUMENTS</p></div><div><p>Brell Echo</p></div><div><p>May 7, 2031</p></div><div><p>Sun over Brell</p></div>\
        <div><p>LENGTH: 2 words</p></div><div><p>It shone.</p></div><div><p>Copyright 2031 Brell Echo</p></div></body></html>";
    check("a.html", html, &[RAIN, SUN], "read as 2 articles");
}

#[test]
fn splits_exports_of_nexis_uni() {
    let text = "Date and Time: Friday, 9. May 2031\nDocuments (2)\n1. Rain in Norrin\nSearch Terms: rain\n2. Sun over Brell\nSearch Terms: rain\n\n\
        Rain in Norrin\nNorrin Post\nMay 6, 2031 Tuesday 9:20 AM GMT\n\nCopyright 2031 Norrin Post All Rights Reserved\n\n\
        Section:\u{a0}NEWS; Version:2\nLength:\u{a0}6 words\nByline:\u{a0}Irena Holt\nBody\n\nIt rained twice.\n\nThen it did not.\n\n\
        Classification\n\nLanguage: ENGLISH\nLoad-Date: May 6, 2031\n\nEnd of Document\n\n\
        Sun over Brell\nBrell Echo\nMay 7, 2031\n\nLength: 2 words\nBody\nIt shone.\nLoad-Date: May 8, 2031\nEnd of Document\n";
    check("a.txt", text, &[RAIN, SUN], "read as 2 articles");
    check(
        "a.txt",
        &text.replace("Documents (2)", "Documents (4)"),
        &[RAIN, SUN],
        "2 articles found where it names 4",
    );
}

#[test]
fn splits_exports_of_factiva() {
    let text = "Rain in Norrin\nBy Irena Holt\n6 words\n6 May 2031\n08:15\nNorrin Post\nNORP\nA1\nEnglish\n(c) 2031 Norrin Post.\n\
        It rained twice.\nThen it did not.\nDocument NORP000020310506e7560001a\n\n\
        Sun over Brell\n2 words\n7 May 2031\nBrell Echo\nBREC\nEnglish\nIt shone.\n\nDocument BREC000020310507e7570001b\n";
    check("a.txt", text, &[RAIN, SUN], "an export of Factiva; read as 2 articles");
    let coded = "SE\tNews\nHD\tRain in Norrin\nBY\tIrena Holt\nWC\t6 words\nPD\t6 May 2031\nET\t08:15\nSN\tNorrin Post\nSC\tNORP\nLP\n\
        It rained twice.\nTD\nThen it did not.\nNS\ngcat : News\nAN\tDocument NORP000020310506e7560001a\n\
        HD\tSun over Brell\nPD\t7 May 2031\nSN\tBrell Echo\nLP\tIt shone.\nAN\tDocument BREC000020310507e7570001b\n";
    check("a.txt", coded, &[RAIN, SUN], "read as 2 articles");
    let html = "<html><head><title>Factiva</title></head><body><h1>Factiva</h1><div class=\"article enArticle\"><p>News</p>\
        <div id=\"hd\"><span class='enHeadline'>Rain in Norrin</span></div><div>By Irena Holt</div><div>6 words</div><div>6 May 2031</div>\
        <div>Norrin Post</div><div>NORP</div><div>English</div><div>Copyright 2031.</div><p class=\"articleParagraph enarticleParagraph\">It rained\n twice.</p>\
        <p class=\"articleParagraph enarticleParagraph\">Then it did not.</p><p>Document NORP000020310506e7560001a</p></div>\
        <div class=\"article enArticle\"><p><b>Sun over Brell</b></p><p>2 words</p><p>7 May 2031</p><p>Brell Echo</p><p>It shone.</p>\
        <p>Document BREC000020310507e7570001b</p></div></body></html>";
    check("a.html", html, &[RAIN, SUN], "read as 2 articles");
    let table = "<div class=\"article frArticle\"><table><tr><td><b>HD</b>&nbsp;</td><td><b class='frHeadline'>Rain in Norrin</b>\n</td></tr>\
        <tr><td><b>PD</b>&nbsp;</td><td>6 mai 2031</td></tr><tr><td><b>SN</b>&nbsp;</td><td>Norrin Post</td></tr><tr><td><p><b>LP</b>&nbsp;</p></td>\
        <td><p class=\"articleParagraph\">It rained twice.</p></td></tr><tr><td><p><b>TD</b></p></td><td><p>Then it did not.</p></td></tr>\
        <tr><td><b>RE</b></td><td>fra : France</td></tr><tr><td><b>AN</b></td><td>Document NORP000020310506e7560001a</td></tr></table></div>\
        <div class=\"article frArticle\"><table><tr><td><b>HD</b></td><td>Sun over Brell</td></tr><tr><td><b>PD</b></td><td>7 mai 2031</td></tr>\
        <tr><td><b>SN</b></td><td>Brell Echo</td></tr><tr><td><b>LP</b></td><td><p>It shone.</p></td></tr><tr><td><b>AN</b></td>\
        <td>Document BREC000020310507e7570001b</td></tr></table></div>";
    check(
        "a.html",
        &format!("<html><title>Factiva</title>{table}</html>"),
        &[RAIN, SUN],
        "read as 2 articles",
    );
}

#[test]
fn splits_exports_of_europresse() {
    let new = |outlet: &str, day: &str, title: &str, text: &str, number: &str| {
        format!(
            "<article><header><div><span class=\"DocPublicationName\">{outlet}   </span></div><div><span class=\"DocHeader\">Politique, \
             {day}, p. 16</span></div><div><p>NEWS</p></div><div class=\"titreArticle\"><p class=\"titreArticleVisu rdp__articletitle\">{title}\
             </p></div><div>Irena Holt</div></header><section><div class=\"DocText\"><div class='docOcurrContainer'>{text}</div></div></section>\
             <footer><small>© 2031 {outlet}. Tous droits réservés.</small><p>Numéro de document : {number}</p><div><span class=\"txtCertificat\">\
             Le présent document est protégé.</span></div></footer></article>"
        )
    };
    let rain = new(
        "Norrin Post",
        "mardi 6 mai 2031",
        "Rain in <mark>Norrin</mark>",
        "<p>It rained twice.</p><p>Then it did not.</p>",
        "news·20310506·NP·1",
    );
    let sun =
        new("Brell Echo", "mercredi 7 mai 2031", "Sun over Brell", "<p>It shone.</p>", "news·20310507·BE·2");
    let page = format!("<!doctype html><html><body>{rain}{sun}</body></html>");
    check("a.html", &page, &[RAIN, SUN], "an export of Europresse; read as 2 articles");
    let old = "<table><tr><td><span class=\"DocPublicationName\">Norrin Post, no. 5968</span><br><span class=\"DocHeader\">Politique, </span>\
        <span class=\"DocHeader\">mardi </span><span class=\"DocHeader\">6 mai 2031</span><br><br><span class=\"TitreArticleVisu\">Rain in Norrin</span>\
        <br><br>Irena Holt<br><p></p>It rained twice.<p></p>Then it did not.<p></p><b><i>© 2031 Norrin Post.</i></b><p></p>Numéro de document : \
        news·20310506·NP·1<br></td></tr></table><table><tr><td><span class=\"DocPublicationName\">Brell Echo</span><br><span class=\"DocHeader\">\
        7 mai 2031</span><br><br><span class=\"TitreArticleVisu\">Sun over Brell</span><br><br>It shone.<p></p><b>© 2031</b><p></p>\
        Numéro de document : news·20310507·BE·2</td></tr></table>";
    check("a.html", &format!("<html><body>{old}</body></html>"), &[RAIN, SUN], "read as 2 articles");
}

#[test]
fn splits_exports_of_proquest() {
    let rule = "_".repeat(60);
    let rain = "Document 1 of 2\n\nRain in Norrin\n\nAuthor: Holt, Irena\n\nPublication info: Norrin Post; Norrin [Norrin]06 May 2031.\n\n\
        Abstract: Rain.\n\nFull text: It rained twice.\n\nThen it did not.\n\nSubject: Rain\n\nLocation: Norrin\n\nTitle: Rain in Norrin\n\n\
        Publication title: Norrin Post; Norrin\n\nPublication date: May 6, 2031\n\nProQuest document ID: 111\n\n\
        Document URL: https://www.proquest.example/docview/111\n\nDatabase: News";
    let sun = "Document 2 of 2\n\nSun over Brell\n\nFull Text: It shone.\nTitle: Sun over Brell\nPublication title: Brell Echo\n\
        Publication date: May 7, 2031\nProQuest document ID: 222\nDatabase: News\n";
    let export = format!(
        "{rule}\n\n{rain}\n\n{rule}\n\n{sun}\n\n{rule}\n\nContact us at: http://www.proquest.example\n"
    );
    check("a.txt", &export, &[RAIN, SUN], "an export of ProQuest; read as 2 articles");
}

#[test]
fn splits_exports_of_newsbank() {
    let linked = "Rain in Norrin\n\nMay 6, 2031 | Norrin Post (NN)\nAuthor: Irena Holt | Section: News | Page: A1\n6 Words\nOpenURL Link\n\n\
        It rained twice.\n\nThen it did not.\n\nCopyright (c) 2031 Norrin Post. All rights reserved.\n\n\
        Sun over Brell\n\nMay 7, 2031 | Brell Echo (NN)\nOpenURL Link\n\nIt shone.\n\nCopyright (c) 2031 Brell Echo.\n";
    check("a.txt", linked, &[RAIN, SUN], "an export of NewsBank; read as 2 articles");
    let labelled = "Paper: Norrin Post (NN)\nTitle: Rain in Norrin\nDate: May 6, 2031\nSection: News\nPage: A1\n\nIt rained twice.\n\n\
        Then it did not.\n\nRecord Number: 17\nCopyright (c) 2031 Norrin Post\n\nPaper: Brell Echo\nTitle: Sun over Brell\nDate: May 7, 2031\n\n\
        It shone.\n\nRecord Number: 18\nCopyright (c) 2031 Brell Echo\n";
    check("a.txt", labelled, &[RAIN, SUN], "read as 2 articles");
}

#[test]
fn reports_an_export_of_an_unknown_layout() {
    let check = |name: &str, text: &str, archive: &str| {
        let read = read_file(name, text, &IngestOptions::default());
        assert_eq!(read.stories.len(), 1, "{text}");
        let notices: Vec<_> = read.notices.iter().map(|n| n.kind.to_string()).collect();
        assert!(notices.iter().any(|n| n.contains(archive)), "{notices:?}");
    };
    check("a.txt", "Rain\n\nIt rained.\n\nEnd of Document\n", "LexisNexis");
    check("a.html", "<html><title>Factiva</title><body><p>It rained.</p></body></html>", "Factiva");
}

#[test]
fn other_texts_are_no_exports() {
    for text in [
        "Rain in Norrin\n\nThe board read 1 of 2 documents on Tuesday.\n\nIt rained.",
        "Document 1 of 2\n\nThe board met.",
        "Rain\n\n35 words\n\n6 May 2031\n\nDocument what you see.",
        "Body\n\nIt rained.",
    ] {
        let read = read_file("a.txt", text, &IngestOptions::default());
        assert_eq!(
            (read.stories.len(), &read.notices[..], &read.information[..]),
            (1, &[][..], &[][..]),
            "{text}"
        );
    }
}
