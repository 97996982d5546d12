"""TCPS: a listener in front of the server's own, which ends TLS and passes on what is inside.

The certificates are made at the start, by an authority that is made for them: clients that check get its certificate
in a wallet, a file ``ewallet.pem`` in a folder, as python-oracledb reads it. Oracle Client wants a wallet of its own
format, which only Oracle's tools can make.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import selectors
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orapool.sandbox.listener import Listener

_LIFETIME = datetime.timedelta(days=365)
_PIECE = 65_536
# Clients that shake hands, which takes milliseconds: the oldest of so many will never end.
_MOST_GREETED = 256
SERVER_DN = "CN=orapool-sandbox"
_CERTIFIES = x509.KeyUsage(
    key_cert_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)

Key = ec.EllipticCurvePrivateKey


class Authority:
    """Issues the certificates of one sandbox."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("orapool sandbox's own authority")
        self._certificate = self._issue(
            self._name,
            self._key,
            x509.BasicConstraints(ca=True, path_length=0),
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()),
            _CERTIFIES,
        )

    def pem(self) -> bytes:
        """The certificate of the authority."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, common_name: str, host: str = "", password: str = "") -> bytes:
        """A certificate with its private key, for a server on `host` or a client; a password encrypts the key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = []
        if host:
            with contextlib.suppress(ValueError):
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            names += [x509.DNSName(host), x509.DNSName("localhost")]  # python-oracledb compares names only
        extensions = [x509.SubjectAlternativeName(names)] if names else []
        # From Python 3.13 on, a client asks for it.
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = self._issue(_name(common_name), key, authority, *extensions)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return certificate.public_bytes(serialization.Encoding.PEM) + private

    def _issue(self, subject: x509.Name, key: Key, *extensions: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1),
            not_valid_after=now + _LIFETIME,
        )
        for extension in extensions:
            critical = isinstance(extension, (x509.BasicConstraints, x509.KeyUsage))
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class TlsListener:
    """Listens for TLS on a port of its own.

    Args:
        host: the address to listen on.
        target: host and port that what is inside goes to.
        folder: where the certificates are kept.
        timeout: seconds in which a client has to shake hands, 0 for ever.
    """

    def __init__(self, host: str, target: tuple[str, int], folder: Path, timeout: float) -> None:
        self._target = target
        self._folder = folder
        self._authority = Authority()
        served = folder / "server.pem"
        served.write_bytes(self._authority.issue(SERVER_DN[len("CN=") :], host))
        (folder / "authority.pem").write_bytes(self._authority.pem())
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Its tickets would make the socket readable between answers, which the drivers take for news.
        self._context.num_tickets = 0
        self._context.load_cert_chain(served)
        self._context.load_verify_locations(folder / "authority.pem")
        self._timeout = timeout or None
        self._greeted: dict[ssl.SSLSocket, None] = {}
        self._lock = threading.Lock()
        self._listener = Listener(host, 0, self._take, lambda: self._make_room(0))
        self.port = self._listener.port

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def demand_client_certificates(self, demanded: bool = True) -> None:
        """Whether clients have to show a certificate of the same authority."""
        self._context.verify_mode = ssl.CERT_REQUIRED if demanded else ssl.CERT_NONE

    def make_wallet(self, password: str = "") -> str:
        """A folder with a new ewallet.pem; with a password, it has a certificate for the client, encrypted with it."""
        number = len(list(self._folder.glob("wallet-*")))
        wallet = self._folder / f"wallet-{number}"
        wallet.mkdir()
        # The client's own goes first: that is where python-oracledb looks for it.
        content = (self._authority.issue("client", password=password) if password else b"") + self._authority.pem()
        (wallet / "ewallet.pem").write_bytes(content)
        return str(wallet)

    def _take(self, sock: socket.socket) -> None:
        self._make_room(_MOST_GREETED - 1)
        sock.settimeout(self._timeout)
        outside = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._greeted[outside] = None
        try:
            threading.Thread(target=self._serve, args=(outside,), name="tls session", daemon=True).start()
        except RuntimeError:
            outside.close()
            self._forget(outside)
            raise

    def _make_room(self, kept: int) -> None:
        """End who has been shaking hands for the longest, where more than `kept` do."""
        with self._lock:
            oldest = list(self._greeted)[: max(0, len(self._greeted) - kept)]
        for outside in oldest:
            with contextlib.suppress(OSError):
                outside.shutdown(socket.SHUT_RDWR)

    def _forget(self, outside: ssl.SSLSocket) -> None:
        with self._lock:
            self._greeted.pop(outside, None)

    def _serve(self, outside: ssl.SSLSocket) -> None:
        with outside:
            try:
                outside.do_handshake()
                inside = socket.create_connection(self._target)
            except (OSError, ValueError):  # ssl.SSLError is one; shut down meanwhile
                return
            finally:
                self._forget(outside)
            with inside, contextlib.suppress(OSError):
                _pass_on(outside, inside)


def _pass_on(outside: ssl.SSLSocket, inside: socket.socket) -> None:
    """Pass bytes both ways until either side ends."""
    for sock in (outside, inside):
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with selectors.DefaultSelector() as selector:
        selector.register(outside, selectors.EVENT_READ, inside)
        selector.register(inside, selectors.EVENT_READ, outside)
        while True:
            for key, _events in selector.select():
                source, sink = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                data = source.recv(_PIECE)
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    data += source.recv(source.pending())
                if not data:
                    return
                sink.sendall(data)
