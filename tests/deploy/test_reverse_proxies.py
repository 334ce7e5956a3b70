"""nginx and Caddy with the files of deploy/ in front of a real service, over TLS."""

import gzip
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import PASSWORD, Cast
from deploy.installed import program
from ingest.process import TIMEOUT, ServerProcess, serving

from readwatch.store.engine.connections import Database

pytestmark = pytest.mark.proof

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "reading.example.org"
PAGE = {"activity_type": "page_read"}
MIB = 1 << 20


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, in a file with its key."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={NAME}"),
            *("-addext", f"subjectAltName=IP:127.0.0.1,DNS:{NAME}", "-keyout", file, "-out", file),
        ],
        check=True,
        capture_output=True,
    )
    return file


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def changed(file: Path, values: dict[str, str]) -> str:
    """Return a configuration with the values of this test; each of them is in the file."""
    text = file.read_text(encoding="utf-8")
    for old, new in values.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass
class Proxied:
    """A service behind a reverse proxy."""

    service: ServerProcess
    port: int
    plain_port: int
    certificate: Path
    connections: list[HTTPSConnection] = field(default_factory=list)

    def connection(self, address: str) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = HTTPSConnection(
            "127.0.0.1",
            self.port,
            timeout=TIMEOUT,
            source_address=(address, 0),
            context=context,
        )
        self.connections.append(connection)
        return connection

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        address: str = "127.0.0.1",
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[HTTPResponse, Any]:
        """Send one request from an address of this machine; return the response and its JSON."""
        connection = self.connection(address)
        data = body if isinstance(body, bytes | Iterator | None) else json.dumps(body).encode()
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, data, bearer | (headers or {}))
        response = connection.getresponse()
        text = response.read()
        is_json = (response.headers.get_content_type()).endswith("json")
        return response, json.loads(text) if is_json else text

    def login(self, email: str, address: str = "127.0.0.1", password: str = PASSWORD) -> Any:
        body = {"email": email, "password": password}
        return self.request("POST", "/api/login", body, address=address)


@contextmanager
def nginx(folder: Path, certificate: Path, service: int, port: int, plain: int) -> Iterator[None]:
    site = folder / "site.conf"
    site.write_text(
        changed(
            DEPLOY / "nginx" / "readwatch.conf",
            {
                "listen 443": f"listen 127.0.0.1:{port}",
                "listen [::]:443 ssl http2;": "",
                "listen 80": f"listen 127.0.0.1:{plain}",
                "listen [::]:80;": "",
                "127.0.0.1:8765": f"127.0.0.1:{service}",
                f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
                f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(certificate),
            },
        )
    )
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder / 'pid'}; user root; error_log stderr; worker_processes 2;"
        f"events {{ worker_connections 1024; }} http {{ {temporary} include {site}; }}"
    )
    command = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(main)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert "[warn]" not in tested.stderr.replace('the "user" directive', ""), tested.stderr
    with running(command, port):
        yield


@contextmanager
def caddy(folder: Path, certificate: Path, service: int, port: int, plain: int) -> Iterator[None]:
    file = folder / "Caddyfile"
    file.write_text(
        changed(
            DEPLOY / "caddy" / "Caddyfile",
            {
                "\tservers {": f"\tadmin off\n\thttps_port {port}\n\thttp_port {plain}\n"
                "\tstorage file_system " + str(folder / "storage") + "\n\tservers {",
                f"\n{NAME} {{": f"\n{NAME}, 127.0.0.1 {{\n\ttls {certificate} {certificate}",
                "127.0.0.1:8765": f"127.0.0.1:{service}",
            },
        )
    )
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)]
    with running(command, port):
        yield


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a proxy until the end of the block; wait until it listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            deadline = monotonic() + TIMEOUT
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert process.poll() is None, process.communicate()[0]
                    assert monotonic() < deadline
                    sleep(0.01)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT)


@pytest.fixture(params=[nginx, caddy], ids=lambda proxy: proxy.__name__)
def proxied(
    request: pytest.FixtureRequest, url: str, cast: Cast, tmp_path: Path, certificate: Path
) -> Iterator[Proxied]:
    program(request.param.__name__)
    settings = {"READWATCH_PROXY_HOPS": "1", "READWATCH_METRICS": "anyone"}
    port, plain = free_port(), free_port()
    with (
        serving(url, environment=settings) as service,
        request.param(tmp_path, certificate, service.port, port, plain),
    ):
        proxied = Proxied(service, port, plain, certificate)
        yield proxied
        for connection in proxied.connections:
            connection.close()


def test_apps_log_in_send_heartbeats_and_post_batches_compressed_or_not(
    proxied: Proxied, cast: Cast, db: Database
) -> None:
    response, answer = proxied.login(cast.ann.email)
    assert response.status == 200
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    token = answer["token"]
    assert proxied.request("POST", "/api/heartbeat", token=token)[0].status == 200
    batch = json.dumps({"activities": [PAGE] * 100}).encode()
    post = ("POST", "/api/activities")
    assert proxied.request(*post, batch, token=token)[0].status == 200
    compressed = {"Content-Encoding": "gzip"}
    packed = gzip.compress(batch)
    assert proxied.request(*post, packed, token=token, headers=compressed)[0].status == 200
    assert db.execute_sql("SELECT count(*) FROM reader_activities").fetchone() == (200,)


