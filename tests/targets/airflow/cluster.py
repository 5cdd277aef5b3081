"""As much of a Kubernetes API as Airflow's pods need: each pod is a process on this machine.

A pod is done when its creation is answered. What is mounted at a path is a folder of this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Cluster:
    """Pods by name. `mounted` says, by DAG, which folder of this machine a path stands for."""

    mounted: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, str]
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)  #: each pod as it was asked for
    deleted: list[str] = field(default_factory=list)

    def create(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Run the main container of a pod to its end."""
        self.asked.append(json.loads(json.dumps(pod)))
        name = pod["metadata"]["name"]
        (container, *_) = pod["spec"]["containers"]
        folders = self.mounted[pod["metadata"]["labels"]["dag_id"]]
        command = [_here(word, folders) for word in (*container["command"], *container["args"])]
        given = {each["name"]: each.get("value", "") for each in container.get("env", ())}
        done = subprocess.run(
            command,
            env={**self.environment, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        code = done.returncode
        ended = {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}
        main = {"name": container["name"], "image": container["image"], "imageID": "",
                "ready": False, "restartCount": 0, "state": {"terminated": ended}}  # fmt: skip
        pod["metadata"] |= {"namespace": "default", "uid": name}
        pod["status"] = {
            "phase": "Succeeded" if code == 0 else "Failed",
            "containerStatuses": [main],
        }
        self.pods[name], self.logs[name] = pod, done.stdout
        return pod

    def selected(self, selector: str) -> list[dict[str, Any]]:
        """The pods that a label selector of `=` and `!=` picks."""
        found = []
        for pod in self.pods.values():
            labels = pod["metadata"].get("labels", {})
            if all(_holds(term, labels) for term in selector.split(",") if term):
                found.append(pod)
        return found


def _here(word: str, folders: Mapping[str, str]) -> str:
    for path, folder in folders.items():
        word = word.replace(path, folder)
    return word


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key) != value
    key, _, value = term.partition("=")
    return labels.get(key) == value.lstrip("=")


@contextmanager
def serving(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """The API of a cluster on the loopback; gives a file that says where it is."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parts = url.path.strip("/").split("/")
            match parts[4:]:
                case ["pods"]:
                    selector = parse_qs(url.query).get("labelSelector", [""])[0]
                    self.say({"kind": "PodList", "items": cluster.selected(selector)})
                case ["pods", name, "log"]:
                    self.say_bytes(cluster.logs[name])
                case ["pods", name] if name in cluster.pods:
                    self.say(cluster.pods[name])
                case ["pods", _]:
                    self.say({"kind": "Status", "code": 404}, 404)
                case _:
                    self.say({"kind": "List", "items": []})

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self.say(cluster.create(json.loads(self.rfile.read(length))), 201)

        def do_PATCH(self) -> None:
            length = int(self.headers["Content-Length"])
            change = json.loads(self.rfile.read(length))
            pod = cluster.pods[self.path.rpartition("/")[2].partition("?")[0]]
            pod["metadata"].setdefault("labels", {}).update(change["metadata"]["labels"])
            self.say(pod)

        def do_DELETE(self) -> None:
            name = self.path.rpartition("/")[2].partition("?")[0]
            cluster.deleted.append(name)
            self.say(cluster.pods.pop(name))

        def say(self, content: object, code: int = 200) -> None:
            self.say_bytes(json.dumps(content).encode(), code)

        def say_bytes(self, content: bytes, code: int = 200) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield described(folder / "kubeconfig.json", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def described(path: Path, address: str) -> Path:
    """A file that says where a cluster is."""
    named = {"name": "local"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**named, "cluster": {"server": address}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "local", "user": "local"}}],
        "current-context": "local",
    }
    path.write_text(json.dumps(content))
    return path


def connection(kubeconfig: Path) -> dict[str, str]:
    """The environment that leads Airflow to a cluster."""
    extra = {"kube_config_path": str(kubeconfig), "in_cluster": False}
    told = {"conn_type": "kubernetes", "extra": extra}
    return {"AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps(told), "NO_PROXY": "127.0.0.1",
            "no_proxy": os.environ.get("no_proxy", "127.0.0.1")}  # fmt: skip
