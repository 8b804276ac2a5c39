#!/usr/bin/env python3
"""The decisions of `samestory dedup` on Apache Spark.

    spark-submit scripts/spark/samestory_spark.py INPUT OUTPUT [--binary PATH] [options]

INPUT is a file, folder or glob of JSON lines (plain or .gz) or Parquet, anywhere Spark reads. OUTPUT gets `stories`
and `links` (Parquet), `notices` (JSON lines) and `manifest` (JSON). Needs PySpark 4, pyarrow and the samestory binary,
which is sent to the executors; no other jar. From the same records in the same order (by path, then by place in the
file) groups, relations, scores and reasons are those of one machine; see docs/clusters.md.

Between the workers, which are processes of the binary fed through pipes (samestory_worker.py), this program does what needs all
stories: it shuffles, joins and counts. The output of each step is kept below WORK with a digest of all it was made
from; a run that is started again continues after the last complete step."""
import argparse, heapq, json, os, sys, time

from pyspark.sql import SparkSession, Window, functions as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from samestory_worker import Binary  # noqa: E402
from steps import Steps  # noqa: E402
import records  # noqa: E402


def options(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--binary", default="samestory", help="the binary on this machine")
    parser.add_argument("--work", help="where steps are kept (OUTPUT/_work)")
    parser.add_argument("--format", choices=["jsonl", "parquet"], help="of INPUT (by its name)")
    parser.add_argument("--field", action="append", default=[], metavar="NAME=PATH", help="as `samestory dedup --field`")
    parser.add_argument("--keep", default="origin", help="which story of a group is kept")
    parser.add_argument("--model", help="a model folder that every executor has (the built-in model)")
    parser.add_argument("--partitions", type=int, help="tasks of a step (three a core)")
    parser.add_argument("--block-rows", type=int, default=100000, help="points of a block of the joins, at most")
    parser.add_argument("--shard-stories", type=int, default=10000, help="stories of a shard of the comparison, at most")
    parser.add_argument("--threads", type=int, default=1, help="threads of a worker; spark.task.cpus should be the same")
    return parser.parse_args(argv)


def ceil(a, b):
    return -(-a // b)


def blocks_of(rows, size, partitions):
    """Blocks so that none has more than `size` rows, and that there are about as many pairs of them as partitions."""
    least = 1
    while least * (least + 1) // 2 < partitions and rows > 64 * least:
        least += 1
    return max(least, ceil(rows, size), 1)


class Run:
    def __init__(self, spark, args):
        self.spark, self.args = spark, args
        cores = spark.sparkContext.defaultParallelism
        self.partitions = args.partitions or 3 * cores
        self.binary = Binary(spark, args.binary, args.model, args.threads)
        self.settings = self.binary.description["settings"]
        work = args.work or args.output.rstrip("/") + "/_work"
        self.steps = Steps(spark, work, {"binary": self.binary.digest, **self.binary.description})
        self.counts = {}

    # Stories, rows and vectors -----------------------------------------------------------------------------------

    def ingest(self):
        lines = records.read(self.spark, self.steps, self.args.input, self.args.format)
        fields = [part for field in self.args.field for part in ("--field", field)]
        made = self.steps.keep("ingested", [lines.digest, fields], lambda: self.binary.through(
            ["ingest", *fields], "records", "stories", lines.frame.repartition(self.partitions)))
        self.notices = made.frame.where("notice is not null").select("number", "path", "line", "notice")
        self.stories = self.steps.keep("stories", [made.digest], lambda: self.with_unique_ids(made.frame))
        self.counts["stories"] = self.stories.frame.count()
        if not self.counts["stories"]:
            sys.exit(f"samestory_spark: no story was found in {self.args.input}: give --field text=NAME, or look at "
                     f"the notices in {made.path}")

    def with_unique_ids(self, ingested):
        stories = ingested.where("id is not null").drop("notice")
        twice = stories.groupBy("id").count().where("count > 1").select("id")
        if twice.isEmpty():
            return stories
        again = stories.select("id", "number").join(twice, "id", "left_semi")
        order = Window.partitionBy("id").orderBy("number")
        again = again.withColumn("nth", F.row_number().over(order)).where("nth > 1").select("number", "nth")
        named = F.when(F.col("nth").isNull(), F.col("id")).otherwise(F.concat_ws("~", "id", "nth"))
        stories = stories.join(again, "number", "left").withColumn("id", named).drop("nth")
        clash = stories.groupBy("id").count().where("count > 1").select("id").first()
        if clash:
            sys.exit(f"samestory_spark: the id {clash.id!r} comes twice even after later ones got a number: give "
                     "stories ids of their own with --field id=NAME")
        print("samestory_spark: ids that came twice were numbered, as `samestory dedup` does", file=sys.stderr)
        return stories

    def rows(self):
        """Rows: one distinct passage text each; it occurs in `occurrences` stories, `first` is the lowest of them."""
        passages = self.stories.frame.select("number", F.explode("passages").alias("p")).select("number", "p.*")
        self.texts = self.steps.keep("rows", [self.stories.digest], lambda: passages.groupBy("hash").agg(
            F.first("text").alias("text"), F.count("number").alias("occurrences"), F.min("number").alias("first")))
        self.counts["rows"] = self.texts.frame.count()
        self.vectors = self.steps.keep("vectors", [self.texts.digest, self.args.model], lambda: self.binary.through(
            ["embed"], "texts", "vectors", self.texts.frame.select("hash", "text").repartition(self.partitions)))
        carried = passages.select("number", "hash")
        recurring = self.texts.frame.where("occurrences > 1").select("hash", "occurrences", "first")
        self.recurring = self.steps.keep("recurring", [self.texts.digest],
                                         lambda: carried.join(recurring, "hash"))
        most = self.settings["max_occurrences"]
        self.counts["common_rows"] = self.texts.frame.where(F.col("occurrences") > most).count()

    def boilerplate(self):
        """Rows that recur in stories which share nothing else: most of them with the next story that has the row."""
        least = self.settings["min_boilerplate_stories"]
        often = self.recurring.frame.where(F.col("occurrences") >= least)
        order = Window.partitionBy("hash").orderBy("number")
        neighbours = often.withColumn("a", F.lag("number").over(order)).where("a is not null").select(
            "hash", "occurrences", "a", F.col("number").alias("b"))
        fields = ["title", "source", "passages"]
        side = lambda of: self.stories.frame.select(
            F.col("number").alias(of), *(F.col(name).alias(f"{name}_{of}") for name in fields))
        pairs = neighbours.select("a", "b").distinct().join(side("a"), "a").join(side("b"), "b")
        votes = self.binary.through(["boilerplate-votes"], "story_pairs", "boilerplate_votes", pairs)
        return neighbours.join(votes, ["a", "b"]).groupBy("hash", "occurrences").agg(
            F.sum(F.col("only_boilerplate").cast("long")).alias("votes")).where("votes * 2 > occurrences - 1").select("hash")

    def contents(self):
        """A row a story: all that a comparison looks at, passages with their vectors and flags."""
        flagged = self.steps.keep("boilerplate", [self.recurring.digest], self.boilerplate)
        self.counts["boilerplate_rows"] = flagged.frame.count()
        marks = self.recurring.frame.join(flagged.frame.withColumn("boilerplate", F.lit(True)), "hash", "left")
        marks = marks.groupBy("number").agg(
            F.collect_list(F.when(F.col("boilerplate"), F.col("hash"))).alias("boilerplate"),
            F.collect_list(F.when(F.col("first") != F.col("number"), F.col("hash"))).alias("later"))
        stories = self.stories.frame.select("number", "id", "title", "text", "published", "source", "passages")
        stories = stories.join(marks, "number", "left")
        has = lambda column, p: F.coalesce(F.array_contains(column, p.hash), F.lit(False))
        documents = stories.select("title", F.transform("passages", lambda p: F.struct(
            p.text.alias("text"), has("boilerplate", p).alias("boilerplate"), (~has("later", p)).alias("first")
        )).alias("passages"))
        counted = self.steps.keep("words", [self.stories.digest, flagged.digest], lambda: self.binary.through(
            ["words"], "documents", "words", documents).groupBy("field", "word").agg(
                F.sum("stories").alias("stories"), F.sum("name_votes").alias("name_votes")).where("stories > 1 or name_votes > 0"))
        # What is left out is the same without it: a word of one story, which is no name, comes along with that story, and
        # where it stands in the title of another it is no name there either.
        self.words = self.binary.words_file(counted, self.counts["stories"])
        self.counts["words"] = counted.frame.count()

        pieces = stories.select("number", F.posexplode("passages").alias("at", "p"), "boilerplate")
        pieces = pieces.select("number", "at", "p.*", has("boilerplate", F.col("p")).alias("boilerplate"))
        pieces = pieces.join(self.vectors.frame, "hash").groupBy("number").agg(F.array_sort(F.collect_list(
            F.struct("at", "hash", "text", "boilerplate", "vector"))).alias("passages"))
        whole = stories.drop("passages", "boilerplate", "later").join(pieces, "number", "left").withColumn(
            "passages", F.transform("passages", lambda p: F.struct(
                p.hash.alias("hash"), p.text.alias("text"), p.boilerplate.alias("boilerplate"), p.vector.alias("vector"))))
        self.whole = self.steps.keep("contents", [self.stories.digest, self.vectors.digest, flagged.digest],
                                     lambda: whole)

    def distribute(self, frame, tasks, weigh, most):
        """`frame` in at most so many partitions, each of about so many tasks whole in one of them. A hash of few tasks gives
        some partitions several and others none, so few tasks are distributed by weight, the heaviest first, each to the least loaded."""
        n = min(max(tasks, 1), most)
        if tasks > 64 * n:
            return frame.repartition(n, "task")
        weights = weigh()
        # For each partition a number that Spark's hash sends there.
        salts = dict(self.spark.range(32 * n + 256).groupBy(F.pmod(F.hash("id"), F.lit(n))).agg(F.min("id")).collect())
        loads, table = [(0, slot) for slot in sorted(salts)], []
        for task, weight in sorted(weights.items(), key=lambda w: (-w[1], w[0])):
            load, slot = loads[0]
            heapq.heapreplace(loads, (load + weight, slot))
            table.append((task, salts[slot]))
        table = self.spark.createDataFrame(table, "task long, salt long")
        return frame.join(F.broadcast(table), "task").repartition(n, "salt").drop("salt")

    # Candidates ----------------------------------------------------------------------------------------------------

    def joined(self, points, rows, near):
        """The neighbours of `points` (key, vector): every block with itself and with every later one. Exact: each pair
        of points meets in one task."""
        n = blocks_of(rows, self.args.block_rows, self.partitions)
        block = F.pmod(F.xxhash64("key"), F.lit(n)).cast("int")
        pairs = F.transform(F.sequence(F.lit(0), F.lit(n - 1)), lambda other: F.struct(
            (F.least(F.col("block"), other) * n + F.greatest(F.col("block"), other)).cast("long").alias("task"),
            (F.col("block") > other).cast("int").alias("side")))
        tasks = points.withColumn("block", block).withColumn("t", F.explode(pairs)).select(
            "t.task", "t.side", "key", "vector")
        weights = lambda: {a * n + b: 1 if a == b else 2 for a in range(n) for b in range(a, n)}
        tasks = self.distribute(tasks, n * (n + 1) // 2, weights, 4 * self.partitions)
        return self.binary.through(["candidates", "--near", near], "points", "neighbours",
                                   tasks.sortWithinPartitions("task", "side", "key"))

    def by_rows(self):
        most = self.settings["max_occurrences"]
        few = self.texts.frame.where(F.col("occurrences") <= most).select("hash")
        points = few.join(self.vectors.frame, "hash").select(F.col("hash").alias("key"), "vector")
        near = self.steps.keep("near_rows", [self.vectors.digest, self.args.block_rows],
                               lambda: self.joined(points, self.counts["rows"], "passages"))
        self.counts["row_pairs"] = near.frame.count()
        # A row of one story names that story; the others are looked up.
        single = self.texts.frame.where("occurrences = 1").select("hash", F.col("first").alias("number"))
        shared = self.recurring.frame.where(F.col("occurrences") <= most).select("hash", "number")
        occurrences = single.union(shared)
        side = lambda key, story: occurrences.select(F.col("hash").alias(key), F.col("number").alias(story))
        met = near.frame.join(side("a", "x"), "a").join(side("b", "y"), "b").select("x", "y")
        same = shared.alias("l").join(shared.alias("r"), "hash").where("l.number < r.number").select(
            F.col("l.number").alias("x"), F.col("r.number").alias("y"))
        return met.union(same)

    def by_shingles(self):
        s = self.settings
        postings = self.stories.frame.select("number", F.explode("shingles").alias("shingle"))
        often = postings.groupBy("shingle").count()
        rare = often.where(F.col("count") <= s["shingle_max_stories"])
        self.counts["common_shingles"] = often.where(F.col("count") > s["shingle_max_stories"]).count()
        # After this join no shingle has more stories than that: what follows has no hot key.
        kept = postings.join(rare, "shingle")
        rare_of = kept.groupBy("number").agg(F.count("shingle").cast("float").alias("rare"))
        lists = kept.where("count > 1").groupBy("shingle").agg(F.sort_array(F.collect_list("number")).alias("of"))
        firsts = lists.select("of", F.posexplode("of").alias("at", "x"))
        pairs = firsts.select("x", F.explode(F.slice("of", F.col("at") + 2, F.size("of"))).alias("y"))
        pairs = pairs.groupBy("x", "y").count().where("count > 1")
        for story in ("x", "y"):
            pairs = pairs.join(rare_of.select(F.col("number").alias(story), F.col("rare").alias(f"rare_{story}")), story)
        share = F.lit(s["shingle_min_share"]).cast("float")
        enough = (F.col("count") >= s["shingle_min_shared"]) | (
            F.col("count").cast("float") >= share * F.least("rare_x", "rare_y"))
        return pairs.where(enough).select("x", "y")

    def by_stories(self):
        passages = self.whole.frame.where("size(passages) > 0").select(
            F.unhex(F.lpad(F.hex("number"), 16, "0")).alias("key"),
            F.transform("passages", lambda p: p.vector).alias("vectors"))
        means = self.steps.keep("means", [self.whole.digest], lambda: self.binary.through(
            ["mean"], "passages", "vectors", passages, rename={"hash": "key"}))
        near = self.steps.keep("near_stories", [means.digest, self.args.block_rows],
                               lambda: self.joined(means.frame, self.counts["stories"], "stories"))
        nearest = Window.partitionBy("a").orderBy(F.desc("score"), "b")
        number = lambda key: F.conv(F.hex(key), 16, 10).cast("long")
        return near.frame.withColumn("nth", F.row_number().over(nearest)).where(
            F.col("nth") <= self.settings["story_neighbours"]).select(number("a").alias("x"), number("b").alias("y"))

    def candidates(self):
        def build():
            found = self.by_rows().union(self.by_shingles()).union(self.by_stories())
            return found.where("x <> y").select(F.least("x", "y").alias("a"), F.greatest("x", "y").alias("b")).distinct()
        self.pairs = self.steps.keep("pairs", [self.whole.digest, self.args.block_rows], build)
        self.counts["candidates"] = self.pairs.frame.count()

    # Verdicts and groups ---------------------------------------------------------------------------------------------

    def compared(self, worker, pairs, text, tasks, most):
        """Pairs (task, a, b) with the stories that each task needs, once each, through a worker."""
        weights = lambda: dict(pairs.groupBy("task").count().collect())
        needed = pairs.select("task", F.col("a").alias("number")).union(
            pairs.select("task", F.col("b").alias("number"))).distinct()
        stories = needed.join(self.whole.frame, "number").withColumn("other", F.lit(None).cast("long"))
        if not text:
            stories = stories.withColumn("text", F.lit(None).cast("string"))
        both = stories.unionByName(
            pairs.select("task", F.col("a").alias("number"), F.col("b").alias("other")), allowMissingColumns=True)
        both = self.distribute(both, tasks, weights, most).sortWithinPartitions("task", F.asc_nulls_first("other"), "number")
        output = "verdicts" if worker[0] == "compare" else "items"
        return self.binary.through(worker, "contents", output, both, words=self.words)

    def compare(self):
        def build():
            shards = blocks_of(self.counts["stories"], self.args.shard_stories, self.partitions)
            # Consecutive stories share a shard: they are neighbours more often, and are then sent once.
            highest = self.stories.frame.agg(F.max("number")).first()[0]
            shard = lambda of: F.floor(F.col(of) * F.lit(shards) / F.lit(highest + 1)).cast("long")
            pairs = self.pairs.frame.withColumn("task", shard("a") * shards + shard("b"))
            return self.compared(["compare"], pairs, False, shards * (shards + 1) // 2, 4 * self.partitions)
        self.verdicts = self.steps.keep("verdicts", [self.pairs.digest, self.args.shard_stories], build)

    def components(self):
        """For each story of a pair of one origin the lowest number that such pairs lead to. Labels go from neighbour to
        neighbour, and from a label to that label's label, until none changes."""
        edges = self.verdicts.frame.where("origin").select("a", "b")
        both = edges.union(edges.select("b", "a"))
        labels = self.steps.keep("labels-0", [self.verdicts.digest],
                                 lambda: both.select(F.col("a").alias("v")).distinct().withColumn("label", F.col("v")))
        for n in range(1, 64):
            def step(labels=labels):
                near = both.join(labels.frame.withColumnRenamed("v", "b"), "b").groupBy("a").agg(F.min("label").alias("m"))
                least = labels.frame.join(near, F.col("v") == F.col("a"), "left").select(
                    "v", F.least("label", "m").alias("label"))
                further = labels.frame.select(F.col("v").alias("w"), F.col("label").alias("its"))
                return least.join(further, F.col("label") == F.col("w"), "left").select(
                    "v", F.least("label", "its").alias("label"))
            after = self.steps.keep(f"labels-{n}", [labels.digest], step)
            same = after.frame.exceptAll(labels.frame).isEmpty()
            labels = after
            if same:
                self.counts["label_rounds"] = n
                return labels
        sys.exit("samestory_spark: 63 rounds did not settle the components: please report this")

    def group(self):
        labels = self.components()
        sizes = labels.frame.groupBy("label").count()
        self.counts["components"] = sizes.count()
        self.counts["largest_component"] = sizes.agg(F.max("count")).first()[0] or 0

        def build():
            pairs = self.verdicts.frame.where("origin").select("a", "b").join(
                labels.frame.select(F.col("v").alias("a"), F.col("label").alias("task")), "a")
            worker = ["group", "--keep", self.args.keep]
            return self.compared(worker, pairs, True, self.counts["components"], self.partitions)
        self.items = self.steps.keep("items", [labels.digest, self.args.keep], build)

    # What comes out ----------------------------------------------------------------------------------------------------

    def write(self):
        out = self.args.output.rstrip("/")
        groups = self.items.frame.select("first").distinct()
        self.counts["groups"] = groups.count()
        # One number a group: small enough to be sorted in one task.
        groups = groups.withColumn("group", F.row_number().over(Window.orderBy("first")))
        ids = self.stories.frame.select("number", "id")
        kept = ids.select(F.col("number").alias("kept_number"), F.col("id").alias("kept"))
        items = self.items.frame.withColumnRenamed("kept", "kept_number").join(groups, "first").join(kept, "kept_number")
        items = items.drop("first", "kept_number")
        stories = self.stories.frame.drop("text", "passages", "shingles").join(items, "number", "left")
        stories = stories.withColumn("removed", F.coalesce("removed", F.lit(False)))
        stories.write.mode("overwrite").parquet(f"{out}/stories")
        side = lambda number, name: ids.select(F.col("number").alias(number), F.col("id").alias(name))
        links = self.verdicts.frame.where("relation in ('twin', 'quote')")
        links = links.join(side("a", "id"), "a").join(side("b", "kept"), "b").select(
            F.col("a").alias("number"), F.col("b").alias("kept_number"), "id", "kept", "relation",
            F.col("coverage_ab").alias("coverage"), F.col("coverage_ba").alias("coverage_of_kept"), "cosine", "probability",
            "reason")
        links.write.mode("overwrite").parquet(f"{out}/links")
        self.notices.write.mode("overwrite").json(f"{out}/notices")
        self.counts["notices"] = self.notices.count()
        removed = dict(self.items.frame.where("removed").groupBy("relation").count().collect())
        found = dict(links.groupBy("relation").count().collect())
        manifest = {
            "version": self.binary.description["version"], "fingerprint": self.binary.description["model"],
            "input": self.args.input, "keep": self.args.keep, "settings": self.settings, **self.counts,
            "candidate_recall": 1.0, "recall_method": "all pairs of blocks were joined exactly",
            "removed": removed, "links": found, "steps": self.steps.log,
        }
        self.steps.write_text(f"{out}/manifest", json.dumps(manifest, indent=1))
        return manifest


def main(argv):
    args = options(argv)
    spark = SparkSession.builder.appName("samestory").config("spark.sql.execution.arrow.maxRecordsPerBatch", 2000)
    # Times of Parquet columns become texts in UTC, as one machine reads them.
    spark = spark.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    start = time.time()
    run = Run(spark, args)
    spark.conf.set("spark.sql.shuffle.partitions", run.partitions)
    for step in (run.ingest, run.rows, run.contents, run.candidates, run.compare, run.group):
        step()
    manifest = run.write()
    for step in manifest["steps"]:
        print(f"  {step['step']:<16} {step['rows']:>10} rows {step['seconds']:>8.1f} s{'' if step['made'] else '  (kept)'}")
    removed = sum(manifest["removed"].values())
    print(f"samestory_spark: {manifest['stories']} stories, {manifest['groups']} groups, {removed} removed, "
          f"{sum(manifest['links'].values())} links, {time.time() - start:.1f} s")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
