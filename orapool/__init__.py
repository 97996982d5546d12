"""orapool: one native Oracle session pool per process."""

from orapool._version import __version__ as __version__
