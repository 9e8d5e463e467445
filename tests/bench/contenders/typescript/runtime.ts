// Lambda's loop, as small as it can be: next, handle, answer. AWS's own client for Node (aws-lambda-ric) is a native module
// that needs a C++ toolchain with CMake; this one does less, which favours the contender.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import http from 'node:http';
import { handler } from './handler';

const [host, port] = (process.env.AWS_LAMBDA_RUNTIME_API ?? '').split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method: string, path: string, body?: string): Promise<{ headers: http.IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { host, port, method, path: `/2018-06-01/runtime/invocation/${path}`, agent, headers };
    const sent = http.request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function run() {
  for (;;) {
    const next = await call('GET', 'next');
    const awsRequestId = String(next.headers['lambda-runtime-aws-request-id']);
    const deadline = Number(next.headers['lambda-runtime-deadline-ms']);
    const context = {
      awsRequestId,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      const answer = await handler(JSON.parse(next.body), context);
      await call('POST', `${awsRequestId}/response`, JSON.stringify(answer));
    } catch (error) {
      await call('POST', `${awsRequestId}/error`, JSON.stringify({ errorMessage: String(error), errorType: 'Error' }));
    }
  }
}

run().catch((error) => {
  console.error(error);
  process.exit(1);
});
