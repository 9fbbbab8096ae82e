"""The writer of judgments that were collected elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from django.db.models import Max

from annotation.importing.digests import digest_of, key_of
from annotation.importing.formats import JUDGMENTS, JudgmentRow
from annotation.importing.ledger import STORED, Conflict, Known, Ledger
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import Comparison, ImportKind, Study
from judging.models import Judge, JudgeVersion, Judgment, MissingCause

# What a row and its Judgment have alike, beside the key.
CONTENT = (
    "verdict",
    "confidence",
    "reason",
    "inconsistent",
    "input_tokens",
    "output_tokens",
    "cost",
    "latency_ms",
    "metadata",
)


class ImportedJudgmentWriter:
    """Records judgments collected elsewhere, keyed by (item id, judge id, order).

    They have no run and no call. A judge's labels from all imports belong to one version of it,
    which stands for whatever configuration produced them.
    """

    def __init__(self, run: Pass) -> None:
        self.counts = no_counts()
        self.sweeps = 1
        self._run = run
        self._known = Ledger("verdict or other content")
        self._versions: dict[str, int] = {}
        self._holds_judgments = (
            run.study is not None
            and Judgment.objects.filter(version__judge__study=run.study, call=None).exists()
        )

    def take(self, rows: Sequence[Placed[JudgmentRow]], sweep: int) -> Reasons:
        """Check a batch and record its new judgments."""
        items = self._items(row.item_id for _, row in rows)
        self._load(items, {row.judge_id for _, row in rows})
        reasons: Reasons = []
        new: list[JudgmentRow] = []
        for place, row in rows:
            if row.item_id not in items:
                self.counts["unmatched item ids"] += 1
                reasons.append(
                    (place, f"the study has no item {row.item_id!r}; import its comparison first")
                )
                continue
            key, content = key_of_row(row), [digest_of_content(row)]
            found = self._known.compare(key, content)
            if isinstance(found, Conflict):
                where = self._run.places.name(found.place)
                reasons.append(
                    (
                        place,
                        f"judge {row.judge_id!r} says otherwise of item {row.item_id!r} in order "
                        f"{row.order} in {where}",
                    )
                )
                continue
            self.counts["unparsed"] += row.verdict is None
            if found is Known.NEW:
                self._known.admit(key, content, place)
                self.counts["new"] += 1
                new.append(row)
            else:
                self.counts["already there"] += 1
        if self._run.store and self._run.study is not None:
            self._record(self._run.study, new, items)
        return reasons

    def _items(self, item_ids: Iterable[str]) -> dict[str, int]:
        if self._run.study is None:
            return {}
        return dict(
            Comparison.objects.filter(study=self._run.study, item_id__in=set(item_ids)).values_list(
                "item_id", "pk"
            )
        )

    def _load(self, items: dict[str, int], judge_ids: set[str]) -> None:
        """Learn what the database held of the batch's items and judges before this import."""
        if not self._holds_judgments:
            return
        for judgment in Judgment.objects.filter(
            call=None,
            version__imported=True,
            comparison__in=items.values(),
            version__judge__judge_id__in=judge_ids,
        ).select_related("comparison", "version__judge"):
            key = key_of(
                judgment.comparison.item_id, judgment.version.judge.judge_id, judgment.order
            )
            if key not in self._known:
                self._known.admit(key, [digest_of_content(judgment)], STORED)

    def _record(self, study: Study, new: list[JudgmentRow], items: dict[str, int]) -> None:
        for judge_id in sorted({row.judge_id for row in new} - self._versions.keys()):
            self._versions[judge_id] = imported_version(study, judge_id).pk
        Judgment.objects.bulk_create(
            Judgment(
                version_id=self._versions[row.judge_id],
                comparison_id=items[row.item_id],
                order=row.order,
                missing=MissingCause.UNPARSED if row.verdict is None else "",
                **{name: getattr(row, name) for name in CONTENT},
            )
            for row in new
        )


def imported_version(study: Study, judge_id: str) -> JudgeVersion:
    """The version of a judge that carries imported labels, made if there is none.

    The caller holds the lock of the study.
    """
    judge, _ = Judge.objects.get_or_create(study=study, judge_id=judge_id)
    version = judge.versions.filter(imported=True).order_by("number").first()
    if version is not None:
        return version
    newest: int | None = judge.versions.aggregate(newest=Max("number"))["newest"]
    return JudgeVersion.objects.create(
        judge=judge,
        number=1 if newest is None else newest + 1,
        imported=True,
        # Nothing is known of the configuration but that the labels came from outside.
        content_hash=hashlib.sha256(b"{}").hexdigest(),
    )


def key_of_row(row: JudgmentRow) -> bytes:
    return key_of(row.item_id, row.judge_id, row.order)


def digest_of_content(judgment: JudgmentRow | Judgment) -> bytes:
    """Digest all that a row, or what is stored of one, says beyond its key."""
    return digest_of([getattr(judgment, name) for name in CONTENT])


IMPORT_PLAN = ImportPlan(ImportKind.JUDGMENTS, JUDGMENTS, ImportedJudgmentWriter, is_content=False)
