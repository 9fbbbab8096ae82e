"""Prompts, systems and responses: found, compared, and stored in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from annotation.importing.digests import UNSTATED, digest_of, key_of
from annotation.importing.formats import Measures, PromptAttributes, ResponseRow
from annotation.importing.formats.rows import Metadata
from annotation.importing.ledger import STORED, Conflict, Known, Ledger
from annotation.importing.places import Places
from annotation.importing.writers.writer import Pass
from annotation.models import Prompt, Response, System

# Long texts: few rows at a time are in memory.
ROWS_PER_FETCH = 200

MEASURES = ("latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cost")
PROMPT_COLUMNS = (
    "text",
    "messages",
    "reference",
    "category",
    "tags",
    "weight",
    "checks",
    "created_at",
    "metadata",
)
PROMPT_DEFAULT_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A response row with its keys and digests, which several tables of one pass ask for.

    ``source`` is the key of (prompt id, system), ``key`` that with the sample.
    """

    row: ResponseRow
    source: bytes
    key: bytes
    digests: tuple[bytes, bytes]


class ContentStore:
    """What one pass knows of a study's prompts and responses, and what is still to be written.

    ``plan_…`` compares a row with all that is known and gives the reason if it contradicts it;
    ``admit_…`` takes a row that does not. ``flush`` writes what was admitted since the last one.
    """

    def __init__(self, run: Pass, counts: Counter[str]) -> None:
        self._run = run
        self._counts = counts
        self._prompts = Ledger(
            "text", "reference", "category", "tags", "weight", "checks", "created_at", "metadata"
        )
        self._responses = Ledger("text", "measures or metadata")
        self._texts: Counter[bytes] = Counter()
        self._last: tuple[PromptAttributes, tuple[bytes, list[bytes]]] | None = None
        self._systems: dict[str, int] = {}
        self._new_prompts: dict[bytes, Prompt] = {}
        self._added_prompts: dict[bytes, list[tuple[PromptAttributes, Metadata]]] = {}
        self._new_responses: dict[bytes, tuple[Response, bytes, str]] = {}
        self._added_responses: dict[bytes, list[ResponseRow]] = {}
        study = run.study
        self._holds_content = study is not None and study.prompts.exists()
        if study is not None:
            self._systems.update(study.systems.values_list("name", "pk"))

    @property
    def places(self) -> Places:
        return self._run.places

    def load_prompts(self, prompt_ids: Iterable[str]) -> list[int]:
        """Learn what the database holds of these prompts; give the keys of those met first."""
        if not self._holds_content or self._run.study is None:
            return []
        unknown = {name for name in prompt_ids if prompt_key(name) not in self._prompts}
        found = []
        for prompt in self._run.study.prompts.filter(prompt_id__in=unknown).iterator(
            chunk_size=ROWS_PER_FETCH
        ):
            attributes = stored_attributes(prompt)
            digests = prompt_digests(attributes, prompt.metadata)
            self._prompts.admit(prompt_key(prompt.prompt_id), digests, STORED, prompt.pk)
            self._count_text(digests[0])
            found.append(prompt.pk)
        return found

    def load_responses(self, prompt_pks: list[int]) -> Iterable[Prepared]:
        """Learn and give the stored responses to prompts met first."""
        if not prompt_pks:
            return
        for response in (
            Response.objects.filter(prompt__in=prompt_pks)
            .select_related("prompt", "system")
            .only("prompt__prompt_id", "system__name", "sample", "text", "metadata", *MEASURES)
            .order_by("prompt", "system", "sample")
            .iterator(chunk_size=ROWS_PER_FETCH)
        ):
            found = prepare(
                ResponseRow(
                    PromptAttributes(response.prompt.prompt_id),
                    response.system.name,
                    response.text,
                    response.sample,
                    Measures(**{name: getattr(response, name) for name in MEASURES}),
                    response.metadata,
                )
            )
            self._responses.admit(found.key, found.digests, STORED, response.pk)
            yield found

    def has_prompt(self, prompt_id: str) -> bool:
        return prompt_key(prompt_id) in self._prompts

    def plan_prompt(self, attributes: PromptAttributes, metadata: Metadata) -> str | None:
        """Give the reason if this contradicts what is known of the prompt."""
        found = self._prompts.compare(*self._key_and_digests(attributes, metadata))
        if isinstance(found, Conflict):
            return (
                f"prompt {attributes.prompt_id!r} has another {found.attribute} in "
                f"{self.places.name(found.place)}"
            )
        return None

    def admit_prompt(self, attributes: PromptAttributes, metadata: Metadata, place: int) -> Known:
        """Take what ``plan_prompt`` found nothing against; tell how it stood to the known."""
        key, digests = self._key_and_digests(attributes, metadata)
        found = without_conflict(self._prompts.compare(key, digests))
        if found is Known.EQUAL:
            return found
        self._prompts.admit(key, digests, place)
        if found is Known.NEW:
            self._count_text(digests[0])
        if self._run.store:
            if found is Known.NEW:
                self._new_prompts[key] = Prompt(
                    study=self._run.study, prompt_id=attributes.prompt_id
                )
            if key in self._new_prompts:
                state_prompt(self._new_prompts[key], attributes, metadata)
            else:
                self._added_prompts.setdefault(key, []).append((attributes, metadata))
        return found

    def plan_response(self, prepared: Prepared) -> str | None:
        """Give the reason if the row contradicts what is known of its prompt or its response."""
        row = prepared.row
        reason = self.plan_prompt(row.prompt, {})
        if reason is not None:
            return reason
        found = self._responses.compare(prepared.key, prepared.digests)
        if not isinstance(found, Conflict):
            return None
        where = self.places.name(found.place)
        what = f"system {row.system!r}, prompt {row.prompt.prompt_id!r}, sample {row.sample}"
        if found.attribute == "text":
            return f"{what} has another text in {where}; give them a sample number"
        return f"{what} has other {found.attribute} in {where}"

    def admit_response(self, prepared: Prepared, place: int) -> Known:
        """Take what ``plan_response`` found nothing against; tell how it stood to the known."""
        row, key = prepared.row, prepared.key
        self.admit_prompt(row.prompt, {}, place)
        found = without_conflict(self._responses.compare(key, prepared.digests))
        if found is Known.EQUAL:
            return found
        self._responses.admit(key, prepared.digests, place)
        if self._run.store:
            if found is Known.NEW:
                response = Response(sample=row.sample, text=row.text)
                self._new_responses[key] = response, prompt_key(row.prompt.prompt_id), row.system
            if key in self._new_responses:
                state_response(self._new_responses[key][0], row)
            else:
                self._added_responses.setdefault(key, []).append(row)
        return found

    def prompt_pk(self, prompt_id: str) -> int:
        return self._prompts.pk(prompt_key(prompt_id))

    def response_pk(self, prepared: Prepared) -> int:
        return self._responses.pk(prepared.key)

    def system_pk(self, name: str) -> int:
        return self._systems[name]

    def flush(self) -> None:
        """Write what was admitted since the last call, each table in one go."""
        self._flush_prompts()
        self._flush_systems()
        self._flush_responses()

    def _flush_prompts(self) -> None:
        prompts = self._new_prompts
        Prompt.objects.bulk_create(prompts.values())
        for key, prompt in prompts.items():
            self._prompts.set_pk(key, prompt.pk)
        prompts.clear()
        if self._added_prompts:
            stored = Prompt.objects.in_bulk([self._prompts.pk(key) for key in self._added_prompts])
            for key, additions in self._added_prompts.items():
                for attributes, metadata in additions:
                    state_prompt(stored[self._prompts.pk(key)], attributes, metadata)
            Prompt.objects.bulk_update(stored.values(), PROMPT_COLUMNS, batch_size=ROWS_PER_FETCH)
            self._added_prompts.clear()

    def _flush_systems(self) -> None:
        names = {system for _, _, system in self._new_responses.values()} - self._systems.keys()
        made = System.objects.bulk_create(
            System(study=self._run.study, name=name) for name in sorted(names)
        )
        self._systems.update((system.name, system.pk) for system in made)

    def _flush_responses(self) -> None:
        for response, prompt, system in self._new_responses.values():
            response.prompt_id = self._prompts.pk(prompt)
            response.system_id = self._systems[system]
        Response.objects.bulk_create(response for response, _, _ in self._new_responses.values())
        for key, (response, _, _) in self._new_responses.items():
            self._responses.set_pk(key, response.pk)
        self._new_responses.clear()
        if self._added_responses:
            stored = Response.objects.in_bulk(
                [self._responses.pk(key) for key in self._added_responses]
            )
            for key, rows in self._added_responses.items():
                for row in rows:
                    state_response(stored[self._responses.pk(key)], row)
            Response.objects.bulk_update(
                stored.values(), [*MEASURES, "metadata"], batch_size=ROWS_PER_FETCH
            )
            self._added_responses.clear()

    def _key_and_digests(
        self, attributes: PromptAttributes, metadata: Metadata
    ) -> tuple[bytes, list[bytes]]:
        # A prompt is looked at several times for one row, and rows of one prompt often follow one
        # another; metadata come with rows of prompts alone.
        if self._last is None or metadata or self._last[0] != attributes:
            found = prompt_key(attributes.prompt_id), prompt_digests(attributes, metadata)
            if metadata:
                return found
            self._last = attributes, found
        return self._last[1]

    def _count_text(self, digest: bytes) -> None:
        self._texts[digest] += 1
        if self._texts[digest] == 2:
            self._counts["prompt texts under several prompt ids"] += 1


