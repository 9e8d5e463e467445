"""The same work as a lane's, the way Powertools for AWS Lambda (Python) documents it: a batch processor, and each record's
function made idempotent with a DynamoDB table. https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/

No logger, no metrics, no tracer, though a lane logs a line a record and a line of metrics a batch.
"""

import json
import os

import boto3
import urllib3
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.config import Config

# The batch's ten records at once: boto3's own pool holds ten, urllib3's one.
CONNECTIONS = 10

URL = f"{os.environ['PROVIDER_BASE_URL']}/stripe/v1/customers"

# The secret is read once in five minutes, as a lane does.
SECRET_MAX_AGE_S = 300

secrets = parameters.SecretsProvider()
http = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, timeout=10)
config = IdempotencyConfig(event_key_jmespath="idempotency_key", expires_after_seconds=30 * 86400)
persistence = DynamoDBPersistenceLayer(
    table_name=os.environ["REQUESTS_TABLE"],
    boto3_client=boto3.client("dynamodb", config=Config(max_pool_connections=CONNECTIONS)),
)


def parse(body):
    """The request, looked at as far as the vendor's call needs it."""
    request = json.loads(body)
    payload = request["payload"]
    if request["operation"] != "customers.create" or not isinstance(payload["email"], str):
        raise ValueError("not a request that is known")
    return request


@idempotent_function(data_keyword_argument="request", config=config, persistence_store=persistence)
def deliver(request):
    name = f"causeway/{request['provider']}/{request['connection']}"
    secret = secrets.get(name, transform="json", max_age=SECRET_MAX_AGE_S)
    payload = request["payload"]
    fields = {"email": payload["email"], "name": payload["name"]}
    fields.update({f"metadata[{name}]": value for name, value in payload["metadata"].items()})
    answer = http.request(
        "POST",
        URL,
        fields=fields,
        encode_multipart=False,
        headers={
            "authorization": f"Bearer {secret['api_key']}",
            "stripe-version": "2026-10-28.endive",
            "idempotency-key": request["idempotency_key"],
        },
    )
    if answer.status != 200:
        raise RuntimeError(f"the vendor answered {answer.status}")
    return {"status": answer.status, "object_id": answer.json()["id"]}
