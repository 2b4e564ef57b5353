"""The data plane of key vaults: RSA keys that encrypt and decrypt, at `https://NAME.vault.azure.net/keys/…`.

Owns keys, their versions and the four operations with them, as the engine's secrets provider `azurekeyvault://` asks
for them (REST reference of Azure Key Vault, keys 7.4: create key, get key, encrypt, decrypt, wrap key, unwrap key).
Everything else is refused by name: other kinds of keys and algorithms, deletion, rotation, secrets, certificates. A
valid token may do everything. The keys are with their vault in the store, in plain form: none of them is for use.
"""

import base64
import time
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from azml_local.arm.store import Resource
from azml_local.azure import Azure
from azml_local.namespaces.keyvault import Vaults
from azml_local.tokens import KEY_VAULT, BadToken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

OPERATIONS = ("encrypt", "decrypt", "wrapKey", "unwrapKey")
"""What a key does; wrapping is encrypting under another permission (about-keys-details)."""
_ENCRYPTS = ("encrypt", "wrapKey")
_SIZES = (2048, 3072, 4096)


@dataclass(frozen=True)
class _Refusal(Exception):  # noqa: N818 - says what is the case
    status: int
    code: str
    message: str


async def answer(azure: Azure, request: Request, name: str) -> Response:
    """Answer a request to the vault `name`."""
    try:
        return JSONResponse(await _answer(azure, request, name))
    except _Refusal as error:
        headers = {"www-authenticate": _challenge(azure)} if error.status == 401 else {}
        document = {"error": {"code": error.code, "message": error.message}}
        return JSONResponse(document, error.status, headers)


async def _answer(azure: Azure, request: Request, name: str) -> dict[str, Any]:
    vaults = azure.store.named(Vaults.type, name)
    if not vaults:
        raise _Refusal(404, "VaultNotFound", f"There is no key vault '{name}' in the local Azure.")
    _refuse_stranger(azure, request)
    match (request.method, *request.url.path.strip("/").split("/")):
        case ("POST", "keys", key, "create"):
            return await _create(azure, vaults[0], key, await _json(request))
        case ("GET", "keys", key, *version) if len(version) < 2:
            return _shown(vaults[0], *_found(vaults[0], key, "".join(version)))
        case ("POST", "keys", key, *version, operation) if len(version) < 2:
            for known in OPERATIONS:
                if operation.lower() == known.lower():
                    found = _found(vaults[0], key, "".join(version))
                    return _done(vaults[0], *found, known, await _json(request))
    what = f"{request.method} {request.url.path}"
    raise _Refusal(501, "NotImplemented", f"The local Azure does not emulate '{what}' of key vaults.")


def _refuse_stranger(azure: Azure, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _Refusal(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
    try:
        azure.tokens.verify(token, KEY_VAULT)
    except BadToken as error:
        raise _Refusal(
            401, "Unauthorized", f"The token is not good: {error.reason} {error.audience}".strip()
        ) from error


def _challenge(azure: Azure) -> str:
    """Where a token is to be had, and for what: clients ask without one first, to learn it."""
    return f'Bearer authorization="{azure.url}/{azure.identity.tenant_id}", resource="{KEY_VAULT}"'


async def _create(azure: Azure, vault: Resource, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    size = asked.get("key_size", _SIZES[0])
    if asked.get("kty") != "RSA":
        raise _Refusal(501, "NotImplemented", f"The local Azure makes RSA keys alone, not {asked.get('kty')!r}.")
    if size not in _SIZES:
        raise _Refusal(400, "BadParameter", f"key_size is one of {', '.join(map(str, _SIZES))}, not {size!r}.")
    made = await to_thread(rsa.generate_private_key, 65537, size)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    entry = {"pem": pem, "key_ops": asked.get("key_ops") or list(OPERATIONS), "created": int(time.time())}
    version = uuid4().hex
    vault = azure.store.get(vault.id) or vault  # as it is now
    vault.hidden.setdefault("keys", {}).setdefault(name, {})[version] = entry
    azure.store.put(vault)
    return _shown(vault, name, version, entry)


def _found(vault: Resource, name: str, version: str) -> tuple[str, str, dict[str, Any]]:
    """Look a key up: name, version, entry. Without a version it is the last."""
    versions = vault.hidden.get("keys", {}).get(name, {})
    version = version or next(reversed(versions), "")
    if version not in versions:
        raise _Refusal(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
    return name, version, versions[version]


def _shown(vault: Resource, name: str, version: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    public = _key(entry).public_key().public_numbers()
    key = {"kid": _id(vault, name, version), "kty": "RSA", "key_ops": entry["key_ops"]}
    numbers = {"n": _number(public.n), "e": _number(public.e)}
    times = {"created": entry["created"], "updated": entry["created"]}
    return {"key": key | numbers, "attributes": {"enabled": True, **times, "recoveryLevel": "Recoverable+Purgeable"}}


def _done(
    vault: Resource, name: str, version: str, entry: Mapping[str, Any], operation: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    if operation not in entry["key_ops"]:
        raise _Refusal(403, "Forbidden", f"Operation {operation} is not permitted on this key.")
    padding, value = _padding(asked.get("alg")), _bytes(asked.get("value"))
    key = _key(entry)
    try:
        made = key.public_key().encrypt(value, padding) if operation in _ENCRYPTS else key.decrypt(value, padding)
    except ValueError as error:
        raise _Refusal(400, "BadParameter", f"The value cannot be taken by {operation} with this key.") from error
    return {"kid": _id(vault, name, version), "value": _base64(made)}


def _padding(algorithm: object) -> "OAEP":
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

    by = {"RSA-OAEP": hashes.SHA1, "RSA-OAEP-256": hashes.SHA256}.get(str(algorithm))
    if by is None:
        raise _Refusal(501, "NotImplemented", f"The local Azure knows RSA-OAEP and RSA-OAEP-256, not {algorithm!r}.")
    return OAEP(MGF1(by()), by(), None)


def _key(entry: Mapping[str, Any]) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return cast("RSAPrivateKey", load_pem_private_key(entry["pem"].encode(), None))


def _id(vault: Resource, name: str, version: str) -> str:
    return f"{vault.properties['vaultUri']}keys/{name}/{version}"


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _Refusal(400, "BadParameter", "The request body is no JSON object.")
    return body


def _bytes(value: object) -> bytes:
    try:
        if isinstance(value, str):
            return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        pass
    raise _Refusal(400, "BadParameter", "The value is not Base64 (URL).")


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
