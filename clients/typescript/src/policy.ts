// What is tried again and for how long, as the contract's service config says it.
import { serviceConfig } from "./gen/service_config.js";

/** How long to wait before trying again, in milliseconds. */
export interface Backoff {
  readonly initial: number;
  readonly longest: number;
  readonly multiplier: number;
}

/** What holds for one call. */
export interface Policy {
  /** The deadline of a call whose caller gives none; absent for streams. */
  readonly timeoutMs?: number;
  /** Absent for calls that are tried once. */
  readonly retry?: { readonly attempts: number; readonly backoff: Backoff; readonly codes: ReadonlySet<string> };
}

interface MethodConfig {
  readonly name: readonly { readonly service: string; readonly method?: string }[];
  readonly timeout?: string;
  readonly retryPolicy?: {
    readonly maxAttempts: number;
    readonly initialBackoff: string;
    readonly maxBackoff: string;
    readonly backoffMultiplier: number;
    readonly retryableStatusCodes: readonly string[];
  };
}

const config = JSON.parse(serviceConfig) as {
  readonly methodConfig: readonly MethodConfig[];
  readonly retryThrottling: { readonly maxTokens: number; readonly tokenRatio: number };
};

const policies = new Map<string, Policy>();
for (const group of config.methodConfig) {
  for (const { service, method } of group.name) {
    policies.set(`${service}/${method ?? ""}`, policyOf(group));
  }
}

/** The policy of a call; an own one goes before that of its service. */
export function policyFor(service: string, method: string): Policy {
  return policies.get(`${service}/${method}`) ?? policies.get(`${service}/`) ?? {};
}

/** The waits of the calls that are tried again. */
export const defaultBackoff: Backoff = policyFor("wms.orders.v1.OrderService", "GetOrder").retry!.backoff;

/** The wait before another attempt, spread a little; the first to wait is number 1. */
export function waitBefore(backoff: Backoff, attempt: number): number {
  const wait = Math.min(backoff.longest, backoff.initial * backoff.multiplier ** (attempt - 1));
  return wait * (0.8 + 0.4 * Math.random());
}

/** Stops the retries while most calls fail, as gRPC's throttling does. */
export class Throttle {
  readonly #most = config.retryThrottling.maxTokens;
  #tokens = this.#most;

  succeeded(): void {
    this.#tokens = Math.min(this.#most, this.#tokens + config.retryThrottling.tokenRatio);
  }

  /** Count a failure; whether another attempt is allowed. */
  failed(): boolean {
    this.#tokens = Math.max(0, this.#tokens - 1);
    return this.#tokens > this.#most / 2;
  }
}

function policyOf(group: MethodConfig): Policy {
  const retry = group.retryPolicy;
  return {
    timeoutMs: group.timeout === undefined ? undefined : milliseconds(group.timeout),
    retry: retry && {
      attempts: retry.maxAttempts,
      backoff: {
        initial: milliseconds(retry.initialBackoff),
        longest: milliseconds(retry.maxBackoff),
        multiplier: retry.backoffMultiplier,
      },
      codes: new Set(retry.retryableStatusCodes),
    },
  };
}

function milliseconds(text: string): number {
  return Number(text.replace(/s$/, "")) * 1000;
}
