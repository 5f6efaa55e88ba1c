"""
A function for CVAT's agent: clicks and boxes in CVAT are answered by a server of `sam serve`.

    cvat-cli function create-native "Segment Anything" --function-file segment_anything.py
    SAM_TOKEN=... cvat-cli function run-agent ID --function-file segment_anything.py -p url=str:http://localhost:8000
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request

import cvat_sdk.auto_annotation as cvataa
import numpy as np
import PIL.Image
from cvat_sdk.masks import encode_mask
from cvat_sdk.models import AttributeValRequest


class Photo:
    """An image file, and its id on the server."""

    def __init__(self, file: bytes, id: str):
        self.file = file
        self.id = id


class SegmentAnything:
    spec = cvataa.InteractionFunctionSpec(min_pos_points=1, min_neg_points=0, min_bounding_boxes=0)

    def __init__(self, url: str, model: str | None):
        self._url = url.rstrip("/")
        self._model = model

    def preprocess_image(self, context, image: PIL.Image.Image) -> Photo:
        file = io.BytesIO()
        image.convert("RGB").save(file, "PNG")
        return Photo(file.getvalue(), self._upload(file.getvalue()))

    def detect(self, context, photo: Photo, prompts) -> list[cvataa.InteractionResultShape]:
        labels = [(prompts.pos_points, "foreground"), (prompts.neg_points, "background")]
        prompt = {"points": [{"x": x, "y": y, "label": label} for points, label in labels for x, y in points]}
        if prompts.bounding_box:
            (x0, y0), (x1, y1) = prompts.bounding_box
            prompt["box"] = [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
        try:
            mask = self._predict(photo, prompt)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            photo.id = self._upload(photo.file)  # the server does not have the image any more
            mask = self._predict(photo, prompt)
        bitmap = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(mask["png"]))).convert("L")) > 0
        if not bitmap.any():
            return []
        confidence = AttributeValRequest(
            spec_id=int(cvataa.InteractionResultAttributes.CONFIDENCE),
            value=str(min(1, max(0, mask["predicted_iou"]))),
        )
        return [cvataa.InteractionResultShape(type="mask", points=encode_mask(bitmap), attributes=[confidence])]

    def _upload(self, file: bytes) -> str:
        query = f"?model={self._model}" if self._model else ""
        return self._post(f"/v1/images{query}", file, "image/png")["id"]

    def _predict(self, photo: Photo, prompt: dict) -> dict:
        body = json.dumps({"prompts": [prompt], "best": True, "format": "png"}).encode()
        answer = self._post(f"/v1/images/{photo.id}/predict", body, "application/json")
        return answer["predictions"][0]["masks"][0]

    def _post(self, path: str, body: bytes, content_type: str) -> dict:
        headers = {"content-type": content_type}
        if token := os.environ.get("SAM_TOKEN"):
            headers["authorization"] = f"Bearer {token}"
        with urllib.request.urlopen(urllib.request.Request(self._url + path, body, headers)) as response:
            return json.load(response)


def create(url: str = "http://localhost:8000", model: str | None = None) -> SegmentAnything:
    return SegmentAnything(url, model)
