"""The settings of a pool: what they are called, which values they take, where they come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Callable, Literal, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from orapool.discovery import Config, find_sources
from orapool.dsn import check_dsn
from orapool.errors import ConfigurationError
from orapool.hooks import PATTERN, import_function
from orapool.layers import PASSWORDS, WITHOUT_PASSWORD, collect, log_on_ways, merge, variable_prefix
from orapool.passwords import call_function, call_hook, read_secret
from orapool.sources import DEFAULT


def _password(value: Any) -> Any:
    if value is None or isinstance(value, (str, SecretStr)) or callable(value):
        return value
    raise ValueError("input should be a string, or a function without parameters that returns one")


def _user_source(value: Any) -> Any:
    if value is None or callable(value) or (isinstance(value, str) and re.fullmatch(PATTERN, value)):
        return value
    raise ValueError("input should be package.module:function, or a function without parameters")


def _token(value: Any) -> Any:
    if value is None or callable(value):
        return value
    parts = [value] if isinstance(value, (str, SecretStr)) else list(value) if isinstance(value, (tuple, list)) else []
    if len(parts) in (1, 2) and all(isinstance(part, (str, SecretStr)) and part for part in parts):
        return tuple(parts) if len(parts) == 2 else parts[0]
    raise ValueError("input should be a token, a token and a private key, or a function that returns one of these")


def _callback(value: Any) -> Any:
    if value is None or callable(value):
        return value
    if isinstance(value, str) and re.fullmatch(PATTERN, value):
        return value
    raise ValueError("input should be a function that takes the connection, or package.module:function")


def _purity(value: Any) -> Any:
    """In words; the drivers have constants of the same values."""
    names = ("default", "new", "self")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return names[value]
    return value.lower() if isinstance(value, str) else value


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
DriverName = Literal["auto", "cx_oracle", "oracledb"]
MayBePath = Union[Path, None]  # aliases, since Python 3.9 cannot evaluate `Path | None`
MayBeText = Union[str, None]
OnSession = Annotated[Union[str, Callable[[Any], object], None], BeforeValidator(_callback)]
MayBeCount = Union[int, None]
Purity = Annotated[Literal["default", "new", "self"], BeforeValidator(_purity)]
Password = Annotated[Union[SecretStr, Callable[[], str], None], BeforeValidator(_password)]
MayBeSecret = Union[SecretStr, None]
Token = Annotated[Union[SecretStr, tuple[SecretStr, SecretStr], Callable[..., Any], None], BeforeValidator(_token)]
UserSource = Annotated[Union[Callable[[], Any], str, None], BeforeValidator(_user_source)]


class PoolSettings(BaseModel):
    """How a pool reaches its database and how it behaves. All times are in seconds.

    Make one with `load_settings`, which turns mistakes into `ConfigurationError`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    dsn: str = Field(min_length=1, description="connect string: host:port/service, (DESCRIPTION=...), or a TNS alias")
    user: MayBeText = Field(None, min_length=1, description="user to log on as")
    # Not shown even where it is a function: a functools.partial shows its arguments.
    password: Password = Field(None, repr=False, description="the user's password, or a function that returns it")
    password_file: MayBePath = Field(None, description="file that holds the password")
    password_hook: MayBeText = Field(
        None,
        pattern=PATTERN,
        description="package.module:function, called with these settings, that returns the password",
    )
    config_dir: MayBePath = Field(None, description="folder of tnsnames.ora, for a TNS alias")
    driver: DriverName = Field("auto", description="auto: cx_oracle where it finds Oracle Client, else oracledb")
    thick: bool = Field(False, description="python-oracledb in thick mode, on Oracle Client's own session pool")
    externalauth: bool = Field(
        False, description="log on without user and password, as Oracle's configuration says how"
    )
    access_token: Token = Field(
        None, repr=False, description="token to log on with, or a function that returns one: python-oracledb only"
    )
    wallet_location: MayBePath = Field(None, description="folder of the wallet, for TCPS")
    wallet_password: MayBeSecret = Field(None, description="password of the wallet: python-oracledb only")
    user_source: UserSource = Field(
        None, repr=False, description="function, asked at each checkout, that returns whom to log on as"
    )

    min: int = Field(1, ge=0, description="sessions to keep open, once two are wanted at the same time")
    max: int = Field(4, ge=1, description="sessions that may be open at once")
    increment: int = Field(1, ge=1, description="sessions to open when one more is needed")

    acquire_timeout: Seconds = Field(30.0, description="longest wait for a session")
    connect_timeout: Seconds = Field(10.0, description="longest log-on, put into the connect descriptor; 0: none")
    transport_connect_timeout: Seconds = Field(
        2.0, description="longest TCP connect to one address, put into the connect descriptor; 0: none"
    )
    call_timeout: Seconds = Field(0.0, description="longest round trip of a statement; 0: none")
    ping_timeout: Seconds = Field(1.0, gt=0, description="longest ping when an idle session is checked")
    trust: Seconds = Field(
        65.0, description="age of the last sign of life up to which an idle session needs no ping; 0: always ping"
    )
    keepalive_idle: int = Field(60, ge=1, description="idle time after which the kernel probes a session's path")
    keepalive_interval: int = Field(10, ge=1, description="time between probes that are not answered")
    keepalive_probes: int = Field(3, ge=1, description="unanswered probes after which a path is dead")
    user_timeout: Seconds = Field(10.0, description="longest time that sent data may stay unacknowledged; 0: none")
    max_lifetime: Seconds = Field(0.0, description="greatest age of a session, less up to a tenth by chance; 0: none")
    idle_timeout: Seconds = Field(0.0, description="idle time after which sessions beyond min are closed; 0: none")

    leak_threshold: Seconds = Field(
        0.0, description="time after which a checkout that lasts is logged, with the line that made it; 0: never"
    )
    publish: bool = Field(True, description="show the pool's numbers to `orapool top`, in a file of the user's own")
    publish_dir: MayBePath = Field(None, description="folder of such files; else orapool's own of the user")

    server_limit: MayBeCount = Field(None, ge=1, description="sessions that the server has for all workers together")
    workers: MayBeCount = Field(None, ge=1, description="processes that have such a pool each, to warn of server_limit")

    # Not shown for the same reason as a password's function.
    on_session: OnSession = Field(
        None, repr=False, description="function, or package.module:function, called once with each new session"
    )
    module: MayBeText = Field(None, description="MODULE in V$SESSION of who says nothing else; else the script's name")
    action: MayBeText = Field(None, description="ACTION in V$SESSION of who says nothing else")
    client_identifier: MayBeText = Field(None, description="CLIENT_IDENTIFIER in V$SESSION of who says nothing else")
    clientinfo: MayBeText = Field(None, description="CLIENT_INFO in V$SESSION of who says nothing else")
    stmtcachesize: int = Field(20, ge=0, description="statements that a session keeps parsed; 0: none")
    edition: MayBeText = Field(None, min_length=1, description="edition of the database's objects to use")
    cclass: MayBeText = Field(None, min_length=1, description="connection class of pooled servers (DRCP)")
    purity: Purity = Field("default", description="whether a pooled server's session (DRCP) may be one used before")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> dict[str, str]:
        """Where each setting was found: "variable ORAPOOL_MAX", "/srv/app.ini [orapool] line 3", or "default"."""
        return {name: self._origins.get(name, "default") for name in type(self).model_fields}

    @property
    def has_password(self) -> bool:
        """Whether the user logs on with a password, and not by a token or externally."""
        return not self.externalauth and self.access_token is None

    def driver_token(self) -> Any:
        """The access token as python-oracledb takes it: a string, a tuple or a function; None where there is none."""
        token = self.access_token
        if isinstance(token, tuple):
            return tuple(part.get_secret_value() for part in token)
        return token.get_secret_value() if isinstance(token, SecretStr) else token

    def current_password(self) -> str:
        """The password as it is now: a file is read, and a function is called, anew each time.

        Raises `ConfigurationError` where there is none to be had.

        >>> load_settings(dsn="db/sales", user="scott", password_file="/run/secrets/scott").current_password()
        'tiger'
        """
        if self.password_file is not None:
            return read_secret(self.password_file, self.origins["password_file"])
        if self.password_hook is not None:
            return call_hook(self.password_hook, self, self.origins["password_hook"])
        if self.password is not None and not isinstance(self.password, SecretStr):
            return call_function(self.password, self.origins["password"])
        return self.password.get_secret_value() if self.password else ""

    def session_function(self) -> Callable[[Any], object] | None:
        """The function that `on_session` is or names. Raises `ConfigurationError` where there is none of that name."""
        found = self.on_session
        if isinstance(found, str):
            found = import_function("on_session", found, self.origins["on_session"])
            if not callable(found):
                where = f"on_session {self.on_session} (set by {self.origins['on_session']})"
                raise ConfigurationError(f"{where} is not a function: it is called with each new session")
        return found

    def __eq__(self, other: object) -> bool:
        """Whether the settings are the same, wherever they come from."""
        return isinstance(other, PoolSettings) and self.__dict__ == other.__dict__

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError(f"input should not be {str(value).lower()}")
        return value

    @field_validator("dsn")
    @classmethod
    def _check_dsn(cls, dsn: str) -> str:
        check_dsn(dsn)
        return dsn

    @model_validator(mode="after")
    def _check_sizes(self) -> PoolSettings:
        if self.min > self.max:
            raise ValueError(f"min={self.min} is larger than max={self.max}: min must be 0 to max")
        return self

    @model_validator(mode="after")
    def _check_thick(self) -> PoolSettings:
        if self.thick and self.driver == "cx_oracle":
            raise ValueError(
                "thick=True is for python-oracledb, and driver is cx_oracle, which is on Oracle Client always: leave "
                "thick out, or set driver to oracledb"
            )
        return self

    @model_validator(mode="after")
    def _check_edition(self) -> PoolSettings:
        if self.edition is not None and self.cclass is not None:
            raise ValueError("edition and cclass exclude each other: neither driver takes both")
        return self

    @model_validator(mode="after")
    def _check_authentication(self) -> PoolSettings:
        given = [
            name for name in log_on_ways(list(type(self).model_fields)) if getattr(self, name) not in (None, False)
        ]
        if not given:
            raise ValueError(f"one of {', '.join((*PASSWORDS, *WITHOUT_PASSWORD))} must be set")
        if self.has_password and self.user is None:
            raise ValueError("user must be set")
        if not self.has_password and self.user is not None and not re.fullmatch(r"\[[^\[\]]+\]", self.user):
            raise ValueError(
                f"user={self.user!r} contradicts {given[-1]}, which says who it is: leave user out, or set it to "
                "'[client]' to connect as another through that one"
            )
        if self.wallet_password is not None and self.wallet_location is None:
            raise ValueError("wallet_password is set, and wallet_location is not")
        return self


