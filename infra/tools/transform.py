"""Prints a template as CloudFormation sees it: loops unrolled, the SAM transform done. JSON on standard output.

    transform.py TEMPLATE [PARAMETER=VALUE ...]

Runs in the virtual environment of the SAM CLI, whose own transforms it uses.
"""

import json
import os
import sys

from boto3.session import Session
from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

REGION = "us-east-1"


class NoManagedPolicies:
    """The project names no managed policy; the real loader would ask AWS for them."""

    def load(self):
        return {}


def transformed(path, parameters):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    uses_sam = "AWS::Serverless-2016-10-31" in template.get("Transform", [])
    known = {
        name: parameter["Default"]
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }
    known.update(parameters)
    values = dict(IntrinsicsSymbolTable.DEFAULT_PSEUDO_PARAM_VALUES)
    values.update({"AWS::Region": REGION}, **known)
    expanded = expand_language_extensions(template, parameter_values=values, enabled=True).expanded_template
    if not uses_sam:
        return expanded
    validator = SamTemplateValidator(
        expanded, NoManagedPolicies(), region=REGION, parameter_overrides=known, language_extensions_enabled=True
    )
    return yaml_parse(validator.get_translated_template_if_valid())


def main():
    # The translator asks for a session; nothing is ever called.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    Session(region_name=REGION)
    path, *settings = sys.argv[1:]
    parameters = dict(setting.split("=", 1) for setting in settings)
    json.dump(transformed(path, parameters), sys.stdout, default=str)


if __name__ == "__main__":
    main()
