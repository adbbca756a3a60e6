"""What a provisioner is, and the pieces all of them share.

A provisioner makes one Pulumi resource type exist on the sandbox's AWS endpoint. Both engines
use the same table of them (design, section 9, "Engines"), so this module knows nothing of either:
inputs come in as the plain camelCase dictionaries that an engine sees, outputs go back the same way.
"""

from __future__ import annotations

import abc
import base64
import contextlib
import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.clients import Clients
from sandbox.provisioners.strict import RefusedCallError, install

type Inputs = Mapping[str, Any]
type Outputs = dict[str, Any]
type Tags = dict[str, str]

ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
"""Value of the signature key on an asset (Pulumi SDK, `pulumi.runtime.rpc`)."""
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"
"""Value of the signature key on an archive (Pulumi SDK, `pulumi.runtime.rpc`)."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_SUFFIX_LENGTH = 7


def _config() -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=5,
        read_timeout=120,
        max_pool_connections=32,
        inject_host_prefix=False,
        account_id_endpoint_mode="disabled",
        s3={"addressing_style": "path"},
    )


_CLIENTS = Clients(_config, install)


class ProvisionError(Exception):
    """A resource that cannot be made as asked; the message is one sentence for the user."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """Where a provisioner's calls go: the account, the Region, and what the provider adds.

    `account` is the 12-digit id, which is also the access key on the emulated endpoint.
    `default_tags` are the provider's; `urn` (optional) makes generated names differ between stacks.
    `endpoint` defaults to `AWS_ENDPOINT_URL`, read at the call.
    """

    account: str
    region: str
    partition: str = "aws"
    default_tags: Mapping[str, str] = field(default_factory=dict)
    urn: str = ""
    endpoint: str = ""

    def client(self, service: str) -> Any:
        """A boto3 client of `service` whose calls are checked against AWS's own model first.

        Raises:
            ProvisionError: no endpoint is set; a sandbox never falls back to real AWS.
            RefusedCallError: (from a call) the parameters are such that AWS would refuse them.
        """
        endpoint = self.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")
        if not endpoint:
            raise ProvisionError("AWS_ENDPOINT_URL is not set: start the sandbox with `landfall sandbox up`")
        return _CLIENTS.get(service, account=self.account, region=self.region, endpoint=endpoint)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this account; `region=""` for services without one."""
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"


@dataclass(frozen=True)
class Created:
    """A new resource: its provider id, and its outputs (inputs included, as the real provider does)."""

    id: str
    outputs: Outputs


@runtime_checkable
class Provisioner(Protocol):
    """Create, read, update and delete of one Pulumi resource type."""

    @property
    def token(self) -> str:
        """Pulumi type token, such as `aws:dynamodb/table:Table`."""

    @property
    def replace_on(self) -> frozenset[str]:
        """Input keys whose change needs a new resource."""

    @property
    def name_key(self) -> str | None:
        """The input that is generated when absent. Set explicitly, a replacement deletes first."""

    @property
    def taggable(self) -> bool:
        """Whether the provider's default tags are merged in (output `tagsAll`)."""

    def create(self, call: Call, inputs: Inputs, name: str) -> Created: ...
    def update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs: ...
    def delete(self, call: Call, id: str, state: Outputs) -> None: ...
    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None: ...


class Base(abc.ABC):
    """What most provisioners share: refusal of inputs that they do not carry out, names, outputs."""

    token: str = ""
    replace_on: frozenset[str] = frozenset()
    name_key: str | None = None
    taggable: bool = False
    handled: ClassVar[frozenset[str]] = frozenset()
    """Input keys that are carried out. Any other input fails the resource rather than being dropped."""
    name_limit: ClassVar[int] = 64
    prefix_key: ClassVar[str] = "namePrefix"

    def __init_subclass__(cls, *, type: str = "", **extra: Any) -> None:
        """`class Table(Base, type="aws:dynamodb/table:Table")` sets the type token."""
        super().__init_subclass__(**extra)
        if type:
            cls.token = type

    def create(self, call: Call, inputs: Inputs, name: str) -> Created:
        """Makes the resource. Raises ProvisionError, RefusedCallError or botocore's ClientError."""
        return self._create(call, self._accepted(inputs), name)

    def update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        """Changes the resource in place; for inputs outside `replace_on` only."""
        return self._update(call, id, integers(old), self._accepted(new))

    @abc.abstractmethod
    def delete(self, call: Call, id: str, state: Outputs) -> None:
        """Deletes the resource; one that is gone already counts as deleted."""

    @abc.abstractmethod
    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        """The outputs as the service reports them now, or None if the resource is gone."""

    @abc.abstractmethod
    def _create(self, call: Call, inputs: Inputs, name: str) -> Created: ...

    @abc.abstractmethod
    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs: ...

    def _accepted(self, inputs: Inputs) -> Inputs:
        extra = sorted(
            key
            for key, value in inputs.items()
            if key not in self.handled and key != "region" and not key.startswith("__") and value is not None
        )
        if extra:
            raise ProvisionError(f"the sandbox does not carry out {', '.join(extra)} of {self.token}")
        return {key: integers(value) for key, value in inputs.items() if not key.startswith("__")}

    def physical_name(self, call: Call, inputs: Inputs, name: str, *, suffix: str = "") -> str:
        """The name given, or `<logical>-<7 hex>` as the provider would generate it.

        Deterministic: the digits come from URN (or type and logical name), account, Region and the
        inputs that force replacement, so that a replacement, created first, does not meet its own name.
        """
        given = inputs.get(self.name_key) if self.name_key else None
        if given:
            return str(given)
        replacing = {key: inputs.get(key) for key in sorted(self.replace_on)}
        seed = json.dumps(
            [call.urn or f"{self.token}::{name}", call.account, call.region, replacing], default=str
        )
        digits = hashlib.sha256(seed.encode()).hexdigest()[:_SUFFIX_LENGTH]
        if prefix := inputs.get(self.prefix_key):
            return f"{prefix}{digits}{suffix}"
        return f"{name[: self.name_limit - _SUFFIX_LENGTH - 1 - len(suffix)]}-{digits}{suffix}"

    def outputs(self, call: Call, inputs: Inputs, **computed: Any) -> Outputs:
        """Inputs, then computed values, then what every AWS resource has: `region`, `tagsAll`."""
        result: Outputs = {**inputs, "region": call.region}
        if self.taggable:
            result["tagsAll"] = merged_tags(call, inputs)
        result.update({key: value for key, value in computed.items() if value is not None})
        return result


