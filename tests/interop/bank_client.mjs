// SPDX-License-Identifier: ISC
// A client of strongroom made from strongroom-protocol(7) alone, in another
// language and with other libraries: handshake, session, orders.  Every part
// is checked that the page tells to check.
import { connect } from "node:net";
import { ed25519Public, ed25519Sign, ed25519Verify, expand, extract, hmac256,
    join, open, random, seal, sha256, u16, u32, u64, u8, x25519, x25519Public }
    from "./primitives.mjs";
import { Initiator } from "./noise_initiator.mjs";
import { Login, Registration } from "./opaque_client.mjs";

const LABEL = "strongroom/1 ";
const HELLO = 1, M1 = 2, M2 = 3, M3 = 4, M4 = 5, M5 = 6, RECORD = 7;
const LENGTHS = { [HELLO]: 320, [M2]: 432, [M4]: 1296, [M5]: 336 };
const LOG_IN = 1, REGISTER = 2;
const ORDER_SUBMIT = 1, ORDER_ANSWER = 2, BALANCE_GET = 3, BALANCE = 4,
    DIRECTORY_GET = 7, DIRECTORY = 8, GOODBYE = 9, REKEY = 11;
export const TRANSFER = 1, DEPOSIT = 2;
export const OPEN = { number: 0, epoch: 0, psk: Buffer.alloc(32) };
const ORDER_LIFE_MS = 60000n;

function must(condition, what) {
    if (!condition)
        throw new Error(what);
}

const padded = (data, length) =>
    join(data, Buffer.alloc(length - Buffer.from(data).length));
// RFC 9162, 2.1.3.2: the root that the path leads to; no root, if to none.
function rootOf(leaf, index, size, path) {
    let hash = leaf, last = size - 1;
    for (let at = 0; at < path.length; at += 32) {
        const next = path.subarray(at, at + 32);
        if (last === 0)
            return Buffer.alloc(0);
        if (index % 2 === 1 || index === last) {
            hash = sha256(u8(1), next, hash);
            while (index % 2 === 0 && index !== 0) {
                index = Math.floor(index / 2);
                last = Math.floor(last / 2);
            }
        } else {
            hash = sha256(u8(1), hash, next);
        }
        index = Math.floor(index / 2);
        last = Math.floor(last / 2);
    }
    return last === 0 ? hash : Buffer.alloc(0);
}

const named = (name, room) => join(u8(Buffer.from(name).length),
    padded(name, room));

// Takes a message apart in order.
class Fields {
    constructor(data) {
        this.data = data;
        this.at = 0;
    }
    bytes(length) {
        must(this.at + length <= this.data.length, "a message is too short");
        this.at += length;
        return this.data.subarray(this.at - length, this.at);
    }
    u8() { return this.bytes(1).readUInt8(); }
    u16() { return this.bytes(2).readUInt16LE(); }
    u32() { return this.bytes(4).readUInt32LE(); }
    u64() { return this.bytes(8).readBigUInt64LE(); }
    i64() { return this.bytes(8).readBigInt64LE(); }
    variable() { return this.bytes(this.u16()); }
    zeros(length) {
        must(!this.bytes(length).some((byte) => byte), "not zero");
    }
    end() {
        must(this.at === this.data.length, "a message is too long");
    }
}

// ---- Frames ----------------------------------------------------------------

class Wire {
    static async to(address) {
        const colon = address.lastIndexOf(":");
        const wire = new Wire();
        wire.socket = connect({ host: address.slice(0, colon),
            port: Number(address.slice(colon + 1)) });
        wire.pieces = wire.socket[Symbol.asyncIterator]();
        wire.rest = Buffer.alloc(0);
        return wire;
    }

    // Exactly that many bytes; null at the end of the stream.
    async bytes(length) {
        while (this.rest.length < length) {
            const { value, done } = await this.pieces.next();
            if (done)
                return null;
            this.rest = join(this.rest, value);
        }
        const taken = this.rest.subarray(0, length);
        this.rest = this.rest.subarray(length);
        return taken;
    }

    header(type, length) {
        return join(u16(length), u8(type), u8(1));
    }

    send(type, body) {
        this.socket.write(join(this.header(type, body.length), body));
    }

    async receive(type) {
        const header = await this.bytes(4);
        must(header, "the bank has closed the connection");
        const length = header.readUInt16LE();
        must(header[2] === type && header[3] === 1, "another frame came");
        must(length === (LENGTHS[type] ?? length), "a frame's length");
        return { header, body: await this.bytes(length) };
    }

    async atEnd() {
        return await this.bytes(1) === null;
    }

    close() {
        this.socket.destroy();
    }
}

// ---- Handshake -------------------------------------------------------------

