"""Judges of a study and their versions: a change makes a new version, and none is ever changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from annotation import audit
from annotation.canonical_json import canonical_json
from annotation.models import Criterion, Response, Study, User
from annotation.rules import rules_of
from judging import presets
from judging.endpoints.addresses import SIMULATOR_URL
from judging.endpoints.saving import (
    EndpointFault,
    asked_in,
    check_endpoint,
    save_endpoint,
    store_endpoint,
)
from judging.families import family_of, shares_family
from judging.judge_files import STUDY_RUBRIC, Instruction, JudgeDraft, ModelDraft
from judging.models import Endpoint, Judge, JudgeVersion
from judging.parsing import PARSER_VERSION
from judging.prompts import PROMPT_VERSION
from judging.simulator.faults import FAULTS
from judging.simulator.minds import Mode

FEWEST_CRITERIA, MOST_CRITERIA = 3, 5


class JudgeFault(ValueError):
    """A judge cannot be made; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Added:
    """A judge's version, and whether it is new."""

    version: JudgeVersion
    is_new: bool


def study_criteria(study: Study) -> list[dict[str, Any]]:
    """The study's criteria that have levels, as a judge is told them."""
    return [
        {
            "key": criterion.key,
            "question": criterion.question or Criterion.GIVEN_QUESTION,
            "weight": 1.0,
            "levels": [
                {
                    "id": str(level.get("id") or level.get("name")),
                    "description": level.get("description", ""),
                    "example": level.get("example", ""),
                    "reason": level.get("reason", ""),
                }
                for level in criterion.levels
            ],
        }
        for criterion in study.criteria.all()
        if len(criterion.levels) > 1
    ]


def rubric_config(study: Study, name: str) -> dict[str, Any]:
    """What a judge goes by, from the study or from a ready-made rubric.

    Raises
    ------
    JudgeFault
        No criterion of the study has levels.
    """
    overall = study.criteria.filter(key=Criterion.OVERALL).first()
    beside = {
        "both_bad": overall is None or overall.both_bad,
        "guidelines": study.instructions,
    }
    if name != STUDY_RUBRIC:
        raw = presets.read_rubric(name)
        criteria = [{"weight": 1.0, **criterion} for criterion in raw["criteria"]]
        return {"question": raw["question"], "criteria": criteria, **beside}
    criteria = study_criteria(study)
    if not criteria:
        raise JudgeFault(
            "No criterion of this study has levels, so a judge has nothing to go by. Describe the "
            "levels of its criteria, or take a ready-made rubric: "
            f"{', '.join(presets.rubric_names())}."
        )
    question = (overall.question if overall else "") or Criterion.GIVEN_QUESTION
    return {"question": question, "criteria": criteria, **beside}


def config_of(
    study: Study, endpoint: Endpoint, instruction: Instruction, model: ModelDraft, rubric: str
) -> dict[str, Any]:
    """Everything that decides what a version is sent and how it is read."""
    return {
        "endpoint": {"name": endpoint.name, "base_url": endpoint.base_url},
        "model": model.name,
        "parameters": dict(model.parameters),
        "max_tokens": model.max_tokens,
        "tokens_field": model.tokens_field,
        "price": None if model.price is None else dict(model.price),
        "instruction": {"name": instruction.name, "text": instruction.text},
        "rubric": rubric_config(study, rubric),
        "with_reference": rules_of(study.rules).answering.show_reference,
        "prompt_version": PROMPT_VERSION,
        "parser_version": PARSER_VERSION,
    }


def warnings_about(study: Study, config: dict[str, Any]) -> list[str]:
    """What somebody should know of a judge before they trust it; no system is named."""
    return warnings_about_all(study, [config])[0]