def delete_before_replace(provisioner: Provisioner, inputs: Inputs) -> bool:
    """Whether a replacement must delete first, because its name is explicit and AWS allows one holder.

    The real provider decides the same way (pulumi-terraform-bridge: replacement of a resource whose
    name is not generated). Provisioners of things with no name of their own, such as a bucket's
    policy, never meet their predecessor: what they hang on is replaced with them.
    """
    return provisioner.name_key is not None and bool(inputs.get(provisioner.name_key))


def replaces(*keys: str) -> frozenset[str]:
    """`replace_on` of a regional resource: the Region, and these."""
    return frozenset({"region", *keys})


# --- values ---------------------------------------------------------------------------------------


def pick(inputs: Inputs, names: Mapping[str, str] | Iterable[str]) -> dict[str, Any]:
    """The inputs that are set, under the names that the API uses.

    `names` maps input key to API member; a plain list means the same name with a capital first letter.
    """
    pairs = names if isinstance(names, Mapping) else {name: pascal(name) for name in names}
    return {member: inputs[key] for key, member in pairs.items() if inputs.get(key) is not None}


def pascal(key: str) -> str:
    """`billingMode` as the API writes it: `BillingMode`."""
    return key[:1].upper() + key[1:]


def camel(member: str) -> str:
    """`BillingMode` as Pulumi writes it: `billingMode`."""
    return member[:1].lower() + member[1:]


