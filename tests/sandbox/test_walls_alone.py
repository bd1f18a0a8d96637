#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs test_walls_alone as test_walls.py runs test_walls."""
import sys

import test_walls

if __name__ == "__main__":
    sys.exit(test_walls.main("test_walls_alone"))