def warnings_about_all(study: Study, configs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """As `warnings_about`, of each of some judges; in three queries, however many they are."""
    examples = {example for config in configs for example in examples_of(config)}
    own = set(
        Response.objects.filter(prompt__study=study, text__in=examples)
        .order_by()
        .values_list("text", flat=True)
        .distinct()
    )
    of_a_family = any(family_of(config["model"]) is not None for config in configs)
    names: list[str] = []
    if of_a_family and not study.is_sealed:
        names = list(study.systems.values_list("name", flat=True))
    return [
        [*_warnings(study, config, names, own), *twice]
        for config, twice in zip(configs, twins(study, configs), strict=True)
    ]


def twins(study: Study, configs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Of each configuration a warning, where several judges of the study have it now."""
    hashes = [hash_of(config) for config in configs]
    newer = JudgeVersion.objects.filter(
        judge=OuterRef("judge"), number__gt=OuterRef("number"), imported=False
    )
    rows = JudgeVersion.objects.filter(
        ~Exists(newer), judge__study=study, imported=False, content_hash__in=set(hashes)
    )
    names: dict[str, list[str]] = {}
    for found, name in rows.order_by("judge__judge_id").values_list(
        "content_hash", "judge__judge_id"
    ):
        names.setdefault(found, []).append(name)
    return [
        [
            f"{', '.join(names[one][:-1])} and {names[one][-1]} are one configuration under "
            f"{len(names[one])} names. A panel's average would count it as often, as if "
            "independent judges agreed: run one of them alone."
        ]
        if len(names.get(one, ())) > 1
        else []
        for one in hashes
    ]


def _warnings(
    study: Study, config: dict[str, Any], names: Sequence[str], own: set[str]
) -> list[str]:
    """`names` are those of the systems, `own` examples that are responses of the study."""
    found = []
    number = len(config["rubric"]["criteria"])
    if not FEWEST_CRITERIA <= number <= MOST_CRITERIA:
        found.append(
            f"The rubric has {number} criteri{'on' if number == 1 else 'a'} with levels; "
            f"{FEWEST_CRITERIA} to {MOST_CRITERIA} are the standard."
        )
    if any(
        not level.get("example") or not level.get("reason")
        for criterion in config["rubric"]["criteria"]
        for level in criterion["levels"]
    ):
        found.append("Some levels have no example with a reason; judges are steadier with both.")
    if study.is_sealed:
        if family_of(config["model"]) is not None:
            # Whether they share one would tell, judge by judge, who made the systems.
            found.append(
                "Judges tend to favour texts of their own family. Whether this judge's model and a "
                "compared system are of one is told when the study is unblinded."
            )
        family = None
    else:
        family = shares_family(config["model"], names)
    if family is not None:
        found.append(
            f"The judge's model and a compared system seem to be of one family ({family}). Judges "
            "tend to favour their own: look at figures without this judge too."
        )
    if own & examples_of(config):
        found.append(
            "An example of the rubric is a response of this study. The judge is told its level: "
            "write another example."
        )
    if config["price"] is None:
        found.append("There is no price card: costs are unknown, and no budget can be kept.")
    return found


def examples_of(config: dict[str, Any]) -> set[str]:
    """The examples of the levels of a judge's rubric."""
    return {
        level["example"]
        for criterion in config["rubric"]["criteria"]
        for level in criterion["levels"]
        if level.get("example")
    }


def add_judges(
    study: Study, draft: JudgeDraft, *, actor: User | None, key: str = ""
) -> Sequence[Added]:
    """Make each judge of a draft, or a new version of it where anything has changed.

    Parameters
    ----------
    key : str
        The endpoint's; empty leaves what is stored.

    Raises
    ------
    JudgeFault, endpoints.saving.EndpointFault
    """
    stated = dict(draft.endpoint)
    if stated["base_url"] == SIMULATOR_URL:
        for model in draft.models:
            if Mode.of(model.name).name in FAULTS:
                raise JudgeFault(
                    f"{model.name} is a fault and no judge. The built-in endpoint simulates judges "
                    "alone; to try faults out, run python -m judging.simulator."
                )
    # The host is looked up before anything is locked: a resolver may take its time.
    checked = check_endpoint(
        stated.pop("name"),
        stated.pop("base_url"),
        key=key,
        asked_in=asked_in(study, actor),
        **stated,
    )
    with transaction.atomic():
        # An entry of the log refers to the study; NO KEY lets its foreign key pass.
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        endpoint, saved = store_endpoint(study, checked)
        added = [
            add_version(study, name, config_of(study, endpoint, instruction, model, draft.rubric))
            for name, instruction, model in draft.members()
        ]
        new = (act_on(one.version) for one in added if one.is_new)
        audit.record_acts(study, actor, saved, *new)
    return added


def hash_of(config: dict[str, Any]) -> str:
    """What two versions have in common that are sent the same and read the same."""
    return hashlib.sha256(canonical_json(config)).hexdigest()


def add_version(study: Study, name: str, config: dict[str, Any]) -> Added:
    """The judge's newest version if it is equal, else a new one.

    The caller holds the study, and logs what is new last.
    """
    judge, _ = Judge.objects.get_or_create(study=study, judge_id=name)
    content_hash = hash_of(config)
    newest = judge.versions.order_by("-number").first()
    if newest is not None and newest.content_hash == content_hash and not newest.imported:
        return Added(newest, is_new=False)
    number = (judge.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = JudgeVersion.objects.create(
        judge=judge, number=number, config=config, content_hash=content_hash
    )
    return Added(version, is_new=True)


def act_on(version: JudgeVersion) -> audit.Act:
    """What the log is to say of a new version."""
    return audit.Act(
        "judge.version_added",
        {
            "judge": version.judge.judge_id,
            "version": version.number,
            "content_hash": version.content_hash,
        },
    )


def is_outdated(version: JudgeVersion) -> bool:
    """Whether the version is of an earlier evalsite, which sent other bytes or read otherwise.

    What it decided stays. It is not asked any more: its answers would be of two kinds.
    """
    config = version.config
    return (config.get("prompt_version"), config.get("parser_version")) != (
        PROMPT_VERSION,
        PARSER_VERSION,
    )


def outdated_in_words(version: JudgeVersion) -> str:
    """Why an outdated version asks nothing more, and what to do."""
    return (
        f"Version {version.number} of {version.judge.judge_id} was made by an earlier "
        "evalsite, which asked or read otherwise. What it decided stays; for a further run "
        "make a new version of it: on its page, or by add_judge with the same file."
    )


def newest_versions(study: Study, name: str = "") -> list[JudgeVersion]:
    """The newest version of each judge that can be asked, by name."""
    found: dict[int, JudgeVersion] = {}
    versions = JudgeVersion.objects.filter(judge__study=study, imported=False)
    if name:
        versions = versions.filter(judge__judge_id=name)
    for version in versions.select_related("judge__study").order_by("judge__judge_id", "number"):
        found[version.judge_id] = version
    return list(found.values())


def endpoint_of(version: JudgeVersion) -> Endpoint:
    """The endpoint that the version was made for; one that was made anew elsewhere is another.

    Raises
    ------
    EndpointFault
    """
    stated = version.config["endpoint"]
    endpoint = Endpoint.objects.filter(
        study_id=version.judge.study_id, name=stated["name"], base_url=stated["base_url"]
    ).first()
    if endpoint is None:
        raise EndpointFault("The endpoint of this version is gone.")
    return endpoint


def replace_key(
    version: JudgeVersion, *, key: str = "", key_variable: str = "", actor: User
) -> Endpoint:
    """Give the version's endpoint another key; all judges of that endpoint use it from now on.

    Parameters
    ----------
    key, key_variable : str
        One of them, as `check_endpoint` takes them.

    Raises
    ------
    EndpointFault
    """
    endpoint = endpoint_of(version)
    return save_endpoint(
        version.judge.study,
        endpoint.name,
        endpoint.base_url,
        actor=actor,
        key=key,
        key_variable=key_variable,
    )
