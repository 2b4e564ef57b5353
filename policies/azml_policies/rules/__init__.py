"""Which rules there are: one file each, listed by hand in the order of their reference pages."""

from azml_policies.rule import Rule
from azml_policies.rules import (
    aks_12_vcpu,
    image_without_digest,
    key_auth,
    latest_reference,
    no_gate_in_prod,
    one_step_in_prod,
    public_network,
    quota_factor,
    registry_admin_user,
    retired_size,
    stateful_delete_or_replace,
    traffic_sums,
)

RULES: tuple[Rule, ...] = (
    aks_12_vcpu.RULE,
    quota_factor.RULE,
    traffic_sums.RULE,
    one_step_in_prod.RULE,
    no_gate_in_prod.RULE,
    key_auth.RULE,
    public_network.RULE,
    registry_admin_user.RULE,
    image_without_digest.RULE,
    latest_reference.RULE,
    retired_size.RULE,
    stateful_delete_or_replace.RULE,
)
