"""Holds objects against Kubernetes's own schemas, fields that do not exist included.

Standard input: JSON lines of {name, version, object}. Standard output: JSON lines of {name, error}, or {name, unknown}
for a kind of which there is no schema.
"""

import functools
import json
import sys

from kubernetes_validate import utils

# They would be read anew for each object.
utils.schema_contents = functools.cache(utils.schema_contents)
utils.all_versions = functools.cache(utils.all_versions)

for line in sys.stdin:
    case = json.loads(line)
    try:
        utils.validate(case["object"], case["version"], strict=True)
    except utils.SchemaNotFoundError:
        print(json.dumps({"name": case["name"], "unknown": case["object"]["kind"]}))
    except utils.ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        print(json.dumps({"name": case["name"], "error": f"{place}: {error.message}"}))
