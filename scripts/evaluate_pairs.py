"""Sets whose labels say of pairs whether they are of one origin; used by `scripts/evaluate`.

Three forms of labels (labels.jsonl) are read:

    "origin" and "kind"   a rewrite, brief or mosaic is of one origin with its original; a followup, independent or
                          template is not, nor are stories of two origins
    "event"               two outlets that report one event, each for itself: no pair is of one origin
    "origin" and "lang"   with a file pairs.jsonl ("a", "b", "same"): the pairs of the language that is asked for

samestory says "one origin" where it puts two stories into one group. The baselines (MinHash, TF-IDF and the cosine of
the mean of the passages' vectors) have one threshold for all sets, the one with the best F1 over all labelled pairs."""
import collections, gzip, hashlib, json, math, os, re, subprocess, sys, tempfile

import numpy as np

NOT_DERIVED = {"followup", "independent", "template"}
Pair = collections.namedtuple("Pair", "a b same kind")


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def find(folder, *names):
    for name in names:
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.exists(path):
                return path
    sys.exit(f"{os.path.basename(sys.argv[0])}: {folder} holds none of {', '.join(names)}")


def is_pair_set(labels):
    return any("event" in r or "origin" in r for r in labels)


def pairs_of(folder, labels, language):
    """The labelled pairs of a set, and the ids of the stories that they are among."""
    listed = os.path.join(folder, "pairs.jsonl")
    by_id = {r["id"]: r for r in labels}
    if os.path.exists(listed):
        ids = {i for i, r in by_id.items() if r.get("lang", language) == language}
        kept = [r for r in read(listed) if r["a"] in ids and r["b"] in ids]
        return [Pair(r["a"], r["b"], r["same"], "same" if r["same"] else "different") for r in kept], ids
    of = collections.defaultdict(list)
    for r in labels:
        of[r.get("event", r.get("origin"))].append(r)
    pairs = []
    for stories in of.values():
        if "event" in stories[0]:
            every = ((x, y) for n, x in enumerate(stories) for y in stories[n + 1 :])
            pairs += [Pair(x["id"], y["id"], False, "one event") for x, y in every]
            continue
        derived = [r for r in stories if r["kind"] not in NOT_DERIVED]
        for r in stories:
            if r["kind"] in NOT_DERIVED:
                pairs += [Pair(d["id"], r["id"], False, r["kind"]) for d in derived]
            elif r["kind"] != "original":
                pairs += [Pair(d["id"], r["id"], True, r["kind"]) for d in derived if d["kind"] == "original"]
    return pairs, set(by_id)


def minhash_similarity(texts, permutations=128):
    hashes = {}
    signatures = []
    seeds = np.random.default_rng(7).integers(1, 1 << 63, size=(2, permutations), dtype=np.uint64)
    for text in texts:
        words = text.lower().split()
        shingles = {" ".join(words[k : k + 3]) for k in range(max(len(words) - 2, 1))}
        values = np.array([hashes.setdefault(s, hash_of(s)) for s in shingles], dtype=np.uint64)
        signatures.append(((seeds[0][:, None] * values[None, :] + seeds[1][:, None]) >> np.uint64(20)).min(axis=1))
    return lambda i, j: float((signatures[i] == signatures[j]).mean())


def hash_of(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def tfidf_similarity(texts):
    counts = [collections.Counter(re.findall(r"\w+", t.lower())) for t in texts]
    df = collections.Counter(w for c in counts for w in c)
    weight = lambda w, n: (1 + math.log(n)) * math.log((1 + len(texts)) / (1 + df[w]) + 1)
    vectors = [{w: weight(w, n) for w, n in c.items()} for c in counts]
    norms = [math.sqrt(sum(v * v for v in x.values())) or 1.0 for x in vectors]

    def similarity(i, j):
        x, y = sorted((vectors[i], vectors[j]), key=len)
        return sum(v * y[w] for w, v in x.items() if w in y) / (norms[i] * norms[j])

    return similarity


def judge(folder, stories, labels, binary, language):
    """For each labelled pair the set, whether it is of one origin, what samestory says, and the baselines' scores."""
    pairs, wanted = pairs_of(folder, labels, language)
    stories = [s for s in stories if s["id"] in wanted]
    place = {s["id"]: n for n, s in enumerate(stories)}
    texts = [(s.get("title") or "") + " " + s["text"] for s in stories]
    with tempfile.TemporaryDirectory() as scratch:
        file, groups, vectors = (os.path.join(scratch, n) for n in ("stories.jsonl", "groups", "vectors"))
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(s) + "\n" for s in stories)
        subprocess.run([binary, "dedup", file, "--quiet", "--format", "groups", "--out", groups], check=True)
        subprocess.run([binary, "embed", file, "--quiet", "--out", vectors], check=True)
        group = {r["id"]: r["group"] for r in read(groups)}
        means = [np.zeros(1)] * len(stories)
        for r in read(vectors):
            n = place[r["story"]]
            means[n] = means[n] + np.array(r["vector"])
    cosine = lambda i, j: float(means[i] @ means[j] / (np.linalg.norm(means[i]) * np.linalg.norm(means[j]) or 1.0))
    measures = {"MinHash": minhash_similarity(texts), "TF-IDF": tfidf_similarity(texts), "cosine": cosine}
    name = os.path.basename(folder.rstrip("/"))
    rows = []
    for p in pairs:
        i, j = place[p.a], place[p.b]
        together = group.get(p.a) is not None and group.get(p.a) == group.get(p.b)
        rows.append((name, p, together, {m: of(i, j) for m, of in measures.items()}))
    return rows


def report(rows):
    """One line for each set and kind: the share of its pairs that each method calls of one origin."""
    methods = ["samestory", "MinHash", "TF-IDF", "cosine"]
    best = {m: best_threshold([(r[3][m], r[1].same) for r in rows]) for m in methods[1:]}
    says = lambda row, m: row[2] if m == "samestory" else row[3][m] >= best[m]
    print("\nPairs called of one origin, of all that are labelled (+ of one origin, - not)")
    thresholds = "".join(f"{m} {best[m]:.2f}".rjust(16) for m in methods[1:])
    print(f"  {'set and kind':<42}{'samestory':>16}{thresholds}")
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row[0], row[1].same, row[1].kind].append(row)
    for (name, same, kind), of in kinds.items():
        found = [sum(says(r, m) for r in of) for m in methods]
        cells = "".join(f"{n}/{len(of)} {n / len(of):.3f}".rjust(16) for n in found)
        print(f"  {('+ ' if same else '- ') + name + ', ' + kind:<42}{cells}")


def best_threshold(scored):
    """The score from which on F1 is best."""
    positives = sum(same for _, same in scored)
    best, right = (0.0, math.inf), 0
    ordered = sorted(scored, reverse=True)
    for n, (score, same) in enumerate(ordered, 1):
        right += same
        # Equal scores are all above a threshold, or none is.
        if n == len(ordered) or ordered[n][0] < score:
            best = max(best, (2 * right / (n + positives), score))
    return best[1]
