"use strict";

// OpenAI's words in front of a language model's server: requests are checked by its schema of chat completions, lines
// of JSON become server-sent events, and errors take its shape.

const EVENTS_TYPE = "text/event-stream";
const LINES_TYPE = "application/jsonlines";
const JSON_TYPE = "application/json";
const DONE = "[DONE]";
const FAILED = "the model failed to answer";
const ROLES = ["assistant", "developer", "function", "system", "tool", "user"];
// What servers of models answer where the request is to blame; LMI says 424 to what it cannot read.
const CALLERS_FAULT = new Set([400, 404, 406, 413, 415, 422, 424]);

const within = (value, least, most) => value >= least && value <= most;
const whole = (least, most) => [
  (value) => Number.isInteger(value) && within(value, least, most),
  `a whole number from ${least} to ${most}`,
];
const number = (least, most) => [
  (value) => typeof value === "number" && within(value, least, most),
  `a number from ${least} to ${most}`,
];
const boolean = [(value) => typeof value === "boolean", "true or false"];
const text = [(value) => typeof value === "string", "text"];
const mapping = [(value) => typeof value === "object" && !Array.isArray(value), "an object"];
const list = [Array.isArray, "an array"];
const tokens = whole(1, 10_000_000);
const oneOf = (...kinds) => [
  (value) => kinds.some(([fits]) => fits(value)),
  kinds.map(([, words]) => words).join(" or "),
];
const texts = [
  (value) => Array.isArray(value) && value.length <= 16 && value.every((one) => typeof one === "string"),
  "an array of at most 16 texts",
];

// Keys that are not here are passed on: servers have some of their own, such as top_k.
const KEYS = {
  frequency_penalty: number(-2, 2),
  logit_bias: mapping,
  logprobs: boolean,
  max_completion_tokens: tokens,
  max_tokens: tokens,
  model: text,
  n: whole(1, 128),
  parallel_tool_calls: boolean,
  presence_penalty: number(-2, 2),
  response_format: mapping,
  seed: whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  stop: oneOf(text, texts),
  stream: boolean,
  stream_options: mapping,
  temperature: number(0, 2),
  tool_choice: oneOf(text, mapping),
  tools: list,
  top_logprobs: whole(0, 20),
  top_p: number(0, 1),
  user: text,
};

const NEEDS = { stream_options: "stream", top_logprobs: "logprobs" };

/** Return what is sent to the model and what comes back; throws what OpenAI would answer. */
exports.read = (bytes, endpoint) => {
  let asked;
  try {
    asked = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refusal("the body is no JSON");
  }
  if (asked === null || !mapping[0](asked)) throw refusal("the body is no JSON object");
  checkMessages(asked.messages);
  for (const [key, [fits, words]] of Object.entries(KEYS)) {
    const value = asked[key] ?? undefined; // OpenAI takes null for absent
    if (value !== undefined && !fits(value)) throw refusal(`'${key}' is not ${words}`, key);
  }
  for (const [key, needed] of Object.entries(NEEDS)) {
    if (asked[key] != null && asked[needed] !== true) throw refusal(`'${key}' needs '${needed}': true`, key);
  }
  if (asked.model === endpoint) delete asked.model; // the server has a name of its own for it
  const streams = asked.stream === true;
  return { body: Buffer.from(JSON.stringify(asked)), streams, accept: streams ? LINES_TYPE : JSON_TYPE };
};

function checkMessages(messages) {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw refusal("'messages' is not an array of messages", "messages");
  }
  messages.forEach((message, index) => {
    const where = `messages[${index}]`;
    if (message === null || !mapping[0](message)) throw refusal(`'${where}' is not an object`, where);
    if (!ROLES.includes(message.role)) {
      throw refusal(`'${where}.role' is not one of ${ROLES.join(", ")}`, `${where}.role`);
    }
    const { content } = message;
    const calls = message.role === "assistant" && (message.tool_calls != null || message.function_call != null);
    if (typeof content === "string" || (content == null && calls)) return;
    if (!Array.isArray(content) || content.length === 0 || !content.every(isPart)) {
      throw refusal(`'${where}.content' is neither text nor an array of parts`, `${where}.content`);
    }
  });
}

const isPart = (part) => part !== null && typeof part === "object" && typeof part.type === "string";

function refusal(message, param = null) {
  return Object.assign(new Error("refused"), { name: "InvalidRequest", failure: [400, "invalid_request", message], param });
}

const TYPES = { 404: "not_found_error", 429: "rate_limit_error" };

/** Return an error as OpenAI's clients read it. */
exports.errorBody = ([status, code, message], param = null) => {
  const type = TYPES[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
  return JSON.stringify({ error: { message, type, param, code } });
};

/** Return what the model said about the request: status, code and message; undefined where it said nothing. */
exports.refusedByModel = (error) => {
  if (error.name !== "ModelError" || !CALLERS_FAULT.has(error.OriginalStatusCode)) return undefined;
  const status = error.OriginalStatusCode === 424 ? 400 : error.OriginalStatusCode;
  const said = words(parsed(error.OriginalMessage)) ?? "the model refused the request";
  return [status, status === 404 ? "not_found" : "invalid_request", said];
};

function words(said) {
  const found = said?.error?.message ?? said?.error ?? said?.message;
  return typeof found === "string" ? found : undefined;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Makes server-sent events of lines of JSON, however they are cut into pieces; events stay as they are. */
exports.Events = class {
  static type = EVENTS_TYPE;

  constructor() {
    this.decoder = new TextDecoder();
    this.rest = "";
    this.done = false;
  }

  push(bytes) {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = lines.pop();
    return lines.map((line) => this.event(line)).join("");
  }

  end() {
    const last = this.event(this.rest + this.decoder.decode());
    return this.done ? last : `${last}data: ${DONE}\n\n`;
  }

  /** Return the last event of a stream that ends in an error: what was not whole is left out, and so is [DONE]. */
  broken(error) {
    return `data: ${error}\n\n`;
  }

  event(line) {
    const data = line.trim().replace(/^data:\s*/, "");
    const said = parsed(data);
    if (this.done || (said === undefined && data !== DONE)) return "";
    // LMI ends a stream that fails with a line of its own: {"code": 424, "message": "…"}.
    const failed = said?.choices === undefined && said?.code >= 400;
    this.done = failed || data === DONE || said?.error !== undefined;
    if (failed) return this.broken(exports.errorBody([500, "model_failed", words(said) ?? FAILED]));
    return `data: ${data}\n\n`;
  }
};
