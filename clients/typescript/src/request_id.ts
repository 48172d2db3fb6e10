import { randomUUID } from "node:crypto";

import { clone, create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";

/**
 * The request, or a copy with an id where it has a field for one that is empty. A copy, since the
 * caller may use the message again for another request.
 */
export function withRequestId<I extends DescMessage>(input: I, request: MessageInitShape<I>): MessageInitShape<I> {
  if (input.field.requestId === undefined || (request as { requestId?: string }).requestId) {
    return request;
  }
  const copy = clone(input, create(input, request));
  (copy as { requestId?: string }).requestId = randomUUID();
  return copy as MessageInitShape<I>;
}
