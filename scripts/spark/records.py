"""The records of the input, each with its number: its place in the whole input."""
from urllib.parse import unquote

from pyspark.sql import Window, functions as F


def read(spark, steps, path, form):
    """Records as the stream `records` has them, in the order of paths and of places in the file."""
    if form is None:
        form = "parquet" if path.rstrip("/").endswith((".parquet", ".pq")) else "jsonl"
    if form == "parquet":
        frame = spark.read.parquet(path)
        value = F.to_json(F.struct(*[F.col(f"`{name}`") for name in frame.columns]))
    else:
        frame = spark.read.option("lineSep", "\n").text(path)
        value = F.make_valid_utf8("value")
    files = sorted(frame.inputFiles())
    seen = [[file, *steps.status(file)] for file in files]
    place = [F.col("_metadata.file_path").alias("file"), F.col("_metadata.file_block_start").alias("start")]
    lines = steps.keep("lines", [form, seen], lambda: frame.select(
        *place, F.monotonically_increasing_id().alias("id"), value.alias("json")))
    return steps.keep("records", [lines.digest], lambda: _numbered(spark, lines.frame))


def _numbered(spark, lines):
    # Rows of one part of a file are consecutive in one task, and so are their ids.
    blank = ~F.col("json").rlike(r"\S")
    parts = lines.groupBy("file", "start").agg(
        F.count("*").alias("n"), F.sum(blank.cast("long")).alias("blank"), F.min("id").alias("first"))
    parts = sorted(parts.collect(), key=lambda p: (unquote(p.file), p.start))
    table, number, line, blanks, file = [], 0, 0, 0, None
    for part in parts:
        if part.file != file:
            file, line, blanks = part.file, 0, 0
        table.append((part.file, part.start, part.first, number, line, blanks, _plain(part.file)))
        number, line, blanks = number + part.n, line + part.n, blanks + part.blank
    table = spark.createDataFrame(
        table, "file string, start long, first long, number long, line long, blanks long, path string")
    at = F.col("id") - F.col("first")
    rows = lines.join(F.broadcast(table), ["file", "start"])
    if any(part.blank for part in parts):
        order = Window.partitionBy("file", "start").orderBy("id").rowsBetween(Window.unboundedPreceding, -1)
        before = F.coalesce(F.sum(blank.cast("long")).over(order), F.lit(0)) + F.col("blanks")
    else:
        before = F.lit(0)
    rows = rows.select(
        (F.col("number") + at).alias("number"), "path", (F.col("line") + at + 1).alias("line"),
        (F.col("line") + at - before).alias("record"), "json", blank.alias("blank"))
    return rows.where("not blank").drop("blank")


def _plain(file):
    """A local file by its path, anything else by its address."""
    return unquote(file[len("file:"):]).replace("//", "/", 1).replace("//", "/") if file.startswith("file:") else file
