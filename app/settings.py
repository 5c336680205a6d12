"""Everything an operator can set, read from environment variables that start with ABOKONTO_."""

from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, FilePath, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """The configuration of one process.

    Without a database or S3 address the application starts its own embedded ones in
    `var_directory` and keeps generated keys there.
    """

    model_config = SettingsConfigDict(
        env_prefix="ABOKONTO_", env_file=None, extra="ignore", populate_by_name=True
    )

    var_directory: Path = Field(Path("var"), description="Where embedded data and keys live.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8000,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("ABOKONTO_PORT", "PORT", "port"),
        description="The TCP port to listen on; PORT is read as well.",
    )
    workers: int = Field(1, ge=1, le=256, description="How many processes answer requests.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error."
    )

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL as the application's role: postgresql://user:password@host/name.",
    )
    owner_database_url: SecretStr | None = Field(
        None, description="PostgreSQL as the role that owns the tables; migrations and seeding."
    )
    database_pool_size: int = Field(10, ge=1, description="Connections per worker.")
    database_write_pool_size: int = Field(
        5, ge=1, description="Connections per worker that actions write with, beside those."
    )
    statement_timeout_seconds: float = Field(
        10.0, gt=0, description="How long one SQL statement of a request may take."
    )
    lock_timeout_seconds: float = Field(
        5.0, gt=0, description="How long an action waits for others on the same account."
    )

    s3_endpoint_url: str | None = Field(None, description="The S3 API's address.")
    s3_region: str = Field("us-east-1", description="The S3 region that signatures name.")
    s3_bucket: str = Field("abokonto", description="The bucket that holds all files.")
    s3_access_key_id: SecretStr | None = Field(None, description="The S3 access key.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Its secret.")
    download_link_seconds: int = Field(
        300, ge=1, le=3600, description="How long a signed download address works."
    )

    export_days: int = Field(
        7, ge=1, le=90, description="For how many days an export of a customer's data is kept."
    )

    unclaimed_file_seconds: float = Field(
        3600.0,
        gt=0,
        description="How long a stored file waits for its action, which takes no longer than a "
        "request, before it is swept away.",
    )

    encryption_keys: SecretStr | None = Field(
        None,
        description=(
            "Comma-separated `id:base64` pairs of 32-byte AES keys. The first encrypts, "
            "all decrypt."
        ),
    )
    lookup_key: SecretStr | None = Field(
        None,
        description=(
            "Base64 of the 32-byte key of the keyed hashes that find encrypted values (IBANs). "
            "It can't be rotated without computing those hashes anew."
        ),
    )

    clamd_address: str | None = Field(
        None,
        description="The virus scanner clamd: its Unix socket's absolute path, or `host:port`. "
        "When set, files that it didn't find clean are refused.",
    )
    clamd_timeout_seconds: float = Field(
        20.0, gt=0, description="How long the virus scanner may take for a file."
    )
    file_check_processes: int = Field(
        2,
        ge=1,
        le=64,
        description="How many files each worker checks at once, in up to 1 GB of memory each.",
    )
    file_check_timeout_seconds: float = Field(
        10.0, gt=0, description="How long the check of a file may take."
    )

    smtp_host: str | None = Field(
        None, description="The mail server; without one, mails are kept and not sent."
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the way there is encrypted: starttls, tls (usual on port 465) or none.",
    )
    smtp_username: str | None = Field(None, description="Who signs in there.")
    smtp_password: SecretStr | None = Field(None, description="Their password.")
    smtp_sender: str | None = Field(
        None,
        description="The address that all mails come from; answers go to the tenant's. By default "
        "they come from the tenant's own.",
    )
    smtp_timeout_seconds: float = Field(
        30.0, gt=0, description="How long the mail server may take for an answer."
    )

    jobs: bool = Field(
        True,
        description="Whether servers do jobs besides answering requests; where off, `abokonto "
        "work` does them.",
    )
    renewal_hour: int = Field(
        1, ge=0, le=23, description="At which hour of UTC the daily run begins."
    )
    jobs_at_once: int = Field(4, ge=2, le=100, description="How many jobs each process does.")
    job_retry_seconds: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="How long a job that failed waits; twice as long each time, up to an hour.",
    )
    job_lost_seconds: float = Field(
        60.0,
        gt=0,
        description="After how long without a sign of its worker a job is given to another.",
    )

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins of browser front ends; none by default."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of proxies that are believed in "
        "`X-Forwarded-For` and `X-Forwarded-Proto`; none by default.",
    )
    session_seconds: int = Field(
        43_200, ge=60, description="How long a session of staff lasts after signing in."
    )
    session_idle_seconds: int = Field(
        7_200, ge=60, description="After how long without a request it ends before that."
    )
    customer_session_seconds: int = Field(
        2_592_000, ge=60, description="How long a session of a customer lasts after signing in."
    )
    customer_session_idle_seconds: int = Field(
        1_209_600, ge=60, description="After how long without a request it ends before that."
    )
    breached_passwords_file: FilePath | None = Field(
        None,
        description="A file of SHA-1 hashes in their order, one a line, as Have I Been Pwned gives "
        "it out: new passwords that are in it are refused.",
    )
    public_url: str | None = Field(
        None, description="The address that browsers know us by, as `https://account.example.org`."
    )
    oidc_issuer: str | None = Field(
        None,
        description="The OpenID Connect provider that staff sign in by, as it calls itself. It "
        "needs `ABOKONTO_PUBLIC_URL`, below which the provider has to know "
        "`/auth/oidc/callback`.",
    )
    oidc_client_id: str | None = Field(None, description="Who we are there.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Our secret there, where it asks for one."
    )
    oidc_return_path: str = Field(
        "/", description="The path where browsers go once they signed in there."
    )
    graphiql: bool = Field(True, description="Whether GraphiQL is served.")
    introspection: bool = Field(True, description="Whether the schema may be asked for.")

    compiled_reads: bool = Field(
        True,
        description="Whether operations that are columns throughout are answered by PostgreSQL "
        "alone; off, all go through graphql-core.",
    )

    max_body_bytes: int = Field(1_000_000, ge=1_000, description="Largest request body.")
    max_files: int = Field(5, ge=1, le=20, description="Most files in a request.")
    max_tokens: int = Field(5_000, ge=100, description="Most lexical tokens in a document.")
    max_depth: int = Field(15, ge=3, description="Deepest nesting of fields.")
    max_aliases: int = Field(100, ge=0, description="Most aliases in an operation.")
    max_directives: int = Field(10, ge=0, description="Most directives at one place.")
    max_fields: int = Field(
        2_000, ge=10, description="Most fields in an operation, fragments expanded."
    )
    max_values: int = Field(
        100_000,
        ge=1_000,
        description="Most values an operation may ask for: its fields times the page sizes.",
    )
    document_cache_size: int = Field(1_000, ge=1, description="How many documents are kept.")
    request_timeout_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest execution. Of several actions in a request, none begins in its second "
        "half.",
    )
    upload_timeout_seconds: float = Field(
        60.0, gt=0, description="How long the body of a request with files may take to arrive."
    )
    subscription_seconds: float = Field(
        3600.0,
        gt=0,
        description="Longest life of a subscription over SSE, and of a WebSocket; clients connect "
        "again.",
    )
    subscription_check_seconds: float = Field(
        15.0,
        gt=0,
        le=60,
        description="After how long without a change a subscription looks whether its token still "
        "works.",
    )
    max_subscriptions: int = Field(
        1_000, ge=1, description="Most subscriptions per worker, and most WebSockets."
    )
    max_subscriptions_per_token: int = Field(
        50, ge=1, description="Most subscriptions with the same token per worker."
    )
    max_subscriptions_per_socket: int = Field(
        20, ge=1, description="Most subscriptions over the same WebSocket."
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("oidc_return_path")
    @classmethod
    def _stays_here(cls, value: str) -> str:
        """Another host's address begins with two slashes, or a backslash that browsers turn."""
        if not value.startswith("/") or value.startswith("//") or "\\" in value:
            raise ValueError("must be a path of ours, like /")
        return value

    @field_validator("clamd_address")
    @classmethod
    def _names_a_socket(cls, value: str | None) -> str | None:
        if not value:
            return None
        if not value.startswith("/") and not value.rpartition(":")[2].isdecimal():
            raise ValueError("must be the absolute path of a socket, or host:port")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Were everybody believed, anybody could say that they are somewhere else."""
        for proxy in value:
            try:
                everybody = ip_network(proxy).prefixlen == 0
            except ValueError as error:
                raise ValueError("must be addresses or networks, like 10.0.0.0/8") from error
            if everybody:
                raise ValueError("must be those of your proxies, and not of everybody")
        return value

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
