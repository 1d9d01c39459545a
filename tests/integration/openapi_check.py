#!/usr/bin/env python3
"""Checks the OpenAPI document that the API prints: openapi_check.py PROGRAM ARGUMENT...

PROGRAM ARGUMENT... prints it.  Structure by OpenAPI 3.1, schemas by the keywords of JSON Schema
2020-12: every reference resolves, operation ids and path templates are unique, path parameters are
declared exactly once, every schema says only what the dialect knows and in its types.  The checks are
tried on spoilt copies of the document first: each must be found.
"""
import copy
import json
import re
import subprocess
import sys

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
# keyword → what its value must be
KEYWORDS = {
    "$ref": str, "type": (str, list), "title": str, "description": str, "format": str,
    "enum": list, "const": object, "default": object, "readOnly": bool, "writeOnly": bool,
    "minimum": (int, float), "maximum": (int, float), "exclusiveMinimum": (int, float),
    "exclusiveMaximum": (int, float), "multipleOf": (int, float), "minLength": int, "maxLength": int,
    "pattern": str, "minItems": int, "maxItems": int, "uniqueItems": bool, "items": dict,
    "minProperties": int, "maxProperties": int, "properties": dict, "required": list,
    "additionalProperties": (bool, dict), "propertyNames": dict, "allOf": list, "anyOf": list,
    "oneOf": list, "not": dict, "contentEncoding": str, "contentMediaType": str,
}


