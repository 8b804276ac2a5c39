//! A small engine that joins what the workers write, as Spark does.

use super::*;

/// Members of groups, and verdicts, by number, as JSON.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub items: Vec<Value>,
    pub verdicts: Vec<Value>,
}

/// What an engine does between the workers, in plain loops.
pub struct Engine<'a> {
    pub stories: &'a [IngestedStory],
    pub vectors: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The stories in which each passage occurs, ascending.
    pub occurrences: BTreeMap<&'a [u8], Vec<usize>>,
    pub options: SearchOptions,
    /// Blocks of the joins and of the comparisons.
    pub blocks: usize,
}

impl<'a> Engine<'a> {
    pub fn new(stories: &'a [IngestedStory], embed: &Embedder, blocks: usize) -> Self {
        let mut occurrences: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        let mut rows: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        for (i, story) in stories.iter().enumerate() {
            for (hash, text) in &story.passages {
                occurrences.entry(hash).or_default().push(i);
                rows.insert(hash.clone(), text.clone());
            }
        }
        let columns = vec![bytes(rows.keys().cloned()), texts(rows.values().cloned())];
        let mut out = Vec::new();
        worker::embed(MODEL, embed, &mut &written(schema(Stream::Texts), columns)[..], &mut out).unwrap();
        let vectors = pairs_of_bytes(&out);
        Engine { stories, vectors, occurrences, options: SearchOptions::default(), blocks }
    }

