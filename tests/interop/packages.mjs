// SPDX-License-Identifier: ISC
// Packages of other people, from where mk/interop has put them.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const resolve = createRequire(
    process.env.BUILD + "/interop/package.json").resolve;

export const load = (name) => import(pathToFileURL(resolve(name)).href);
