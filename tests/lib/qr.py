# SPDX-License-Identifier: ISC
"""
QR codes as people's cameras see them: characters on paper or on a terminal's
screen become a picture, and ZBar (Debian's libzbar0), which has no code in
common with libqrencode, says what it finds in it.

    equal(read(paper(text)), [b"..."])
"""
import ctypes
import re

SCALE = 4               # pixels a module has
QR_CODE, BINARY = 64, 4             # zbar_symbol_type_t, zbar_config_t
Y800 = int.from_bytes(b"Y800", "little")
# What of a cell is drawn: its upper half, its lower half.
DRAWN = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
BLACK, WHITE = 0, 255
PALETTE = {"16": BLACK, "231": WHITE}   # of 256 colours, those that are used


def library():
    """ZBar; OSError when it is not there."""
    zbar = ctypes.CDLL("libzbar.so.0")
    for name in ("image_scanner_create", "image_create", "symbol_next",
                 "image_first_symbol"):
        getattr(zbar, f"zbar_{name}").restype = ctypes.c_void_p
    zbar.zbar_symbol_get_data.restype = ctypes.POINTER(ctypes.c_char)
    return zbar


def there():
    try:
        return library() is not None
    except OSError:
        return False


def paper(text):
    """Rows of pixels, of the lines that have nothing but blocks: black ink."""
    rows = []
    for line in text.split("\n"):
        if line and set(line) <= set(DRAWN):
            for half in (0, 1):
                rows.append([BLACK if DRAWN[cell][half] else WHITE
                             for cell in line])
    return rows


def screen(text, ink, ground):
    """The same of a screen with these colours where the text sets none; what
    is no block is ground."""
    rows, colours = [], (ink, ground)
    for line in text.split("\n"):
        upper, lower = [], []
        for sgr, cell in re.findall(r"\x1b\[([\d;]*)m|([^\x1b])", line):
            if not cell:
                colours = painted(sgr, colours, (ink, ground))
                continue
            for row, drawn in zip((upper, lower), DRAWN.get(cell, (0, 0))):
                row.append(colours[0] if drawn else colours[1])
        rows += [upper, lower]
    width = max(map(len, rows))
    return [row + [ground] * (width - len(row)) for row in rows]


def painted(sgr, colours, plain):
    """Ink and ground after that sequence."""
    ink, ground = colours
    words = sgr.split(";") if sgr else ["0"]
    while words:
        word = words.pop(0)
        if word == "0":
            ink, ground = plain
        elif word == "39":
            ink = plain[0]
        elif word == "49":
            ground = plain[1]
        elif word in ("38", "48") and words[:1] == ["5"]:
            colour = PALETTE[words[1]]
            ink, ground = ((colour, ground) if word == "38" else
                           (ink, colour))
            del words[:2]
        else:
            raise ValueError(f"a colour that is not expected: {sgr}")
    return ink, ground


def read(rows):
    """The bytes of each code in the picture."""
    zbar, width = library(), len(rows[0]) * SCALE
    data = b"".join(bytes(pixel for pixel in row for _ in range(SCALE)) * SCALE
                    for row in rows)
    scanner = ctypes.c_void_p(zbar.zbar_image_scanner_create())
    zbar.zbar_image_scanner_set_config(scanner, 0, 0, 0)    # none but QR
    zbar.zbar_image_scanner_set_config(scanner, QR_CODE, 0, 1)
    zbar.zbar_image_scanner_set_config(scanner, QR_CODE, BINARY, 1)
    image = ctypes.c_void_p(zbar.zbar_image_create())
    zbar.zbar_image_set_format(image, ctypes.c_ulong(Y800))
    zbar.zbar_image_set_size(image, width, len(rows) * SCALE)
    zbar.zbar_image_set_data(image, data, ctypes.c_ulong(len(data)), None)
    zbar.zbar_scan_image(scanner, image)
    found = []
    symbol = ctypes.c_void_p(zbar.zbar_image_first_symbol(image))
    while symbol:
        length = zbar.zbar_symbol_get_data_length(symbol)
        found.append(zbar.zbar_symbol_get_data(symbol)[:length])
        symbol = ctypes.c_void_p(zbar.zbar_symbol_next(symbol))
    zbar.zbar_image_destroy(image)
    zbar.zbar_image_scanner_destroy(scanner)
    return found
