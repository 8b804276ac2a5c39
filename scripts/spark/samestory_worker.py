"""The workers of the samestory binary as functions on Arrow batches: one process a task, fed and read through pipes."""
import hashlib, json, os, shutil, subprocess, tempfile, threading

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql.pandas.types import from_arrow_schema


class Binary:
    """The samestory binary: its streams are described here, and it is run on the executors."""

    def __init__(self, spark, path, model, threads):
        self.spark, self.threads = spark, threads
        self.model = ["--model", model] if model else []
        self.path = path if os.sep in path else _which(path)
        with open(self.path, "rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.description = json.loads(self._describe())
        spark.sparkContext.addFile(self.path)
        spark.sparkContext.addPyFile(os.path.abspath(__file__))
        self.schemas = {}

    def _describe(self, *more):
        return subprocess.run([self.path, "worker", "describe", *more, *self.model], check=True, stdout=subprocess.PIPE).stdout

    def schema(self, stream):
        """The schema of a stream, with its version, text version and fingerprint."""
        if stream not in self.schemas:
            self.schemas[stream] = pa.ipc.open_stream(self._describe("--stream", stream)).schema
        return self.schemas[stream]

    def through(self, worker, source, target, frame, words=None, rename=None):
        """`frame` as the stream `source`, through a worker, as the stream `target`."""
        wanted, given = self.schema(source), self.schema(target)
        missing = set(wanted.names) - set(frame.columns)
        assert not missing, f"{source} lacks {missing}"
        if rename:
            given = pa.schema([f.with_name(rename.get(f.name, f.name)) for f in given], given.metadata)
        command = ["worker", *worker, "--quiet", "--threads", str(self.threads), *self.model]
        run = _runner(os.path.basename(self.path), command, wanted.metadata, given, words)
        return frame.select(*wanted.names).mapInArrow(run, from_arrow_schema(given.remove_metadata()))

    def words_file(self, counted, stories):
        """Sends the words of all stories, in order, to every executor; the name of the file there."""
        schema = self.schema("words")
        schema = schema.with_metadata({**schema.metadata, b"samestory.stories": str(stories).encode()})
        name = f"words-{counted.digest}.arrow"
        folder = tempfile.mkdtemp(prefix="samestory-")
        with pa.OSFile(os.path.join(folder, name), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
            # Spark sorts texts by their bytes, as the worker does.
            for batch in counted.frame.orderBy("field", "word").toArrow().to_batches():
                columns = [batch.column(f.name).cast(f.type) for f in schema]
                stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
        self.spark.sparkContext.addFile(os.path.join(folder, name))
        return name


def _which(name):
    path = shutil.which(name)
    if not path:
        raise SystemExit(f"samestory_spark: {name} is not on the PATH: give --binary")
    return path


def _runner(binary, command, metadata, given, words):
    def run(batches):
        first = next(batches, None)
        if first is None:
            return
        arguments = [SparkFiles.get(binary), *command]
        if words:
            arguments += ["--words", SparkFiles.get(words)]
        environment = {**os.environ, "SAMESTORY_STORE": ""}
        with tempfile.TemporaryFile() as complaints, subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, env=environment
        ) as process:
            failure = []

            def feed():
                try:
                    schema = first.schema.with_metadata(metadata)
                    with pa.ipc.new_stream(process.stdin, schema) as stream:
                        batch = first
                        while batch is not None:
                            stream.write_batch(batch.replace_schema_metadata(metadata))
                            batch = next(batches, None)
                except BaseException as error:  # reported by the reader below
                    failure.append(error)
                finally:
                    try:
                        process.stdin.close()
                    except OSError:
                        pass

            feeder = threading.Thread(target=feed, daemon=True)
            feeder.start()
            broken = None
            try:
                with pa.ipc.open_stream(process.stdout) as stream:
                    if stream.schema.metadata != given.metadata:
                        raise RuntimeError(f"{arguments}: this executor runs another binary or model: "
                                           f"{stream.schema.metadata}, not {given.metadata}")
                    for batch in stream:
                        yield pa.RecordBatch.from_arrays(batch.columns, names=given.names)
            except (pa.ArrowInvalid, OSError) as error:
                broken = error
            feeder.join()
            code = process.wait()
            complaints.seek(0)
            message = complaints.read().decode(errors="replace").strip()
            if code or broken:
                raise RuntimeError(f"{' '.join(arguments)} ended with {code}: {message or broken or failure}")
            if failure:
                raise failure[0]

    return run