def without_conflict(found: Known | Conflict) -> Known:
    if isinstance(found, Conflict):
        raise ValueError(f"admitted without a plan: another {found.attribute} is known")
    return found


def prompt_key(prompt_id: str) -> bytes:
    return key_of(prompt_id)


def prepare(row: ResponseRow, source: bytes | None = None, text: bytes | None = None) -> Prepared:
    """Compute keys and digests of a row; ``source`` and the text's digest may be known."""
    measures = [getattr(row.measures, name) for name in MEASURES]
    states_more = bool(row.metadata) or any(measure is not None for measure in measures)
    source = key_of(row.prompt.prompt_id, row.system) if source is None else source
    return Prepared(
        row,
        source,
        response_key(source, row.sample),
        (
            digest_of(row.text) if text is None else text,
            digest_of([*measures, row.metadata]) if states_more else UNSTATED,
        ),
    )


def response_key(source: bytes, sample: int) -> bytes:
    """Key a response by the key of (prompt id, system) and its sample."""
    return source + sample.to_bytes(4)


def prompt_digests(attributes: PromptAttributes, metadata: Metadata) -> list[bytes]:
    stated = attributes.text if attributes.messages is None else attributes.messages
    return [
        digest_of(stated),
        digest_of(attributes.reference),
        digest_of(attributes.category),
        digest_of(attributes.tags),
        digest_of(attributes.weight),
        digest_of(attributes.checks),
        digest_of(attributes.created_at),
        digest_of(metadata or None),
    ]


def stored_attributes(prompt: Prompt) -> PromptAttributes:
    """Tell what a stored prompt states; a default counts as not stated."""
    return PromptAttributes(
        prompt_id=prompt.prompt_id,
        text=prompt.text if prompt.messages is None else None,
        messages=prompt.messages,
        reference=prompt.reference or None,
        category=prompt.category or None,
        tags=prompt.tags or None,
        weight=None if prompt.weight == PROMPT_DEFAULT_WEIGHT else prompt.weight,
        checks=prompt.checks or None,
        created_at=prompt.created_at,
    )


def state_prompt(prompt: Prompt, attributes: PromptAttributes, metadata: Metadata) -> None:
    for name in PROMPT_COLUMNS:
        value = metadata or None if name == "metadata" else getattr(attributes, name)
        if value is not None:
            setattr(prompt, name, value)


def state_response(response: Response, row: ResponseRow) -> None:
    for name in MEASURES:
        value = getattr(row.measures, name)
        if value is not None:
            setattr(response, name, value)
    if row.metadata:
        response.metadata = row.metadata
