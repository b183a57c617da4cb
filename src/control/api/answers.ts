/** How the API answers: JSON, and errors as `{"errors":[{"code","message","hint","where","line"}]}`. */
import { EdgeError, EdgeErrors, type EdgeErrorCode } from "../../errors.ts";

export function json(body: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
}

const STATUS_OF: Readonly<Partial<Record<EdgeErrorCode, number>>> = {
  USAGE: 400,
  NOT_FOUND: 404,
  CONTROL_FAILED: 409,
  INTERNAL: 500,
};

/** @param status By default what belongs to the first error's code; 422 for a configuration that cannot be used. */
export function errorResponse(
  all: readonly EdgeError[],
  status = STATUS_OF[all[0]?.code ?? "INTERNAL"] ?? 422,
): Response {
  const shown = all.map((error) => {
    const { code, message, hint, where } = error;
    return { code, message, hint, where, line: error.toLine() };
  });
  return json({ errors: shown }, status);
}

/** The answer to whatever a handler threw. */
export function failed(error: unknown): Response {
  if (error instanceof EdgeErrors) return errorResponse(error.errors);
  if (error instanceof EdgeError) return errorResponse([error]);
  const words = error instanceof Error ? error.message : String(error);
  return errorResponse([new EdgeError("INTERNAL", `Cannot answer: ${words}`)]);
}

export function notFound(message: string, hint?: string): Response {
  return errorResponse([new EdgeError("NOT_FOUND", message, { hint })]);
}

/** @param methods What the path does take. */
export function wrongMethod(methods: readonly string[]): Response {
  const allow = [...new Set(methods)].join(", ");
  const response = errorResponse([new EdgeError("USAGE", `Cannot do this: ${allow} wanted`)], 405);
  response.headers.set("allow", allow);
  return response;
}
