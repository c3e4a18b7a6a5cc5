"""Puts users and permissions on the broker. Everything here may be done again without effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from conduit_operate.access import Operation, Resource, Rule
from conduit_operate.chunks import asked

ITERATIONS = 4096
"""Kafka's least. Passwords are long and random, so that more would protect nothing, and each connection pays for them."""
ANY_HOST = "*"
TIMEOUT = 30.0

_RESOURCES = {Resource.TOPIC: ResourceType.TOPIC, Resource.GROUP: ResourceType.GROUP}
_OPERATIONS = {Operation.READ: AclOperation.READ, Operation.WRITE: AclOperation.WRITE}


def create_users(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    """Make SCRAM users, or give those that exist this password."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()
    ]
    for _, future in asked(admin.alter_user_scram_credentials, wanted):
        future.result(TIMEOUT)


def delete_users(admin: AdminClient, users: Iterable[str]) -> None:
    """Take users' way in. Connections that are open stay so: what they may still do, `revoke` decides at once."""
    unwanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512) for user in users
    ]
    for _, future in asked(admin.alter_user_scram_credentials, unwanted):
        future.result(TIMEOUT)


def grant(admin: AdminClient, rules: Iterable[Rule]) -> None:
    """Add permissions; those that stand already stay as they are."""
    for _, future in asked(admin.create_acls, map(_binding, rules)):
        future.result(TIMEOUT)


def revoke(admin: AdminClient, rules: Iterable[Rule]) -> None:
    """Take permissions away. What is open is refused at its next request."""
    for _, future in asked(admin.delete_acls, map(_filter, rules)):
        future.result(TIMEOUT)


def users(admin: AdminClient) -> frozenset[str]:
    """Everyone who has a password."""
    # One future for all where nobody is asked for by name, which its annotations leave open.
    return frozenset(admin.describe_user_scram_credentials().result(TIMEOUT))  # type: ignore[union-attr]


def granted(admin: AdminClient) -> set[Rule]:
    """Every permission on the broker that a rule can express."""
    return {rule for rule, _ in _bindings(admin) if rule is not None}


def foreign(admin: AdminClient) -> list[str]:
    """Every permission on the broker that no rule can express: somebody made it by other means."""
    return [str(binding) for rule, binding in _bindings(admin) if rule is None]


def _bindings(admin: AdminClient) -> list[tuple[Rule | None, AclBinding]]:
    everything = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # its own annotations leave out None, which means any
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    return [(_rule(binding), binding) for binding in admin.describe_acls(everything).result(TIMEOUT)]


def _binding(rule: Rule) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if rule.prefix else ResourcePatternType.LITERAL
    return AclBinding(
        _RESOURCES[rule.resource],
        rule.name,
        pattern,
        f"User:{rule.principal}",
        ANY_HOST,
        _OPERATIONS[rule.operation],
        AclPermissionType.ALLOW,
    )


def _filter(rule: Rule) -> AclBindingFilter:
    binding = _binding(rule)
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _rule(binding: AclBinding) -> Rule | None:
    known = binding.restype in _RESOURCES.values() and binding.operation in _OPERATIONS.values()
    if not known or binding.host != ANY_HOST or binding.permission_type != AclPermissionType.ALLOW:
        return None
    resource = next(mine for mine, theirs in _RESOURCES.items() if theirs == binding.restype)
    operation = next(mine for mine, theirs in _OPERATIONS.items() if theirs == binding.operation)
    prefix = binding.resource_pattern_type == ResourcePatternType.PREFIXED
    return Rule(binding.principal.removeprefix("User:"), operation, resource, binding.name, prefix)
