// SPDX-License-Identifier: ISC
// The initiator of Noise_NKpsk0_25519_ChaChaPoly_SHA512, revision 34, with
// Node's own cryptography.
import { expand, extract, join, open, random, seal, sha512, x25519,
    x25519Public } from "./primitives.mjs";

export class Initiator {
    constructor(prologue, remoteStatic, psk) {
        this.h = Buffer.alloc(64);
        this.h.write("Noise_NKpsk0_25519_ChaChaPoly_SHA512");
        this.ck = Buffer.from(this.h);
        this.remoteStatic = remoteStatic;
        this.mixHash(prologue);
        this.mixHash(remoteStatic);
        this.psk = psk;
    }

    mixHash(data) {
        this.h = sha512(this.h, data);
    }

    // HKDF of the Noise specification: as RFC 5869 with no info.
    hkdf(material, count) {
        const all = expand(extract(this.ck, material), "", 64 * count);
        return [0, 1, 2].slice(0, count).map(
            (i) => all.subarray(64 * i, 64 * (i + 1)));
    }

    mixKey(material) {
        let key;
        [this.ck, key] = this.hkdf(material, 2);
        this.key = key.subarray(0, 32);
    }

    mixKeyAndHash(material) {
        let hash, key;
        [this.ck, hash, key] = this.hkdf(material, 3);
        this.mixHash(hash);
        this.key = key.subarray(0, 32);
    }

    // psk, e, es; each message encrypts once under a new key: n = 0.  The
    // payload may depend on nothing that comes out of the message.
    write(payload) {
        this.mixKeyAndHash(this.psk);
        this.e = random(32);
        const ePublic = x25519Public(this.e);
        this.mixHash(ePublic);
        this.mixKey(ePublic);
        this.mixKey(x25519(this.e, this.remoteStatic));
        const sealed = seal(this.key, 0, this.h, payload);
        this.mixHash(sealed);
        return join(ePublic, sealed);
    }

    // e, ee; gives the payload.
    read(message) {
        const re = message.subarray(0, 32), sealed = message.subarray(32);
        this.mixHash(re);
        this.mixKey(re);
        this.mixKey(x25519(this.e, re));
        const payload = open(this.key, 0, this.h, sealed);
        this.mixHash(sealed);
        return payload;
    }

    split() {
        return this.hkdf("", 2).map((key) => key.subarray(0, 32));
    }
}
