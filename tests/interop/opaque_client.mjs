// SPDX-License-Identifier: ISC
// The client of OPAQUE-3DH as RFC 9807 has it, with ristretto255-SHA512 of
// @noble/curves, Argon2id of hash-wasm and the rest from Node.
import { expand, extract, hmac, join, random, sha512, u8 } from
    "./primitives.mjs";
import { load } from "./packages.mjs";

const { RistrettoPoint, hashToRistretto255, ed25519 } =
    await load("@noble/curves/ed25519");
const { expand_message_xmd } =
    await load("@noble/curves/abstract/hash-to-curve");
const { sha512: nobleSha512 } = await load("@noble/hashes/sha2");
const { argon2id } = (await load("hash-wasm")).default;

// ---- RFC 9497 -------------------------------------------------------------

const SUITE = join("OPRFV1-", u8(0), "-ristretto255-SHA512");
const ORDER = ed25519.CURVE.n;
const be16 = (value) => Buffer.from([value >> 8, value & 255]);
const sized = (data) => join(be16(Buffer.from(data).length), data);
const fromLittle = (bytes) =>
    BigInt("0x" + Buffer.from(bytes).reverse().toString("hex"));

function randomScalar() {
    for (;;) {
        const scalar = fromLittle(random(64)) % ORDER;
        if (scalar !== 0n)
            return scalar;
    }
}

function inverse(scalar) {
    let result = 1n, base = scalar;
    for (let e = ORDER - 2n; e > 0n; e >>= 1n) {
        if (e & 1n)
            result = result * base % ORDER;
        base = base * base % ORDER;
    }
    return result;
}

const point = (bytes) => RistrettoPoint.fromHex(Buffer.from(bytes));
const raw = (element) => Buffer.from(element.toRawBytes());
const times = (bytes, scalar) => raw(point(bytes).multiply(scalar));

const blindElement = (input, blind) => raw(hashToRistretto255(input,
    { DST: join("HashToGroup-", SUITE) }).multiply(blind));

const finalize = (input, blind, evaluated) => sha512(sized(input),
    sized(times(evaluated, inverse(blind))), "Finalize");

function deriveKeyPair(seed) {
    const input = join(seed, sized("OPAQUE-DeriveDiffieHellmanKeyPair"));
    const wide = expand_message_xmd(join(input, u8(0)),
        join("DeriveKeyPair", SUITE), 64, nobleSha512);
    const scalar = fromLittle(wide) % ORDER;
    return [scalar, raw(RistrettoPoint.BASE.multiply(scalar))];
}

// ---- RFC 9807 -------------------------------------------------------------

async function randomizedPassword(password, blind, evaluated) {
    const output = finalize(password, blind, evaluated);
    const stretched = await argon2id({ password: output,
        salt: Buffer.alloc(16), iterations: 3, memorySize: 65536,
        parallelism: 1, hashLength: 64, outputType: "binary" });
    return extract("", output, stretched);
}

// What an envelope's nonce gives: section 4.1.2 and 4.1.3.
function fromEnvelope(secret, nonce, serverKey, identities) {
    const [clientPrivate, clientPublic] = deriveKeyPair(
        expand(secret, join(nonce, "PrivateKey"), 32));
    const cleartext = join(serverKey, sized(identities.server),
        sized(identities.client));
    return { clientPrivate, clientPublic,
        exportKey: expand(secret, join(nonce, "ExportKey"), 64),
        tag: hmac(expand(secret, join(nonce, "AuthKey"), 64), nonce,
            cleartext) };
}

const maskingKey = (secret) => expand(secret, "MaskingKey", 64);

export class Registration {
    constructor(password) {
        this.password = password;
        this.blind = randomScalar();
        this.request = blindElement(password, this.blind);
    }

    async finish(evaluated, serverKey, identities) {
        const secret = await randomizedPassword(this.password, this.blind,
            evaluated);
        const nonce = random(32);
        const made = fromEnvelope(secret, nonce, serverKey, identities);
        return { exportKey: made.exportKey, record: join(made.clientPublic,
            maskingKey(secret), nonce, made.tag) };
    }
}

const label = (secret, name, context) => expand(secret, join(be16(64),
    u8(7 + name.length), "OPAQUE-" + name, u8(context.length), context), 64);

export class Login {
    constructor(password) {
        this.password = password;
        this.blind = randomScalar();
        this.secret = randomScalar();
        this.ke1 = join(blindElement(password, this.blind), random(32),
            raw(RistrettoPoint.BASE.multiply(this.secret)));
    }

    // identities: { client, server }; throws when anything does not hold.
    async finish(ke2, context, identities) {
        const response = ke2.subarray(0, 192);
        const serverShare = ke2.subarray(224, 256);
        const secret = await randomizedPassword(this.password, this.blind,
            response.subarray(0, 32));
        const pad = expand(maskingKey(secret), join(
            response.subarray(32, 64), "CredentialResponsePad"), 128);
        const masked = Buffer.from(response.subarray(64, 192));
        const clear = masked.map((byte, i) => byte ^ pad[i]);
        const serverKey = clear.subarray(0, 32);
        const opened = fromEnvelope(secret, clear.subarray(32, 64),
            serverKey, identities);
        if (!opened.tag.equals(clear.subarray(64)))
            throw new Error("wrong name or password");

        const prk = extract("", times(serverShare, this.secret),
            times(serverKey, this.secret),
            times(serverShare, opened.clientPrivate));
        const preamble = join("OPAQUEv1-", sized(context),
            sized(identities.client), this.ke1, sized(identities.server),
            ke2.subarray(0, 256));
        const hash = sha512(preamble);
        const handshake = label(prk, "HandshakeSecret", hash);
        const serverMac = hmac(label(handshake, "ServerMAC", ""), hash);
        if (!serverMac.equals(ke2.subarray(256)))
            throw new Error("the server's MAC does not verify");
        return { serverKey, exportKey: opened.exportKey,
            sessionKey: label(prk, "SessionKey", hash),
            ke3: hmac(label(handshake, "ClientMAC", ""),
                sha512(preamble, serverMac)) };
    }
}
