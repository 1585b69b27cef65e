"""Writes what the artifact test/Unit/Runtime/Inputs/toy-lm.c needs to run.

usage: make-toy-lm.py FOLDER  ->  toy-lm.sqw, toy-tokenizer.bin, tokens.npy,
stored.npz and deflated.npz (both: tokens and pos)
"""

import struct
import sys
import zipfile

folder = sys.argv[1]

# The weights: for each token the one that follows.
following = {1: 266, 266: 267, 267: 268, 268: 264, 264: 3 + ord("!"), 3 + ord("!"): 261, 261: 1}
data = struct.pack("<270f", *(following.get(i, (i + 1) % 270) for i in range(270)))
# The hash is XXH64 of the data, which Python doesn't have; LoaderTest.cpp
# computes it.
header = (
    b'{"__metadata__":{"sq.data_hash":"d208b21808e19d1b"},'
    b'"w":{"dtype":"F32","shape":[270],"data_offsets":[0,1080]}}'
)
header = header.ljust(-(-(len(header) + 8) // 64) * 64 - 8)
with open(f"{folder}/toy-lm.sqw", "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + data)

# The tokenizer: the earlier a token, the sooner it is merged.
pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n"]
pieces += [b"<0x%02X>" % i for i in range(256)]
pieces += [b" ", b"a", b"b", b"c", b"d", b" a", b"ab", b" ab", b"cd", "é".encode(), b"abcd"]
with open(f"{folder}/toy-tokenizer.bin", "wb") as file:
    file.write(struct.pack("<i", max(map(len, pieces))))
    for i, piece in enumerate(pieces):
        file.write(struct.pack("<fi", -float(i), len(piece)) + piece)


def npy(descr, shape, contents):
    """An .npy file, so that this script works without NumPy."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    text = text.ljust(-(-(len(text) + 11) // 64) * 64 - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + contents


tokens = npy("<i8", (3,), struct.pack("<3q", 1, 266, 267))
with open(f"{folder}/tokens.npy", "wb") as file:
    file.write(tokens)
for name, method in ("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w", method) as archive:
        archive.writestr("tokens.npy", tokens)
        archive.writestr("pos.npy", npy("<i8", (), struct.pack("<q", 0)))
