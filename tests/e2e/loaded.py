"""What a copy of a mitmdump has before it begins: the table of tokens, which each would have to read."""

from headroom_mitm import tokens

tokens.encoding()
