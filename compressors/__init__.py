"""The compressors, one strategy a file, in the order in which a tie of scores is decided."""

from headroom_mitm.compressors.base import Compressed, Compressor, Content, Level

COMPRESSORS: tuple[Compressor, ...] = ()

__all__ = ["COMPRESSORS", "Compressed", "Compressor", "Content", "Level"]
