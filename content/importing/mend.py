"""A Word document made ready for conversion: what the converter would lose is put where it can be seen.

The converter (mammoth) passes over charts, formulas and text boxes in silence, and stops at a link that leads nowhere.
Here text boxes become paragraphs, pictures are taken out of groups, and what cannot be shown leaves a mark in its
place, which becomes a red placeholder.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from content.importing.package import Package

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
V = "urn:schemas-microsoft-com:vml"

CHART = "图表没能转换，请点此上传截图"
SMARTART = "SmartArt 图形没能转换，请点此上传截图"
FORMULA = "公式没能转换，请点此上传截图"
EXTERNAL = "这张图片在文档之外，请点此上传原图"

_LOST = {CHART: "chart", SMARTART: "smartart", FORMULA: "formula", EXTERNAL: "external"}
_REFERRING = {"blip", "imagedata", "hyperlink", "hlinkClick"}
_SKIPPED = {"altChunk": "chunk", "subDoc": "chunk"}


@dataclass
class Mended:
    """What was found: how often each thing occurs, and the mark in the text of everything that could not be shown."""

    counts: Counter[str] = field(default_factory=Counter)
    marks: dict[str, str] = field(default_factory=dict)
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))

    def mark(self, why: str) -> str:
        """A new mark that stands for a placeholder with these words."""
        text = f"[[{self.nonce}:{len(self.marks)}]]"
        self.marks[text] = why
        self.counts[_LOST[why]] += 1
        return text


def mend(package: Package) -> Mended:
    """Changes the package's text in place and says what was found in it."""
    mended = Mended()
    for name in (package.main, package.beside("footnotes.xml"), package.beside("endnotes.xml")):
        tree = package.tree(name)
        if tree is None:
            continue
        _count(tree, mended.counts)
        _settle(tree, package.relations(name), mended)
        package.parts[name] = ET.tostring(tree, "utf-8", xml_declaration=True)
    comments = package.tree(package.beside("comments.xml"))
    if comments is not None:
        mended.counts["comment"] = sum(1 for _one in comments)
    for name, data in package.parts.items():
        folder, _slash, file = name.rpartition("/")
        if folder == package.main.rpartition("/")[0] and file.startswith(("header", "footer")):
            tree = package.tree(name) if data else None
            text = "".join(tree.itertext()) if tree is not None else ""
            mended.counts["header"] += any(
                char.isalpha() for char in text.replace("PAGE", "").replace("MERGEFORMAT", "")
            )
    return mended


def local(element: ET.Element) -> str:
    """An element's name without its namespace; strict and transitional documents differ in that only."""
    return str(element.tag).rpartition("}")[2]


def _count(tree: ET.Element, counts: Counter[str]) -> None:
    for element in tree.iter():
        name = local(element)
        if name in ("ins", "del", "moveFrom", "moveTo"):
            counts["change"] += 1
        elif name == "object":
            counts["object"] += 1
        elif name in _SKIPPED:
            counts[_SKIPPED[name]] += 1


def _settle(parent: ET.Element, relations: dict[str, tuple[str, bool]], mended: Mended) -> None:
    for place, child in enumerate(list(parent)):
        new = _settled(child, relations, mended)
        if new is not child:
            parent[place] = new
            new.tail = child.tail
        _settle(new, relations, mended)


def _settled(child: ET.Element, relations: dict[str, tuple[str, bool]], mended: Mended) -> ET.Element:
    """What stands in the element's place."""
    name = local(child)
    if name == "AlternateContent":
        return _settled(_chosen(child), relations, mended)
    if name == "drawing":
        return _drawing(child, relations, mended)
    if name in ("oMath", "oMathPara"):
        return _run(mended.mark(FORMULA))
    if name == "txbxContent":
        mended.counts["textbox"] += 1
    elif name in _REFERRING:
        _drop_dangling(child, relations)
        if name == "imagedata" and not _refers(child, relations):
            return _text(mended.mark(EXTERNAL))
    return child


def _chosen(alternate: ET.Element) -> ET.Element:
    """The branch of two ways of saying the same that the converter understands."""
    branches = {local(branch): branch for branch in alternate}
    old, new = branches.get("Fallback"), branches.get("Choice")
    if old is not None and len(old):
        return old[0] if len(old) == 1 else _group(old)
    if new is not None and len(new):
        return new[0] if len(new) == 1 else _group(new)
    return ET.Element(f"{{{W}}}smartTag")


def _group(branch: ET.Element) -> ET.Element:
    group = ET.Element(f"{{{W}}}smartTag")
    group.extend(list(branch))
    return group


def _drawing(drawing: ET.Element, relations: dict[str, tuple[str, bool]], mended: Mended) -> ET.Element:
    inside = {local(element) for element in drawing.iter()}
    if "txbxContent" in inside:
        return _boxes(drawing)
    if "pic" not in inside:
        if {"chart", "relIds"} & inside:
            return _text(mended.mark(CHART if "chart" in inside else SMARTART))
        return drawing
    for blip in _named(drawing, "blip"):
        _drop_dangling(blip, relations)
    if not any(_refers(blip, relations) for blip in _named(drawing, "blip")):
        return _text(mended.mark(EXTERNAL))
    for data in _named(drawing, "graphicData"):
        pictures = list(_named(data, "pic"))
        data[:] = pictures
    return drawing


def _boxes(drawing: ET.Element) -> ET.Element:
    """The words of text boxes in the older form that the converter reads, in the order in which they stand."""
    holder = ET.Element(f"{{{W}}}pict")
    shape = ET.SubElement(holder, f"{{{V}}}shape")
    for content in list(_named(drawing, "txbxContent")):
        ET.SubElement(shape, f"{{{V}}}textbox").append(content)
    return holder


def _refers(element: ET.Element, relations: dict[str, tuple[str, bool]]) -> bool:
    """Whether a picture is inside the file; one that lies elsewhere is never fetched."""
    return any(
        key.rpartition("}")[2] in ("id", "embed") and "}" in key and value in relations and not relations[value][1]
        for key, value in element.attrib.items()
    )


def _drop_dangling(element: ET.Element, relations: dict[str, tuple[str, bool]]) -> None:
    for key, value in list(element.attrib.items()):
        if "relationships" in key and key.rpartition("}")[2] in ("id", "embed", "link") and value not in relations:
            del element.attrib[key]


def _named(tree: ET.Element, name: str) -> Iterator[ET.Element]:
    return (element for element in tree.iter() if local(element) == name)


def _text(words: str) -> ET.Element:
    text = ET.Element(f"{{{W}}}t")
    text.text = words
    return text


def _run(words: str) -> ET.Element:
    run = ET.Element(f"{{{W}}}r")
    run.append(_text(words))
    return run
