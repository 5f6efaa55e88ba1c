"""Reads annotations of one image with other software, and prints the IoU of each object with its mask as JSON:
{ reader: [IoU, …] }. Run by tools/verify/annotations.ts, which writes the files: masks.json holds the masks by category,
as COCO RLE; voc-masks.json those of VOC, which has one object per pixel.

    pip install pycocotools==2.0.11 label-studio-sdk==2.1.2 datumaro==1.13.12
    python tools/reference/read_annotations.py FOLDER
"""

import contextlib
import json
import os
import sys

import datumaro as dm
import numpy as np
from label_studio_sdk.converter.brush import decode_rle
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

folder = sys.argv[1]
path = lambda *names: os.path.join(folder, *names)
load = lambda *names: json.load(open(path(*names)))
decoded = lambda masks: {name: coco_mask.decode(rle).astype(bool) for name, rle in masks.items()}


def from_pycocotools(name):
    coco = COCO(path(name, "annotations.json"))
    return {coco.cats[a["category_id"]]["name"]: coco.annToMask(a).astype(bool) for a in coco.anns.values()}


def from_label_studio():
    found = {}
    [task] = load("label-studio", "tasks.json")
    for result in [r for a in task.get("annotations", []) + task.get("predictions", []) for r in a["result"]]:
        size = [result["original_height"], result["original_width"], 4]
        pixels = np.array(decode_rle(result["value"]["rle"])).reshape(size)
        found[result["value"]["brushlabels"][0]] = pixels[:, :, 3] > 127
    return found


def from_datumaro(name, form):
    dataset = dm.Dataset.import_from(path(name), form)
    labels = dataset.categories()[dm.AnnotationType.label]
    [item] = [item for item in dataset]
    found = {}
    for a in item.annotations:
        if a.type != dm.AnnotationType.mask:  # the box beside it
            continue
        pixels = np.asarray(a.image, bool)
        name = labels[a.label].name
        found[name] = found.get(name, False) | pixels
    return found


def ious(found, truths):
    if set(found) != set(truths):
        return [0.0]
    return [float((found[n] & t).sum() / (found[n] | t).sum()) for n, t in truths.items()]


masks, voc = decoded(load("masks.json")), decoded(load("voc-masks.json"))
with contextlib.redirect_stdout(sys.stderr):
    table = {
        "pycocotools, coco": ious(from_pycocotools("coco"), masks),
        "pycocotools, coco polygons": ious(from_pycocotools("coco-polygon"), masks),
        "label-studio-sdk, label-studio": ious(from_label_studio(), masks),
        "datumaro, coco": ious(from_datumaro("datumaro-coco", "coco_instances"), masks),
        "datumaro, cvat": ious(from_datumaro("cvat", "cvat"), masks),
        "datumaro, voc": ious(from_datumaro("voc", "voc_segmentation"), voc),
    }
print(json.dumps(table))
