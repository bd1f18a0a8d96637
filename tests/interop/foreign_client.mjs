// SPDX-License-Identifier: ISC
// foreign_client.mjs BANK.ID: a customer whose program is not ours.  Each
// line of standard input is a JSON list, a command and its arguments; the
// answer is a line of JSON: {"ok": value} or {"no": why}.
//
//	register NAME PASSWORD    login NAME PASSWORD    balance
//	transfer PAYEE AMOUNT MEMO FORGED    rekey    goodbye
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { login, register } from "./bank_client.mjs";

const text = readFileSync(process.argv[2], "utf8");
const value = (key) => text.match(new RegExp(`^${key} = (.*)$`, "m"))[1];
const bank = { address: value("address"),
    identity: Buffer.from(value("identity"), "hex"),
    bankId: Buffer.from(value("bank-id"), "hex") };

let session;
const commands = {
    register: (name, password) => register(bank, name, password),
    async login(name, password) {
        session = await login(bank, name, password);
        return { customer: Number(session.customer), role: session.role,
            next_seq: Number(session.nextSeq), failed: session.failed,
            rekey_ms: session.rekeyMs };
    },
    balance: () => session.balance(),
    transfer: (payee, amount, memo, forged) =>
        session.transfer(payee, amount, memo, forged),
    rekey: () => session.rekey(),
    goodbye: () => session.goodbye(),
};

for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...words] = JSON.parse(line);
    let answer;
    try {
        answer = { ok: await commands[name](...words) ?? null };
    } catch (error) {
        answer = { no: error.message };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
process.exit(0);
