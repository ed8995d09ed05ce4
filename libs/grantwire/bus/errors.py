"""What the bus itself refuses."""

from grantwire.contracts.failures import Conflict, Transient


class Busy(Conflict):
    """The subject still holds a job that is waiting or in flight; it takes the next one after that is acknowledged."""


class Full(Transient):
    """The stream has reached its size limit. Nothing is lost: publishers pause until room is made."""
