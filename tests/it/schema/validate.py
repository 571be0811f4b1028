"""Says `right`, or which documents a JSON Schema takes wrongly. Reads {"schema", "cases": [{"name", "value", "right"}]}."""

import json
import sys

import jsonschema

given = json.load(sys.stdin)
validator = jsonschema.validators.validator_for(given["schema"])
validator.check_schema(given["schema"])
validator = validator(given["schema"])
wrong = []
for case in given["cases"]:
    errors = [f"{'/'.join(map(str, error.path))}: {error.message[:300]}" for error in validator.iter_errors(case["value"])]
    if case["right"] and errors:
        wrong.append(f"{case['name']}: {errors[0]}")
    if not case["right"] and not errors:
        wrong.append(f"{case['name']}: nothing is said to be wrong")
print("\n".join(wrong) or "right")
