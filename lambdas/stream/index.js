"use strict";

// Passes one HTTP request to a SageMaker endpoint and its answer back, piece by piece as the model sends it.
// Node.js, because of Lambda's managed runtimes it alone can stream (docs/decisions/0012).

const { once } = require("node:events");
const {
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient,
} = require("@aws-sdk/client-sagemaker-runtime");

const chat = process.env.SLIPWAY_STYLE === "chat" ? require("./chat") : undefined;

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/jsonlines";
const CONNECT_MILLISECONDS = 800;
const RETRY_SECONDS = "1";
const EXPOSED = "Retry-After, X-Invoked-Variant, X-Request-Id";
const TARGET_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
// Models of a multi-model endpoint are not asked for in streams.
const TARGETS = {
  component: (name) => ({ InferenceComponentName: `${process.env.SLIPWAY_ENDPOINT_NAME}-${name}` }),
  container: (name) => ({ TargetContainerHostname: name }),
};
// What a model says about a request goes to whoever sent it; what it says about itself does not.
const CALLERS_FAULT = new Set([400, 406, 413, 415, 422]);

const THROTTLED = [429, "throttled", "too many requests: wait and try again"];
const UNAVAILABLE = [503, "unavailable", "the endpoint is not ready to answer: wait and try again"];
const TIMEOUT = [504, "timeout", "the model did not answer in time"];
const MODEL_FAILED = [502, "model_failed", "the model failed to answer"];
const INTERNAL = [500, "internal", "the request could not be passed on"];
const BAD_TARGET = [400, "invalid_target", "the path's last part is no name: letters, digits, inner . _ -"];
const INVALID = [400, "invalid", "the request was refused as invalid"];

const FAILURES = {
  InternalDependencyException: MODEL_FAILED,
  InternalFailure: MODEL_FAILED,
  InternalStreamFailure: MODEL_FAILED,
  ModelNotReadyException: UNAVAILABLE,
  ModelStreamError: MODEL_FAILED,
  ServiceUnavailable: UNAVAILABLE,
  ServiceUnavailableException: UNAVAILABLE,
  ThrottledException: THROTTLED,
  ThrottlingException: THROTTLED,
  TimeoutError: TIMEOUT,
  TooManyRequestsException: THROTTLED,
};
// SageMaker's original status; 0 for a container that never answered.
const MODEL_FAILURES = { 0: TIMEOUT, 429: THROTTLED, 503: UNAVAILABLE, 504: TIMEOUT };

// One attempt: the caller has no time for a second, and decides better about it.
const client = new SageMakerRuntimeClient({
  maxAttempts: 1,
  requestHandler: { connectionTimeout: CONNECT_MILLISECONDS },
});

/** Answer one request of an API Gateway proxy integration whose response transfer mode is STREAM. */
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.httpMethod === undefined) {
    stream.end(); // not a request: API Gateway is said to call once more when a stream is complete
    return;
  }
  const started = Date.now();
  const requestId = event.requestContext?.requestId ?? context.awsRequestId;
  const headers = Object.fromEntries(
    Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const sink = new Sink(stream, { "X-Request-Id": requestId, ...readableBy(headers.origin) });
  let error;
  try {
    await passOn(event, headers, sink, requestId);
  } catch (raised) {
    error = raised;
    await sink.fail(raised, requestId);
  } finally {
    log(sink.status, error, { request_id: requestId, parts: sink.parts, milliseconds: Date.now() - started });
  }
  if (sink.broken) throw error; // so that Lambda and API Gateway end the answer as incomplete
  sink.end();
});

async function passOn(event, headers, sink, requestId) {
  const seconds = Number(process.env.SLIPWAY_READ_TIMEOUT_SECONDS);
  const deadline = new Deadline(seconds * 1000);
  try {
    const asked = request(event, headers);
    const sent = client.send(command(event, asked, requestId), { abortSignal: deadline.signal });
    const answer = await deadline.before(sent);
    if (asked.streams) sink.events = new chat.Events();
    sink.begin(200, answer.ContentType ?? JSON_TYPE, { "X-Invoked-Variant": answer.InvokedProductionVariant ?? "" });
    const events = answer.Body[Symbol.asyncIterator]();
    for (let next = await deadline.before(events.next()); !next.done; next = await deadline.before(events.next())) {
      if (next.value.PayloadPart !== undefined) await sink.write(next.value.PayloadPart.Bytes);
    }
  } finally {
    deadline.clear();
  }
}

/** Return what is asked of the model: the body as it came, or of a chat as its server reads it. */
function request(event, headers) {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (chat === undefined) return { body, accept: headers.accept, type: headers["content-type"], streams: false };
  return { ...chat.read(body, process.env.SLIPWAY_ENDPOINT_NAME), type: JSON_TYPE };
}

function command(event, asked, requestId) {
  return new InvokeEndpointWithResponseStreamCommand({
    EndpointName: process.env.SLIPWAY_ENDPOINT_NAME,
    Body: asked.body,
    ContentType: asked.type,
    Accept: asked.accept,
    InferenceId: requestId,
    ...target(event),
  });
}

