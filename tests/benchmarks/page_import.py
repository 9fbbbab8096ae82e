"""One import through the page, in a process of its own: the upload, the check, the storing.

``python -m tests.benchmarks.page_import FILE`` prints a line of JSON for each step: its seconds,
the processor's, and the peak of resident memory so far in megabytes. It begins with the process as
it idles. `bench_import` starts it on a fresh database.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.processes import peak_megabytes

BOUNDARY = "bench-of-a-page"


def step(name: str, run: Callable[[], object]) -> None:
    begun, worked = time.perf_counter(), time.process_time()
    run()
    found = {
        "step": name,
        "seconds": time.perf_counter() - begun,
        "processor": time.process_time() - worked,
        "megabytes": peak_megabytes(resource.getrusage(resource.RUSAGE_SELF)),
    }
    sys.stdout.write(f"{json.dumps(found)}\n")


def main(path: Path) -> None:
    # After the environment was set.
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from annotation.lifecycle.drafts import create_draft
    from annotation.models import Response, Upload, UploadState, User
    from annotation.tasks import work_on_upload

    # Nobody is rung for: the work is done here.
    settings.CELERY_BROKER_URL = "memory://localhost//"
    user = User.objects.create_user("bench", is_staff=True)
    study = create_draft("bench", user, title="Bench")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)

    def address(page: str, **more: object) -> str:
        return reverse(f"studio:{page}", kwargs={"slug": study.slug, **more})

    step("idle", lambda: None)
    body = path.with_suffix(".body")
    write_form(body, path)

    def upload() -> None:
        # From the disk, as a server reads it from the network: the client's own way holds it all.
        with body.open("rb") as sent:
            answer = client.request(
                REQUEST_METHOD="POST",
                PATH_INFO=address("upload"),
                CONTENT_TYPE=f"multipart/form-data; boundary={BOUNDARY}",
                CONTENT_LENGTH=str(body.stat().st_size),
                **{"wsgi.input": sent, "wsgi.url_scheme": "https"},
            )
        expect(answer.status_code, 302)

    def store() -> None:
        at = address("store", upload=Upload.objects.get().public_id)
        expect(client.post(at, {"naming": "flag"}, secure=True).status_code, 302)
        work_on_upload()
        expect(Upload.objects.get().state, UploadState.STORED)

    def check() -> None:
        work_on_upload()
        expect(Upload.objects.get().state, UploadState.CHECKED)

    step("upload", upload)
    step("check", check)
    step("store", store)
    sys.stdout.write(f"{json.dumps({'stored': Response.objects.count()})}\n")


def write_form(body: Path, file: Path) -> None:
    """What a browser sends of the form."""
    with body.open("wb") as sent, file.open("rb") as rows:
        sent.write(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nresponses\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="chosen"; '
            f'filename="{file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode()
        )
        shutil.copyfileobj(rows, sent)
        sent.write(f"\r\n--{BOUNDARY}--\r\n".encode())


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{found} instead of {wanted}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
