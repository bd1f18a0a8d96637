# SPDX-License-Identifier: ISC
"""The rows of the model, and how accounts are numbered."""

ZEROS = "00" * 32


def main_of(customer):
    return customer << 16


def till_of(customer):
    return customer << 16 | 1


class Account:
    def __init__(self, kind, floor, soft_floor, ceiling, day_limit):
        self.kind, self.floor, self.ceiling = kind, floor, ceiling
        self.soft_floor, self.day_limit = soft_floor, day_limit
        self.posted = self.held = 0
        self.frozen = self.closed = self.till_closed = False
        self.label = ""
        self.flows = []     # what left, as far as it is counted


class Person:
    def __init__(self, entry, role):
        self.key, self.epoch = entry["signing_key"], entry["key_epoch"]
        self.attested = entry["attestation_hash"]
        self.role, self.terminal, self.till = role, 0, 0
        self.revoked = self.erased = False
        self.next_seq, self.last = 1, ZEROS
        self.references = []    # of the last 64 orders; None: declined