/** Which container or component is asked, where the endpoint hosts several: the path's last part. */
function target(event) {
  const kind = process.env.SLIPWAY_TARGET;
  if (kind === undefined) return {};
  const name = event.pathParameters?.target ?? "";
  if (!TARGET_NAME.test(name)) throw Object.assign(new Error("no name"), { failure: BAD_TARGET });
  return TARGETS[kind](name);
}

/** Let scripts of the sites that may call read the answer; preflight requests are the gateway's own affair. */
function readableBy(origin) {
  const allowed = (process.env.SLIPWAY_ORIGINS ?? "").split(" ").filter(Boolean);
  if (allowed.length === 0) return {};
  const reader = allowed.includes("*") ? "*" : origin;
  if (!allowed.includes(reader)) return { Vary: "Origin" };
  return { "Access-Control-Allow-Origin": reader, "Access-Control-Expose-Headers": EXPOSED, Vary: "Origin" };
}

/** Gives up what takes too long, also between two pieces. */
class Deadline {
  constructor(milliseconds) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.expired = new Promise((_, reject) => {
      this.timer = setTimeout(() => {
        reject(Object.assign(new Error("the model did not finish in time"), { name: "TimeoutError" }));
        controller.abort();
      }, milliseconds);
    });
    this.expired.catch(() => {}); // whoever waits for it hears of it
  }

  before(promise) {
    return Promise.race([promise, this.expired]);
  }

  clear() {
    clearTimeout(this.timer);
  }
}

/** What the caller gets: a status and headers first, which cannot be taken back, then pieces. */
class Sink {
  constructor(stream, headers) {
    this.stream = stream;
    this.headers = headers;
    this.status = undefined;
    this.parts = 0;
    this.broken = false;
    this.events = undefined; // what makes server-sent events of the answer, where that is asked for
  }

  begin(status, given, headers) {
    const type = this.events === undefined ? given : chat.Events.type;
    this.status = status;
    this.type = type;
    this.stream = awslambda.HttpResponseStream.from(this.stream, {
      statusCode: status,
      headers: { "Content-Type": type, ...this.headers, ...headers },
    });
  }

  async write(bytes) {
    const piece = this.events === undefined ? bytes : this.events.push(bytes);
    if (piece === "") return;
    this.parts += 1;
    if (!this.stream.write(piece)) await once(this.stream, "drain");
  }

  async fail(error, requestId) {
    const said = this.status === undefined && chat === undefined ? modelsOwnWords(error) : undefined;
    const told = chat?.refusedByModel(error) ?? failure(error);
    const [status, code, message] = told;
    const ours = () => JSON.stringify({ error: { code, message }, request_id: requestId });
    const body = said ?? chat?.errorBody(told, error.param) ?? ours();
    if (this.status === undefined) {
      const retry = status === 429 || status === 503 ? { "Retry-After": RETRY_SECONDS } : {};
      this.begin(status, JSON_TYPE, said === undefined ? retry : {});
      await this.write(body);
      return;
    }
    this.broken = true;
    if (this.type === LINES_TYPE) await this.write(`${body}\n`);
    if (this.events !== undefined) this.stream.write(this.events.broken(body));
  }

  end() {
    if (this.events !== undefined) this.stream.write(this.events.end());
    if (this.parts === 0) this.stream.write(""); // the status goes out with the first piece
    this.stream.end();
  }
}

/** Return the body that the model wrote about the request, where it is JSON. */
function modelsOwnWords(error) {
  if (!CALLERS_FAULT.has(error.OriginalStatusCode)) return undefined;
  try {
    JSON.parse(error.OriginalMessage);
  } catch {
    return undefined;
  }
  return error.OriginalMessage;
}

function failure(error) {
  if (error.failure !== undefined) return error.failure;
  if (error.name === "ModelError") return modelFailure(error.OriginalStatusCode ?? 500);
  if (error.name === "ValidationError" || error.name === "ValidationException") return validationFailure(error);
  if (Object.hasOwn(FAILURES, error.name)) return FAILURES[error.name];
  if (["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(error.code)) return UNAVAILABLE;
  if (["ECONNRESET", "EPIPE"].includes(error.code)) return MODEL_FAILED;
  return { 429: THROTTLED, 503: UNAVAILABLE }[error.$metadata?.httpStatusCode] ?? INTERNAL;
}

function modelFailure(status) {
  if (CALLERS_FAULT.has(status)) return [status, "refused", "the model refused the request"];
  return MODEL_FAILURES[status] ?? MODEL_FAILED;
}

function validationFailure(error) {
  const said = String(error.message).toLowerCase();
  // An endpoint that is not there, or not in service, is no fault of the request.
  return /not found|inservice|in service/.test(said) ? UNAVAILABLE : INVALID;
}

/** Write one line of JSON about a request: never what it said, nor what was answered. */
function log(status, error, facts) {
  const level = error === undefined ? "INFO" : status === INTERNAL[0] ? "ERROR" : "WARNING";
  const line = { level, message: "streamed", status, ...facts };
  if (error !== undefined) {
    line.error = error.name;
    line.original_status = error.OriginalStatusCode;
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
