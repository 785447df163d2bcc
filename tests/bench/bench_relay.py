"""The relay as it is measured: without TLS on its way to the source, as the peers and the loops."""

from lab import Relay


class BenchRelay(Relay):
    def __init__(self, source, source_settings=None, **options):
        super().__init__(source, source_settings={"tls": "disabled", **(source_settings or {})}, **options)