function readCertificate(data, bank) {
    const f = new Fields(data), c = {};
    must(f.bytes(8).toString() === "SRCERT01", "the certificate's magic");
    c.keyId = f.u32();
    c.epoch = f.u32();
    f.zeros(8);
    c.bankId = f.bytes(32);
    c.notAfter = f.u64();
    const keys = data.subarray(64, 192);
    c.noise = f.bytes(32);
    c.opaque = f.bytes(32);
    c.log = f.bytes(32);
    c.attestation = f.bytes(32);
    must(c.keyId === sha256(LABEL + "key id", keys).readUInt32LE(),
        "the certificate's key id");
    must(c.bankId.equals(sha256(bank.identity)) &&
        c.bankId.equals(bank.bankId), "the certificate is of another bank");
    must(ed25519Verify(bank.identity, join(LABEL + "certificate",
        data.subarray(0, 192)), f.bytes(64)),
        "the certificate is not signed by the pinned identity");
    must(c.notAfter > BigInt(Date.now()), "the certificate has expired");
    f.end();
    return c;
}

function readHello(hello, bank) {
    const f = new Fields(hello);
    must(f.bytes(8).toString() === "SRHELLO1", "the HELLO's magic");
    const keyId = f.u32();
    f.zeros(4);
    f.bytes(32);
    f.zeros(16);
    const certificate = readCertificate(f.bytes(256), bank);
    must(keyId === certificate.keyId, "the HELLO's key id");
    f.end();
    return certificate;
}

function readAttestation(data, certificate, name, salt) {
    const f = new Fields(data), a = {};
    must(f.bytes(8).toString() === "SRATTST1", "the attestation's magic");
    must(f.bytes(32).equals(certificate.bankId), "another bank's attestation");
    a.customer = f.u64();
    must(f.bytes(32).equals(sha256(salt, name)), "another name's attestation");
    a.signingKey = f.bytes(32);
    a.messageKey = f.bytes(32);
    a.epoch = f.u32();
    must(f.u32() === certificate.keyId, "attested under another certificate");
    f.bytes(32);
    f.zeros(8);
    must(ed25519Verify(certificate.attestation, join(LABEL + "attestation",
        data.subarray(0, 192)), f.bytes(64)), "the attestation's signature");
    f.end();
    return a;
}

function keysOf(seed, epoch) {
    const signing = expand(seed, join(LABEL + "ed25519", u32(epoch)), 32);
    const message = expand(seed, join(LABEL + "x25519", u32(epoch)), 32);
    return { signing, signingKey: ed25519Public(signing),
        messageKey: x25519Public(message) };
}

const wrapKey = (exportKey) => expand(exportKey, LABEL + "wrap", 32);

// HELLO and M1 to M2, at a terminal; what both handshakes share.
async function greet(bank, at, operation, name, rest) {
    const wire = await Wire.to(bank.address);
    const hello = (await wire.receive(HELLO)).body;
    const certificate = readHello(hello, bank);
    const terminal = join(u32(at.number), u32(at.epoch));
    const noise = new Initiator(join(LABEL + "prologue", hello, terminal),
        certificate.noise, at.psk);
    wire.send(M1, join(terminal, noise.write(padded(join(u8(operation), u8(0),
        u8(0), named(name, 32), rest), 256))));
    const context = join(LABEL + "opaque", noise.h);
    const f = new Fields(noise.read((await wire.receive(M2)).body));
    const status = f.u8();
    f.zeros(3);
    f.u32();
    must(status === 0, `the bank refuses: ${status}`);
    const ke2 = f.bytes(320), evaluated = f.bytes(32);
    f.zeros(24);
    f.end();
    const [k1, k2] = noise.split();
    return { at, wire, certificate, context, ke2, evaluated, k1, k2,
        h: noise.h,
        identities: { client: Buffer.from(name), server: bank.bankId } };
}

export async function register(bank, name, password) {
    const start = new Registration(Buffer.from(password));
    const hs = await greet(bank, OPEN, REGISTER, name,
        join(start.request, Buffer.alloc(32), named("Foreign", 64)));
    const { record, exportKey } = await start.finish(hs.evaluated,
        hs.certificate.opaque, hs.identities);
    const seed = random(32), keys = keysOf(seed, 1);
    const proof = ed25519Sign(keys.signing, join(LABEL + "possession",
        u8(REGISTER), hs.h, bank.bankId, named(name, 32), keys.signingKey,
        keys.messageKey, record));
    hs.wire.send(M3, seal(hs.k1, 0, hs.h, padded(join(Buffer.alloc(64), record,
        seal(wrapKey(exportKey), 0, join(name, bank.bankId), seed),
        keys.signingKey, keys.messageKey, proof), 512)));
    const m5 = (await hs.wire.receive(M5)).body;
    const f = new Fields(open(hs.k2, 0, hs.h, m5));
    const status = f.u8();
    must(status === 0, `the bank does not register: ${status}`);
    f.zeros(7);
    const salt = f.bytes(32);
    const attested = readAttestation(f.bytes(256), hs.certificate, name, salt);
    f.zeros(24);
    f.end();
    must(attested.signingKey.equals(keys.signingKey) &&
        attested.messageKey.equals(keys.messageKey) && attested.epoch === 1,
        "other keys were attested");
    must(await hs.wire.atEnd(), "the bank does not close after M5");
    hs.wire.close();
    return { customer: Number(attested.customer) };
}

