# SPDX-License-Identifier: ISC
"""
Whether processes stay as large as they are: samples are taken when nobody is
served, and judged when all are there.

    samples.append(sample({"keyd": 17, "netd": 19}))
    complaints(samples)         # [] when all is flat

Memory: the first WARM_UP of the samples do not count; of the others the
median of the last third may be above that of the first third by GROWTH, or by
SLACK_KIB.  Descriptors: never more in the last third than in the first one
(ledgerd keeps a few old segments open, until there are eight).
"""
import os
from pathlib import Path
from statistics import median

from lib.bank import process_state

WARM_UP, GROWTH, SLACK_KIB = 0.2, 0.02, 128
FEWEST = 10             # samples, below which nothing can be said


def descriptors(pid):
    """None where only root may look."""
    try:
        return len(os.listdir(Path("/proc", str(pid), "fd")))
    except PermissionError:
        return None


def sample(pids):
    """For each process its resident KiB and its open descriptors."""
    return {name: (int(process_state(pid)["VmRSS"].split()[0]),
                   descriptors(pid)) for name, pid in pids.items()}


def thirds(samples, name, what=0):
    """What was seen early and late, without the warm-up."""
    seen = [taken[name][what] for taken in samples]
    seen = seen[int(len(seen) * WARM_UP):]
    third = max(1, len(seen) // 3)
    return seen[:third], seen[-third:]


def memory(samples, name):
    return tuple(median(part) for part in thirds(samples, name))


def complaints(samples):
    if len(samples) < FEWEST:
        return [f"{len(samples)} samples are too few"]
    found = []
    for name in samples[0]:
        early, late = memory(samples, name)
        if late - early > max(SLACK_KIB, early * GROWTH):
            found.append(f"{name} grew from {early:.0f} to {late:.0f} KiB")
        early, late = thirds(samples, name, 1)
        if None not in late and max(late) > max(early):
            found.append(f"{name} had {max(early)} descriptors and then"
                         f" {max(late)}")
    return found


def summary(samples):
    """A line: what each process had early and late."""
    return ", ".join(
        f"{name} {'{:.0f}->{:.0f}'.format(*memory(samples, name))} KiB"
        f" {samples[-1][name][1]} descriptors" for name in samples[0])
