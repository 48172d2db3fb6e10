package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "benchmarks/gen/orders"
)

const (
	warehouse   = "WH-01"
	insertOrder = `INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, promised_delivery_at,
		allow_partial, shipping_address, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'received', $5, $6, $7, $8, $8)`
	insertLines = `INSERT INTO order_items (order_id, line_number, sku, quantity, price_currency, price_units, price_nanos)
		SELECT $1, number, sku, quantity, currency, units, nanos
		  FROM unnest($2::text[], $3::integer[], $4::text[], $5::bigint[], $6::integer[])
		       WITH ORDINALITY AS l (sku, quantity, currency, units, nanos, number)`
	insertEvent = `INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
		actor, correlation_id, wave_number, workflow_id, traceparent, payload)
		VALUES ($1, 1, 1, 'wms.order.received', $2, NULL, 'received', $3, 'anonymous', '', '', '', '', $4)`
)

var priorities = map[pb.OrderPriority]string{
	pb.OrderPriority_ORDER_PRIORITY_SAME_DAY: "same_day",
	pb.OrderPriority_ORDER_PRIORITY_NEXT_DAY: "next_day",
	pb.OrderPriority_ORDER_PRIORITY_STANDARD: "standard",
}

// orders serves CreateOrder; all other calls are unimplemented.
type orders struct {
	pb.UnimplementedOrderServiceServer
	pool *pgxpool.Pool
}

// CreateOrder creates an order.
func (o *orders) CreateOrder(ctx context.Context, request *pb.CreateOrderRequest) (*pb.CreateOrderResponse, error) {
	if err := check(request); err != nil {
		return nil, err
	}
	order := newOrder(request)
	if err := o.write(ctx, order); err != nil {
		return nil, toStatusError(err)
	}
	return &pb.CreateOrderResponse{Order: order}, nil
}

func (o *orders) write(ctx context.Context, order *pb.Order) error {
	now := order.CreatedAt.AsTime()
	var promised *time.Time
	if order.PromisedDeliveryAt != nil {
		at := order.PromisedDeliveryAt.AsTime()
		promised = &at
	}
	payload, address, err := encodeOrder(order, now)
	if err != nil {
		return err
	}
	columns := columnsOf(order.Items)
	batch := &pgx.Batch{}
	batch.Queue(insertOrder, order.OrderId, order.CustomerId, order.WarehouseId, priorities[order.Priority], promised,
		order.AllowPartial, address, now)
	batch.Queue(insertLines, order.OrderId, columns.skus, columns.quantities, columns.currencies, columns.units,
		columns.nanos)
	batch.Queue(insertEvent, order.OrderId, now, order.WarehouseId, payload)
	return o.pool.SendBatch(ctx, batch).Close()
}

// check validates the required fields of the contract by hand, which is cheaper than protovalidate.
func check(request *pb.CreateOrderRequest) error {
	address := request.ShippingAddress
	switch {
	case request.CustomerId == "" || len(request.CustomerId) > 256:
		return status.Error(codes.InvalidArgument, "customer_id")
	case priorities[request.Priority] == "":
		return status.Error(codes.InvalidArgument, "priority")
	case len(request.Items) == 0 || len(request.Items) > 500:
		return status.Error(codes.InvalidArgument, "items")
	case address == nil || address.Street == "" || address.City == "" || address.Country == "":
		return status.Error(codes.InvalidArgument, "shipping_address")
	}
	for _, item := range request.Items {
		if item.Sku == "" || item.Quantity < 1 || item.Quantity > 1_000_000 {
			return status.Error(codes.InvalidArgument, "items")
		}
	}
	return nil
}

func newOrder(request *pb.CreateOrderRequest) *pb.Order {
	now := timestamppb.Now()
	order := &pb.Order{
		OrderId:            request.OrderId,
		CustomerId:         request.CustomerId,
		WarehouseId:        request.WarehouseId,
		Priority:           request.Priority,
		Status:             pb.OrderStatus_ORDER_STATUS_RECEIVED,
		Items:              request.Items,
		ShippingAddress:    request.ShippingAddress,
		PromisedDeliveryAt: request.PromisedDeliveryAt,
		AllowPartial:       request.AllowPartial == nil || *request.AllowPartial,
		Etag:               `"1"`,
		CreatedAt:          now,
		UpdatedAt:          now,
	}
	if order.OrderId == "" {
		order.OrderId = "ORD-" + ulid.Make().String()
	}
	if order.WarehouseId == "" {
		order.WarehouseId = warehouse
	}
	for number, item := range order.Items {
		item.LineNumber = int32(number + 1)
	}
	return order
}

func toStatusError(err error) error {
	var databaseError *pgconn.PgError
	if errors.As(err, &databaseError) && databaseError.Code == "23505" {
		return status.Error(codes.AlreadyExists, "the order exists")
	}
	return status.Error(codes.Internal, err.Error())
}