    /// Joins `points` block by block.
    pub fn joined(
        &self,
        points: &BTreeMap<Vec<u8>, Vec<u8>>,
        kind: JoinKind,
    ) -> Vec<(Vec<u8>, Vec<u8>, f32)> {
        let (mut task, mut rows) = (0, Vec::new());
        let block = |b: usize| points.iter().enumerate().filter(move |(i, _)| i % self.blocks == b);
        for x in 0..self.blocks {
            for y in x..self.blocks {
                rows.extend(block(x).map(|(_, p)| (task, 0, p)));
                if x != y {
                    rows.extend(block(y).map(|(_, p)| (task, 1, p)));
                }
                task += 1;
            }
        }
        let columns = vec![
            ints(rows.iter().map(|r| r.0)),
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1))),
            bytes(rows.iter().map(|r| r.2.0.clone())),
            bytes(rows.iter().map(|r| r.2.1.clone())),
        ];
        let (points, mut out) = (written(schema(Stream::Points), columns), Vec::new());
        worker::candidates(MODEL, kind, &self.options, &NoProgress, &mut &points[..], &mut out).unwrap();
        let mut found = Vec::new();
        for batch in read(&out) {
            let (a, b) = (batch.column(0).as_binary::<i32>(), batch.column(1).as_binary::<i32>());
            let scores = batch.column(2).as_primitive::<Float32Type>();
            found.extend(
                (0..batch.num_rows()).map(|i| (a.value(i).to_vec(), b.value(i).to_vec(), scores.value(i))),
            );
        }
        found
    }

    pub fn candidates(&self) -> BTreeSet<(usize, usize)> {
        let mut pairs = BTreeSet::new();
        let mut add = |a: usize, b: usize| {
            if a != b {
                pairs.insert((a.min(b), a.max(b)));
            }
        };
        let few = |of: &&Vec<usize>| of.len() <= self.options.max_occurrences;
        for of in self.occurrences.values().filter(few) {
            of.iter().for_each(|a| of.iter().for_each(|b| add(*a, *b)));
        }
        for (x, y, _) in self.joined(&self.vectors, JoinKind::Passages) {
            let (x, y) = (&self.occurrences[&x[..]], &self.occurrences[&y[..]]);
            if few(&x) && few(&y) {
                x.iter().for_each(|a| y.iter().for_each(|b| add(*a, *b)));
            }
        }
        self.by_shingles().into_iter().for_each(|(a, b)| add(a, b));
        let mut nearest: BTreeMap<usize, Vec<(f32, usize)>> = BTreeMap::new();
        for (a, b, score) in self.joined(&self.means(), JoinKind::Stories) {
            let index = |key: &[u8]| u64::from_be_bytes(key.try_into().unwrap()) as usize;
            nearest.entry(index(&a)).or_default().push((score, index(&b)));
        }
        for (a, mut near) in nearest {
            near.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
            near.iter().take(self.options.story_neighbours).for_each(|(_, b)| add(a, *b));
        }
        pairs
    }

    pub fn by_shingles(&self) -> Vec<(usize, usize)> {
        let options = self.options.shingles;
        let mut postings: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (i, story) in self.stories.iter().enumerate() {
            story.shingles.iter().for_each(|s| postings.entry(*s).or_default().push(i));
        }
        let (mut rare, mut shared) = (vec![0u32; self.stories.len()], BTreeMap::<_, u32>::new());
        for of in postings.values().filter(|of| of.len() <= options.max_stories) {
            for (at, a) in of.iter().enumerate() {
                rare[*a] += 1;
                of[at + 1..].iter().for_each(|b| *shared.entry((*a, *b)).or_default() += 1);
            }
        }
        let enough = |((a, b), n): &((usize, usize), u32)| {
            let fewer = rare[*a].min(rare[*b]);
            *n >= options.min_shared || (*n >= 2 && *n as f32 >= options.min_share * fewer as f32)
        };
        shared.into_iter().filter(enough).map(|(pair, _)| pair).collect()
    }

    pub fn means(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let with: Vec<usize> =
            (0..self.stories.len()).filter(|i| !self.stories[*i].passages.is_empty()).collect();
        let lengths: Vec<usize> = with.iter().map(|i| self.stories[*i].passages.len()).collect();
        let vectors =
            with.iter().flat_map(|i| &self.stories[*i].passages).map(|p| self.vectors[&p.0].clone());
        let schema = schema(Stream::Passages);
        let vectors = lists(&schema, "vectors", &lengths, vec![bytes(vectors)]);
        let keys = bytes(with.iter().map(|i| (*i as u64).to_be_bytes().to_vec()));
        let mut out = Vec::new();
        worker::mean(MODEL, &mut &written(schema, vec![keys, vectors])[..], &mut out).unwrap();
        pairs_of_bytes(&out)
    }

    pub fn boilerplate(&self) -> BTreeSet<&'a [u8]> {
        let pairs: BTreeSet<(usize, usize)> =
            self.occurrences.values().flat_map(|of| of.windows(2).map(|w| (w[0], w[1]))).collect();
        let schema = schema(Stream::StoryPairs);
        let side = |of: fn(&(usize, usize)) -> usize, name: &str| {
            let stories: Vec<&IngestedStory> = pairs.iter().map(|pair| &self.stories[of(pair)]).collect();
            let lengths: Vec<usize> = stories.iter().map(|s| s.passages.len()).collect();
            let passages = || stories.iter().flat_map(|s| &s.passages);
            let members =
                vec![bytes(passages().map(|p| p.0.clone())), texts(passages().map(|p| p.1.clone()))];
            let titles = texts(stories.iter().map(|s| s.title.clone()));
            let sources: ArrayRef =
                Arc::new(stories.iter().map(|s| s.source.clone()).collect::<StringArray>());
            let numbers = ints(pairs.iter().map(|pair| of(pair) as i64));
            (numbers, [titles, sources, lists(&schema, name, &lengths, members)])
        };
        let (a, b) = (side(|pair| pair.0, "passages_a"), side(|pair| pair.1, "passages_b"));
        let mut out = Vec::new();
        let columns = [vec![a.0, b.0], a.1.to_vec(), b.1.to_vec()].concat();
        worker::boilerplate_votes(&mut &written(schema.clone(), columns)[..], &mut out).unwrap();
        let votes =
            read(&out).into_iter().flat_map(|batch| batch.column(2).as_boolean().iter().collect::<Vec<_>>());
        let votes: BTreeMap<_, _> = pairs.iter().zip(votes).collect();
        let count =
            |of: &[usize]| of.windows(2).filter(|w| votes[&(w[0], w[1])] == Some(true)).count() as u64;
        let found = self.occurrences.iter().filter(|(_, of)| is_boilerplate(of.len() as u64, count(of)));
        found.map(|(row, _)| *row).collect()
    }

    /// Counts the words in two parts, and sums them up without words of a single story that are no names.
    pub fn words(&self, boilerplate: &BTreeSet<&[u8]>) -> WordTable {
        let mut sum: BTreeMap<(i32, String), (i64, i64)> = BTreeMap::new();
        let middle = self.stories.len() / 2;
        for part in [0..middle, middle..self.stories.len()] {
            let stories = &self.stories[part.clone()];
            let passages = || part.clone().flat_map(|i| self.stories[i].passages.iter().map(move |p| (i, p)));
            let lengths: Vec<usize> = stories.iter().map(|s| s.passages.len()).collect();
            let members = vec![
                texts(passages().map(|(_, p)| p.1.clone())),
                flags(passages().map(|(_, p)| boilerplate.contains(&p.0[..]))),
                flags(passages().map(|(i, p)| self.occurrences[&p.0[..]][0] == i)),
            ];
            let schema = schema(Stream::Documents);
            let passages = lists(&schema, "passages", &lengths, members);
            let titles = texts(stories.iter().map(|s| s.title.clone()));
            let mut out = Vec::new();
            worker::words(&mut &written(schema, vec![titles, passages])[..], &mut out).unwrap();
            for batch in read(&out) {
                let fields = batch.column(0).as_primitive::<Int32Type>();
                let words = batch.column(1).as_string::<i32>();
                let int = |c: usize, i: usize| batch.column(c).as_primitive::<Int64Type>().value(i);
                for i in 0..batch.num_rows() {
                    let of = sum.entry((fields.value(i), words.value(i).into())).or_default();
                    *of = (of.0 + int(2, i), of.1 + int(3, i));
                }
            }
        }
        sum.retain(|_, n| n.0 > 1 || n.1 > 0);
        word_table(&sum, &self.stories.len().to_string()).unwrap()
    }

    pub fn contents(&self, tasks: &[Task], boilerplate: &BTreeSet<&[u8]>) -> Vec<u8> {
        let mut rows: Vec<(i64, usize, Option<usize>)> = Vec::new();
        for (task, (stories, pairs)) in (0..).zip(tasks) {
            rows.extend(stories.iter().map(|s| (task, *s, None)));
            rows.extend(pairs.iter().map(|(a, b)| (task, *a, Some(*b))));
        }
        let story = |r: &(i64, usize, Option<usize>)| r.2.is_none().then(|| &self.stories[r.1]);
        let text = |of: &dyn Fn(&IngestedStory) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(|r| story(r).and_then(of)).collect::<StringArray>())
        };
        let passages: Vec<_> = rows.iter().filter_map(story).flat_map(|s| &s.passages).collect();
        let lengths: Vec<usize> = rows.iter().map(|r| story(r).map_or(0, |s| s.passages.len())).collect();
        let members = vec![
            bytes(passages.iter().map(|p| p.0.clone())),
            texts(passages.iter().map(|p| p.1.clone())),
            flags(passages.iter().map(|p| boilerplate.contains(&p.0[..]))),
            bytes(passages.iter().map(|p| self.vectors[&p.0].clone())),
        ];
        let schema = schema(Stream::Contents);
        let number = |i: usize| self.stories[i].number;
        let columns = vec![
            ints(rows.iter().map(|r| r.0)),
            ints(rows.iter().map(|r| number(r.1))),
            Arc::new(rows.iter().map(|r| r.2.map(number)).collect::<Int64Array>()),
            text(&|s| Some(s.id.clone())),
            text(&|s| Some(s.title.clone())),
            text(&|s| Some(s.text.clone())),
            Arc::new(rows.iter().map(|r| story(r).and_then(|s| s.published)).collect::<Int64Array>()),
            text(&|s| s.source.clone()),
            lists(&schema, "passages", &lengths, members),
        ];
        written(schema, columns)
    }

    /// A task for each pair of blocks of stories.
    pub fn tasks(&self, pairs: &BTreeSet<(usize, usize)>) -> Vec<Task> {
        let mut of_task: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for (a, b) in pairs {
            of_task.entry((a % self.blocks, b % self.blocks)).or_default().push((*a, *b));
        }
        let with_stories = |pairs: Vec<(usize, usize)>| {
            let stories: BTreeSet<usize> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
            (stories.into_iter().collect(), pairs)
        };
        of_task.into_values().map(with_stories).collect()
    }

    /// A task for each component of pairs of one origin.
    pub fn components(&self, origin: &[(usize, usize)]) -> Vec<Task> {
        let mut label: BTreeMap<usize, usize> =
            origin.iter().flat_map(|(a, b)| [(*a, *a), (*b, *b)]).collect();
        loop {
            let before = label.clone();
            for (a, b) in origin {
                let least = label[a].min(label[b]);
                label.insert(*a, least);
                label.insert(*b, least);
            }
            if label == before {
                break;
            }
        }
        let labels: BTreeSet<usize> = label.values().copied().collect();
        let task = |l: usize| {
            let stories = label.iter().filter(|(_, of)| **of == l).map(|(s, _)| *s).collect();
            (stories, origin.iter().filter(|(a, _)| label[a] == l).copied().collect())
        };
        labels.into_iter().map(task).collect()
    }

    pub fn run(&self) -> Outcome {
        let boilerplate = self.boilerplate();
        let words = self.words(&boilerplate);
        let options = compare::Options::default();
        let context =
            CompareContext { model: MODEL, words: &words, options: &options, progress: &NoProgress };
        let pairs = self.candidates();
        let contents = self.contents(&self.tasks(&pairs), &boilerplate);
        let mut out = Vec::new();
        worker::compare(&context, &mut &contents[..], &mut out).unwrap();
        let mut verdicts = json_rows(&out);
        assert_eq!(verdicts.len(), pairs.len());
        let index = |v: &Value| {
            let number = v.as_i64().unwrap();
            self.stories.iter().position(|s| s.number == number).unwrap()
        };
        let origin: Vec<(usize, usize)> = verdicts
            .iter()
            .filter(|v| v["origin"] == true)
            .map(|v| (index(&v["a"]), index(&v["b"])))
            .collect();
        let contents = self.contents(&self.components(&origin), &boilerplate);
        let (grouping, mut out) = (group::Options::default(), Vec::new());
        worker::group(&context, &grouping, &mut &contents[..], &mut out).unwrap();
        let mut items = json_rows(&out);
        items.sort_by_key(|i| i["number"].as_i64());
        verdicts.sort_by_key(|v| (v["a"].as_i64(), v["b"].as_i64()));
        Outcome { items, verdicts }
    }
}

