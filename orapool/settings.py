"""The settings of a pool: what they are called, which values they take, where they come from."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from orapool.dsn import check_dsn, parse_url
from orapool.errors import ConfigurationError

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
DriverName = Literal["auto", "cx_oracle", "oracledb"]


class PoolSettings(BaseSettings):
    """How a pool reaches its database and how it behaves. All times are in seconds.

    Make one with `load_settings`, which turns mistakes into `ConfigurationError`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True)

    dsn: str = Field(min_length=1, description="connect string: host:port/service, (DESCRIPTION=...), or a TNS alias")
    user: str = Field(min_length=1, description="user to log on as")
    password: SecretStr = Field(description="the user's password")
    config_dir: str = Field("", description="folder of tnsnames.ora, for a TNS alias; empty: where Oracle Client looks")
    driver: DriverName = Field("auto", description="auto: cx_oracle where it finds Oracle Client, else oracledb")

    min: int = Field(1, ge=0, description="sessions to open at first use")
    max: int = Field(4, ge=1, description="sessions that may be open at once")
    increment: int = Field(1, ge=1, description="sessions to open when more are needed")

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

    @model_validator(mode="before")
    @classmethod
    def _take_url_apart(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        url = values.pop("url", None)
        if url is None:
            return values
        if "dsn" in values:
            raise ValueError("url and dsn both say where the database is: set one of them")
        parts = parse_url(url.get_secret_value() if isinstance(url, SecretStr) else str(url))
        if parts.driver and values.get("driver", "auto") not in ("auto", parts.driver):
            raise ValueError(f"driver={values['driver']} contradicts the url, which says {parts.driver}")
        found = {"dsn": parts.dsn, "user": parts.user, "password": parts.password, "driver": parts.driver}
        return {**{name: value for name, value in found.items() if value is not None}, **values}

    @model_validator(mode="after")
    def _check_dsn(self) -> PoolSettings:
        check_dsn(self.dsn)
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> PoolSettings:
        if self.min > self.max:
            raise ValueError(f"min={self.min} is larger than max={self.max}: min must be 0 to max")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        prefix = getattr(env_settings, "env_prefix", "")
        return init_settings, _Environment(settings_cls, env_prefix=prefix)


class _Environment(EnvSettingsSource):
    """``ORAPOOL_*`` variables, as far as they do not contradict what the program has set itself."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        url = self.env_vars.get(f"{self.env_prefix}url".lower())
        if url:
            values["url"] = url
        given = self.current_state
        if "url" in given:
            in_url = parse_url(str(given["url"]))
            values = {
                name: value
                for name, value in values.items()
                if name not in ("url", "dsn") and not getattr(in_url, name, None)
            }
        if "dsn" in given:
            values.pop("url", None)
        return values


def environment_prefix(pool: str) -> str:
    """The prefix of a pool's variables: ORAPOOL_ for the default pool, ORAPOOL_REPORTING_ for the pool "reporting"."""
    return "ORAPOOL_" if pool == "default" else f"ORAPOOL_{pool.upper()}_"


def load_settings(pool: str = "default", **given: Any) -> PoolSettings:
    """Settings of the pool named `pool`, from `given` and, for those not given, from the environment.

    Raises `ConfigurationError`, which names each wrong setting and the values it takes.

    >>> load_settings(url="oracle://scott:tiger@db:1521/?service_name=sales").user
    'scott'
    """
    prefix = environment_prefix(pool)
    given = {name: value for name, value in given.items() if value is not None}
    unknown = [name for name in given if name not in PoolSettings.model_fields and name != "url"]
    if unknown:
        raise ConfigurationError(f"pool {pool!r}: {_unknown(unknown[0])}")
    try:
        return PoolSettings(_env_prefix=prefix, **given)  # type: ignore[call-arg]
    except ValidationError as error:
        # Not "from error": pydantic's text may show what was passed in.
        details = [_explain(detail, prefix) for detail in error.errors(include_input=False, include_url=False)]
    except ConfigurationError as error:
        details = [str(error)]
    raise ConfigurationError(f"pool {pool!r}: {'; '.join(details)}")


def _explain(detail: Any, prefix: str) -> str:
    """One mistake that pydantic found, in our words."""
    if not detail["loc"]:
        cause = detail.get("ctx", {}).get("error")
        return str(cause or detail["msg"])
    name = str(detail["loc"][0])
    variable = f"{prefix}{name}".upper()
    meaning = PoolSettings.model_fields[name].description if name in PoolSettings.model_fields else ""
    if detail["type"] == "missing":
        return f"{name} is not set ({meaning}): pass url= or {name}= to orapool.configure(), or set {variable}"
    return f"{name}: {_in_words(detail)} ({meaning}; variable {variable})"


def _in_words(detail: Any) -> str:
    message: str = detail["msg"]
    return message[:1].lower() + message[1:]


def _unknown(name: str) -> str:
    known = ["url", *PoolSettings.model_fields]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{name!r} is not a setting: {meant}Known are {', '.join(known)}"
