package wmsorders

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// withRequestID stands above gRPC's own retries, so that all attempts of a call
// carry the same id. The caller's message is copied, since it may be used again
// for another request.
func withRequestID(ctx context.Context, method string, request, answer any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if message, ok := request.(proto.Message); ok {
		reflected := message.ProtoReflect()
		field := reflected.Descriptor().Fields().ByName("request_id")
		if field != nil && field.Kind() == protoreflect.StringKind && reflected.Get(field).String() == "" {
			copied := proto.Clone(message)
			copied.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
			request = copied
		}
	}
	return invoke(ctx, method, request, answer, connection, options...)
}
