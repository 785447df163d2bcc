"""Certificates for a test: an authority and what it signs, made with the openssl program."""

from lab import machine


class Authority:
    """A certificate authority in a folder; `certificate` is its own."""

    def __init__(self, folder, name):
        self._folder, self._name = folder, name
        self.certificate, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                 "-keyout", self._key, "-out", self.certificate)

    def issue(self, name, alternative):
        """(certificate, key) of somebody; `alternative` as in "IP:127.0.0.1" or "DNS:db.example"."""
        certificate, key = (self._folder / f"{self._name}-{name}.{kind}" for kind in ("pem", "key"))
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                 "-days", "2", "-extfile", extensions, "-out", certificate)
        for path in (certificate, key):
            machine.give_to_servers(path)
        return certificate, key


def _openssl(*words):
    machine.run(["openssl", *words])
