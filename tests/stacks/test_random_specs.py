"""Whatever a user writes is refused with path and reason, or gives templates that AWS's own validators accept.

2,000 specs in a test run, 200 of them synthesised; more with ``make random COUNT=10000``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from aws_cdk import App
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from slipway.preflight import Severity, check
from slipway.preflight.assembly import stacks_of
from slipway.specs import Project, SpecError
from stacks import define
from tests.stacks import agreements
from tests.stacks.requests import check_requests
from tests.stacks.specs_at_random import REGIONS, machines, names, specs

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs import Deployment

COUNT: Final = int(os.environ.get("SLIPWAY_RANDOM_SPECS", "2000"))
SEEDS: Final = 10
BATCH: Final = 50
SYNTHESISED: Final = 0.1  # of each seed's specs: a synth takes twenty times as long as a refusal
FEWEST_ACCEPTED: Final = 0.2  # a strategy that is always refused would prove nothing
UUID: Final = "0a1b2c3d-1111-2222-3333-444455556666"

CHAINS: Final = [
    *[("digit-scaler", "digits")] * 4,
    ("digit-scaler", "digit-scaler", "digits"),
    ("digits", "minilm"),  # as a pipeline refused: one answers what the other does not take
]


def containers(models: tuple[str, ...]) -> st.SearchStrategy[Any]:
    more = {"environment": st.dictionaries(st.sampled_from(["SLIPWAY_THREADS", "A"]), st.just("1"))}
    drawn = [
        st.fixed_dictionaries({"name": names(f"c{place}"), "model": st.just(model)}, optional=more)
        for place, model in enumerate(models)
    ]
    return st.tuples(*drawn).map(list)


def of_one_folder(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Give a multi-model endpoint one of its two folders, where draws alone would mostly be refused."""
    if endpoint["kind"] != "multi-model":
        return endpoint
    if "models" not in endpoint and "prefix" not in endpoint:
        return {**endpoint, "models": ["digits"]}
    beside = ("prefix", "prefix_key") if "models" in endpoint else ()
    return {key: value for key, value in endpoint.items() if key not in beside}


def components() -> st.SearchStrategy[Any]:
    copies = st.sampled_from([{"min": 0, "max": 2}, {"min": 1, "max": 2}, {"min": 1, "max": 90}])
    load = {"track": st.sampled_from(["concurrency", "invocations"]), "target": st.sampled_from([0.5, 4.0])}
    plain = [{"copies": 0}, {"copies": 2}, {"max_memory_mib": 2048}, {}]
    sized = st.sampled_from([*plain, *plain, {"accelerators": 1}, {"max_memory_mib": 1024}])
    drawn = {
        "name": st.sampled_from(["a", "b", "c"]),
        "model": names("digits", "minilm"),
        "memory_mib": st.sampled_from([512, 1024, 2048]),
    }
    more = {
        "cpus": st.sampled_from([0.25, 0.25, 0.5, 0.5, 2.0, 64.0]),
        "scaling": st.fixed_dictionaries({"copies": copies, **load}),
    }
    whole = st.fixed_dictionaries(drawn, optional=more)
    return st.builds(lambda one, size: {**one, **size}, whole, sized)


DRAWN: Final = specs(
    "endpoint",
    known={
        "certificate_arn": st.sampled_from(
            [f"arn:aws:acm:{region}:111122223333:certificate/{UUID}" for region in REGIONS]
        ),
        "components": st.lists(components(), min_size=1, max_size=2, unique_by=lambda one: one["name"]),
        "containers": st.sampled_from(CHAINS).flatmap(containers),
        "cron": st.sampled_from(["0 7 ? * MON-FRI *", "15 20 * * ? *", "0/10 6 1 * ? 2030", "60 7 ? * MON *"]),
        "days": st.sampled_from([["sat", "sun"], ["mon"], ["sat", "sat"]]),
        "end": st.sampled_from(["06:00", "07:15"]),
        "fallback": st.sampled_from([[], ["ml.m7i.2xlarge"], ["ml.c6i.xlarge", "ml.r7i.xlarge"], ["ml.g5.xlarge"]]),
        "instance_type": machines(),
        "workers": st.integers(1, 4),  # no more than the cores of most machines
        "memory_mib": st.sampled_from([1024, 2048, 3072]),
        "model": names("digit-scaler", "digits", "minilm", "minilm-fp32"),
        "models": st.lists(names("digits", "minilm", "minilm-fp32"), min_size=1, max_size=3, unique=True),
        "origins": st.sampled_from([["https://a.example.com"], ["http://localhost:1", "https://b.example.com"], ["*"]]),
        "prefix": names("s3://team-models/released/"),
        "request_schema": st.sampled_from([*[{}, {"type": "object", "required": ["inputs"]}] * 4, {"type": "nothing"}]),
        "start": st.sampled_from(["20:00", "22:30"]),
        "timezone": names("Europe/Berlin", "UTC"),
        "web_acl_arn": st.sampled_from(
            [f"arn:aws:wafv2:{region}:111122223333:regional/webacl/ours/{UUID}" for region in REGIONS]
        ),
        "weight": st.sampled_from([0.0, 0.5, 1.0, 90.0]),
    },
).map(of_one_folder)
ENDPOINTS: Final = agreements.mostly(agreements.endpoint, DRAWN)
KEY: Final = "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"
PLACE: Final = {"vpc_id": "vpc-0abc1234", "subnets": ["subnet-0abc1234", "subnet-0def1234"]}
NETWORKS: Final = (
    PLACE,
    {**PLACE, "security_groups": ["sg-0abc1234"], "endpoints": ["logs", "sts"]},
    {**PLACE, "endpoints": ["s3", "ecr.api", "ecr.dkr"], "route_tables": ["rtb-0abc1234"], "cidr": "10.0.0.0/16"},
    {**PLACE, "endpoints": ["sagemaker.runtime"], "cidr": "10.0.0.0/16"},
)


