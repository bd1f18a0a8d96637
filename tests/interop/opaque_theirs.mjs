// SPDX-License-Identifier: ISC
// OPAQUE of somebody else, opaque-ke as @serenity-kit/opaque packs it, behind
// the line protocol of tests/interop/opaque_peer.c.
import { createInterface } from "node:readline";
import { load } from "./packages.mjs";

const { client, server, ready } = (await load("@serenity-kit/opaque")).default;
await ready;

const keyStretching = { "argon2id-custom":
    { memory: 65536, iterations: 3, parallelism: 1 } };
const text = (bytes) => bytes.toString("utf8");
const packed = (bytes) => bytes.toString("base64url");
const hex = (string) => Buffer.from(string, "base64url").toString("hex");
const identities = (client, server) => ({ identifiers: {
    client: client.length ? text(client) : undefined,
    server: server.length ? text(server) : undefined } });

let serverSetup, serverLoginState, clientRegistrationState, clientLoginState;

const commands = {
    setup() {
        serverSetup = server.createSetup();
        return [hex(server.getPublicKey(serverSetup))];
    },
    evaluate(id, request) {
        return [hex(server.createRegistrationResponse({ serverSetup,
            userIdentifier: text(id), registrationRequest: packed(request),
        }).registrationResponse)];
    },
    respond(id, client, bank, record, ke1) {
        const begun = server.startLogin({ serverSetup,
            userIdentifier: text(id), startLoginRequest: packed(ke1),
            registrationRecord: record.length ? packed(record) : null,
            ...identities(client, bank) });
        serverLoginState = begun.serverLoginState;
        return [hex(begun.loginResponse)];
    },
    verify(client, bank, ke3) {
        return [hex(server.finishLogin({ serverLoginState,
            finishLoginRequest: packed(ke3), ...identities(client, bank),
        }).sessionKey)];
    },
    register(password) {
        const begun = client.startRegistration({ password: text(password) });
        clientRegistrationState = begun.clientRegistrationState;
        return [hex(begun.registrationRequest)];
    },
    record(password, name, bank, response) {
        const done = client.finishRegistration({ password: text(password),
            clientRegistrationState, registrationResponse: packed(response),
            keyStretching, ...identities(name, bank) });
        return [hex(done.registrationRecord), hex(done.exportKey)];
    },
    login(password) {
        const begun = client.startLogin({ password: text(password) });
        clientLoginState = begun.clientLoginState;
        return [hex(begun.startLoginRequest)];
    },
    finish(password, name, bank, ke2) {
        const done = client.finishLogin({ password: text(password),
            clientLoginState, loginResponse: packed(ke2), keyStretching,
            ...identities(name, bank) });
        if (!done)
            throw new Error("refused");
        return [done.finishLoginRequest, done.sessionKey, done.exportKey,
            done.serverStaticPublicKey].map(hex);
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...words] = line.split(" ");
    try {
        const values = commands[name](...words.map(
            (word) => Buffer.from(word === "-" ? "" : word, "hex")));
        process.stdout.write(["ok", ...values].join(" ") + "\n");
    } catch (error) {
        const why = String(error).replaceAll("\n", " ");
        process.stdout.write(`no ${why}\n`);
    }
}