pub fn word_table(sum: &BTreeMap<(i32, String), (i64, i64)>, stories: &str) -> Result<WordTable> {
    let mut schema = schema(Stream::Words);
    schema.metadata.insert("samestory.stories".to_string(), stories.to_string());
    let columns = vec![
        Arc::new(Int32Array::from_iter_values(sum.keys().map(|k| k.0))) as ArrayRef,
        texts(sum.keys().map(|k| k.1.clone())),
        ints(sum.values().map(|n| n.0)),
        ints(sum.values().map(|n| n.1)),
    ];
    WordTable::read(&mut &written(schema, columns)[..])
}

pub fn pairs_of_bytes(stream: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    for batch in read(stream) {
        let (keys, values) = (batch.column(0).as_binary::<i32>(), batch.column(1).as_binary::<i32>());
        found.extend((0..batch.num_rows()).map(|i| (keys.value(i).to_vec(), values.value(i).to_vec())));
    }
    found
}

/// The rows of a stream of plain columns.
pub fn json_rows(stream: &[u8]) -> Vec<Value> {
    let mut rows = Vec::new();
    for batch in read(stream) {
        for i in 0..batch.num_rows() {
            let value = |c: &ArrayRef| match c.data_type() {
                _ if c.is_null(i) => Value::Null,
                DataType::Int64 => json!(c.as_primitive::<Int64Type>().value(i)),
                DataType::Float32 => json!(c.as_primitive::<Float32Type>().value(i)),
                DataType::Boolean => json!(c.as_boolean().value(i)),
                _ => json!(c.as_string::<i32>().value(i)),
            };
            let schema = batch.schema();
            let names = schema.fields().iter().map(|f| f.name().clone());
            rows.push(names.zip(batch.columns().iter().map(value)).collect());
        }
    }
    rows
}

