"""How the service's configuration is put together: a file, the environment, flags."""

from mitame.configuring.reading import Configured, read_configuration
from mitame.configuring.settings import FILE_VARIABLE, SETTINGS, Setting, variable_of

__all__ = [
    "FILE_VARIABLE",
    "SETTINGS",
    "Configured",
    "Setting",
    "read_configuration",
    "variable_of",
]