def to_boto(value: Any, renames: Mapping[str, str] | None = None) -> Any:
    """A camelCase structure with every key in PascalCase; `renames` where the two differ by more.

    Only for structures without free-form maps: keys of a tag map would be changed too.
    """
    renames = renames or {}
    if isinstance(value, Mapping):
        return {renames.get(k, pascal(k)): to_boto(v, renames) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [to_boto(item, renames) for item in value]
    return value


def integer(value: Any) -> Any:
    """Numbers travel as floats in the engine's protocol; AWS wants whole ones."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def integers(value: Any) -> Any:
    """`integer` throughout a structure."""
    if isinstance(value, Mapping):
        return {key: integers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [integers(item) for item in value]
    return integer(value)


def document(value: Any) -> str:
    """A JSON document input as the string that the API takes."""
    return value if isinstance(value, str) else json.dumps(value)


def same_document(left: Any, right: Any) -> bool:
    """Whether two JSON documents (strings or values) say the same."""
    try:
        return bool(_parsed(left) == _parsed(right))
    except ValueError:
        return bool(left == right)


def kept_document(state: Outputs, key: str, held: Any) -> Any:
    """The document of `key` as the state writes it where it says what the service holds; else the service's.

    Services give documents back in a form of their own, which is no change.
    """
    kept = state.get(key)
    return kept if kept is not None and same_document(kept, held) else held


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def changed(old: Inputs, new: Inputs, *keys: str) -> bool:
    """Whether any of the input keys differs."""
    return any(old.get(key) != new.get(key) for key in keys)


# --- tags -----------------------------------------------------------------------------------------


def merged_tags(call: Call, inputs: Inputs) -> Tags:
    """The provider's default tags with the resource's own on top (`tagsAll`)."""
    return {**call.default_tags, **(inputs.get("tags") or {})}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags in the list form of most APIs, sorted by key."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def tag_map(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> Tags:
    """The other way round, without the tags that AWS itself sets."""
    return {tag[key]: tag[value] for tag in tags if not tag[key].startswith("aws:")}


def sync_tags(
    current: Mapping[str, str],
    wanted: Mapping[str, str],
    tag: Callable[[Tags], Any],
    untag: Callable[[list[str]], Any],
) -> None:
    """Makes the tags of a resource those wanted, with at most two calls."""
    surplus = sorted(set(current) - set(wanted))
    missing = {name: wanted[name] for name in sorted(wanted) if current.get(name) != wanted[name]}
    if surplus:
        untag(surplus)
    if missing:
        tag(missing)


# --- calls ----------------------------------------------------------------------------------------


def error_code(error: ClientError) -> str:
    """The service's error code, such as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Swallows the named error codes: a resource that is missing is as good as deleted."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


def found(request: Callable[[], Any], *codes: str) -> dict[str, Any] | None:
    """The answer of a read, or None if the service says that the thing does not exist."""
    try:
        return cast(dict[str, Any], request())
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise


@contextlib.contextmanager
def rollback(undo: Callable[[], Any]) -> Iterator[None]:
    """Takes a half-made resource back when a later call fails, so that a rerun starts clean."""
    try:
        yield
    except BaseException:
        # The first failure is what the user must see; a failing clean-up must not hide it.
        with contextlib.suppress(ClientError, BotoCoreError, ProvisionError, RefusedCallError):
            undo()
        raise


def wait_until(what: str, ready: Callable[[], bool], *, seconds: float = 60.0, poll: float = 0.1) -> None:
    """Polls until `ready`, for at most `seconds`.

    Raises:
        ProvisionError: the time is over.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() >= deadline:
            raise ProvisionError(f"{what} was not reached within {seconds:g} seconds")
        time.sleep(poll)
        poll = min(poll * 1.5, 2.0)


def retrying(request: Callable[[], Any], *codes: str, seconds: float = 20.0) -> Any:
    """Repeats a call while the service answers with one of `codes`, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            return request()
        except ClientError as error:
            if error_code(error) not in codes or time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


def explain(error: BaseException) -> str:
    """One line for the user: the operation and the service's own words."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        words = " ".join(str(detail.get("Message") or "no message").split())
        return f"{error.operation_name}: {detail.get('Code', 'Unknown')}: {words}"
    return " ".join(str(error).split()) or type(error).__name__


# --- assets ---------------------------------------------------------------------------------------


def _asset_bytes(asset: Mapping[str, Any]) -> bytes:
    if asset.get("text") is not None:
        return str(asset["text"]).encode()
    if asset.get("path"):
        try:
            return Path(str(asset["path"])).read_bytes()
        except OSError as error:
            raise ProvisionError(f"cannot read asset {asset['path']}: {error.strerror}") from error
    raise ProvisionError("an asset needs a path or a text; a remote one is not available in the sandbox")


def asset_bytes(asset: Any) -> bytes:
    """The content of an asset: a signed dictionary (`text` or `path`), a path, or an SDK object.

    Raises:
        ProvisionError: the file cannot be read, or the asset is a remote one.
    """
    return _asset_bytes(_described(asset))


def _described(asset: Any) -> Mapping[str, Any]:
    if isinstance(asset, Mapping):
        return asset
    if isinstance(asset, str | os.PathLike):
        return {"path": os.fspath(asset)}
    return {key: getattr(asset, key) for key in ("path", "text", "assets", "uri") if hasattr(asset, key)}


def archive_bytes(archive: Any) -> bytes:
    """The zip of an archive input.

    Takes the SDK's signed dictionary (`path` to a zip or a folder, or `assets`), a path, or an SDK
    object. Zips that are made here are reproducible: sorted names, fixed dates and modes.

    Raises:
        ProvisionError: nothing readable there, or the archive is a remote one.
    """
    described = _described(archive)
    if described.get("assets") is not None:
        return _zip(dict(_members(described["assets"])))
    if not described.get("path"):
        raise ProvisionError(
            "an archive needs a path or assets; a remote one is not available in the sandbox"
        )
    path = Path(str(described["path"]))
    if path.is_dir():
        return _zip(
            {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}
        )
    return _asset_bytes({"path": str(path)})


def _members(assets: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for name, asset in sorted(assets.items()):
        described = _described(asset)
        if described.get("assets") is not None:
            yield from _members(described["assets"], f"{prefix}{name}/")
        elif described.get("path") and Path(str(described["path"])).is_dir():
            folder = Path(str(described["path"]))
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    yield f"{prefix}{name}/{file.relative_to(folder)}", file.read_bytes()
        else:
            yield f"{prefix}{name}", _asset_bytes(described)


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            bundle.writestr(info, members[name])
    return buffer.getvalue()


def sha256_base64(content: bytes) -> str:
    """SHA-256 as Lambda writes it (`CodeSha256`)."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