export async function login(bank, at, name, password) {
    const start = new Login(Buffer.from(password));
    const hs = await greet(bank, at, LOG_IN, name,
        join(start.ke1, Buffer.alloc(48)));
    try {
        const done = await start.finish(hs.ke2, hs.context, hs.identities);
        must(done.serverKey.equals(hs.certificate.opaque),
            "the bank's OPAQUE key is not the certificate's");
        hs.wire.send(M3, seal(hs.k1, 0, hs.h, padded(done.ke3, 512)));
        const session = new Session(bank, hs, name,
            extract(hs.h, hs.k1, hs.k2, done.sessionKey));
        await session.begin(done.exportKey);
        return session;
    } catch (error) {
        hs.wire.close();
        throw error;
    }
}

// ---- Session ---------------------------------------------------------------

export class Session {
    constructor(bank, hs, name, prk) {
        Object.assign(this, { bank, name, at: hs.at, wire: hs.wire,
            certificate: hs.certificate, request: 0, generation: 0,
            waiting: [] });
        this.chain = expand(prk, LABEL + "chain", 64);
        this.id = expand(prk, LABEL + "sid", 16);
        this.derive();
    }

    derive() {
        this.sendKey = expand(this.chain, LABEL + "c2s", 32);
        this.receiveKey = expand(this.chain, LABEL + "s2c", 32);
        this.sent = this.received = 0;
    }

    async plain(type) {
        const { header, body } = await this.wire.receive(type);
        must(body.length % 256 === 16, "a record's length");
        return open(this.receiveKey, this.received++, header, body);
    }

    async begin(exportKey) {
        const f = new Fields(await this.plain(M4));
        this.heard = Date.now();
        const status = f.u8();
        must(status === 0, `no session: ${status}`);
        this.role = f.u8();
        this.unit = f.u16();
        must(f.u32() === this.at.number, "M4's terminal");
        must(f.bytes(16).equals(this.id), "M4's session id");
        this.customer = f.u64();
        this.account = f.u64();
        this.till = f.u64();
        this.nextSeq = f.u64();
        this.lastHash = f.bytes(32);
        const seed = open(wrapKey(exportKey), 0,
            join(this.name, this.bank.bankId), f.bytes(48));
        f.bytes(48);
        const salt = f.bytes(32);
        const attested = readAttestation(f.bytes(256), this.certificate,
            this.name, salt);
        this.failed = f.u32();
        this.idleMs = f.u32();
        this.absoluteMs = f.u32();
        this.rekeyMs = f.u32();
        f.u64();
        f.u64();
        this.serverTime = f.u64();
        this.checkpoint(f.u16(), f.bytes(640));
        f.zeros(126);
        f.end();
        this.keys = keysOf(seed, attested.epoch);
        must(attested.customer === this.customer &&
            attested.signingKey.equals(this.keys.signingKey) &&
            attested.messageKey.equals(this.keys.messageKey),
            "the attested keys are not those of the seed");
        must(this.account === 0n || this.account === this.customer * 65536n,
            "the account's number");
    }

    // A signed note under the certificate's log key; gives the tree's size.
    checkpoint(length, room) {
        const note = room.subarray(0, length).toString();
        const [text, ...lines] = note.split("\n\n");
        const [origin, size] = text.split("\n");
        must(origin === `strongroom/${this.bank.bankId.toString("hex")}/` +
            this.certificate.epoch, "the checkpoint's origin");
        const [dash, name, blob] = lines[0].split("\n")[0].split(" ");
        const bytes = Buffer.from(blob, "base64");
        must(dash === "\u2014" && name === origin && bytes.subarray(0, 4)
            .equals(sha256(origin, "\n", u8(1), this.certificate.log)
            .subarray(0, 4)), "the checkpoint's signature line");
        must(ed25519Verify(this.certificate.log, Buffer.from(text + "\n"),
            bytes.subarray(4)), "the checkpoint's signature");
        return Number(size);
    }

    send(number, body) {
        const plain = join(u16(body.length), u8(number), u8(0), body);
        const room = Math.ceil(plain.length / 256) * 256;
        const header = this.wire.header(RECORD, room + 16);
        this.wire.send(RECORD, seal(this.sendKey, this.sent++, header,
            padded(plain, room)));
    }

