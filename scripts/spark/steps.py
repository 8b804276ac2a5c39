"""Steps whose outputs are kept, each with a digest of all its inputs."""
import hashlib, json, time
from collections import namedtuple

Kept = namedtuple("Kept", "frame digest path")


class Steps:
    def __init__(self, spark, work, basis):
        self.spark, self.work = spark, work.rstrip("/")
        self.basis = self.digest(basis)
        self.log = []

    @staticmethod
    def digest(of):
        return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]

    def keep(self, name, made_from, build):
        """The output of the step: the kept one if its inputs have not changed, else a new one.

        The digest is written once the output is complete: an interrupted step is repeated."""
        digest = self.digest([self.basis, name, made_from])
        path, mark = f"{self.work}/{name}", f"{self.work}/{name}.made"
        before = self.read_text(mark)
        start = time.time()
        made = before is None or json.loads(before)["digest"] != digest
        if made:
            self.remove(mark)
            build().write.mode("overwrite").parquet(path)
        frame = self.spark.read.parquet(path)
        rows = frame.count() if made else json.loads(before)["rows"]
        seconds = round(time.time() - start, 2)
        if made:
            self.write_text(mark, json.dumps({"digest": digest, "rows": rows, "made_from": made_from, "seconds": seconds}))
        self.log.append({"step": name, "rows": rows, "seconds": seconds, "made": made})
        return Kept(frame, digest, path)

    # Small files, on whatever file system the work folder is.

    def file_system(self, path):
        hadoop = self.spark._jvm.org.apache.hadoop.fs.Path(path)
        return hadoop, hadoop.getFileSystem(self.spark._jsc.hadoopConfiguration())

    def remove(self, path):
        place, system = self.file_system(path)
        system.delete(place, True)

    def read_text(self, path):
        place, system = self.file_system(path)
        if not system.exists(place):
            return None
        return "\n".join(row.value for row in self.spark.read.text(path, wholetext=True).collect())

    def write_text(self, path, text):
        self.spark.createDataFrame([(text,)], "value string").coalesce(1).write.mode("overwrite").text(path)

    def status(self, path):
        """Length and modification time of a file."""
        place, system = self.file_system(path)
        status = system.getFileStatus(place)
        return [status.getLen(), status.getModificationTime()]
