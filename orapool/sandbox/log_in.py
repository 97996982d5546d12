"""The log-in: connect, what client and server agree upon, and who the client is, in the protocol's order."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NoReturn

from orapool.sandbox import messages, packets
from orapool.sandbox.auth import Challenge, Verifier
from orapool.sandbox.capabilities import (
    JDBC,
    VERSION_BANNER,
    VERSION_NUMBER,
    make_data_types_reply,
    make_protocol_reply,
    parse_data_types,
    parse_fast_authentication,
    parse_fast_capabilities,
    parse_protocol,
)
from orapool.sandbox.errors import OracleError
from orapool.sandbox.host import Host
from orapool.sandbox.messages import MessageType
from orapool.sandbox.packets import ConnectionClosed, PacketStream
from orapool.sandbox.sql import BASE_EDITION, SessionIdentity
from orapool.sandbox.wire import ProtocolError, Reader

GREATEST_PACKET_SIZE = 65_535
_PURITY_NEW = "1"


@dataclass
class _Claim:
    """Who a client says it is, between the two phases of its authentication."""

    user: str
    challenge: Challenge | None
    known: bool
    values: dict[str, str] = field(default_factory=dict, repr=False)


class LogIn:
    """The log-in of one client; what it asks for is read, and the answers are returned for the session to send.

    Args:
        host: the server.
        stream: the client's packets.
        reader: of what they hold.
        identity: of the session, filled in as it becomes known.
        ended: set when the session is ended.

    Attributes:
        is_oci: whether the client is Oracle Client.
        fresh_each_time: whether a pooled server's session begins anew for each of its clients.
    """

    def __init__(
        self, host: Host, stream: PacketStream, reader: Reader, identity: SessionIdentity, ended: threading.Event
    ) -> None:
        self.is_oci = False
        self.fresh_each_time = False
        self._host = host
        self._stream = stream
        self._reader = reader
        self._identity = identity
        self._ended = ended
        self._marks_ends = False
        self._offers_fast = False
        self._claim: _Claim | None = None
        # Of the log-on, for changes of its password.
        self._challenge: Challenge | None = None

    # ------------------------------------------------------------ connect
    def connect(self) -> None:
        """The connect phase: one CONNECT, answered with ACCEPT or REFUSE."""
        packet = self._stream.receive()
        if packet.type != packets.CONNECT:
            raise ConnectionClosed(f"a packet of type {packet.type} before CONNECT")
        request = packets.parse_connect(packet, self._stream.receive)
        self._host.wait_while_frozen(False, self._ended)
        if request.is_ping:
            self._stream.send(packets.REFUSE, packets.make_ping_answer())
            raise ConnectionClosed("the listener was pinged")
        code = self._host.service_error(request.service_name, request.sid)
        if request.version < packets.OLDEST_VERSION:
            code = 12618  # TNS: versions are incompatible
        if code:
            self._stream.send(packets.REFUSE, packets.make_refuse(code))
            raise ConnectionClosed(f"refused with ORA-{code}")
        # Who has been sent here is served, so that a listener may send its clients to itself.
        target = None if request.redirected else self._host.redirection()
        if target is not None:
            self._redirect(*target, request.descriptor)
        self._identity.service = request.service_name or request.sid
        self._identity.server = "POOLED" if request.is_pooled else "DEDICATED"
        sdu = max(512, min(request.sdu, GREATEST_PACKET_SIZE))
        version = request.accepted_version
        self._marks_ends = version >= packets.NEWEST_THIN_VERSION
        self._offers_fast = self._host.fast_authentication and version >= packets.OLDEST_FAST_VERSION
        self._stream.send(packets.ACCEPT, packets.make_accept(version, sdu, self._offers_fast))
        self._stream.wide_lengths = True
        self._stream.packet_size = sdu

    def _redirect(self, host: str, port: int, descriptor: str) -> NoReturn:
        redirect, data = packets.make_redirect(host, port, descriptor)
        self._stream.send(packets.REDIRECT, redirect, packets.FLAG_CONNECT_DATA)
        self._stream.send(packets.DATA, data)
        raise ConnectionClosed(f"redirected to {host}:{port}")

    # ------------------------------------------------------------ negotiation
    def agree_on_protocol(self) -> bytes:
        """Read the protocol message; returns its answer."""
        self._offers_fast = False
        self._reader.bare = parse_protocol(self._reader).startswith(JDBC)
        return make_protocol_reply()

    def agree_on_data_types(self, knows_server: bool = True) -> bytes:
        """Read the data types message; returns its answer."""
        client = parse_data_types(self._reader, knows_server)
        self.is_oci = client.is_oci
        self._marks_ends = self._marks_ends and client.takes_marks
        return make_data_types_reply(client.types)

    def agree_at_once(self) -> bytes:
        """Read a fast authentication up to the authentication in it; returns the two answers that go before that's.

        With it, all answers are one response, whose end is marked. The client reads it with the field version that the
        first of them tells.

        Raises:
            ProtocolError: it was not offered, or others were agreed upon before, or it is none.
        """
        if not self._offers_fast:
            raise ProtocolError("fast authentication, which it was not offered")
        self.mark_ends()  # should it be refused
        parse_fast_authentication(self._reader)
        self._expect(MessageType.PROTOCOL)
        protocol = self.agree_on_protocol()
        parse_fast_capabilities(self._reader)
        self._expect(MessageType.DATA_TYPES)
        data_types = self.agree_on_data_types(knows_server=False)
        self.mark_ends()
        return protocol + data_types

    def _expect(self, kind: MessageType) -> None:
        if (found := self._reader.byte()) != kind:
            raise ProtocolError(f"fast authentication with a message of type {found} for type {kind.value}")

    def mark_ends(self) -> None:
        """Mark the ends of the answers from now on, where that is agreed upon.

        Oracle Database does so from the authentication on: the two answers before it have no such mark.
        """
        self._stream.marks_ends = self._marks_ends

    def version(self) -> bytes:
        """Read the call that asks for the server's version; returns its answer."""
        reader = self._reader
        reader.byte()
        reader.integer()
        reader.raw(2)
        reader.integer()
        return messages.make_version(VERSION_BANNER.encode(), VERSION_NUMBER, is_bare=reader.bare)

    # ------------------------------------------------------------ authentication
    def challenge(self, logged_on: bool) -> bytes:
        """The first phase: who it is, answered by what its password has to be proved with."""
        request = messages.parse_authenticate(self._reader)
        if logged_on:
            raise OracleError(3001, "unimplemented feature: to log on again over the same connection")
        self._host.check_open()
        user = _name(request.user)
        verifier = self._host.verifier(user)
        challenge = Challenge(verifier or Verifier.unknown(user))
        self._claim = _Claim(user, challenge, verifier is not None, request.values)
        return messages.make_parameters(challenge.pairs())

    def identify(self) -> bytes:
        """The second phase: the proof, answered by the server's own, with what the client learns of its session.

        Raises:
            OracleError: the log-on is denied.
        """
        values = messages.parse_authenticate(self._reader).values
        claim, self._claim = self._claim, None
        proof = ""
        try:
            if claim is None:  # no password is sent, so that nothing needs to be challenged
                known = self._host.identify(values.get("AUTH_SID", ""), values.get("AUTH_TOKEN"))
                claim = _Claim(known or "", None, known is not None)
            elif claim.challenge is not None:
                proof = claim.challenge.accept(values) or ""
                claim.known = claim.known and proof != ""
            if not claim.known:
                raise OracleError(1017, "invalid username/password; logon denied")
            new_password = claim.challenge.new_password(values) if claim.challenge is not None else None
            if new_password is not None:
                self._host.change_password(claim.user, new_password)
            self._challenge = claim.challenge
            claim.values.update(values)
            self._fill_in(claim, self._host.admit(claim.user, _name(claim.values.get("PROXY_CLIENT_NAME", ""))))
        except OracleError:
            self._host.count_denied_log_on()
            raise
        return messages.make_parameters(self._session_pairs(proof))

    def change_password(self) -> bytes:
        """The second phase when somebody has logged on: another password for that user."""
        values = messages.parse_authenticate(self._reader).values
        user, challenge = self._identity.proxy_user or self._identity.user, self._challenge
        verifier = self._host.verifier(user)
        if challenge is None or verifier is None or not challenge.proves(verifier, values):
            raise OracleError(28008, "invalid old password")
        self._host.change_password(user, challenge.new_password(values) or "")
        return messages.make_parameters([])

    def _fill_in(self, claim: _Claim, user: str) -> None:
        identity, values = self._identity, claim.values
        identity.user = user
        identity.proxy_user = claim.user if user != claim.user else ""
        identity.program = values.get("AUTH_PROGRAM_NM", "")
        identity.machine = values.get("AUTH_MACHINE", "")
        identity.osuser = values.get("AUTH_SID", "")
        identity.terminal = values.get("AUTH_TERMINAL", "")
        identity.process = values.get("AUTH_PID", "")
        identity.module = identity.program
        edition = values.get("AUTH_ORA_EDITION", BASE_EDITION)
        identity.edition = edition.strip('"') if edition.startswith('"') else edition.upper()
        identity.connection_class = values.get("AUTH_KPPL_CONN_CLASS", "")
        self.fresh_each_time = identity.server == "POOLED" and values.get("AUTH_KPPL_PURITY") == _PURITY_NEW

    def _session_pairs(self, proof: str) -> list[tuple[str, str, int]]:
        """What the client learns of its session; Oracle Client wants the NLS settings too."""
        identity = self._identity
        values = {
            "AUTH_VERSION_STRING": "- 64bit Production",
            "AUTH_VERSION_SQL": "24",
            "AUTH_XACTION_TRAITS": "3",
            "AUTH_VERSION_NO": str(VERSION_NUMBER),
            "AUTH_VERSION_STATUS": "0",
            "AUTH_CAPABILITY_TABLE": "",
            "AUTH_DBNAME": identity.instance,
            "AUTH_DB_MOUNT_ID\0": "1",
            "AUTH_DB_ID\0": "1",
            "AUTH_USER_ID": "100",
            "AUTH_SESSION_ID": str(identity.sid),
            "AUTH_SERIAL_NUM": str(identity.serial),
            "AUTH_INSTANCE_NO": "1",
            "AUTH_FAILOVER_ID": "",
            "AUTH_SERVER_PID": str(identity.sid),
            "AUTH_SC_SERVER_HOST": "sandbox",
            "AUTH_SC_DBUNIQUE_NAME": identity.instance,
            "AUTH_SC_INSTANCE_NAME": identity.instance,
            "AUTH_SC_SERVICE_NAME": identity.service,
            "AUTH_SC_DB_DOMAIN": "",
            "AUTH_INSTANCENAME": identity.instance,
            "AUTH_NLS_LXLAN": "AMERICAN",
            "AUTH_NLS_LXCTERRITORY": "AMERICA",
            "AUTH_NLS_LXCCURRENCY": "$",
            "AUTH_NLS_LXCISOCURR": "AMERICA",
            "AUTH_NLS_LXCNUMERICS": ".,",
            "AUTH_NLS_LXCDATEFM": "DD-MON-RR",
            "AUTH_NLS_LXCDATELANG": "AMERICAN",
            "AUTH_NLS_LXCSORT": "BINARY",
            "AUTH_NLS_LXCCALENDAR": "GREGORIAN",
            "AUTH_NLS_LXCUNIONCUR": "$",
            "AUTH_NLS_LXCTIMEFM": "HH.MI.SSXFF AM",
            "AUTH_NLS_LXCSTMPFM": "DD-MON-RR HH.MI.SSXFF AM",
            "AUTH_NLS_LXCTTZNFM": "HH.MI.SSXFF AM TZR",
            "AUTH_NLS_LXCSTZNFM": "DD-MON-RR HH.MI.SSXFF AM TZR",
            "AUTH_NLS_LXNLSLENSEMANTICS": "BYTE",
            "AUTH_NLS_LXNCHARCONVEXCP": "FALSE",
            "AUTH_NLS_LXCOMP": "BINARY",
            **({"AUTH_SVR_RESPONSE": proof} if proof else {}),
            "AUTH_MAX_OPEN_CURSORS": "300",
            "AUTH_MAX_IDEN_LENGTH": "128",
        }
        return [(key, value, 0) for key, value in values.items()]


def _name(given: str) -> str:
    """A user's name as the dictionary has it."""
    return given.strip('"').upper()
