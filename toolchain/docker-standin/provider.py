"""The stand-in as a plugin of Pulumi: a test double of ours for the docker provider, and not that provider. See README.md."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from threading import Event
from typing import Any

import grpc
from engine import Engine, EngineError
from google.protobuf import empty_pb2, json_format, struct_pb2
from known import KNOWN, UNKNOWN, unknown_properties
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from resources import KINDS, changes, passed_over

VERSION = "5.2.0"
"""The version of the SDK that it answers to."""
AT_ONCE = 16
"""How many requests are worked on side by side."""
SETTINGS = {"host", "version"}
LOCAL = "unix:///var/run/docker.sock"


def told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a refusal of the daemon on to Pulumi, word for word."""

    @wraps(method)
    def guarded(self: "StandIn", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except EngineError as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return guarded


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """One provider: an engine, once it is configured, and the things on it. Secrets are sealed by Pulumi before and after."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.stop = Event()

    # The provider itself

    def Handshake(self, request: Any, context: Any) -> Any:
        """Take everything plain: no secrets, no references, no outputs."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Say the version that the SDK asks for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuse a setting of the provider that is not known."""
        news = _read(request.news)
        failures = [_unknown(key) for key in sorted(set(news) - SETTINGS)]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Say whether the provider is another one."""
        return _difference([key for key in SETTINGS if _read(request.old_inputs).get(key) != _read(request.news).get(key)])

    @told
    def Configure(self, request: Any, context: Any) -> Any:
        """Learn the engine, and see that it answers."""
        host = _read(request.args).get("host") or os.environ.get("DOCKER_HOST") or LOCAL
        if host != UNKNOWN:
            self.engine = Engine(host)
            self.engine.ask("GET", "/_ping")
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:
        """Begin nothing more, and wait for nothing more."""
        self.stop.set()
        return empty_pb2.Empty()

    # What it keeps

    def Check(self, request: Any, context: Any) -> Any:
        """Refuse what is not known of a resource, before anything is done."""
        kind, news = _kind(request), _read(request.news)
        if kind not in KNOWN:
            failures = [provider_pb2.CheckFailure(reason=f"the stand-in knows no {kind}")]
        else:
            failures = [_unknown(path) for path in unknown_properties(kind, news)]
            if "name" not in news:
                failures.append(provider_pb2.CheckFailure(property="name", reason="the stand-in makes up no names: give one"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        """Say what changes, and whether that takes a new thing."""
        old, new = _read(request.old_inputs), _read(request.news)
        diffs, replaces = changes(_kind(request), _read(request.olds), old, new)
        # Upstream takes away first what it made under a fixed name, and only where it was upstream that asked for a new one.
        first = bool(replaces) and old.get("name") == new.get("name")
        return _difference(diffs, replaces, deleteBeforeReplace=first)

    @told
    def Create(self, request: Any, context: Any) -> Any:
        """Make a thing; in a preview, take it for made."""
        inputs = _read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        made, outputs = KINDS[_kind(request)].create(self._engine(), inputs)
        return provider_pb2.CreateResponse(id=made, properties=_written(outputs))

    @told
    def Read(self, request: Any, context: Any) -> Any:
        """Look at a thing; without an id in the answer it is gone."""
        if not request.inputs.fields:
            raise EngineError("the stand-in imports nothing")
        outputs = KINDS[_kind(request)].read(self._engine(), request.id, _read(request.properties))
        if outputs is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=_written(outputs), inputs=request.inputs)

    @told
    def Update(self, request: Any, context: Any) -> Any:
        """Change a thing in place."""
        old, new = _read(request.old_inputs), _read(request.news)
        if silent := passed_over(old, new):
            names = ", ".join(silent)
            raise EngineError(f"upstream takes a change of {names} and leaves the container as it is: see replace_on_changes")
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        return provider_pb2.UpdateResponse(properties=_written(KINDS[_kind(request)].update(self._engine(), request.id, old, new)))

    @told
    def Delete(self, request: Any, context: Any) -> Any:
        """Take a thing away."""
        KINDS[_kind(request)].delete(self._engine(), request.id, _read(request.properties), self.stop)
        return empty_pb2.Empty()

    def _engine(self) -> Engine:
        if self.stop.is_set():
            raise EngineError("cancelled")
        if self.engine is None:
            raise EngineError("the address of the engine is not known yet")
        return self.engine


def _kind(request: Any) -> str:
    """``Container``, of a URN that ends with ``docker:index/container:Container::NAME``."""
    return str(request.urn.split("::")[2].rsplit(":", 1)[1])


def _read(given: struct_pb2.Struct) -> dict[str, Any]:
    """A document without the properties that are null, which Pulumi takes for not given."""
    return {key: value for key, value in json_format.MessageToDict(given).items() if value is not None}


def _written(outputs: Mapping[str, Any]) -> struct_pb2.Struct:
    written = struct_pb2.Struct()
    written.update(outputs)
    return written


def _unknown(path: str) -> Any:
    return provider_pb2.CheckFailure(property=path, reason=f"the stand-in knows no {path}")


def _difference(diffs: list[str], replaces: list[str] | None = None, **more: bool) -> Any:
    kinds = provider_pb2.DiffResponse
    return kinds(changes=kinds.DIFF_SOME if diffs else kinds.DIFF_NONE, diffs=diffs, replaces=replaces or [], **more)


def serve() -> None:
    """Say the port, and serve until Pulumi is gone: whoever is killed hard does not say goodbye."""
    server, served = grpc.server(ThreadPoolExecutor(AT_ONCE)), StandIn()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(served, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent and server.wait_for_termination(1.0):
        pass
    served.stop.set()


if __name__ == "__main__":
    serve()
