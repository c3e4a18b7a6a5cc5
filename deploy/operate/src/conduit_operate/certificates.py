"""A certificate authority for this machine alone, made at set-up, and the broker's certificate under it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conduit_operate.paths import write_private

VALID_FOR = timedelta(days=3650)
CLOCK_SLACK = timedelta(minutes=5)


def make_certificates(folder: Path, names: Sequence[str] = ()) -> tuple[Path, Path]:
    """Paths of the authority's certificate (`ca.pem`) and of the broker's key with its chain (`broker.pem`).

    The broker is `localhost` on this machine, and what else `names` has.

    Existing files are kept: clients may hold the authority's certificate.
    """
    authority_path, broker_path = folder / "ca.pem", folder / "broker.pem"
    if not (authority_path.exists() and broker_path.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        authority_key, broker_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _authority(authority_key)
        broker = _broker(broker_key, authority, authority_key, names)
        write_private(broker_path, _pem(broker_key) + _text(broker) + _text(authority))
        authority_path.write_text(_text(authority))
    return authority_path, broker_path


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Referral conduit, local certificate authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _broker(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    more: Sequence[str],
) -> x509.Certificate:
    hosts = [x509.DNSName(name) for name in ("localhost", *more)]
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *hosts])
    return (
        _builder(_name("Referral conduit, local broker"), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + VALID_FOR)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
