"""The spec's words in ARM's spelling: `aml_token` is `AMLToken`, 90000 ms is `PT1M30S`.

Owns the translation of values. Deliberately no names of fields: each component says which field goes where.
"""

AUTH_MODES = {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}
IDENTITY_TYPES = {
    "system_assigned": "SystemAssigned",
    "user_assigned": "UserAssigned",
    "system_assigned,user_assigned": "SystemAssigned,UserAssigned",
    "none": "None",
}
DATASTORE_AUTH_MODES = {
    "accesskey": "AccessKey",
    "identity": "Identity",
    "user_delegation_sas": "UserDelegationSAS",
}
ISOLATION_MODES = {
    "disabled": "Disabled",
    "allow_internet_outbound": "AllowInternetOutbound",
    "allow_only_approved_outbound": "AllowOnlyApprovedOutbound",
}


def switch(value: str) -> str:
    """`enabled` as `Enabled`."""
    return value.capitalize()


def duration(milliseconds: int) -> str:
    """ISO 8601, as .NET writes it: hours, minutes and seconds, none of them zero but the only one."""
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{seconds}S" if rest else ""]
    return "PT" + ("".join(parts) or "0S")
