"""docs/openapi.json: the contract over HTTP, from the same protos that the server answers by."""