/// The results of one machine, in the form of the streams.
pub fn on_one_machine(stories: &[IngestedStory], embed: &Embedder) -> Outcome {
    let story = |r: &IngestedStory| Story {
        id: r.id.clone(),
        title: r.title.clone(),
        text: r.text.clone(),
        published: r.published,
        source: r.source.clone(),
        ..Story::default()
    };
    let corpus = Corpus::new(stories.iter().map(story).collect());
    let rows: Vec<&str> = corpus.rows.iter().map(|r| r.text.as_str()).collect();
    let vectors = embed(&rows).unwrap();
    let found = search::candidates(&corpus, &vectors, &SearchOptions::default(), &NoProgress).unwrap();
    let options = compare::Options::default();
    let comparer = Comparer::new(&corpus, vectors.clone(), &options);
    let pairs: Vec<(StoryId, StoryId)> = found.pairs.iter().map(|p| (p.a, p.b)).collect();
    let verdicts = comparer.compare_all(&pairs, &NoProgress).unwrap();
    let groups =
        group::group(&corpus, &verdicts, &group::Options::default(), &|a, b| Ok(comparer.compare(a, b)))
            .unwrap();
    let number = |s: StoryId| stories[s.index()].number;
    let verdict = |v: &compare::Verdict| {
        json!({
            "a": number(v.a), "b": number(v.b), "relation": v.relation.name(), "origin": v.relation.is_origin(),
            "coverage_ab": report::rounded(v.coverage_ab), "coverage_ba": report::rounded(v.coverage_ba),
            "cosine": report::rounded(v.cosine), "probability": report::rounded(v.probability()), "rule": v.rule, "reason": v.reason(&corpus),
        })
    };
    let mut items = Vec::new();
    let mut found = report::items(&corpus, &groups).into_iter();
    for group in &groups.groups {
        let first = group.members.iter().map(|m| number(m.story)).min();
        for (member, item) in group.members.iter().zip(found.by_ref()) {
            items.push(json!({
                "number": number(member.story), "kept": number(group.canonical), "first": first,
                "relation": item.relation, "removed": item.removed, "coverage": item.coverage,
                "coverage_of_kept": item.coverage_of_kept, "cosine": item.cosine, "probability": item.probability,
                "reason": item.reason,
                "health": item.health.map(|h| serde_json::to_string(&h).unwrap()),
            }));
        }
    }
    items.sort_by_key(|i| i["number"].as_i64());
    Outcome { items, verdicts: verdicts.iter().map(verdict).collect() }
}

