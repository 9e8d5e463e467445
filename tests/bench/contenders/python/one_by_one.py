"""`BatchProcessor`: one record after the other."""

import work
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

processor = BatchProcessor(event_type=EventType.SQS)


def carry(record):
    return work.deliver(request=work.parse(record.body))


def handler(event, context):
    work.config.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=carry, processor=processor, context=context)