class Checker:
    def __init__(self, document):
        self.document = document
        self.errors = []

    def fail(self, where, text):
        self.errors.append(f"{where}: {text}")

    def need(self, condition, where, text):
        if not condition:
            self.fail(where, text)
        return condition

    def resolve(self, ref, where):
        if not self.need(isinstance(ref, str) and ref.startswith("#/"), where, f"foreign $ref {ref}"):
            return None
        at = self.document
        for part in ref[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not self.need(isinstance(at, dict) and part in at, where, f"{ref} leads nowhere"):
                return None
            at = at[part]
        return at

    def schema(self, schema, where):
        if isinstance(schema, bool):
            return
        if not self.need(isinstance(schema, dict), where, "no schema"):
            return
        for key, value in schema.items():
            if key.startswith("x-"):
                continue
            if not self.need(key in KEYWORDS, where, f"'{key}' is no keyword of JSON Schema"):
                continue
            wanted = KEYWORDS[key]
            good = isinstance(value, wanted) and not (
                isinstance(value, bool) and wanted not in (bool, object)
                and not (isinstance(wanted, tuple) and bool in wanted))
            self.need(good, where, f"'{key}' has the wrong type")
        if "$ref" in schema:
            self.resolve(schema["$ref"], where)
        names = schema.get("type", [])
        for name in [names] if isinstance(names, str) else names:
            self.need(name in TYPES, where, f"no type is named '{name}'")
        if "enum" in schema:
            values = [json.dumps(v, sort_keys=True) for v in schema["enum"]]
            self.need(values and len(set(values)) == len(values), where, "enum is empty or repeats")
        for low, high in (("minimum", "maximum"), ("minLength", "maxLength"),
                          ("minItems", "maxItems")):
            if low in schema and high in schema:
                self.need(schema[low] <= schema[high], where, f"{low} is above {high}")
        if "pattern" in schema:
            try:
                re.compile(schema["pattern"])
            except re.error:
                self.fail(where, "pattern is no regular expression")
        properties = schema.get("properties", {})
        for name, inner in properties.items():
            self.schema(inner, f"{where}.{name}")
        required = schema.get("required", [])
        self.need(len(set(required)) == len(required), where, "required repeats")
        for name in required:
            self.need(name in properties, where, f"required '{name}' is no property")
        for key in ("items", "not", "propertyNames", "additionalProperties"):
            if key in schema:
                self.schema(schema[key], f"{where}.{key}")
        for key in ("allOf", "anyOf", "oneOf"):
            for i, inner in enumerate(schema.get(key, [])):
                self.schema(inner, f"{where}.{key}[{i}]")

    def content(self, content, where):
        for media, body in content.items():
            self.need("/" in media, where, f"'{media}' is no media type")
            if "schema" in body:
                self.schema(body["schema"], f"{where} {media}")

    def response(self, response, where):
        if "$ref" in response:
            response = self.resolve(response["$ref"], where) or {"description": ""}
        self.need(isinstance(response.get("description"), str), where, "no description")
        self.content(response.get("content", {}), where)

    def operation(self, path, method, operation, ids):
        where = f"{method.upper()} {path}"
        name = operation.get("operationId")
        if self.need(isinstance(name, str) and name, where, "no operationId"):
            self.need(name not in ids, where, f"operationId {name} is used twice")
            ids.add(name)
        declared, seen = set(), set()
        for parameter in operation.get("parameters", []):
            key = (parameter.get("in"), parameter.get("name"))
            self.need(key not in seen, where, f"parameter {key} is there twice")
            seen.add(key)
            self.need(parameter.get("in") in ("path", "query", "header", "cookie"), where,
                      "parameter lies nowhere")
            self.need("schema" in parameter or "content" in parameter, where,
                      f"parameter {key} has no schema")
            self.schema(parameter.get("schema", {}), f"{where} {key[1]}")
            if parameter.get("in") == "path":
                declared.add(parameter["name"])
                self.need(parameter.get("required") is True, where, "path parameter not required")
        wanted = set(re.findall(r"{([^}]+)}", path))
        self.need(declared == wanted, where, f"path parameters {declared}, in the path {wanted}")
        if "requestBody" in operation:
            self.need(operation["requestBody"].get("content"), where, "a body without content")
            self.content(operation["requestBody"].get("content", {}), where)
        responses = operation.get("responses")
        if self.need(isinstance(responses, dict) and responses, where, "no responses"):
            for status, response in responses.items():
                self.need(status == "default" or re.fullmatch(r"[1-5](\d\d|XX)", status), where,
                          f"'{status}' is no status")
                self.response(response, f"{where} {status}")
        for requirement in operation.get("security", []):
            self.security(requirement, where)

    def security(self, requirement, where):
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        for name in requirement:
            self.need(name in schemes, where, f"no security scheme is named '{name}'")

    def run(self):
        document = self.document
        self.need(re.fullmatch(r"3\.1\.\d+", str(document.get("openapi"))), "openapi", "not 3.1")
        for member in ("title", "version"):
            self.need(document.get("info", {}).get(member), "info", f"no {member}")
        ids, templates = set(), {}
        paths = document.get("paths", {})
        self.need(len(paths) > 30, "paths", "hardly any")
        for path, item in paths.items():
            self.need(path.startswith("/"), path, "a path begins with /")
            template = re.sub(r"{[^}]+}", "{}", path)
            self.need(template not in templates, path, f"the same as {templates.get(template)}")
            templates[template] = path
            self.need(item, path, "no operation")
            for method, operation in item.items():
                if self.need(method in METHODS, path, f"'{method}' is no method"):
                    self.operation(path, method, operation, ids)
        components = document.get("components", {})
        for name, schema in components.get("schemas", {}).items():
            self.need(re.fullmatch(r"[A-Za-z0-9._-]+", name), name, "an impossible name")
            self.schema(schema, name)
        for name, response in components.get("responses", {}).items():
            self.response(response, name)
        for requirement in document.get("security", []):
            self.security(requirement, "security")
        return self.errors


def spoilt(document):
    """(what, document) with one fault each."""
    def change(what, edit):
        other = copy.deepcopy(document)
        edit(other)
        return what, other
    def site(d):
        return d["paths"]["/api/v1/sites/{id}"]
    yield change("dangling $ref", lambda d: d["components"]["schemas"].pop("Site"))
    yield change("operationId twice",
                 lambda d: site(d)["get"].update(operationId=site(d)["put"]["operationId"]))
    yield change("undeclared path parameter", lambda d: site(d)["get"].update(parameters=[]))
    yield change("unknown keyword", lambda d: d["components"]["schemas"]["Site"].update(nullable=True))
    yield change("unknown type", lambda d: d["components"]["schemas"]["Site"].update(type="float"))
    yield change("required without property",
                 lambda d: d["components"]["schemas"]["Site"].update(required=["nothing"]))
    yield change("same template twice",
                 lambda d: d["paths"].update({"/api/v1/sites/{name}": site(d)}))
    yield change("no responses", lambda d: site(d)["get"].pop("responses"))
    yield change("unknown security scheme", lambda d: d.update(security=[{"cookie": []}]))
    yield change("an old version", lambda d: d.update(openapi="3.0.3"))


def main():
    text = subprocess.run(sys.argv[1:], check=True, capture_output=True).stdout
    document = json.loads(text, object_pairs_hook=unique)
    errors = Checker(document).run()
    for error in errors:
        print(error)
    missed = [what for what, other in spoilt(document) if not Checker(other).run()]
    for what in missed:
        print(f"the check does not find: {what}")
    print(f"{len(document['paths'])} paths, {len(document['components']['schemas'])} schemas, "
          f"{len(errors)} errors")
    return 1 if errors or missed else 0


def unique(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise SystemExit(f"a key is there twice in {names}")
    return dict(pairs)


if __name__ == "__main__":
    sys.exit(main())