class NotConfigured(ConfigurationError):
    """No place says anything about the pool."""


KNOWN = ("url", *PoolSettings.model_fields)
"""What may be set."""


def load_settings(pool: str = DEFAULT, /, config: Config | None = None, **given: Any) -> PoolSettings:
    """Settings of the pool named `pool`: each from `given`, or from the first of the places that has it.

    The places, and what `config` is, are those of `orapool.discovery.find_sources`.

    Raises `ConfigurationError`, which names each wrong setting, where it was found and the values it takes.

    >>> load_settings(url="oracle://scott:tiger@db:1521/?service_name=sales").user
    'scott'
    """
    found = collect(pool, given, find_sources(config), KNOWN)
    passed_over = "".join(f"; {origin} is not an oracle:// URL" for origin in found.passed_over)
    if not found.layers and not found.mistakes:
        raise NotConfigured(f"pool {pool!r}: nothing says where its database is{passed_over}")
    entries = merge(found.layers)
    origins = {name: entry.origin for name, entry in entries.items()}
    values = {name: entry.value for name, entry in entries.items()}
    prefix = variable_prefix(pool)
    mistakes = list(found.mistakes)
    if not log_on_ways(values):
        mistakes.append(_missing("password", prefix))
        values["password"] = "?"  # so that the other settings are looked at too
    needs_user = "user" not in values and any(name in values for name in PASSWORDS)
    try:
        settings = PoolSettings(**{**values, **({"user": "?"} if needs_user else {})})
    except ValidationError as error:
        # Not "from error": pydantic's text may show what was passed in.
        details = error.errors(include_input=False, include_url=False)
        mistakes += [_explain(detail, origins, prefix) for detail in details]
    if needs_user:
        mistakes.append(_missing("user", prefix))
    if mistakes:
        raise ConfigurationError(f"pool {pool!r}: {'; '.join(mistakes)}{passed_over}")
    settings._origins.update(origins)
    return settings


def _explain(detail: Any, origins: dict[str, str], prefix: str) -> str:
    """One mistake that pydantic found, in our words."""
    message = str(detail.get("ctx", {}).get("error") or detail["msg"])
    message = message[:1].lower() + message[1:]
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0])
    if detail["type"] == "missing":
        return _missing(name, prefix)
    variable = f"variable {prefix}{name.upper()}"
    ways = f"set by {origins[name]}" + ("" if origins[name] == variable else f"; also set by {variable}")
    meaning = f"({PoolSettings.model_fields[name].description}; {ways})"
    # What shows a place in a text ends with the caret below it.
    return f"{name} {meaning}: {message}" if "\n" in message else f"{name}: {message} {meaning}"


def _missing(name: str, prefix: str) -> str:
    meaning = PoolSettings.model_fields[name].description
    return (
        f"{name} is not set ({meaning}): pass url= or {name}= to orapool.configure(), or set {prefix}{name.upper()}, "
        "or write it into a settings file"
    )
