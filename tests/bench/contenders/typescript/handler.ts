// The same work as a lane's, the way Powertools for AWS Lambda (TypeScript) documents it: a batch processor, which runs
// the records at once, and each record's function made idempotent with a DynamoDB table.
// https://docs.aws.amazon.com/powertools/typescript/latest/features/idempotency/
//
// No logger, no metrics, no tracer, though a lane logs a line a record and a line of metrics a batch.

import http from 'node:http';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';

type Request = {
  provider: string;
  operation: string;
  connection: string;
  idempotency_key: string;
  payload: { email: string; name: string; metadata: Record<string, string> };
};
type Outcome = { status: number; object_id: string };

const URL_OF_CUSTOMERS = `${process.env.PROVIDER_BASE_URL}/stripe/v1/customers`;
// The secret is read once in five minutes, as a lane does.
const SECRET_MAX_AGE_S = 300;

const agent = new http.Agent({ keepAlive: true });
const processor = new BatchProcessor(EventType.SQS);
const config = new IdempotencyConfig({ eventKeyJmesPath: 'idempotency_key', expiresAfterSeconds: 30 * 86400 });
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.REQUESTS_TABLE ?? '' });

function parse(body: string): Request {
  const request = JSON.parse(body) as Request;
  if (request.operation !== 'customers.create' || typeof request.payload.email !== 'string') {
    throw new Error('not a request that is known');
  }
  return request;
}

function call(key: string, request: Request): Promise<Outcome> {
  const { email, name, metadata } = request.payload;
  const form = new URLSearchParams({ email, name });
  for (const [field, value] of Object.entries(metadata)) {
    form.append(`metadata[${field}]`, value);
  }
  const body = form.toString();
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      'stripe-version': '2026-10-28.endive',
      'idempotency-key': request.idempotency_key,
    };
    const sent = http.request(URL_OF_CUSTOMERS, { method: 'POST', agent, headers, timeout: 10_000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) {
          reject(new Error(`the vendor answered ${answer.statusCode}`));
          return;
        }
        resolve({ status: 200, object_id: JSON.parse(Buffer.concat(chunks).toString()).id });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('the vendor is too slow')));
    sent.on('error', reject);
    sent.end(body);
  });
}

const deliver = makeIdempotent(
  async (request: Request): Promise<Outcome> => {
    const name = `causeway/${request.provider}/${request.connection}`;
    const secret = (await getSecret(name, { transform: 'json', maxAge: SECRET_MAX_AGE_S })) as { api_key: string };
    return call(secret.api_key, request);
  },
  { persistenceStore, config },
);

export const handler = async (event: any, context: any) => {
  config.registerLambdaContext(context);
  return processPartialResponse(event, (record: any) => deliver(parse(record.body)), processor, { context });
};
