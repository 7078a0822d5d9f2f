"""A certificate authority of this machine's own, for the services of `--secure` and for tests."""

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365
_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates into `folder`: NAME.pem and NAME-key.pem (PKCS#8, for its owner only);
    `ca.pem` is what clients trust. What is there already stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.file = folder / "ca.pem"
        if not self.file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            own = _named("tweets test authority")
            built = _builder(own, own, key, DAYS).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            _write(folder / "ca-key.pem", _pem(key))
            _write(self.file, _text(built.sign(key, hashes.SHA256())))
        self._certificate = x509.load_pem_x509_certificate(self.file.read_bytes())

    def issue(self, name: str, *hosts: str, days: int = DAYS) -> tuple[Path, Path]:
        """The certificate of CN=`name` for these addresses and its key; below zero days it expired
        that many days ago."""
        certificate, file = self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
        if not certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            names = [x509.IPAddress(ipaddress.ip_address(one)) for one in hosts if one[0].isdigit()]
            others = [x509.DNSName(one) for one in hosts if not one[0].isdigit()]
            usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            builder = _builder(_named(name), self._certificate.subject, key, days).add_extension(
                x509.ExtendedKeyUsage(usage), critical=False
            )
            if hosts:
                builder = builder.add_extension(
                    x509.SubjectAlternativeName([*names, *others]), critical=False
                )
            signer = serialization.load_pem_private_key(
                (self.folder / "ca-key.pem").read_bytes(), None
            )
            assert isinstance(signer, ec.EllipticCurvePrivateKey)
            _write(file, _pem(key))
            _write(certificate, _text(builder.sign(signer, hashes.SHA256())))
        return certificate, file

    def java_store(self, name: str, password: str) -> None:
        """NAME.p12, the store in which Hadoop's servers look for a certificate and its key."""
        file = self.folder / f"{name}.p12"
        if not file.exists():
            certificate, key_file = self.issue(name)
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            own = x509.load_pem_x509_certificate(certificate.read_bytes())
            lock = serialization.BestAvailableEncryption(password.encode())
            _write(
                file,
                pkcs12.serialize_key_and_certificates(
                    name.encode(), key, own, [self._certificate], lock
                ),
            )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    """Valid from long before until `days` from now, so that an expired one was valid once."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(file: Path, data: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with open(descriptor, "wb") as opened:  # noqa: PTH123  the descriptor has the mode
        opened.write(data)
