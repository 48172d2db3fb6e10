import { Code, ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { ErrorReason } from "./gen/wms/orders/v1/error_pb.js";

const domain = "wms.orders";

/** One fault of a request: the field by its path in the contract, such as `items[0].quantity`. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** What the service says of a call that failed. Act on `reason`; error.proto says what to do about each. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
  /**
   * UNSPECIFIED when the service has told none: the call did not reach it, ended by the client's own
   * deadline, or the reason is newer than this client (`reasonName` has it then).
   */
  readonly reason: ErrorReason;
  readonly reasonName: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  /** After how many milliseconds the service thinks another attempt worth while. */
  readonly retryAfterMs?: number;
}

/** Read what a call has thrown, whatever it is. */
export function explain(error: unknown): Failure {
  const told = ConnectError.from(error);
  const info = told.findDetails(ErrorInfoSchema).find((one) => one.domain === domain);
  const delay = told.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: told.code,
    message: told.rawMessage,
    reason: ErrorReason[(info?.reason ?? "") as keyof typeof ErrorReason] ?? ErrorReason.UNSPECIFIED,
    reasonName: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations: told
      .findDetails(BadRequestSchema)
      .flatMap((bad) => bad.fieldViolations.map(({ field, description }) => ({ field, description }))),
    retryAfterMs: delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
  };
}

/** The code as the contract writes it: NOT_FOUND. */
export function codeName(code: Code): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code]!.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}