    // The next message of the bank, which must have this number.
    async receive(number) {
        while (this.waiting.length === 0) {
            const f = new Fields(await this.plain(RECORD));
            while (f.at + 4 <= f.data.length) {
                const length = f.u16(), type = f.u8();
                f.zeros(1);
                if (type === 0)
                    break;
                this.waiting.push({ type, body: f.bytes(length) });
            }
            f.zeros(f.data.length - f.at);
        }
        const { type, body } = this.waiting.shift();
        must(type === number, `the bank sent message ${type}`);
        return new Fields(body);
    }

    async ask(number, body, answer) {
        const request = ++this.request;
        this.send(number, join(u32(request), body));
        const f = await this.receive(answer);
        must(f.u32() === request, "an answer to another request");
        return f;
    }

    async balance() {
        const f = await this.ask(BALANCE_GET, u64(0), BALANCE);
        const error = f.u16();
        must(error === 0, `no balance: ${error}`);
        must(f.u64() === (this.account || this.till),
            "another account's balance");
        f.bytes(2);
        const posted = f.i64();
        f.bytes(48);
        f.end();
        return Number(posted);
    }

    async find(name) {
        const f = await this.ask(DIRECTORY_GET, join(
            u64(0), u16(name.length), name), DIRECTORY);
        const error = f.u16();
        must(error === 0, `no such name: ${error}`);
        const customer = f.u64();
        f.u8();
        const salt = f.bytes(32);
        must(f.variable().equals(Buffer.from(name)), "another name");
        f.variable();
        const attested = readAttestation(f.variable(), this.certificate, name,
            salt);
        f.end();
        must(attested.customer === customer, "another customer is attested");
        return customer;
    }

    order(fields) {
        return join("SRORDER1", u8(fields.kind), u8(0), u16(this.unit),
            u32(this.at.number), u64(this.customer), u64(this.nextSeq),
            u64(fields.debit), u64(fields.credit), u64(fields.amount),
            u64(this.serverTime + BigInt(Date.now() - this.heard) +
                ORDER_LIFE_MS), this.id, this.lastHash, u64(0), random(16),
            sha256(fields.memo), this.bank.bankId, u64(0));
    }

    // A transfer or a deposit; forged: another key signs.
    async pay(kind, payee, amount, memo, forged) {
        const credit = await this.find(payee) * 65536n;
        const debit = kind === DEPOSIT ? this.till : this.account;
        const order = this.order({ kind, debit, credit, amount, memo });
        must(order.length === 208, "an order's length");
        const signature = ed25519Sign(forged ? random(32) : this.keys.signing,
            order);
        const f = await this.ask(ORDER_SUBMIT, join(order, signature,
            u16(Buffer.from(memo).length), memo), ORDER_ANSWER);
        const answer = { error: f.u16(), outcome: f.u16(),
            leaf: Number(f.u64()) };
        const time = f.u64();
        f.u64();
        const account = f.u64();
        answer.balance = Number(f.i64());
        const salt = f.bytes(32);
        const nextSeq = f.u64(), lastHash = f.bytes(32);
        const note = f.variable();
        const segment = f.u32(), sealedHash = f.bytes(32), path = f.variable();
        f.end();
        if (answer.error !== 0)
            return answer;
        must(account === debit, "the balance is of another account");
        must(nextSeq === this.nextSeq + 1n && lastHash.equals(sha256(order)),
            "the order's place among the signer's");
        const size = this.checkpoint(note.length, note);
        must(size > answer.leaf, "the checkpoint does not cover the leaf");
        const committed = join(u8(3), order, signature,
            u16(Buffer.from(memo).length), memo, u16(answer.outcome),
            u64(time));
        const leaf = sha256(u8(0), u8(1), u64(answer.leaf), u64(time), u8(1),
            u32(segment), sealedHash, hmac256(salt, committed));
        must(rootOf(leaf, answer.leaf, size, path).equals(
            Buffer.from(note.toString().split("\n")[2], "base64")),
            "the bank does not prove that the order is in its log");
        this.nextSeq = nextSeq;
        this.lastHash = lastHash;
        return answer;
    }

    async rekey() {
        const own = random(32), ownPublic = x25519Public(own);
        this.send(REKEY, ownPublic);
        const f = await this.receive(REKEY);
        const theirs = f.bytes(32);
        f.end();
        must(this.waiting.length === 0, "the bank's half is not alone");
        this.generation++;
        this.chain = extract(this.chain, x25519(own, theirs), ownPublic,
            theirs, u32(this.generation));
        this.derive();
        return this.generation;
    }

    async goodbye() {
        this.send(GOODBYE, Buffer.alloc(0));
        (await this.receive(GOODBYE)).end();
        must(await this.wire.atEnd(), "the bank does not close");
        this.wire.close();
    }
}
