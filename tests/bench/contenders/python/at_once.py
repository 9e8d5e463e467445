"""`AsyncBatchProcessor`: the batch at once. Powertools' idempotency and boto3 know no asyncio, so each record has a thread,
which is what their documentation leaves to do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import work
from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response

processor = AsyncBatchProcessor(event_type=EventType.SQS)
threads = ThreadPoolExecutor(max_workers=work.CONNECTIONS)


async def carry(record):
    request = work.parse(record.body)
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: work.deliver(request=request))


def handler(event, context):
    work.config.register_lambda_context(context)
    return async_process_partial_response(event=event, record_handler=carry, processor=processor, context=context)