pub fn data(name: &str) -> PathBuf {
    crate::support::repository().join("tests/data/wire").join(name)
}

/// The demo corpus with edited copies, a note in most of them, records that are no stories, and a story without words.
pub fn lines() -> Vec<String> {
    let mut lines: Vec<String> =
        std::fs::read_to_string(data("wire.jsonl")).unwrap().lines().map(Into::into).collect();
    let note = "The Coast Gazette has reported from the harbour towns of the northern shore since 1904.";
    let stories: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (i, story) in stories.iter().enumerate() {
        let mut copy = story.clone();
        let body = copy["text"].as_str().or(copy["body"].as_str()).unwrap_or_default();
        let words: Vec<&str> = body.split(' ').collect();
        let cut = words[words.len() * (i % 3) / 6..].join(" ");
        copy["text"] = json!(format!("{cut}\n\n{note}"));
        copy["id"] = json!(format!("copy-{i}"));
        lines.push(copy.to_string());
    }
    // Two brief stories that differ by names in their titles, which a single other story has in its text.
    let fund = "Dividend of 6.5 cents a unit, payable on April 30 to holders of record.";
    let payout = |name: &str| json!({ "id": name, "title": format!("{name} SETS PAYOUT"), "text": fund });
    lines.extend([payout("ZOLTREL").to_string(), payout("KARVIN").to_string()]);
    lines.push(json!({ "id": "ships", "text": "Ships left for Zoltrel and Karvin at dawn." }).to_string());
    lines.push("{\"id\":\"none\",\"text\":\"\"}".into());
    lines.push("no JSON".into());
    lines.push("{\"id\":\"marks\",\"title\":\"!\",\"text\":\"…\"}".into());
    lines
}
