// Package wmsorders is the Go client of wms-orders: the generated services of
// package ordersv1 on a connection that does what every caller needs.
//
//	client, err := wmsorders.Dial("127.0.0.1:8001")
//	created, err := client.Orders.CreateOrder(ctx, &ordersv1.CreateOrderRequest{...})
//
// Calls are tried again and have deadlines as the contract's service config
// says, changing requests get a request id, and errors carry the reasons of the
// contract: see [Explain].
package wmsorders

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"repository.invalid/wms-orders/clients/go/ordersv1"
)

// An order of 500 lines and a batch of them are larger than the 4 MiB that gRPC takes by default.
const answerLimit = 64 << 20

// Client is a connection with the five services on it. It is safe for concurrent use.
type Client struct {
	Orders       ordersv1.OrderServiceClient
	Reprocessing ordersv1.ReprocessingServiceClient
	DeadLetters  ordersv1.DeadLetterQueueServiceClient
	Storage      ordersv1.StorageServiceClient
	Fulfillment  ordersv1.FulfillmentServiceClient

	connection *grpc.ClientConn
}

// Dial gives a client of the service at host:port. Nothing is sent before the
// first call. It speaks plain text unless options say otherwise
// ([grpc.WithTransportCredentials]); options go before ours.
func Dial(address string, options ...grpc.DialOption) (*Client, error) {
	ours := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(answerLimit)),
		grpc.WithChainUnaryInterceptor(withRequestID),
	}
	connection, err := grpc.NewClient(address, append(ours, options...)...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Orders:       ordersv1.NewOrderServiceClient(connection),
		Reprocessing: ordersv1.NewReprocessingServiceClient(connection),
		DeadLetters:  ordersv1.NewDeadLetterQueueServiceClient(connection),
		Storage:      ordersv1.NewStorageServiceClient(connection),
		Fulfillment:  ordersv1.NewFulfillmentServiceClient(connection),
		connection:   connection,
	}, nil
}

// Connection is what the services are on, for health checks and the like.
func (c *Client) Connection() *grpc.ClientConn { return c.connection }

// Close ends all calls.
func (c *Client) Close() error { return c.connection.Close() }
