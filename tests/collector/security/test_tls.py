from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from modelwatch.collector.security.options import SecurityOptions, tls_files
from modelwatch.collector.security.tls import ServerTls, TlsFiles
from modelwatch.errors import ConfigurationError
from tests.collector.conftest import PROTOBUF, Start, Traffic, eventually
from tests.collector.security.conftest import StoreTokens


@dataclass(frozen=True)
class Authority:
    """Certificates for the loopback address, and who trusts them."""

    folder: Path
    ca: trustme.CA

    def files(self, name: str = "server", *, clients: bool = False) -> TlsFiles:
        """Write a certificate for 127.0.0.1 and return where it is."""
        issued = self.ca.issue_cert("127.0.0.1")
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued.private_key_pem.write_to_path(key)
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        authority = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(authority)
        return TlsFiles(certificate=certificate, key=key, client_ca=authority if clients else None)

    def context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority of its own."""
    return Authority(tmp_path, trustme.CA())


def served_certificate(port: int, context: ssl.SSLContext) -> bytes:
    """Return the certificate that a server shows, after a handshake with it."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def test_both_servers_speak_tls(start: Start, authority: Authority, traffic: Traffic) -> None:
    """With a certificate both ports take TLS of 1.2 and later only, and say so in their address."""
    collector = start(security=SecurityOptions(tls=authority.files()))
    assert collector.api.startswith("https://127.0.0.1:")
    context = authority.context()
    with httpx.Client(verify=context) as client:
        assert client.get(f"{collector.api}/healthz").status_code == 200
        sent = client.post(f"{collector.otlp}/v1/metrics", content=traffic.body(), headers=PROTOBUF)
        assert sent.status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(collector.api.replace("https", "http") + "/healthz")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{collector.api}/healthz")


def test_clients_need_a_certificate_where_asked_for(start: Start, authority: Authority) -> None:
    """With --tls-client-ca only who shows a certificate of that authority is heard."""
    collector = start(security=SecurityOptions(tls=authority.files(clients=True)))
    context = authority.context()
    with httpx.Client(verify=context) as client, pytest.raises(httpx.TransportError):
        client.get(f"{collector.api}/healthz")
    known = authority.context()
    authority.ca.issue_cert("client@example.org").configure_cert(known)
    with httpx.Client(verify=known) as client:
        assert client.get(f"{collector.api}/healthz").status_code == 200
    stranger = authority.context()
    trustme.CA().issue_cert("client@example.org").configure_cert(stranger)
    with httpx.Client(verify=stranger) as client, pytest.raises(httpx.TransportError):
        client.get(f"{collector.api}/healthz")


def test_the_session_cookie_is_secure_over_tls(
    start: Start, authority: Authority, tokens: StoreTokens
) -> None:
    """Over TLS the session's cookie never goes unencrypted, and is this host's alone."""
    token = tokens.make("a", "read")
    collector = start(security=SecurityOptions(tls=authority.files()))
    with httpx.Client(verify=authority.context()) as client:
        entered = client.post(f"{collector.api}/sign-in", data={"token": token})
        assert entered.headers["set-cookie"].startswith("__Host-modelwatch=")
        assert entered.headers["set-cookie"].endswith("; Secure")
        assert client.get(collector.api).status_code == 200


async def test_new_files_are_taken_and_wrong_ones_not(authority: Authority) -> None:
    """A reload takes new files; where they are wrong, the old stay and the check says why."""
    files = authority.files()
    tls = ServerTls(files)
    files.key.write_text("damaged")
    tls.reload()
    assert "cannot be used" in await tls.check()
    authority.files()
    tls.reload()
    assert await tls.check() == ""


def test_sighup_renews_the_certificate(authority: Authority, tmp_path: Path) -> None:
    """After SIGHUP the next handshake shows the certificate that lies in the files now."""
    files = authority.files()
    command = [
        sys.executable, "-c", "from modelwatch.cli import main; main()", "collector",
        "--otlp-http-port", "0", "--api-port", "0", "--store", str(tmp_path / "store.sqlite"),
        "--tls-certificate", str(files.certificate), "--tls-key", str(files.key),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"pages https://127\.0\.0\.1:([0-9]+),", process.stdout.readline())
        assert found
        port, context = int(found[1]), authority.context()
        before = served_certificate(port, context)
        authority.files()
        assert served_certificate(port, context) == before
        os.kill(process.pid, signal.SIGHUP)
        assert eventually(lambda: served_certificate(port, context) != before, seconds=30)
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("damage", ["absent", "no certificate", "other key", "client ca"])
def test_unusable_files_are_named(authority: Authority, damage: str) -> None:
    """A file that is absent, damaged or of another pair is named with its option."""
    files = authority.files(clients=True)
    if damage == "absent":
        files.key.unlink()
        named = "--tls-key"
    elif damage == "no certificate":
        files.certificate.write_text("nothing")
        named = "--tls-certificate"
    elif damage == "other key":
        files = TlsFiles(certificate=files.certificate, key=authority.files("other").key)
        named = "belong together"
    else:
        (authority.folder / "ca.pem").write_text("nothing")
        named = "--tls-client-ca"
    with pytest.raises(ConfigurationError, match=named):
        ServerTls(files)


def test_keys_with_a_password_are_refused(authority: Authority) -> None:
    """A key with a password is refused with that reason: nobody is asked for one at a terminal."""
    files = authority.files()
    locked = subprocess.run(
        ["openssl", "pkey", "-in", files.key, "-aes256", "-passout", "pass:secret"],
        check=True,
        capture_output=True,
    ).stdout
    files.key.write_bytes(locked)
    with pytest.raises(ConfigurationError, match="has a password"):
        ServerTls(files)


def test_half_a_pair_is_refused() -> None:
    """A certificate without its key, or authorities without a certificate, is no TLS."""
    assert tls_files(None, None, None) is None
    for given in ((Path("c"), None, None), (None, Path("k"), None), (None, None, Path("ca"))):
        with pytest.raises(ConfigurationError, match="--tls-certificate FILE and --tls-key FILE"):
            tls_files(*given)
