package wmsorders

// Version is the version of this client and of the service that it was made with. `make generate` writes it.
const Version = "0.1.0"
