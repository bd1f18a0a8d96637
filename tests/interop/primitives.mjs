// SPDX-License-Identifier: ISC
// What RFCs give, by Node's own cryptography: HKDF-SHA512, ChaCha20-Poly1305,
// X25519 and Ed25519 with raw keys.
import { createCipheriv, createDecipheriv, createHash, createHmac,
    createPrivateKey, createPublicKey, diffieHellman, randomBytes, sign,
    verify } from "node:crypto";

export const join = (...parts) => Buffer.concat(parts.map(
    (part) => typeof part === "string" ? Buffer.from(part) : part));

const integer = (write, length) => (value) => {
    const bytes = Buffer.alloc(length);
    write(bytes, value);
    return bytes;
};
export const u8 = integer((b, v) => b.writeUInt8(v), 1);
export const u16 = integer((b, v) => b.writeUInt16LE(v), 2);
export const u32 = integer((b, v) => b.writeUInt32LE(v), 4);
export const u64 = integer((b, v) => b.writeBigUInt64LE(BigInt(v)), 8);

export const sha256 = (...parts) =>
    createHash("sha256").update(join(...parts)).digest();
export const sha512 = (...parts) =>
    createHash("sha512").update(join(...parts)).digest();
export const hmac = (key, ...parts) =>
    createHmac("sha512", key).update(join(...parts)).digest();

export const hmac256 = (key, ...parts) =>
    createHmac("sha256", key).update(join(...parts)).digest();

// RFC 5869
export const extract = (salt, ...ikm) => hmac(salt, ...ikm);
export function expand(prk, info, length) {
    let block = Buffer.alloc(0), all = block;
    for (let i = 1; all.length < length; i++) {
        block = hmac(prk, block, info, u8(i));
        all = join(all, block);
    }
    return all.subarray(0, length);
}

// RFC 8439, the nonce as 4 zero bytes and a counter
const TAG = 16;
const nonce = (counter) => join(u32(0), u64(counter));
export function seal(key, counter, ad, plain) {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce(counter),
        { authTagLength: TAG });
    cipher.setAAD(ad, { plaintextLength: plain.length });
    return join(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}
export function open(key, counter, ad, body) {
    const end = body.length - TAG;
    const cipher = createDecipheriv("chacha20-poly1305", key, nonce(counter),
        { authTagLength: TAG });
    cipher.setAAD(ad, { plaintextLength: end });
    cipher.setAuthTag(body.subarray(end));
    return join(cipher.update(body.subarray(0, end)), cipher.final());
}

// Raw keys of RFC 7748 and RFC 8032 in the wrapping of RFC 8410
const private8 = (oid, raw) => createPrivateKey({ format: "der",
    type: "pkcs8", key: join(Buffer.from(
        "302e020100300506032b65" + oid + "04220420", "hex"), raw) });
const public8 = (oid, raw) => createPublicKey({ format: "der", type: "spki",
    key: join(Buffer.from("302a300506032b65" + oid + "032100", "hex"), raw) });
const rawPublic = (oid, raw) => createPublicKey(private8(oid, raw))
    .export({ format: "der", type: "spki" }).subarray(-32);
const X25519 = "6e", ED25519 = "70";

export const x25519 = (own, peer) => diffieHellman({
    privateKey: private8(X25519, own), publicKey: public8(X25519, peer) });
export const x25519Public = (own) => rawPublic(X25519, own);
export const ed25519Public = (seed) => rawPublic(ED25519, seed);
export const ed25519Sign = (seed, message) =>
    sign(null, message, private8(ED25519, seed));
export const ed25519Verify = (key, message, signature) =>
    verify(null, message, public8(ED25519, key), signature);
export const random = randomBytes;
