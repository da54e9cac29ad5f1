"""Small archives in the official layouts, under their official names, and the manifest that lists them."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from sedrepro.base.files import write_table
from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4
from sedrepro.miniature.dcase2019_task4 import DomesticSize, write_dcase2019_task4
from sedrepro.miniature.remix_sources import MiniatureSize, write_remix_sources
from sedrepro.obtaining.manifest import COLUMNS, SourceFile, read_manifest

# Which part of the unpacked data set an archive brings, where its folder does not tell.
ONLY = {
    "Synthetic_dataset.zip": "train/synthetic/",
    "DESEDpublic_eval.tar.gz": "eval/public/",
    "TAU-urban-acoustic-scenes-2019-development.meta.zip": "/meta.csv",
    "TAU-urban-acoustic-scenes-2019-development.audio.1.zip": "-0-a.wav",
    "TAU-urban-acoustic-scenes-2019-development.audio.2.zip": "-1-a.wav",
}
# The official one has its folders below another.
PREFIX = {"DESEDpublic_eval.tar.gz": "dataset/"}


@dataclass(frozen=True)
class SmallMirror:
    """Archives by `<data set>/<file>`, their manifest, and the data sets that they were packed from."""

    contents: dict[str, bytes]
    manifest: Path
    layouts: Path


def make_small_mirror(folder: Path) -> SmallMirror:
    """Synthesise a few clips of every data set and pack them."""
    layouts = folder / "layouts"
    write_remix_sources(layouts, size=MiniatureSize(clips_per_class=1, rare_class_clips=1, segments_per_scene=2))
    write_dcase2017_task4(layouts, size=TrafficSize(training=4, testing=3, evaluation=3))
    size = DomesticSize(synthetic=3, weak=3, unlabel_in_domain=3, test_dcase2018=3, eval_dcase2018=3, public=3)
    write_dcase2019_task4(layouts, size=size)
    contents = {f"{file.data_set}/{file.file}": packed(file, layouts) for file in read_manifest() if is_packed(file)}
    rows = [row(file, contents[f"{file.data_set}/{file.file}"]) for file in read_manifest() if is_packed(file)]
    write_table(folder / "manifest.tsv", COLUMNS, rows)
    return SmallMirror(contents, folder / "manifest.tsv", layouts)


def is_packed(file: SourceFile) -> bool:
    scenes = file.data_set == "tau_urban_2019" and file.file not in ONLY
    return file.use == "needed" and file.data_set != "tut_urban_2018" and not scenes


def packed(file: SourceFile, layouts: Path) -> bytes:
    base = layouts / file.into
    if not file.is_archive:
        return (base / file.file).read_bytes()
    found = sorted(path for kept in file.kept for path in (base / kept).rglob("*") if path.is_file())
    wanted = [path for path in found if ONLY.get(file.file, "") in path.as_posix()]
    assert wanted, file.file
    names = {path: PREFIX.get(file.file, "") + path.relative_to(base).as_posix() for path in wanted}
    buffer = io.BytesIO()
    if file.file.endswith(".zip"):
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path, name in names.items():
                archive.write(path, name)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            for path, name in names.items():
                archive.add(path, name)
    return buffer.getvalue()


def row(file: SourceFile, content: bytes) -> list[object]:
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    facts = {"addresses": f"http://127.0.0.1:9/{file.file}", "bytes": len(content), "checksum": checksum}
    facts |= {"kept": ",".join(file.kept), "passwords": " ".join(file.passwords)}
    return [facts.get(column, getattr(file, column, "")) for column in COLUMNS]
