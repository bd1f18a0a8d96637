#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
What the linker made of the rooms: which libraries each one loads, and the
hardening of each program, read from the ELF files themselves.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

BUILD = Path(os.environ["BUILD"])
LIBEXEC = BUILD / "libexec" / "strongroom"
SODIUM, CRYPTO = "libsodium", "libcrypto"
LIBC = {"libc", "ld-linux-x86-64", "ld-linux-aarch64"}
# What a sanitizer or coverage build adds by itself.
INSTRUMENTS = {"libasan", "libubsan", "libm", "libgcc_s", "libpthread",
               "libdl", "librt"}
ALLOWED = {
    LIBEXEC / "keyd": {SODIUM},
    LIBEXEC / "strongroom-unlock": {SODIUM, "libgfshare"},
    LIBEXEC / "strongroom-probe": set(),
    LIBEXEC / "netd": set(),
    LIBEXEC / "ledgerd": {SODIUM, CRYPTO},
    BUILD / "sbin" / "strongroomd": {"libinih"},
    BUILD / "bin" / "atm": {SODIUM, CRYPTO, "libinih", "libqrencode",
                             "libunistring"},
    BUILD / "bin" / "strongroomctl": {SODIUM, CRYPTO, "libinih",
                                      "libqrencode", "libunistring"},
    BUILD / "bin" / "strongroom-verify": {SODIUM, CRYPTO, "libinih",
                                          "libunistring"},
}
# Modules of common/ that netd, which holds no secret, must not contain.
CRYPTOGRAPHY = ("aead_", "kdf_", "noise_", "opaque_", "oprf_", "secret_",
                "crypto_", "sodium_", "EVP_")
failed = False


def say(name, wrong):
    global failed
    failed = failed or bool(wrong)
    print(f"not ok {name}: {wrong}" if wrong else f"ok {name}")


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True,
                          capture_output=True, text=True).stdout


def needed(path):
    return {name.split(".so")[0]
            for name in re.findall(r"\(NEEDED\).*\[(.*)\]",
                                   readelf("-d", path))}


def wrong_libraries(path, allowed, instrumented):
    loaded = needed(path) - LIBC
    if instrumented:
        loaded -= INSTRUMENTS
    more = sorted(loaded - allowed)
    return f"it loads {', '.join(more)}" if more else ""


def wrong_functions(path):
    names = re.findall(r"\bFUNC\b.* (\w+)(?:@\S+)?$",
                       readelf("--syms", path), re.M)
    if "main" not in names:
        return "it has no symbols to look at"
    there = [name for name in names if name.startswith(CRYPTOGRAPHY)]
    return f"it contains {', '.join(there)}" if there else ""


def wrong_hardening(path, instrumented):
    header, dynamic = readelf("-h", path), readelf("-d", path)
    segments, symbols = readelf("-l", path), readelf("--dyn-syms", path)
    wrong = []
    if not re.search(r"Type:\s+DYN", header):
        wrong.append("not position-independent")
    if not re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic):
        wrong.append("no BIND_NOW")
    if "GNU_RELRO" not in segments:
        wrong.append("no RELRO")
    stack = re.search(r"GNU_STACK.*", segments)
    if stack is None or "RWE" in stack.group(0):
        wrong.append("an executable stack")
    if re.search(r"LOAD.*\bRWE\b", segments):
        wrong.append("a writable and executable segment")
    if "TEXTREL" in dynamic or re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        wrong.append("text relocations or a library path")
    if "__stack_chk_fail" not in symbols:
        wrong.append("no stack protector")
    if not instrumented and not re.search(r"__\w+_chk\b", symbols.replace(
            "__stack_chk_fail", "")):
        wrong.append("nothing fortified")
    return ", ".join(wrong)


def main():
    programs = [path for path in ALLOWED if path.exists()]
    if not programs:
        print(f"{BUILD}: no program was built")
        return 1
    for path in programs:
        instrumented = any(name in {"libasan", "libubsan"}
                           for name in needed(path)) or \
            "__asan_init" in readelf("--syms", path) or \
            "__gcov" in readelf("--syms", path)
        say(f"{path.name}_loads_only_its_libraries",
            wrong_libraries(path, ALLOWED[path], instrumented))
        say(f"{path.name}_is_hardened", wrong_hardening(path, instrumented))
    if (LIBEXEC / "netd").exists():
        say("netd_contains_no_cryptography", wrong_functions(LIBEXEC / "netd"))
    known = {path.resolve() for path in ALLOWED}
    for path in sorted([*LIBEXEC.glob("*"), *BUILD.glob("bin/*"),
                        *BUILD.glob("sbin/*")]):
        if path.resolve() not in known:
            say(f"{path.name}_is_known", "no line in ALLOWED says what it"
                " may load")
    return 1 if failed else 0


sys.exit(main())
