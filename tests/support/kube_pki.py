"""Who is who in a cluster of the tests' own: an authority of its own, certificates for servers and people, kubeconfigs."""

import json
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CLUSTER = "crossfade-test"
"""What the kubeconfigs call the cluster and their only context."""
_REQUEST = """[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
{name}
[extensions]
subjectKeyIdentifier = hash
{extensions}
"""
_AUTHORITY = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign"
_LEAF = "authorityKeyIdentifier = keyid\nbasicConstraints = CA:FALSE\nkeyUsage = digitalSignature\nextendedKeyUsage = {use}"


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """An authority that every server and client of one cluster trusts. Its files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.own = self._make("ca", ["CN = crossfade-test"], _AUTHORITY, signed=False)

    def server(self, name: str, common: str, reached_as: Sequence[str], *, groups: Sequence[str] = ()) -> Identity:
        """A certificate for whoever serves under these names, each ``DNS:name`` or ``IP:address``."""
        extensions = _LEAF.format(use="serverAuth") + f"\nsubjectAltName = {', '.join(reached_as)}"
        return self._make(name, _subject(common, groups), extensions)

    def client(self, name: str, user: str, *groups: str) -> Identity:
        """A certificate that the API server takes for this user in these groups."""
        return self._make(name, _subject(user, groups), _LEAF.format(use="clientAuth"))

    def keys(self, name: str) -> Identity:
        """A pair of keys, which signs and proves tokens; its public half in the place of the certificate."""
        pair = Identity(self.folder / f"{name}.pub", self.folder / f"{name}.key")
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(pair.key))
        _openssl("pkey", "-in", str(pair.key), "-pubout", "-out", str(pair.certificate))
        return pair

    def kubeconfig(self, file: Path, address: str, user: Identity | str) -> Path:
        """A kubeconfig for the holder of a certificate, or of a token; readable by nobody else."""
        credentials = (
            {"token": user}
            if isinstance(user, str)
            else {"client-certificate": str(user.certificate), "client-key": str(user.key)}
        )
        reached = {"server": address, "certificate-authority": str(self.own.certificate)}
        file.touch(mode=0o600)
        # JSON is YAML too.
        file.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": CLUSTER, "cluster": reached}],
                    "users": [{"name": "user", "user": credentials}],
                    "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": "user"}}],
                    "current-context": CLUSTER,
                }
            ),
            encoding="utf-8",
        )
        return file

    def context(self, user: Identity) -> ssl.SSLContext:
        """What the holder of a certificate asks the cluster's servers with."""
        made = ssl.create_default_context(cafile=str(self.own.certificate))
        made.load_cert_chain(user.certificate, user.key)
        return made

    def _make(self, name: str, subject: Sequence[str], extensions: str, *, signed: bool = True) -> Identity:
        made = Identity(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request = self.folder / f"{name}.cnf"
        request.write_text(_REQUEST.format(name="\n".join(subject), extensions=extensions), encoding="utf-8")
        by = ["-CA", str(self.own.certificate), "-CAkey", str(self.own.key)] if signed else []
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        out = ["-keyout", str(made.key), "-out", str(made.certificate)]
        _openssl("req", "-x509", "-config", str(request), *curve, *by, *out)
        return made


def _subject(common: str, groups: Sequence[str]) -> list[str]:
    return [*(f"{at}.O = {each}" for at, each in enumerate(groups)), f"CN = {common}"]


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(words)}: {done.stderr.strip()}")
