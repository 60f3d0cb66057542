"""botocore's data, cut down to the services that we call.

The wheel describes more than 400 services. Of those botocore lists every folder whenever it makes a client, and reads
the addresses of them all (1.2 MB of JSON): a fifth of a cold start, and half of the package.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

SERVICES = {"dynamodb": "dynamodb", "kms": "kms", "s3": "s3", "ses": "email", "stepfunctions": "states"}
"""What botocore calls a service, and what its addresses begin with. A guard knows which services our code calls."""


def cut_down(data: Path) -> None:
    """Leave in the folder what it takes to call SERVICES."""
    for folder in (one for one in data.iterdir() if one.is_dir()):
        if folder.name not in SERVICES:
            shutil.rmtree(folder)
    for file in data.rglob("*.json.gz"):
        text = gzip.decompress(file.read_bytes()).decode("utf-8")
        file.write_bytes(gzip.compress(_json(undocumented(json.loads(text))), mtime=0))
    for file in list(data.rglob("examples-1.json")):
        file.unlink()
    endpoints = data / "endpoints.json"
    endpoints.write_bytes(_json(of_our_services(json.loads(endpoints.read_text(encoding="utf-8")))))


def undocumented(model: dict[str, Any]) -> dict[str, Any]:
    """A description of a service without the texts called `documentation`.

    They stay, empty, in `clientContextParams`: botocore cannot do without them there
    (`ServiceModel.client_context_parameters`), and would fail at the first call, not when it makes the client.
    """
    found: dict[str, Any] = _without_texts(model)
    for parameter in found.get("clientContextParams", {}).values():
        parameter["documentation"] = ""
    return found


def _without_texts(model: Any) -> Any:
    """A member that is called `documentation` and is not a text stays."""
    if isinstance(model, dict):
        items = model.items()
        return {
            key: _without_texts(value)
            for key, value in items
            if not (key == "documentation" and isinstance(value, str))
        }
    if isinstance(model, list):
        return [_without_texts(one) for one in model]
    return model


def of_our_services(endpoints: dict[str, Any]) -> dict[str, Any]:
    """The addresses of SERVICES, in every partition."""
    partitions = [
        {
            **one,
            "services": {name: found for name, found in one["services"].items() if name in SERVICES.values()},
        }
        for one in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
