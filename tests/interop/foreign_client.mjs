// SPDX-License-Identifier: ISC
// foreign_client.mjs BANK.ID: a customer whose program is not ours.  Each
// line of standard input is a JSON list, a command and its arguments; the
// answer is a line of JSON: {"ok": value} or {"no": why}.
//
//	terminal CARD                 later log-ins are at this terminal
//	register NAME PASSWORD        login NAME PASSWORD
//	login                         as the terminal itself
//	transfer PAYEE AMOUNT MEMO FORGED        deposit PAYEE AMOUNT MEMO
//	balance                       rekey                    goodbye
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DEPOSIT, OPEN, TRANSFER, login, register } from "./bank_client.mjs";

function settings(path) {
    const text = readFileSync(path, "utf8");
    return (key) => text.match(new RegExp(`^${key} = (.*)$`, "m"))[1];
}

const hex = (text) => Buffer.from(text, "hex");
const id = settings(process.argv[2]);
const bank = { address: id("address"), identity: hex(id("identity")),
    bankId: hex(id("bank-id")) };

let session, terminal = OPEN;
const commands = {
    register: (name, password) => register(bank, name, password),
    terminal(path) {
        const card = settings(path);
        terminal = { number: Number(card("terminal")),
            epoch: Number(card("epoch")), psk: hex(card("psk")),
            name: card("name"), password: card("password") };
    },
    async login(name = terminal.name, password = terminal.password) {
        session = await login(bank, terminal, name, password);
        return { customer: Number(session.customer), role: session.role,
            next_seq: Number(session.nextSeq), failed: session.failed,
            rekey_ms: session.rekeyMs };
    },
    balance: () => session.balance(),
    transfer: (payee, amount, memo, forged) =>
        session.pay(TRANSFER, payee, amount, memo, forged),
    deposit: (payee, amount, memo) =>
        session.pay(DEPOSIT, payee, amount, memo, false),
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
