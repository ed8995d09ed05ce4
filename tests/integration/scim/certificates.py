"""Certificates for a test's own HTTPS server, by the openssl command: no library here makes them."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate: ``file`` is what a client may trust."""

    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def certify(folder: Path, host: str) -> Certificate:
    made = Certificate(folder / f"{host}.pem", folder / f"{host}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run([*command, "-keyout", made.key, "-out", made.file], check=True, capture_output=True, timeout=60)
    return made
