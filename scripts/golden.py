#!/usr/bin/env python3
"""Writes tests/golden/minilm.json: texts, their token ids and their vectors by sentence-transformers in f32.

How it was run (the versions are recorded in the file):

    FOLDER holds the f32 source files: what scripts/import-model reads from the package that it names
    python3 -m venv venv && venv/bin/pip install torch sentence-transformers
    venv/bin/python scripts/golden.py FOLDER

Each text is encoded alone, so no padding plays a part. `ids` end at 256 tokens, as sentence-transformers
truncates; `vector` is 384 little-endian f32 in hex.
"""

import json
import pathlib
import struct
import sys

import sentence_transformers
import torch
import transformers

MAX_TOKENS = 256

LONG = (
    "The harbour authority said on {day} that {n} vessels had been held outside the breakwater while divers "
    "inspected the lock gates, and that the backlog would clear within {m} days. "
)
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

TEXTS = [
    # Next to nothing.
    "", " ", "a", ".", "7", "\n\n\t", "é", "字", "🙂", "I",
    # One sentence of a newsroom.
    "The central bank raised its key rate by a quarter of a percentage point on Thursday.",
    "The central bank lifted its benchmark rate by 25 basis points on Thursday.",
    "The central bank raised its key rate by half a percentage point on Thursday.",
    "Firefighters rescued two hikers from a cliff near the old lighthouse.",
    "Two walkers were pulled to safety from cliffs by the old lighthouse, the fire service said.",
    "LONDON, March 3 (Reuters) - Shares in the supermarket chain fell 4.2% after a profit warning.",
    "BREAKING: 6.1-magnitude earthquake strikes off the coast; no tsunami warning issued",
    "“We did not expect this,” said the mayor — “not in June, and not like this.”",
    "She didn't say they'd won; she said they hadn't lost.",
    "WHO chief says U.N. and E.U. officials met U.S. envoys in St. Petersburg, Fla.",
    # Numbers, dates, money.
    "1,234,567.89", "2024-07-04 20:36 Last Updated At:22:47", "€3.5bn, up 12.75% from £2.9bn; $1 = ¥151.3",
    "Score: 3-2 (aet), 5–4 on penalties; attendance 61,204", "0 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987",
    "+44 20 7946 0958", "Temperatures reached −12.5 °C at 3 a.m. and 7°C by noon.",
    # Accents and other Latin scripts.
    "Café Müller s'est tu: l'été où la mère naïve rêvait d'un garçon à Noël.",
    "Der Außenminister äußerte sich am Freitag in Köln über die Übergangsregierung.",
    "El presidente anunció ayer nuevas medidas económicas para los próximos años.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.", "Zażółć gęślą jaźń.", "İstanbul'da ışıklar söndü.",
    "Cafe\u0301 and Café are the same word in two encodings.", "ﬁnancial oﬃce ½ ² Å",
    # Other scripts.
    "中国国家统计局周三公布的数据显示，第三季度经济增长放缓。", "東京で大規模な停電が発生し、数千世帯に影響が出た。",
    "서울시는 내년부터 대중교통 요금을 인상한다고 밝혔다.", "Президент подписал указ о новых мерах поддержки.",
    "Η κυβέρνηση ανακοίνωσε νέα μέτρα.", "أعلن الرئيس اليوم عن خطة جديدة للإصلاح الاقتصادي.",
    "ראש הממשלה נפגש עם שר החוץ בירושלים.", "प्रधानमंत्री ने नई योजना की घोषणा की।", "นายกรัฐมนตรีประกาศนโยบายใหม่",
    "Mixed: the word שלום means peace, 和平 also, and سلام too.",
    # Emoji, symbols, control and invisible characters.
    "🔥🔥🔥 Storm warning ⚠️ stay inside 🙏🏽", "👩‍👩‍👧‍👦 family day at the zoo 🦁", "zero\u200bwidth and soft\u00adhyphen",
    "null \u0000 byte, bell \u0007 and replacement \ufffd", "non\u00a0breaking\u2003spaces\u3000here", "\ufeffBOM at the start",
    # Code, markup, addresses.
    "fn main() { println!(\"{:?}\", std::env::args().collect::<Vec<_>>()); }",
    "<p class=\"lead\">The <b>minister</b> &amp; the union agreed.</p>",
    "SELECT id, title FROM stories WHERE published > '2024-01-01' ORDER BY id DESC;",
    "https://www.example.com/news/2024/07/04/storm-hits-coast?ref=home#comments", "press.office+alerts@example.org",
    "[SEP] and [CLS] and [MASK] in a text are hostile input.", "{\"title\": \"Storm\", \"tags\": [\"weather\", \"coast\"]}",
    # Line breaks and lists.
    "First line.\nSecond line.\r\nThird line.\n\n  - an item\n  - another item\n",
    # One word that the tokenizer cannot take apart, and a word of 100 letters and more (the limit of WordPiece).
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", "x" * 101,
    # Near the window of 256 tokens, and far past it.
    " ".join(["storm"] * 254), " ".join(["storm"] * 255),
    "".join(LONG.format(day=DAYS[i % 7], n=i + 3, m=i * i % 11 + 2) for i in range(40)),
]


def main():
    folder = pathlib.Path(sys.argv[1])
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu").float()
    assert model.max_seq_length == MAX_TOKENS, model.max_seq_length
    assert len(TEXTS) == len(set(TEXTS)) == 64, len(TEXTS)
    entries = []
    with torch.no_grad():
        for text in TEXTS:
            ids = model.tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
            vector = model.encode([text], convert_to_numpy=True, normalize_embeddings=True)[0]
            entries.append({"text": text, "ids": ids, "vector": struct.pack("<384f", *map(float, vector)).hex()})
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "minilm.json"
    versions = {m.__name__: m.__version__ for m in (sentence_transformers, torch, transformers)}
    versions["torch"] = str(torch.__version__)
    head = json.dumps({"model": "all-MiniLM-L6-v2, f32", "versions": versions}, sort_keys=True)
    rows = ",\n".join(json.dumps(entry, sort_keys=True) for entry in entries)
    target.write_text(f'{head[:-1]}, "texts": [\n{rows}\n]}}\n')
    print(f"{target}: {len(entries)} texts")


if __name__ == "__main__":
    main()
