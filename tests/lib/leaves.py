# SPDX-License-Identifier: ISC
"""
Segments retired by hand: what stays of them by strongroom-journal(5), written
by somebody who has nothing but the ledger directory.
"""
import hashlib
import os
import struct

SEGMENT_LEN, FRAME_LEN, HEADER_LEN, LEAF_LEN = 128, 104, 136, 86
ENTRY = 1


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Tree:
    """RFC 6962: the root of leaves that are added one by one."""

    def __init__(self):
        self.size, self.subtrees = 0, []    # (height, hash), largest first

    def add(self, leaf):
        node, height = hashlib.sha256(b"\0" + leaf).digest(), 0
        while self.subtrees and self.subtrees[-1][0] == height:
            node = hashlib.sha256(b"\1" + self.subtrees.pop()[1] + node)
            node, height = node.digest(), height + 1
        self.subtrees.append((height, node))
        self.size += 1

    def root(self):
        if not self.subtrees:
            return hashlib.sha256().digest()
        root = self.subtrees[-1][1]
        for _, left in self.subtrees[-2::-1]:
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root


def leaves_of(data):
    """The leaves of a segment's bytes."""
    at = SEGMENT_LEN
    while at < len(data) and any(data[at:at + 8]):
        head = data[at:at + FRAME_LEN]
        length, = struct.unpack_from("<I", head, 8)
        body = data[at + FRAME_LEN:at + FRAME_LEN + length]
        if head[5] == ENTRY:
            yield (b"\1" + head[12:28] + head[32:33] + head[28:32] +
                   hashlib.sha256(head[:100] + body).digest() + head[68:100])
        at += (FRAME_LEN + length + 7) // 8 * 8


def retire(ledger, until, keep_logs=False):
    """Retires the segments below that number; their .log files go."""
    tree = Tree()
    for number in range(until):
        log = ledger / f"segment/{number:08}.log"
        data = log.read_bytes()
        before, first = tree.root(), tree.size
        leaves = list(leaves_of(data))
        for leaf in leaves:
            tree.add(leaf)
        header = (b"SRLEAVE1" + struct.pack("<HHI", 1, 0, number) +
                  data[16:48] + struct.pack("<QQ", first, len(leaves)) +
                  before + tree.root() + bytes(4))
        header += struct.pack("<I", crc32c(header))
        path = log.with_suffix(".leaves")
        path.write_bytes(header + b"".join(leaves))
        status = log.stat()
        path.chmod(status.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(path, status.st_uid, status.st_gid)
        if not keep_logs:
            log.unlink()
    return tree.size
