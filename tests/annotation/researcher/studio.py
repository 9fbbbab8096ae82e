"""A researcher at the set-up pages, by the test client."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.lifecycle.drafts import create_draft
from annotation.models import Study, Upload, User
from annotation.tasks import work_on_upload
from tests import factories

DEMO = Path(__file__).parents[3] / "fixtures" / "demo" / "responses.jsonl"


def two_systems(prompts: int = 3, **more: Any) -> bytes:
    """JSONL with a response of north and south to each prompt."""
    rows = [
        {
            "prompt_id": f"q{number}",
            "prompt": f"Question {number}?",
            "system": system,
            "response": f"Answer {number} of the {word}.",
            **more,
        }
        for number in range(prompts)
        for system, word in (("north", "first"), ("south", "second"))
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


class Studio:
    """The pages of one study, as somebody with a role in it sees them."""

    def __init__(self, study: Study, user: User) -> None:
        self.study, self.user = study, user
        self.client = Client()
        self.client.force_login(user)

    def url(self, page: str, **kwargs: Any) -> str:
        return reverse(f"studio:{page}", kwargs={"slug": self.study.slug, **kwargs})

    def get(self, page: str, *, data: Any = None, **kwargs: Any) -> Any:
        return self.client.get(self.url(page, **kwargs), data)

    def post(self, name: str, data: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        return self.client.post(self.url(name, **kwargs), data or {})

    def upload(self, *files: tuple[str, bytes], kind: str = "responses") -> Any:
        return self.post(
            "upload",
            {"kind": kind, "chosen": [SimpleUploadedFile(name, body) for name, body in files]},
        )

    def only_upload(self) -> Upload:
        return Upload.objects.get(study=self.study)

    def checked(self, *files: tuple[str, bytes], kind: str = "responses") -> Upload:
        """Upload files and let the background check them."""
        response = self.upload(*files, kind=kind)
        assert response.status_code == 302, response.content.decode()
        upload = Upload.objects.filter(study=self.study).latest("uploaded_at")
        work_on_upload()
        upload.refresh_from_db()
        return upload

    def stored(self, *files: tuple[str, bytes], kind: str = "responses", **choices: Any) -> Upload:
        upload = self.checked(*files, kind=kind)
        response = self.post("store", {"naming": "flag", **choices}, upload=upload.public_id)
        assert response.status_code == 302, response.content.decode()
        work_on_upload()
        upload.refresh_from_db()
        return upload


def make_studio(title: str = "Capitals", **fields: Any) -> Studio:
    owner = factories.make_user(is_staff=True)
    study = create_draft(f"capitals-{next(factories.numbers)}", owner, title=title)
    for name, value in fields.items():
        setattr(study, name, value)
    if fields:
        study.save()
    return Studio(study, owner)


def packed(content: bytes) -> bytes:
    return gzip.compress(content)
