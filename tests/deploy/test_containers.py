"""The files for Docker and Kubernetes: they fit the product, and their own tools accept them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.product import PORT, check_path, check_serve, check_variables
from tests.deploy.running_nginx import NGINX, ROOT
from tests.serving.running_server import Server

DOCKER, KUBERNETES = ROOT / "deploy" / "docker", ROOT / "deploy" / "kubernetes"


def tool(name: str) -> str:
    """A program of the test environment or of the machine; the test is skipped without it."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*words: str | Path) -> str:
    """What a program prints; an assertion with that where it fails."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile: name and rest, lines joined."""
    text = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_dockerfile_fits_the_product() -> None:
    """What it copies, sets, exposes and runs is there; it doesn't run as root."""
    found = instructions()
    for name, rest in found:
        if name == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest
    by_name = dict(found)  # the last of each
    check_variables(by_name["ENV"])
    assert by_name["EXPOSE"] == PORT
    assert int(by_name["USER"]) > 0
    assert f"MITAME_DATA={by_name['VOLUME']}" in by_name["ENV"]
    (check,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", by_name["HEALTHCHECK"])
    assert check[0] == PORT
    check_path(check[1])
    assert yaml.safe_load(by_name["ENTRYPOINT"]) == ["mitame"]
    assert check_serve(yaml.safe_load(by_name["CMD"]))["host"] == "0.0.0.0"


def test_what_the_build_needs_is_sent() -> None:
    """All that the Dockerfile copies passes its list of what is sent to the builder."""
    sent = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY"]
    for source in {each for one in copied for each in one if not each.startswith(("--", "/opt"))}:
        assert f"!{source}" in sent


def test_dockerfile_is_linted() -> None:
    """Hadolint has nothing to say."""
    run(tool("hadolint"), DOCKER / "Dockerfile")


def compose() -> Any:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def test_compose_fits_the_product() -> None:
    """Commands, variables and mounted files exist, and nginx finds the servers."""
    content = compose()
    check_variables((DOCKER / "compose.yaml").read_text())
    servers = {name: each for name, each in content["services"].items() if name != "nginx"}
    for each in servers.values():
        given = check_serve(each["command"])
        assert given["proxy"] == [content["networks"]["inner"]["ipam"]["config"][0]["subnet"]]
        assert each["environment"]["MITAME_KEY_FILE"] == f"/run/secrets/{each['secrets'][0]}"
        assert each["volumes"] == ["data:/data"]
    mounted = content["services"]["nginx"]["volumes"]
    assert all((DOCKER / each.split(":")[0]).exists() for each in mounted)
    upstream = (DOCKER / "servers.conf").read_text()
    assert set(re.findall(r"server (\w+):(\d+)", upstream)) == {(name, PORT) for name in servers}
    (listen,) = re.findall(r"listen (\d+);", (NGINX / "proxy.conf").read_text())
    assert content["services"]["nginx"]["ports"] == [f"127.0.0.1:{listen}:{listen}"]


def test_compose_is_valid() -> None:
    """It fits the schema of compose files."""
    schema = ("--builtin-schema", "vendor.compose-spec")
    run(tool("check-jsonschema"), *schema, DOCKER / "compose.yaml")


def test_kubernetes_fits_the_product() -> None:
    """The container's command, variables, probes, port and mounts."""
    text = (KUBERNETES / "statefulset.yaml").read_text()
    content = yaml.safe_load(text)
    check_variables(text)
    pod = content["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert check_serve(container["args"])["host"] == "0.0.0.0"
    for probe, path in (
        ("startup", "/healthz"),
        ("liveness", "/healthz"),
        ("readiness", "/readyz"),
    ):
        assert container[f"{probe}Probe"]["httpGet"]["path"] == path
        check_path(path)
    check_path(pod["metadata"]["annotations"]["prometheus.io/path"])
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == PORT
    assert [str(port["containerPort"]) for port in container["ports"]] == [PORT]
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in content["spec"]["volumeClaimTemplates"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes
    user = str(pod["spec"]["securityContext"]["runAsUser"])
    assert dict(instructions())["USER"] == user


def test_kubernetes_has_one_writer() -> None:
    """Collections have one volume: one replica, and nothing that would make more of them."""
    files = [yaml.safe_load(file.read_text()) for file in KUBERNETES.glob("*.yaml")]
    by_kind = {each["kind"]: each for each in files}
    assert by_kind["StatefulSet"]["spec"]["replicas"] == 1
    assert "HorizontalPodAutoscaler" not in by_kind
    resources = set(by_kind["Kustomization"]["resources"])
    assert resources == {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}


def test_kubernetes_is_valid(tmp_path: Path) -> None:
    """Kustomize puts it together, and every object fits the API's schema."""
    built = tmp_path / "built.yaml"
    built.write_text(run(tool("kubectl"), "kustomize", KUBERNETES))
    run(tool("kubernetes-validate"), "--strict", built)
    pod, service = sorted(yaml.safe_load_all(built.read_text()), key=lambda each: len(str(each)))[
        ::-1
    ]
    assert service["spec"]["selector"] == pod["spec"]["selector"]["matchLabels"]


def test_healthcheck_command(tmp_path: Path) -> None:
    """The command of the health check succeeds while a server answers, and fails without one."""
    (words,) = re.findall(r"CMD (\[.*\])", dict(instructions())["HEALTHCHECK"])
    program, *rest = yaml.safe_load(words)
    assert program == "python"
    with Server(tmp_path) as server:
        command = [sys.executable, *(each.replace(PORT, str(server.port)) for each in rest)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
