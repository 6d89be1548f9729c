"""Every body that crosses HTTP, as types that the server and the client share.

A body is a msgspec Struct: unknown fields are refused by name, and the OpenAPI document is made
from these types. Pure: no clock, disk, network or threads.
"""

from __future__ import annotations
