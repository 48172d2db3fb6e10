// Runs the cases that every client is held to (clients/conformance/README.md) and prints a line of JSON for each.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import type { Transport } from "@connectrpc/connect";

import { connectTransport } from "../connect.js";
import { grpcJsTransport } from "../grpc_js.js";
import { Case, type CaseFile } from "./case.js";

const ways: Record<string, (address: string) => Transport> = {
  connect: (address) => connectTransport(`http://${address}`),
  "grpc-js": (address) => grpcJsTransport(address),
};

const { values, positionals } = parseArgs({
  options: { cases: { type: "string" }, run: { type: "string" } },
  allowPositionals: true,
});
const [way, ...servers] = positionals;
const open = ways[way ?? ""];
if (!values.cases || !values.run || !open) {
  throw new Error("Use: main.js connect|grpc-js --cases FILE --run ID NAME=HOST:PORT ...");
}
const transports = new Map<string, Transport>();
for (const given of servers) {
  const [name, address] = given.split("=", 2);
  transports.set(name!, open(address!));
}
const written = JSON.parse(readFileSync(values.cases, "utf8")) as CaseFile;
let all = true;
for (const [number, one] of written.cases.entries()) {
  const current = new Case(one, written.fixtures, transports, {
    id: `${values.run}-${number}`,
    in_an_hour: new Date(Date.now() + 3_600_000).toISOString(),
    four_mebibytes: "x".repeat(4 * 1024 * 1024),
  });
  if (current.possible()) {
    const began = performance.now();
    const detail = await current.run();
    all &&= detail === "";
    console.log(JSON.stringify({ case: one.name, ok: detail === "", ms: Math.round(performance.now() - began), detail }));
  }
}
process.exit(all ? 0 : 1);