def with_own_image(environment: dict[str, Any]) -> dict[str, Any]:
    """Let the image lie in the environment's own region, as it must."""
    images, region = environment.get("images"), environment.get("region")
    if isinstance(images, dict) and isinstance(region, str) and isinstance(images.get("onnxruntime"), str):
        return environment | {"images": images | {"onnxruntime": images["onnxruntime"].replace("REGION", region)}}
    return environment


PLACES: Final = specs(
    "environment",
    known={
        "account": st.just("111122223333"),
        "images": st.just({"onnxruntime": "111122223333.dkr.ecr.REGION.amazonaws.com/server:1.4.2"}),
        "kms_key": st.sampled_from([f"arn:aws:kms:{region}:444455556666:key/{KEY}" for region in REGIONS]),
        "network": st.sampled_from(NETWORKS),
        "permissions_boundary": names("arn:aws:iam::111122223333:policy/Boundary", "arn:aws:iam::aws:policy/Boundary"),
        "region": st.sampled_from(REGIONS),
    },
    without=("endpoints", "leave_out"),
).map(with_own_image)
ENVIRONMENTS: Final = agreements.mostly(agreements.environment, PLACES)


class WrittenOut(yaml.SafeDumper):
    """Writes what is drawn twice twice: an alias would be refused for what it is."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the dumper's own signature
        return True


class Outcomes:
    """What became of every spec: the deployments of those accepted, and counts by kind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.accepted: list[Deployment] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def meet(self, endpoint: dict[str, Any], environment: dict[str, Any]) -> None:
        for file, spec in (("endpoints/it.yaml", endpoint), ("environments/at-random.yaml", environment)):
            text = yaml.dump(spec, Dumper=WrittenOut, allow_unicode=True)
            (self.root / file).write_text(text, encoding="utf-8")
        try:
            deployment = Project(self.root).deployment("at-random")
        except SpecError as error:
            self.counts[endpoint["kind"], "refused"] += 1
            check_refusal(error)
            return
        self.counts[endpoint["kind"], "accepted"] += 1
        name = f"r{len(self.accepted)}"
        self.accepted.append(dataclasses.replace(deployment, name=name))


def check_refusal(refusal: SpecError) -> None:
    assert refusal.problems
    for problem in refusal.problems:
        assert problem.file.startswith(("endpoints/it.yaml", "environments/at-random.yaml")), refusal
        assert problem.message, refusal
        assert problem.line, refusal


def synthesise(batch: list[Deployment], sources: Path, flags: dict[str, Any], out: Path) -> int:
    """Synthesise under CloudFormation's own validator, apply our own rules, and show every request to botocore."""
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=True, context=flags, outdir=str(out))
    for deployment in batch:
        define(app, deployment=deployment, source_root=sources)
    app.synth()
    checked = sum(check_requests(json.loads(file.read_text())) for file in out.glob("*.template.json"))
    assert errors_of(out) == []
    shutil.rmtree(out)
    return checked


def errors_of(assembly: Path) -> list[str]:
    """What preflight would stop: where specs are refused for what is wrong, templates have no fault left."""
    return [
        f"{finding.rule} {finding.resource}.{finding.path}: {finding.message}"
        for source in stacks_of(assembly)
        for finding in check(source.document, place=source.place)
        if finding.severity is Severity.ERROR
    ]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(SEEDS))
def test_random_spec_is_refused_or_synthesised(
    project: Path, sources: Path, flags: dict[str, Any], tmp_path: Path, number: int
) -> None:
    root = tmp_path / "project"
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("*.yaml"))
    for model in (project / "models").glob("*/model.yaml"):
        shutil.copy(model, root / model.relative_to(project))
    outcomes = Outcomes(root)

    @seed(number)
    @settings(
        max_examples=COUNT // SEEDS,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(ENDPOINTS, ENVIRONMENTS)
    def meet(endpoint: dict[str, Any], environment: dict[str, Any]) -> None:
        outcomes.meet(endpoint, environment)

    meet()
    accepted = outcomes.accepted
    drawn = sum(outcomes.counts.values())
    assert len(accepted) >= FEWEST_ACCEPTED * drawn
    wanted = int(SYNTHESISED * drawn)  # from the first to the last of them: the first are the simplest
    synthesised = [accepted[place * len(accepted) // wanted] for place in range(wanted)]
    checked = sum(
        synthesise(synthesised[start : start + BATCH], sources, flags, tmp_path / "out")
        for start in range(0, len(synthesised), BATCH)
    )
    for (kind, outcome), count in sorted(outcomes.counts.items()):
        print(f"{kind:22} {outcome:10} {count}")  # noqa: T201  shown with -s
    print(f"{checked} requests checked")  # noqa: T201  likewise
    assert checked > len(synthesised)