def test_a_body_of_a_mebibyte_is_accepted_and_a_longer_one_is_a_problem_with_413(
    proxied: Proxied, cast: Cast
) -> None:
    token = proxied.login(cast.ann.email)[1]["token"]
    batch = json.dumps({"activities": [PAGE]}).encode()
    longest = batch.ljust(MIB)
    assert proxied.request("POST", "/api/activities", longest, token=token)[0].status == 200
    for too_long in (longest + b" ", longest * 3, chunked(longest + b" "), chunked(longest * 3)):
        response, problem = proxied.request("POST", "/api/activities", too_long, token=token)
        assert response.status == 413
        assert "Retry-After" not in response.headers
        assert response.headers.get_content_type() == "application/problem+json"
        assert (problem["status"], problem["detail"]) == (413, "the body is larger than 1024 KiB")
    bomb = gzip.compress(longest + b" ")
    response, _ = proxied.request(
        *("POST", "/api/activities", bomb), token=token, headers={"Content-Encoding": "gzip"}
    )
    assert response.status == 413


def chunked(body: bytes) -> Iterator[bytes]:
    """Return a body that the client sends in parts, without its length."""
    return (body[start : start + 65536] for start in range(0, len(body), 65536))


def test_the_service_sees_the_clients_addresses_and_no_claimed_ones(
    proxied: Proxied, cast: Cast, db: Database
) -> None:
    claims = {"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=198.51.100.7"}
    body = {"email": cast.cara.email, "password": "wrong"}
    for _ in range(5):
        response, _ = proxied.request(
            "POST", "/api/login", body, address="127.0.0.2", headers=claims
        )
        assert response.status == 401
    response, problem = proxied.login(cast.cara.email, address="127.0.0.2")
    assert response.status == 429
    assert response.headers["Retry-After"] == "1"
    assert problem["detail"] == "too many failed logins; try again in 1 s"
    assert proxied.login(cast.cara.email, address="127.0.0.3")[0].status == 200
    addresses = "SELECT DISTINCT ip_address FROM consultant_access_log WHERE action_type = "
    assert db.execute_sql(f"{addresses} 'failed_login'").fetchall() == [("127.0.0.2",)]
    assert db.execute_sql(f"{addresses} 'logged_in'").fetchall() == [("127.0.0.3",)]


INTERNAL = (
    *("/metrics", "/%6detrics", "//metrics", "/metrics?x=1", "/x/../metrics", "/./metrics"),
    *("/readyz", "/ready%7a", "//readyz", "/METRICS", "/metrics/"),
)


def test_metrics_and_readiness_are_for_this_machine_only(proxied: Proxied) -> None:
    assert [path for path in INTERNAL if proxied.request("GET", path)[0].status != 404] == []
    assert proxied.request("GET", "/livez")[0].status == 200
    of_machine = proxied.service.app().connection
    for path in ("/metrics", "/readyz"):
        of_machine.request("GET", path)
        response = of_machine.getresponse()
        assert (response.status, bool(response.read())) == (200, True)


def test_slow_bodies_of_one_client_keep_nobody_else_out(proxied: Proxied, cast: Cast) -> None:
    for _ in range(60):
        slow = proxied.connection("127.0.0.2")
        slow.putrequest("POST", "/api/login")
        slow.putheader("Content-Length", "100")
        slow.endheaders(b"{")
    for person in (cast.ann, cast.ben, cast.cara):
        assert proxied.login(person.email, address="127.0.0.3")[0].status == 200


def test_while_the_service_is_away_apps_are_told_to_send_again(
    proxied: Proxied, cast: Cast
) -> None:
    assert proxied.login(cast.ann.email)[0].status == 200
    proxied.service.stop()
    for method, path in (("POST", "/api/heartbeat"), ("GET", "/api/me")):
        response, problem = proxied.request(method, path)
        assert (response.status, problem["status"]) == (503, 503)
        assert response.headers.get_content_type() == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0


def test_apps_that_speak_http_2_get_it_and_plain_http_is_sent_to_tls(
    proxied: Proxied, cast: Cast
) -> None:
    tls, plain = f"https://127.0.0.1:{proxied.port}", f"http://127.0.0.1:{proxied.plain_port}"
    body = json.dumps({"email": cast.ann.email, "password": PASSWORD})
    login = curl(proxied.certificate, "--http2", "--data", body, f"{tls}/api/login")
    assert (login["http_version"], login["response_code"]) == ("2", 200)
    moved = curl(proxied.certificate, "--header", f"Host: {NAME}", f"{plain}/api/me")
    assert moved["response_code"] == 308
    address = urlsplit(moved["redirect_url"])
    assert (address.scheme, address.hostname, address.path) == ("https", NAME, "/api/me")


def curl(certificate: Path, *arguments: str) -> Any:
    """Return what curl says of a request."""
    command = [program("curl"), "--silent", "--cacert", str(certificate), "--output", "/dev/null"]
    command += ["--write-out", "%{json}", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
