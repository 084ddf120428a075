"use strict";

// What Lambda's Node.js runtime is to a function that streams: it gets the event on stdin and the answer's pipe by its
// number. Framed as Lambda frames it for API Gateway: metadata as JSON, eight NUL bytes, then the body as it comes.

const fs = require("node:fs");
const path = require("node:path");
const { Writable } = require("node:stream");

const ANSWER = Number(process.argv[2]);
const DELIMITER = Buffer.alloc(8);

class ResponseStream extends Writable {
  prelude = Buffer.alloc(0);

  _write(chunk, _encoding, done) {
    const bytes = Buffer.concat([this.prelude, chunk]);
    this.prelude = Buffer.alloc(0);
    fs.write(ANSWER, bytes, (error) => done(error));
  }
}

globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from(stream, metadata) {
      stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(metadata)), DELIMITER]);
      return stream;
    },
  },
};

async function main() {
  const { event, context } = JSON.parse(fs.readFileSync(0, "utf8"));
  const [file, name] = process.env._HANDLER.split(".");
  const stream = new ResponseStream();
  const finished = new Promise((resolve, reject) => stream.on("finish", resolve).on("error", reject));
  await require(path.join(process.env.LAMBDA_TASK_ROOT, file))[name](event, stream, context);
  stream.end();
  await finished;
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
  },
);
