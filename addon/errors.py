"""The errors of this package, named for whose fault they are; each is caught by someone.

HeadroomError
 ├─ UnreadableBody      the client's: a body that is not the JSON we know; it passes untouched
 ├─ StoreUnavailable    the store's: originals or decisions cannot be read or written; the original goes out
 │   └─ StoreReadOnly   the store's: what is there can be read, and nothing can be kept
 ├─ UnreadableRecord    the store's: a record is damaged, in another's place, or its key is not here; it counts as lost
 └─ MissingOriginal     nobody's: an id that is not known here (any more); the model is told so

Bad options raise mitmproxy's ``OptionsError``.
"""


class HeadroomError(Exception):
    """The root of the tree."""


class UnreadableBody(HeadroomError):
    """A request body that cannot be pointed into exactly. It leaves as it came."""


class StoreUnavailable(HeadroomError):
    """The store does not answer, or cannot write. What is undecided goes out raw."""


class StoreReadOnly(StoreUnavailable):
    """The store cannot write, and can be read all the same."""


class UnreadableRecord(HeadroomError):
    """A record that was kept and cannot be opened. A text that it stood for goes out raw."""


class MissingOriginal(HeadroomError):
    """An id that belongs to no text of this conversation."""
