import { setTimeout as sleep } from "node:timers/promises";

import {
  createRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { BytesValueSchema, EmptySchema } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";

import { ordersClient } from "../client.js";
import { codeName, explain } from "../errors.js";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";
import { DeadLetterQueueService } from "../gen/wms/orders/v1/dead_letters_pb.js";
import { EventSchema } from "../gen/wms/orders/v1/event_pb.js";
import { FulfillmentService } from "../gen/wms/orders/v1/fulfillment_pb.js";
import { OrderService, WatchOrdersRequestSchema } from "../gen/wms/orders/v1/orders_pb.js";
import { ReprocessingService } from "../gen/wms/orders/v1/reprocessing_pb.js";
import { StorageService } from "../gen/wms/orders/v1/storage_pb.js";

/** One step; clients/conformance/README.md says what each key means. */
interface Step {
  readonly do?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly call?: string;
  readonly request?: JsonValue;
  readonly as?: string;
  readonly watch?: JsonValue;
  readonly take?: number;
  readonly pages?: { readonly of: string; readonly id: string; readonly count: number; readonly pages: number };
  readonly server?: string;
  readonly correlation?: string;
  readonly timeout?: number;
  readonly until?: boolean;
  readonly expect?: Readonly<Record<string, JsonValue>>;
  readonly save?: Readonly<Record<string, string>>;
  readonly error?: {
    readonly code: string;
    readonly reason?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly fields?: readonly string[];
  };
}

interface WrittenCase {
  readonly name: string;
  readonly server?: string;
  readonly steps: readonly Step[];
}

type Fixtures = Readonly<Record<string, { readonly steps: readonly Step[] }>>;

export interface CaseFile {
  readonly fixtures: Fixtures;
  readonly cases: readonly WrittenCase[];
}

/** A case did not go as written. */
class Mismatch extends Error {}

const services = [OrderService, ReprocessingService, DeadLetterQueueService, StorageService, FulfillmentService];
const registry = createRegistry(file_google_rpc_error_details);
const sentAs: Record<string, DescMessage> = {
  [BytesValueSchema.typeName]: BytesValueSchema,
  [EmptySchema.typeName]: EmptySchema,
};
const caseMs = 60_000;
const untilMs = 30_000;
const lookMs = 100;

/** One case, with what is known while it runs. */
export class Case {
  readonly #written: WrittenCase;
  readonly #fixtures: Fixtures;
  readonly #transports: ReadonlyMap<string, Transport>;
  readonly #known: Record<string, string>;

  constructor(
    written: WrittenCase,
    fixtures: Fixtures,
    transports: ReadonlyMap<string, Transport>,
    known: Record<string, string>,
  ) {
    this.#written = written;
    this.#fixtures = fixtures;
    this.#transports = transports;
    this.#known = known;
  }

  /** Whether all its servers are given. */
  possible(): boolean {
    return this.#written.steps.every((step) => this.#transports.has(this.#serverOf(step)));
  }

  /** Run it; what went wrong, empty when nothing did. */
  async run(): Promise<string> {
    // A case that hangs is one that fails.
    const hanging = new AbortController();
    const late = sleep(caseMs, `ended after ${caseMs} ms`, { signal: hanging.signal });
    const taken = this.#take(this.#written.steps).then(
      () => "",
      (error: unknown) => String(error instanceof Error ? error.message : error).slice(0, 500),
    );
    const detail = await Promise.race([taken, late]);
    hanging.abort();
    late.catch(() => undefined);
    return detail;
  }

  async #take(steps: readonly Step[]): Promise<void> {
    for (const raw of steps) {
      if (raw.do !== undefined) {
        Object.assign(this.#known, this.#filled(raw.with ?? {}));
        await this.#take(this.#fixtures[raw.do]!.steps);
        continue;
      }
      const ends = performance.now() + (raw.until ? untilMs : 0);
      for (;;) {
        try {
          await this.#step(this.#filled(raw) as Step);
          break;
        } catch (error) {
          if (performance.now() >= ends) {
            throw new Mismatch(`${raw.call ?? "watch"}: ${error instanceof Error ? error.message : String(error)}`);
          }
        }
        await sleep(lookMs);
      }
    }
  }

  /** Make one call, or the pages or the watch of one, and compare. */
  async #step(step: Step): Promise<void> {
    let answer: JsonValue;
    try {
      answer = await this.#answer(step);
    } catch (error) {
      if (error instanceof Mismatch) {
        throw error;
      }
      compareError(step, error);
      return;
    }
    if (step.error) {
      throw new Mismatch(`succeeded, instead of ${JSON.stringify(step.error)}`);
    }
    for (const [path, expected] of Object.entries(step.expect ?? {})) {
      const found = look(answer, path);
      if (!(expected === "*" ? found !== undefined && found !== "" : text(found) === text(expected))) {
        throw new Mismatch(`${path} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
      }
    }
    for (const [name, path] of Object.entries(step.save ?? {})) {
      this.#known[name] = text(look(answer, path));
    }
  }

  async #answer(step: Step): Promise<JsonValue> {
    const transport = this.#transports.get(this.#serverOf(step))!;
    if (step.watch !== undefined) {
      return watched(transport, step);
    }
    if (step.pages) {
      return paged(transport, step);
    }
    return called(transport, step, step.request ?? {});
  }

  #serverOf(step: Step): string {
    return step.server ?? this.#written.server ?? "main";
  }

  /** The same with `${names}` replaced. */
  #filled(value: unknown): unknown {
    if (typeof value === "string") {
      return value.replace(/\$\{(\w+)\}/g, (_, name: string) => this.#known[name] ?? "");
    }
    if (Array.isArray(value)) {
      return value.map((one) => this.#filled(one));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#filled(one)]));
    }
    return value;
  }
}

function headerOf(step: Step): Record<string, string> {
  return step.correlation ? { "x-wms-correlation-id": step.correlation } : {};
}

/** Make a call by its name; of a stream take the first message. */
async function called(transport: Transport, step: Step, content: JsonValue): Promise<JsonValue> {
  const [serviceName, methodName] = step.call!.split(".", 2);
  const service = services.find((one) => one.typeName === `wms.orders.v1.${serviceName}`)!;
  const known = service.methods.find((one) => one.name === methodName);
  const method = {
    ...(known ?? { ...OrderService.method.getOrder, name: methodName!, output: EmptySchema }),
    ...(step.as ? { input: sentAs[step.as]! } : {}),
  } as DescMethod;
  const request = fromJson(method.input, content, { registry });
  const timeout = step.timeout === undefined ? undefined : step.timeout * 1000;
  if (method.methodKind === "unary") {
    const unary = method as DescMethodUnary;
    const { message } = await transport.unary(unary, undefined, timeout, headerOf(step), request);
    return toJson(method.output, message, { registry });
  }
  const leaving = new AbortController();
  const streaming = method as DescMethodStreaming;
  const answers = await transport.stream(streaming, leaving.signal, timeout, headerOf(step), only(request));
  try {
    for await (const message of answers.message) {
      return toJson(method.output, message, { registry });
    }
  } finally {
    leaving.abort();
  }
  throw new Mismatch("the stream ended without a message");
}

async function* only<T>(one: T): AsyncGenerator<T> {
  yield one;
}

/** Follow the page tokens to the end; everything must come once. */
async function paged(transport: Transport, step: Step): Promise<JsonValue> {
  const wanted = step.pages!;
  const found: string[] = [];
  let pages = 0;
  let token = "";
  do {
    const content = { ...(step.request as JsonObject), ...(token ? { pageToken: token } : {}) };
    const answer = await called(transport, step, content);
    for (const one of (look(answer, wanted.of) ?? []) as JsonValue[]) {
      found.push(text(look(one, wanted.id)));
    }
    token = text(look(answer, "nextPageToken"));
    pages++;
  } while (token);
  const different = new Set(found).size;
  if (found.length !== wanted.count || different !== wanted.count || pages !== wanted.pages) {
    throw new Mismatch(`${found.length} on ${pages} pages, ${different} different`);
  }
  return {};
}

/** The first events of a watch. */
async function watched(transport: Transport, step: Step): Promise<JsonValue> {
  const request = fromJson(WatchOrdersRequestSchema, step.watch!);
  const events: JsonValue[] = [];
  for await (const event of ordersClient(transport).watchOrders(request, { headers: headerOf(step) })) {
    if (events.push(toJson(EventSchema, event)) === step.take) {
      break;
    }
  }
  return { events };
}

function compareError(step: Step, error: unknown): void {
  const failure = explain(error);
  const told = `${codeName(failure.code)} ${failure.reasonName}`.trim();
  const expected = step.error;
  if (!expected || told !== `${expected.code} ${expected.reason ?? ""}`.trim()) {
    throw new Mismatch(`${told}: ${failure.message}; expected ${JSON.stringify(expected ?? "no error")}`);
  }
  if ((failure.reason === 0) !== (failure.reasonName === "")) {
    throw new Mismatch(`${failure.reasonName} is no value of ErrorReason`);
  }
  for (const [name, value] of Object.entries(expected.metadata ?? {})) {
    const found = failure.metadata[name];
    if (!(value === "*" ? found : found === value)) {
      throw new Mismatch(`metadata ${name} is ${found}, not ${value}`);
    }
  }
  const fields = failure.violations.map((one) => one.field).sort();
  if (expected.fields && text(fields) !== text([...expected.fields].sort())) {
    throw new Mismatch(`faults ${text(fields)}, not ${text([...expected.fields])}`);
  }
}

/** What is at a path such as `orders.0.orderId`, `orders.#` for how many. */
function look(value: JsonValue | undefined, path: string): JsonValue | undefined {
  for (const part of path.split(".")) {
    if (part === "#") {
      value = Array.isArray(value) ? value.length : 0;
    } else if (Array.isArray(value)) {
      value = value[Number(part)];
    } else {
      value = typeof value === "object" && value !== null ? value[part] : undefined;
    }
  }
  return value;
}

function text(value: JsonValue | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
