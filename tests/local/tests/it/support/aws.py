"""`aws <service> <operation> --parameter value …` by the SDK that the SAM CLI brings along.

The documents use the AWS CLI in few places; it is not among the pinned tools, and its parameters are the API's own.
"""

import json
import re
import sys

import botocore.session


def value_of(text, shape):
    if text.startswith("file://"):
        with open(text.removeprefix("file://"), encoding="utf-8") as file:
            text = file.read()
    if shape.type_name in ("structure", "map", "list"):
        return json.loads(text)
    return int(text) if shape.type_name == "integer" else text


def main():
    service, operation, *options = sys.argv[1:]
    client = botocore.session.get_session().create_client(service)
    method = operation.replace("-", "_")
    name = client.meta.method_to_api_mapping[method]
    members = client.meta.service_model.operation_model(name).input_shape.members
    by_option = {"--" + re.sub(r"(?<!^)(?=[A-Z])", "-", member).lower(): member for member in members}
    parameters = {}
    for option, text in zip(options[::2], options[1::2], strict=True):
        member = by_option[option]
        parameters[member] = value_of(text, members[member])
    answer = getattr(client, method)(**parameters)
    answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, indent=4, default=str))


main()
