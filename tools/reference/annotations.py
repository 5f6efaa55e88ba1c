"""Writes fixtures/annotations: one image of 24 x 18 pixels with three objects, as pycocotools, label-studio-sdk and
datumaro write it, and the masks as COCO RLE.

    pip install pycocotools==2.0.11 label-studio-sdk==2.1.2 datumaro==1.13.12
    python tools/reference/annotations.py fixtures/annotations
"""

import json
import os
import shutil
import sys

import datumaro as dm
import numpy as np
from label_studio_sdk.converter.brush import mask2rle
from pycocotools import mask as coco_mask

WIDTH, HEIGHT = 24, 18
out = sys.argv[1]
shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)

y, x = np.mgrid[:HEIGHT, :WIDTH]
ring = (np.hypot(x - 7, y - 8) < 6.3) & (np.hypot(x - 7, y - 8) > 2.5)
parts = ((x > 15) & (x < 20) & (y > 1) & (y < 6)) | ((x == 20) & (y == 6)) | ((x > 17) & (y > 14))
pixel = (x == 23) & (y == 0)
masks = [ring, parts, pixel]
names = ["ring", "two parts", "pixel"]


def write(name, value):
    with open(os.path.join(out, name), "w") as file:
        json.dump(value, file)


def packed(mask):
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def uncompressed(mask):
    counts, inside = [0], False
    for value in mask.flatten(order="F"):
        if bool(value) != inside:
            counts.append(0)
            inside = not inside
        counts[-1] += 1
    return {"size": [HEIGHT, WIDTH], "counts": counts}


write("masks.json", [{"category": name, "segmentation": packed(mask)} for name, mask in zip(names, masks)])

# A polygon on half pixels, whose mask is that of pycocotools; and RLE of both kinds.
polygon = [[1.5, 1.5, 9.5, 2.5, 8.5, 11.5, 2.5, 12.5], [15, 3, 22, 3, 22, 9, 15, 9]]
merged = coco_mask.merge(coco_mask.frPyObjects(polygon, HEIGHT, WIDTH))
write(
    "pycocotools.json",
    {
        "images": [{"id": 3, "file_name": "photo.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 10 * i, "name": name} for i, name in enumerate(names)],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 0, "iscrowd": 0, "segmentation": packed(ring)},
            {"id": 2, "image_id": 3, "category_id": 10, "iscrowd": 1, "segmentation": uncompressed(parts)},
            {
                "id": 5,
                "image_id": 3,
                "category_id": 20,
                "iscrowd": 0,
                "segmentation": polygon,
                "mask": {"size": merged["size"], "counts": merged["counts"].decode()},
            },
        ],
    },
)

write(
    "label-studio-sdk.json",
    [
        {
            "id": 4,
            "data": {"image": "photo.jpg"},
            "annotations": [
                {
                    "result": [
                        {
                            "id": name[:3],
                            "type": "brushlabels",
                            "from_name": "tag",
                            "to_name": "image",
                            "original_width": WIDTH,
                            "original_height": HEIGHT,
                            "image_rotation": 0,
                            "value": {
                                "format": "rle",
                                "rle": mask2rle(mask.astype(np.uint8) * 255),
                                "brushlabels": [name],
                            },
                        }
                        for name, mask in zip(names, masks)
                    ]
                }
            ],
        }
    ],
)

media = dm.components.media.Image.from_numpy(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
annotations = [dm.Mask(mask, label=i, id=i + 1, group=i + 1) for i, mask in enumerate(masks)]
dataset = dm.Dataset.from_iterable(
    [dm.DatasetItem(id="photo", subset="train", media=media, annotations=annotations)], categories=names
)
for form in ["coco_instances", "cvat", "voc_segmentation"]:
    dataset.export(os.path.join(out, "datumaro", form), form, save_media=False)
