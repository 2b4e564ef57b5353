"""Azure Resource Manager in general: what holds for every resource type, written once.

Owns ids, the store, operations, body checks, errors and the one path that PUT, PATCH, GET, DELETE, lists and actions
take. Deliberately knows no resource type: those are small declarations in `azml_local.namespaces`.
"""
