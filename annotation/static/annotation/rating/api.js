/* Requests, and what their failures mean for what was to be saved. */

// Longer than any answer of a healthy server; then the request counts as lost and is repeated.
const TIMEOUT_MS = 15000;

export class ApiError extends Error {
  /* kind: "network" (repeat later), "signed_out" and "other_account" (sign in, then repeat) or
     "refused" (final). */
  constructor(kind, { status = 0, code = "", message = "", body = {} } = {}) {
    super(message || code || kind);
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

/* Whoever signs in after this page was loaded, its requests stay those of `account`: the server
   refuses them while somebody else is signed in. */
export function createApi(urls, csrfToken, account) {
  let token = csrfToken;

  async function send(name, body, keepalive) {
    let response;
    try {
      response = await fetch(urls[name], {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-CSRFToken": token,
          "X-Rating-Account": account,
        },
        body: JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        keepalive,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new ApiError("network");
    }
    return read(response);
  }

  async function read(response) {
    const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
    let body = {};
    if (isJson) {
      try {
        body = await response.json();
      } catch {
        throw new ApiError("network", { status: response.status });
      }
    }
    const told = { status: response.status, code: body.error, message: body.message, body };
    if (response.ok && isJson) {
      return body;
    }
    if (response.status === 401) {
      throw new ApiError(told.code === "other_account" ? "other_account" : "signed_out", told);
    }
    if (response.status === 403 && !isJson) {
      // Django refuses a stale token with a page.
      throw new ApiError("stale_token", told);
    }
    if (told.code === "skip_limit") {
      throw new ApiError("refused", told); // waiting an hour to skip helps nobody
    }
    if (response.status === 408 || response.status === 429 || response.status >= 500 || !isJson) {
      throw new ApiError("network", told);
    }
    throw new ApiError("refused", told);
  }

  async function renewToken() {
    let response;
    try {
      response = await fetch(urls.session, {
        headers: { Accept: "application/json", "X-Rating-Account": account },
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new ApiError("network");
    }
    token = (await read(response)).csrf;
  }

  return {
    async post(name, body, { keepalive = false } = {}) {
      try {
        return await send(name, body, keepalive);
      } catch (error) {
        if (error.kind !== "stale_token") {
          throw error;
        }
      }
      await renewToken();
      try {
        return await send(name, body, keepalive);
      } catch (error) {
        // Twice in a row: cookies are blocked. Nothing is lost, a reader can act on it.
        throw error.kind === "stale_token" ? new ApiError("signed_out") : error;
      }
    },
  };
}
